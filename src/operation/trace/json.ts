// Events as JSON: one line each in files and in the API's stream, and back again in whoever reads
// them. Secrets are masked on the way out; what comes back can be shown and exported like the
// original, and holds nothing that was masked.

import type { Address, LinkProtocol } from '#kernel/host';
import type { DecisionEvent, Keys, MessageEvent, Traced, TraceEvent } from '#kernel/trace';

export interface MessageJson {
  readonly kind: 'message';
  readonly sequence: number;
  /** ISO 8601 with microseconds, UTC. */
  readonly time: string;
  readonly from: string;
  readonly to: string;
  readonly point: string;
  readonly protocol: MessageEvent['protocol'];
  readonly link: LinkProtocol;
  readonly source: Address;
  readonly destination: Address;
  readonly summary: string;
  readonly keys: Keys;
  /** The message where it is text in UTF-8; else `octets`, in base64. */
  readonly text?: string;
  readonly octets?: string;
  /** Field by field, where the protocol is not text. */
  readonly lines?: readonly string[];
  readonly lost?: string;
}

export interface DecisionJson {
  readonly kind: 'decision';
  readonly sequence: number;
  readonly time: string;
  readonly at: string;
  readonly decision: string;
  readonly chose: string;
  readonly because: string;
  readonly clause?: string;
  readonly keys: Keys;
}

export type EventJson = MessageJson | DecisionJson;

export function eventToJson(event: TraceEvent): EventJson {
  return event.kind === 'message' ? messageToJson(event) : decisionToJson(event);
}

/** The reader's side of `eventToJson`. */
export function eventFromJson(json: EventJson): TraceEvent {
  const time = instantOf(json.time);
  if (json.kind === 'decision') return { ...json, time };
  const { summary, keys, text, octets, lines, ...rest } = json;
  const encoded = text === undefined ? Buffer.from(octets ?? '', 'base64') : Buffer.from(text);
  return { ...rest, time, message: new ReadMessage(summary, keys, encoded, lines) };
}

/** One event as a line of its own, without the newline. */
export const jsonLine = (event: TraceEvent): string => JSON.stringify(eventToJson(event));

function messageToJson(event: MessageEvent): MessageJson {
  const { sequence, from, to, point, protocol, link, source, destination, message, lost } = event;
  const lines = message.dissect?.();
  return {
    kind: 'message',
    sequence,
    time: timeText(event.time),
    from,
    to,
    point,
    protocol,
    link,
    source,
    destination,
    summary: message.summary(),
    keys: message.keys(),
    ...payload(message.masked()),
    ...(lines === undefined || lines.length === 0 ? {} : { lines }),
    ...(lost === undefined ? {} : { lost }),
  };
}

function decisionToJson(event: DecisionEvent): DecisionJson {
  const { sequence, at, decision, chose, because, clause, keys } = event;
  return {
    kind: 'decision',
    sequence,
    time: timeText(event.time),
    at,
    decision,
    chose,
    because,
    ...(clause === undefined ? {} : { clause }),
    keys,
  };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function payload(octets: Uint8Array): { text: string } | { octets: string } {
  try {
    return { text: utf8.decode(octets) };
  } catch {
    return { octets: Buffer.from(octets).toString('base64') };
  }
}

/** '2026-01-01T00:00:00.000125Z' */
export function timeText(time: number): string {
  const micros = Math.round(time * 1000);
  const millis = Math.floor(micros / 1000);
  const rest = String(micros - millis * 1000).padStart(3, '0');
  return `${new Date(millis).toISOString().slice(0, -1)}${rest}Z`;
}

export function instantOf(text: string): number {
  const match = /^(.*\.\d{3})(\d{3})Z$/.exec(text);
  return match === null ? Date.parse(text) : Date.parse(`${match[1]}Z`) + Number(match[2]) / 1000;
}

/** A message as it came back: already masked. */
class ReadMessage implements Traced {
  readonly #summary: string;
  readonly #keys: Keys;
  readonly #octets: Uint8Array;
  readonly #lines: readonly string[] | undefined;

  constructor(
    summary: string,
    keys: Keys,
    octets: Uint8Array,
    lines: readonly string[] | undefined,
  ) {
    this.#summary = summary;
    this.#keys = keys;
    this.#octets = octets;
    this.#lines = lines;
  }

  summary(): string {
    return this.#summary;
  }

  encode(): Uint8Array {
    return this.#octets;
  }

  masked(): Uint8Array {
    return this.#octets;
  }

  keys(): Keys {
    return this.#keys;
  }

  dissect(): readonly string[] {
    return this.#lines ?? [];
  }
}
