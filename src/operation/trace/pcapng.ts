// Events as a pcapng file that Wireshark opens with every protocol dissected. The packet comment
// tells what the packet itself cannot: the real socket or link, and what was decided and why.

import type { Address } from '#kernel/host';
import { addressText } from '#kernel/recorder';
import type { DecisionEvent, MessageEvent, TraceEvent } from '#kernel/trace';
import { AddressPlan, type Ends } from './address-plan.ts';
import { addressOctets, udpPacket } from './ip-packet.ts';
import {
  enhancedPacket,
  interfaceDescription,
  nameResolution,
  sectionHeader,
} from './pcapng-blocks.ts';
import { storiesOf } from './stories.ts';
import { TcpConversation } from './tcp-conversation.ts';

/** Diameter's servers listen, whoever speaks first in what was kept of the trace. */
const SERVERS = /^(hss|pcrf|ocs|cdf)/;

/** Connections kept; beyond, all begin anew with a handshake. */
const CONVERSATIONS = 50_000;

interface Conversation {
  readonly tcp: TcpConversation;
  readonly client: string;
}

/** The whole file. Decisions stand with the message they were taken on. */
export function pcapngOf(events: Iterable<TraceEvent>): Buffer {
  const list = Array.from(events);
  const comments = decisionsByMessage(list);
  const writer = new PcapngWriter();
  const blocks: Buffer[] = [];
  for (const event of list) {
    if (event.kind === 'message') blocks.push(writer.message(event, comments.get(event) ?? []));
  }
  return Buffer.concat([writer.header, ...blocks]);
}

/**
 * Writes a file as events come. A message is written when the next one comes, so that the decisions
 * between them can stand in its comment; `end` writes the last.
 */
export class PcapngStream {
  readonly #writer = new PcapngWriter();
  readonly #write: (octets: Buffer) => void;
  #message: MessageEvent | undefined;
  #decisions: DecisionEvent[] = [];

  constructor(write: (octets: Buffer) => void) {
    this.#write = write;
    write(this.#writer.header);
  }

  add(event: TraceEvent): void {
    if (event.kind === 'decision') {
      this.#decisions.push(event);
      return;
    }
    this.end();
    this.#message = event;
  }

  end(): void {
    const message = this.#message;
    if (message === undefined) return;
    this.#write(this.#writer.message(message, this.#decisions));
    this.#message = undefined;
    this.#decisions = [];
  }
}

class PcapngWriter {
  readonly header = sectionHeader('Carillon');
  readonly #plan = new AddressPlan();
  readonly #interfaces = new Map<string, number>();
  readonly #named = new Set<string>();
  readonly #conversations = new Map<string, Conversation>();
  #datagrams = 0;
  #connected = 0;

  message(event: MessageEvent, decisions: readonly DecisionEvent[]): Buffer {
    const blocks: Buffer[] = [];
    const ends = this.#plan.endsOf(event);
    const number = this.#interface(event.point, blocks);
    if (event.protocol !== 'rtp') {
      this.#name(ends.source.host, event.from, blocks);
      this.#name(ends.destination.host, event.to, blocks);
    }
    const comments = [crossingComment(event), ...decisions.map(decisionComment)];
    const packets = this.#packets(event, ends);
    for (const [at, packet] of packets.entries()) {
      const isMessage = at === packets.length - 1; // the last packet completes the message
      blocks.push(enhancedPacket(number, event.time, packet, isMessage ? comments : []));
    }
    return Buffer.concat(blocks);
  }

  #packets(event: MessageEvent, ends: Ends): Buffer[] {
    const payload = event.message.masked();
    if (event.link === 'udp') {
      return [udpPacket(ends.source, ends.destination, payload, ++this.#datagrams)];
    }
    const pair = [ends.source.host, ends.destination.host].sort().join(' ');
    const key = `${event.protocol} ${pair}`;
    let conversation = this.#conversations.get(key);
    const opening: Buffer[] = [];
    if (conversation === undefined) {
      if (this.#conversations.size >= CONVERSATIONS) this.#conversations.clear();
      conversation = this.#connect(event, ends);
      this.#conversations.set(key, conversation);
      opening.push(...conversation.tcp.open());
    }
    const fromClient = conversation.client === ends.source.host;
    return [...opening, ...conversation.tcp.carry(fromClient, payload)];
  }

  #connect(event: MessageEvent, ends: Ends): Conversation {
    const isReversed = event.protocol === 'diameter' && SERVERS.test(event.from);
    const server = isReversed ? ends.source : ends.destination;
    const ordinal = this.#connected++;
    const client: Address = {
      host: isReversed ? ends.destination.host : ends.source.host,
      port: this.#plan.clientPort(ordinal),
    };
    return { tcp: new TcpConversation(client, server, ordinal + 1), client: client.host };
  }

  /** One interface per reference point: a filter on `frame.interface_name` shows it alone. */
  #interface(point: string, blocks: Buffer[]): number {
    const known = this.#interfaces.get(point);
    if (known !== undefined) return known;
    const number = this.#interfaces.size;
    this.#interfaces.set(point, number);
    blocks.push(interfaceDescription(point, `Reference point ${point}`));
    return number;
  }

  #name(host: string, name: string, blocks: Buffer[]): void {
    if (this.#named.has(host)) return;
    this.#named.add(host);
    blocks.push(nameResolution(addressOctets(host), name));
  }
}

function crossingComment(event: MessageEvent): string {
  const { sequence, point, link, from, to, source, destination, lost } = event;
  const real = `${addressText(source)} to ${addressText(destination)}`;
  const how = link === 'local' ? 'link inside the process' : `${link} ${real}`;
  const fate = lost === undefined ? '' : `; never arrived: ${lost}`;
  return `#${sequence} ${point}: ${from} to ${to}, ${how}${fate}`;
}

export function decisionComment(event: DecisionEvent): string {
  const { at, decision, chose, because, clause } = event;
  return `${at} ${decision}: ${chose}, because ${because}${clause === undefined ? '' : ` (${clause})`}`;
}

/**
 * A decision belongs to the last message of its story that its instance received or sent; one taken
 * before any goes with the first.
 */
function decisionsByMessage(events: readonly TraceEvent[]): Map<MessageEvent, DecisionEvent[]> {
  const found = new Map<MessageEvent, DecisionEvent[]>();
  for (const story of storiesOf(events)) {
    const lastAt = new Map<string, MessageEvent>();
    let waiting: DecisionEvent[] = [];
    for (const event of story.events) {
      if (event.kind === 'message') {
        lastAt.set(event.from, event).set(event.to, event);
        if (waiting.length > 0) found.set(event, waiting);
        waiting = [];
        continue;
      }
      const message = lastAt.get(event.at);
      if (message === undefined) waiting.push(event);
      else found.set(message, [...(found.get(message) ?? []), event]);
    }
  }
  return found;
}
