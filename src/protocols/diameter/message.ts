// A Diameter message: header and AVPs, immutable. What was received is kept as received, its AVPs
// are found when asked for and read by their definitions. RFC 6733 §3

import type { Keys, Traced } from '#kernel/trace';
import type { Avp } from './avp.ts';
import type { AvpDefinition } from './definition.ts';
import { describe, keysOf } from './describe.ts';
import { FLAG, type Header } from './header.ts';
import { maskSecrets } from './mask.ts';
import { written } from './writer.ts';

export class DiameterMessage implements Traced, Header {
  readonly flags: number;
  /** Command code. */
  readonly code: number;
  readonly application: number;
  readonly hopByHop: number;
  readonly endToEnd: number;
  /** In order; values are read when asked for. */
  readonly avps: readonly Avp[];
  /** The whole message as received, or as written once. */
  #octets: Buffer | undefined;

  /** A message to be sent. */
  constructor(header: Header, avps: readonly Avp[], octets?: Buffer) {
    this.flags = header.flags;
    this.code = header.code;
    this.application = header.application;
    this.hopByHop = header.hopByHop;
    this.endToEnd = header.endToEnd;
    this.avps = avps;
    this.#octets = octets;
  }

  get isRequest(): boolean {
    return (this.flags & FLAG.request) !== 0;
  }

  /** The first AVP of the definition. Throws a DiameterError where its value is not of the type. */
  get<T>(definition: AvpDefinition<T, never>): T | undefined {
    for (const avp of this.avps) if (avp.is(definition)) return avp.as(definition);
    return undefined;
  }

  /** Every AVP of the definition. */
  all<T>(definition: AvpDefinition<T, never>): readonly T[] {
    return this.avps.filter(avp => avp.is(definition)).map(avp => avp.as(definition));
  }

  /** Another header around the same AVPs. */
  with(header: Partial<Header>): DiameterMessage {
    const changed: Header = {
      flags: header.flags ?? this.flags,
      code: header.code ?? this.code,
      application: header.application ?? this.application,
      hopByHop: header.hopByHop ?? this.hopByHop,
      endToEnd: header.endToEnd ?? this.endToEnd,
    };
    return new DiameterMessage(changed, this.avps);
  }

  /** With more AVPs behind those it has. */
  and(more: readonly Avp[]): DiameterMessage {
    return more.length === 0 ? this : new DiameterMessage(this, [...this.avps, ...more]);
  }

  summary(): string {
    return describe(this);
  }

  /** Octets that nobody may write to; the same every time. */
  encode(): Buffer {
    this.#octets ??= written(to => {
      const start = to.at;
      to.u32(0);
      to.u8u24(this.flags, this.code);
      to.u32(this.application);
      to.u32(this.hopByHop);
      to.u32(this.endToEnd);
      for (const avp of this.avps) avp.writeTo(to);
      to.octets.writeUInt32BE(0x0100_0000 + (to.at - start), start);
    });
    return this.#octets;
  }

  masked(): Buffer {
    return maskSecrets(this.encode());
  }

  keys(): Keys {
    return keysOf(this);
  }
}
