// SIP over UDP: one socket, and a link per peer address that it has heard or spoken to.

import type { Address, DatagramSocket } from '#kernel/host';
import type { SipMessage } from '../message.ts';
import { normalise } from '../normalise.ts';
import { parseMessage } from '../parse.ts';
import { hostPort, Link, type LinkOwner, type LinkSettings } from './link.ts';
import { bindingResponse, isStun } from './stun.ts';

/** One bound socket and its peers. */
export class DatagramTransport {
  readonly socket: DatagramSocket;
  readonly settings: LinkSettings;
  readonly #owner: LinkOwner;
  readonly #links = new Map<string, DatagramLink>();
  readonly #maxPeers: number;

  private constructor(
    owner: LinkOwner,
    settings: LinkSettings,
    socket: DatagramSocket,
    maxPeers: number,
  ) {
    this.#owner = owner;
    this.settings = settings;
    this.socket = socket;
    this.#maxPeers = maxPeers;
  }

  static async bind(
    owner: LinkOwner,
    local: Address,
    settings: (local: Address) => LinkSettings,
    maxPeers: number,
  ): Promise<DatagramTransport> {
    // Nothing can arrive before the await below is over and `transport` is set.
    let transport: DatagramTransport | undefined;
    const socket = await owner.host.network.bindDatagram(local, (datagram, from) =>
      transport?.receive(datagram, from),
    );
    transport = new DatagramTransport(owner, settings(socket.local), socket, maxPeers);
    return transport;
  }

  receive(datagram: Uint8Array, from: Address): void {
    if (isKeepAlive(datagram)) return;
    if (isStun(datagram)) {
      const answer = bindingResponse(datagram, from);
      if (answer !== undefined) this.socket.send(answer, from);
      return;
    }
    this.link(from).datagram(datagram);
  }

  /** The link to a peer; made when it is new. */
  link(remote: Address): DatagramLink {
    const key = hostPort(remote);
    const known = this.#links.get(key);
    if (known !== undefined) return known;
    if (this.#links.size >= this.#maxPeers) {
      for (const oldest of this.#links.keys()) {
        this.#links.delete(oldest); // who holds it can go on using it
        break;
      }
    }
    const link = new DatagramLink(this.#owner, this.settings, this.socket, remote, key);
    this.#links.set(key, link);
    return link;
  }

  get links(): Iterable<DatagramLink> {
    return this.#links.values();
  }

  close(reason: string): void {
    for (const link of this.#links.values()) link.close(reason);
    this.#links.clear();
    this.socket.close();
  }
}

export class DatagramLink extends Link {
  readonly protocol = 'udp';
  readonly remote: Address;
  readonly id: string;
  readonly #socket: DatagramSocket;

  constructor(
    owner: LinkOwner,
    settings: LinkSettings,
    socket: DatagramSocket,
    remote: Address,
    key: string,
  ) {
    super(owner, settings);
    this.#socket = socket;
    this.remote = { host: remote.host, port: remote.port };
    this.id = `udp|${hostPort(socket.local)}|${key}`;
  }

  get local(): Address {
    return this.#socket.local;
  }

  datagram(octets: Uint8Array): void {
    let message: SipMessage;
    try {
      message = parseMessage(octets);
      this.arrived(message);
      if (this.hostile) message = normalise(message);
    } catch (cause) {
      this.owner.unreadable(cause, this);
      return;
    }
    this.owner.received(message, this);
  }

  protected transmit(message: SipMessage): void {
    this.#socket.send(message.encode(), this.remote);
  }

  close(reason: string): void {
    this.ended(reason);
  }
}

/** A NAT keep-alive without an answer: line ends or zeros, too short to be a message. */
function isKeepAlive(datagram: Uint8Array): boolean {
  if (datagram.length > 8) return false;
  return datagram.every(octet => octet === 0x0d || octet === 0x0a || octet === 0x00);
}
