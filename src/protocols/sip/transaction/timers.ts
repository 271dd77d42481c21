// The values from which every timer of RFC 3261 §17 follows. They differ by link: TS 24.229 §7.7
// gives the UE and the P-CSCF on Gm longer ones than the functions inside the network.

import { type Duration, ms, seconds } from '#kernel/time';

export interface TimerValues {
  /** Round-trip estimate: first retransmission after it, a transaction gives up after 64 of it. */
  readonly t1: Duration;
  /** Longest interval between retransmissions of non-INVITE requests and of INVITE responses. */
  readonly t2: Duration;
  /** How long the network may keep a message. */
  readonly t4: Duration;
}

/** RFC 3261 table 4, and between network functions by TS 24.229 table 7.7.1. */
export const networkTimers: TimerValues = { t1: ms(500), t2: seconds(4), t4: seconds(5) };

/** At the UE, and at the P-CSCF towards the UE: TS 24.229 table 7.7.1. */
export const radioTimers: TimerValues = { t1: seconds(2), t2: seconds(16), t4: seconds(17) };

/** What one transaction is told about the link it runs over. */
export interface TransactionConfig extends TimerValues {
  /** The link neither loses nor reorders: nothing is retransmitted, nothing lingers for copies. */
  readonly reliable: boolean;
}
