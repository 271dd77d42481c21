// One TCP connection of an export: a handshake, then every message as segments whose numbers follow
// on each other, so that Wireshark reassembles them and finds nothing amiss.

import type { Address } from '#kernel/host';
import { TCP_FLAG, tcpPacket } from './ip-packet.ts';

/** A packet carries no more than this; a message may take several. */
const MOST_PER_SEGMENT = 32_768;

/** Maximum segment size 65495, then a window scaled by 2^14: nothing is ever too much at once. */
const SYN_OPTIONS = Uint8Array.of(2, 4, 0xff, 0xd7, 3, 3, 14, 1);
const NOTHING = new Uint8Array(0);

interface End {
  readonly address: Address;
  /** Of the next octet it sends. */
  sequence: number;
}

export class TcpConversation {
  readonly #client: End;
  readonly #server: End;
  #packets = 0;

  /** Initial sequence numbers differ between connections, and are the same in every export. */
  constructor(client: Address, server: Address, ordinal: number) {
    this.#client = { address: client, sequence: (ordinal * 1_000_003 + 1) >>> 0 };
    this.#server = { address: server, sequence: (ordinal * 7_000_003 + 500_001) >>> 0 };
  }

  /** SYN, SYN and ACK, ACK. */
  open(): Buffer[] {
    const client = this.#client;
    const server = this.#server;
    const syn = this.#packet(client, server, TCP_FLAG.syn, NOTHING, SYN_OPTIONS);
    client.sequence++;
    const answer = this.#packet(server, client, TCP_FLAG.syn | TCP_FLAG.ack, NOTHING, SYN_OPTIONS);
    server.sequence++;
    return [syn, answer, this.#packet(client, server, TCP_FLAG.ack, NOTHING)];
  }

  /** The segments that carry `payload`, from the client or from the server. */
  carry(fromClient: boolean, payload: Uint8Array): Buffer[] {
    const [from, to] = fromClient ? [this.#client, this.#server] : [this.#server, this.#client];
    const packets: Buffer[] = [];
    for (let at = 0; at < payload.length; at += MOST_PER_SEGMENT) {
      const part = payload.subarray(at, at + MOST_PER_SEGMENT);
      packets.push(this.#packet(from, to, TCP_FLAG.psh | TCP_FLAG.ack, part));
      from.sequence = (from.sequence + part.length) >>> 0;
    }
    return packets;
  }

  #packet(from: End, to: End, flags: number, payload: Uint8Array, options?: Uint8Array): Buffer {
    const fields = {
      sequence: from.sequence,
      acknowledgment: flags & TCP_FLAG.ack ? to.sequence : 0,
      flags,
      ...(options === undefined ? {} : { options }),
    };
    return tcpPacket(from.address, to.address, fields, payload, ++this.#packets);
  }
}
