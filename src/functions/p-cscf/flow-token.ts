// The user part of the P-CSCF's Path and Record-Route: which flow leads to the UE, signed, so that it
// needs no memory and nobody else can make one. RFC 5626 §5.2

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Flow } from '#sip/flow';

const MAC_OCTETS = 12;
const MAX_CHARACTERS = 240;

export class FlowTokens {
  readonly #key: Uint8Array;
  /** A flow is named in every message of its UE: signed once. */
  readonly #made = new WeakMap<Flow, string>();

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  of(flow: Flow): string {
    let token = this.#made.get(flow);
    if (token === undefined) {
      token = this.sign(flow.id);
      this.#made.set(flow, token);
    }
    return token;
  }

  sign(flowId: string): string {
    const name = Buffer.from(flowId, 'latin1');
    return Buffer.concat([this.#mac(name), name]).toString('base64url');
  }

  /** The id of the flow named; undefined for anything we did not sign. */
  read(token: string): string | undefined {
    if (token.length > MAX_CHARACTERS) return undefined;
    const octets = Buffer.from(token, 'base64url');
    const name = octets.subarray(MAC_OCTETS);
    if (name.length === 0) return undefined;
    const signed = timingSafeEqual(octets.subarray(0, MAC_OCTETS), this.#mac(name));
    return signed ? name.toString('latin1') : undefined;
  }

  #mac(name: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(name).digest().subarray(0, MAC_OCTETS);
  }
}
