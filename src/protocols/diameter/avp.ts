// One AVP: as received and parsed when asked, or as made and written when asked. RFC 6733 §4.1

import type { AnyAvp, AvpDefinition } from './definition.ts';
import { type Writer, written } from './writer.ts';

/** AVP flags. §4.1 */
export const VENDOR_SPECIFIC = 0x80;
export const MANDATORY = 0x40;

/** The longest AVP that its 24 bits of length can tell. */
export const MAX_AVP_LENGTH = 0xffffff;

interface Received {
  /** Holds the AVP at `[start, end)`, header and padding included. */
  readonly octets: Buffer;
  readonly start: number;
  readonly end: number;
  /** The data is `octets[data, dataEnd)`. */
  readonly data: number;
  readonly dataEnd: number;
}

interface Made {
  readonly definition: AnyAvp;
  readonly value: unknown;
}

export class Avp {
  readonly code: number;
  readonly flags: number;
  /** 0 where the V flag is not set. */
  readonly vendor: number;
  #received: Received | undefined;
  readonly #made: Made | undefined;

  constructor(
    code: number,
    flags: number,
    vendor: number,
    received: Received | undefined,
    made: Made | undefined,
  ) {
    this.code = code;
    this.flags = flags;
    this.vendor = vendor;
    this.#received = received;
    this.#made = made;
  }

  /** An AVP to be sent. The value is immutable from here on. */
  static of<T, I>(definition: AvpDefinition<T, I>, value: I): Avp {
    return Avp.settled(definition, definition.type.settle(value));
  }

  /** The same for a value that `settle` made. */
  static settled<T>(definition: AvpDefinition<T, never>, value: T): Avp {
    const made = { definition: definition as AnyAvp, value };
    return new Avp(definition.code, flagsOf(definition), definition.vendor, undefined, made);
  }

  /** An AVP of any code with data given as octets. */
  static raw(code: number, vendor: number, flags: number, data: Uint8Array): Avp {
    const octets = written(to => {
      const start = to.at;
      writeHeader(to, code, flags, vendor, data.length);
      to.bytes(data);
      to.pad(start);
    });
    const header = vendor === 0 ? 8 : 12;
    const dataEnd = header + data.length;
    return new Avp(
      code,
      flags,
      vendor,
      { octets, start: 0, end: octets.length, data: header, dataEnd },
      undefined,
    );
  }

  get mandatory(): boolean {
    return (this.flags & MANDATORY) !== 0;
  }

  /** The data, without header and padding: a view that nobody may write to. */
  get data(): Buffer {
    const { octets, data, dataEnd } = this.#octets();
    return octets.subarray(data, dataEnd);
  }

  is(definition: AnyAvp): boolean {
    return this.code === definition.code && this.vendor === definition.vendor;
  }

  /** The value under a definition of this AVP's code. Throws a DiameterError. */
  as<T>(definition: AvpDefinition<T, never>): T {
    if (this.#made?.definition === definition) return this.#made.value as T;
    const { octets, data, dataEnd } = this.#octets();
    return definition.type.read(octets, data, dataEnd);
  }

  /** Header, data and padding: what was received, where it was. */
  writeTo(to: Writer): void {
    const received = this.#received;
    if (received !== undefined) to.bytes(received.octets.subarray(received.start, received.end));
    else writeAvp(to, (this.#made as Made).definition, (this.#made as Made).value);
  }

  #octets(): Received {
    this.#received ??= (() => {
      const octets = written(to => this.writeTo(to));
      const dataEnd = octets.readUInt32BE(4) & MAX_AVP_LENGTH;
      const data = this.vendor === 0 ? 8 : 12;
      return { octets, start: 0, end: octets.length, data, dataEnd };
    })();
    return this.#received;
  }
}

export function flagsOf(definition: AnyAvp): number {
  return (definition.vendor === 0 ? 0 : VENDOR_SPECIFIC) | (definition.mandatory ? MANDATORY : 0);
}

/** `value` as reading gives it or as `settle` made it. */
export function writeAvp(to: Writer, definition: AnyAvp, value: unknown): void {
  const start = to.at;
  writeHeader(to, definition.code, flagsOf(definition), definition.vendor, 0);
  (definition as unknown as AvpDefinition<unknown>).type.write(value, to);
  to.octets.writeUIntBE(to.at - start, start + 5, 3);
  to.pad(start);
}

function writeHeader(
  to: Writer,
  code: number,
  flags: number,
  vendor: number,
  length: number,
): void {
  to.u32(code);
  to.u8u24(flags, (vendor === 0 ? 8 : 12) + length);
  if (vendor !== 0) to.u32(vendor);
}
