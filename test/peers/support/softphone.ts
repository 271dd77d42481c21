// What the two softphones have in common, so that every pair of them can be put through one call.

import type { GmProtocol } from './lab.ts';

export interface SoftphoneOptions {
  /** A subscriber of the lab, by name. */
  readonly user: string;
  readonly password?: string;
  readonly transport?: GmProtocol;
  /** The tone it says, in Hz. */
  readonly says: number;
}

export interface Softphone {
  readonly user: string;
  /** The status of the REGISTER that ended the registration: 200, 403 … */
  registered(): Promise<number>;
  call(uri: string): Promise<void>;
  /** Waits for the phone to ring, and answers. */
  answer(): Promise<void>;
  /** Waits until the call it made or took is up. */
  established(): Promise<void>;
  hangUp(): Promise<void>;
  /** Waits until the call has ended, whoever ended it. */
  ended(): Promise<void>;
  /** Seconds of a tone in what it has heard so far. */
  heardTone(hertz: number): number;
}
