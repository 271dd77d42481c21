// The user part of the P-CSCF's Path and Record-Route: which flow leads to the UE and whose it is,
// signed, so that it needs no memory and nobody else can make one. RFC 5626 §5.2

import { timingSafeEqual } from 'node:crypto';
import { KeyedHash } from '#kernel/keyed-hash';

export interface NamedFlow {
  /** The flow's id. */
  readonly flow: string;
  /** The subscriber's tag. */
  readonly user: string;
}

const MAC_OCTETS = 12;
const MAX_CHARACTERS = 240;

export class FlowTokens {
  readonly #hash: KeyedHash;

  constructor(key: Uint8Array) {
    this.#hash = new KeyedHash(key);
  }

  sign({ flow, user }: NamedFlow): string {
    const name = Buffer.from(`${user} ${flow}`, 'latin1');
    return Buffer.concat([this.#mac(name), name]).toString('base64url');
  }

  /** What a token names; undefined for anything we did not sign. */
  read(token: string): NamedFlow | undefined {
    if (token.length > MAX_CHARACTERS) return undefined;
    const octets = Buffer.from(token, 'base64url');
    const name = octets.subarray(MAC_OCTETS);
    if (name.length === 0) return undefined;
    if (!timingSafeEqual(octets.subarray(0, MAC_OCTETS), this.#mac(name))) return undefined;
    const text = name.toString('latin1');
    const space = text.indexOf(' ');
    return { user: text.slice(0, space), flow: text.slice(space + 1) };
  }

  #mac(name: Uint8Array): Buffer {
    return this.#hash.of(name).subarray(0, MAC_OCTETS);
  }
}
