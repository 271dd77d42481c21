// One stream of a negotiation: what we can do, and what was agreed.

import type { Direction } from './direction.ts';
import type { RtpFormat } from './format.ts';
import type { Preconditions } from './preconditions.ts';

/** Our end of a stream, before anybody agreed to anything. */
export interface LocalStream {
  readonly media: 'audio' | 'video';
  /** Where we listen: RTP on `port`, RTCP on `rtcpPort` (said by a=rtcp unless it is port + 1). */
  readonly host: string;
  readonly port: number;
  readonly rtcpPort: number;
  /** By preference. `telephone-event` entries accompany codecs of their clock rate. */
  readonly formats: readonly RtpFormat[];
  /** Milliseconds of sound per packet that we would like to receive. */
  readonly ptime: number | undefined;
  readonly maxptime: number | undefined;
  /** b= lines, in the order given: AS in kbit/s, RS and RR in bit/s. */
  readonly bandwidth: readonly (readonly [type: 'AS' | 'RS' | 'RR' | 'TIAS', value: number])[];
  readonly preconditions: Preconditions | undefined;
}

/** A stream both sides agreed to, from our side. */
export interface AgreedStream {
  /** Its m= line. */
  readonly index: number;
  readonly local: LocalStream;
  readonly direction: Direction;
  readonly remote: { readonly host: string; readonly port: number };
  readonly remoteRtcp: { readonly host: string; readonly port: number };
  /** What we send, under the number the peer reads it by. */
  readonly send: RtpFormat;
  /** telephone-event under the peer's number, where the peer takes it. */
  readonly sendEvents: RtpFormat | undefined;
  /** What may arrive, under our numbers. */
  readonly receive: readonly RtpFormat[];
  /** Milliseconds per packet the peer would like. */
  readonly ptime: number | undefined;
  /** False where the peer gives RTCP no bandwidth: b=RS:0 and b=RR:0 (RFC 3556 §2). */
  readonly rtcp: boolean;
}

export const isEvents = (format: RtpFormat): boolean =>
  format.encoding.toLowerCase() === 'telephone-event';

/** Formats that carry sound or pictures by themselves. */
export const isCodec = (format: RtpFormat): boolean =>
  !isEvents(format) && !/^(cn|red)$/i.test(format.encoding);
