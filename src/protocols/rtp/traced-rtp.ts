// RTP and RTCP as the trace keeps them. Media are traced only where asked for: they would push all
// signalling out of a ring of recent events.

import type { Keys, Traced } from '#kernel/trace';
import { looksLikeRtcp, RtpView } from './rtp-packet.ts';

const rtcpNames: Readonly<Record<number, string>> = {
  200: 'SR',
  201: 'RR',
  202: 'SDES',
  203: 'BYE',
};

export class TracedRtp implements Traced {
  readonly #octets: Uint8Array;
  readonly #keys: Keys;

  /** `octets` are the trace's from here on. */
  constructor(octets: Uint8Array, keys: Keys) {
    this.#octets = octets;
    this.#keys = keys;
  }

  summary(): string {
    if (looksLikeRtcp(this.#octets)) return `RTCP ${rtcpNames[this.#octets[1]!] ?? ''}`.trimEnd();
    const view = new RtpView();
    if (!view.read(this.#octets)) return 'RTP';
    return `RTP ${view.payloadType} #${view.sequence}${view.marker ? ' marked' : ''}`;
  }

  encode(): Uint8Array {
    return this.#octets;
  }

  /** Sound is not among the secrets that sinks mask. */
  masked(): Uint8Array {
    return this.#octets;
  }

  keys(): Keys {
    return this.#keys;
  }
}
