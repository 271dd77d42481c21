// A peer: its connections, their handshake and their watchdog, as one machine without clock or
// socket. RFC 6733 §5.6, RFC 3539 §3.4
//
//               start                    connected                    CEA
//   closed ───────────────► connecting ─────────────► handshaking ────────────► open (I)
//     │  ▲                      │                          │                     │  │
//     │  │ failed, retry later  │ CER from the peer        │ CER from the peer   │  │ lost, or
//     │  └──────────────────────┤                          │                     │  │ watchdog
//     │                         ▼        connected         ▼                     │  ▼
//     │ CER from the peer   held ────────────────────► electing                  │ closed
//     │                         │ failed              won  │  lost, CEA: open (I)│
//     ▼                         ▼                          ▼                     │ DPR
//   open (R) ◄──────────────────┴──────────────────────────┘                     ▼
//                                                                  closing ──► closed
//
// I is the connection we initiated, R the one on which we respond. The states carry the meaning
// of §5.6's Closed, Wait-Conn-Ack, Wait-I-CEA, Wait-Conn-Ack/Elect, Wait-Returns, I-Open, R-Open
// and Closing, in that order of the words above.

import { assert } from '#kernel/errors';
import { type Duration, type Instant, ms, seconds } from '#kernel/time';
import { Timers } from './timers.ts';

export type Role = 'I' | 'R';

export type PeerState =
  | 'closed'
  | 'connecting'
  | 'handshaking'
  | 'held'
  | 'electing'
  | 'open'
  | 'closing';

/** Whether an open peer may be sent requests. RFC 3539 §3.4.1: okay, suspect, reopen. */
export type Health = 'okay' | 'suspect' | 'reopening';

export type PeerEffect =
  /** Opens a connection: I. */
  | { readonly kind: 'connect' }
  | { readonly kind: 'send'; readonly role: Role; readonly command: 'CER' | 'DWR' | 'DPR' }
  /** Answers the CER that R came with: the handshake is done. */
  | { readonly kind: 'accept' }
  /** Closes the connection that a CER came by, which is not to become R. */
  | { readonly kind: 'reject' }
  | { readonly kind: 'disconnect'; readonly role: Role; readonly reason: string }
  | { readonly kind: 'open'; readonly role: Role }
  /** What waits for an answer on the connection of `role` goes elsewhere. */
  | { readonly kind: 'down'; readonly role: Role; readonly reason: string }
  /** The same, but the connection may yet come back. */
  | { readonly kind: 'suspect' }
  /** Requests may be sent here again, or for the first time. */
  | { readonly kind: 'okay' };

export interface PeerSettings {
  /** Whether we connect, and keep connecting, to this peer. */
  readonly connects: boolean;
  /** Whether our identity comes after the peer's: then we win elections. §5.6.4 */
  readonly winsElection: () => boolean;
  /** Watchdog interval. RFC 3539 §3.4.1 wants at least 6 s. */
  readonly tw: Duration;
  /** How long opening a connection and exchanging capabilities may take. */
  readonly handshakeTimeout: Duration;
  /** How long the end of a connection may take once it is announced. */
  readonly closingTimeout: Duration;
  /** The first wait before another attempt; it doubles with each failure. */
  readonly firstRetry: Duration;
  /** The longest: RFC 6733 §2.1 recommends 30 s for Tc. */
  readonly lastRetry: Duration;
  /** A connection that lived so long was a good one: the next retry is a first. */
  readonly stableAfter: Duration;
  /** Uniform in [0, 1): jitter. */
  readonly fraction: () => number;
}

export const PEER_DEFAULTS = {
  tw: seconds(30),
  handshakeTimeout: seconds(5),
  closingTimeout: seconds(1),
  firstRetry: ms(250),
  lastRetry: seconds(30),
  stableAfter: seconds(5),
} as const;

/** RFC 3539 §3.4.1: Tw is jittered by up to two seconds either way. */
const TW_JITTER = seconds(2);
/** Watchdog answers before a peer that was lost to the watchdog is trusted again. §3.4.1 */
const REOPENING_DWAS = 3;

/** Enough for the longest retry, few enough for arithmetic. */
const MANY_FAILURES = 64;

type TimerName = 'retry' | 'handshake' | 'Tw' | 'closing';

export class PeerMachine {
  state: PeerState = 'closed';
  /** The connection that is open or closing. */
  role: Role | undefined;
  health: Health | undefined;
  readonly timers = new Timers<TimerName>();
  readonly #settings: PeerSettings;
  #stopped = false;
  #failures = 0;
  #unwanted = false;
  #openedAt: Instant = 0;
  #jitter: Duration = 0;
  /** A DWR is out. */
  #pending = false;
  #answered = 0;
  /** The watchdog closed the last connection. */
  #wasLost = false;

  constructor(settings: PeerSettings) {
    this.#settings = settings;
  }

  // ------------------------------------------------------------------ commands from above

  start(now: Instant): PeerEffect[] {
    if (this.state !== 'closed' || this.#stopped || !this.#settings.connects) return [];
    this.state = 'connecting';
    this.timers.clear('retry');
    this.timers.set('handshake', now + this.#settings.handshakeTimeout);
    return [{ kind: 'connect' }];
  }

  /** Says goodbye and connects no more. */
  stop(now: Instant): PeerEffect[] {
    this.#stopped = true;
    switch (this.state) {
      case 'open': {
        const role = this.role as Role;
        return [{ kind: 'send', role, command: 'DPR' }, ...this.#close(now, 'stopping')];
      }
      case 'connecting':
      case 'handshaking':
        return [{ kind: 'disconnect', role: 'I', reason: 'stopping' }, ...this.#closed(now)];
      case 'held':
      case 'electing':
        return [
          { kind: 'disconnect', role: 'I', reason: 'stopping' },
          { kind: 'disconnect', role: 'R', reason: 'stopping' },
          ...this.#closed(now),
        ];
      case 'closing':
        return [];
      case 'closed':
        return this.#closed(now);
    }
  }

  // ------------------------------------------------------------------ input from connections

  /** I is open. */
  connected(now: Instant): PeerEffect[] {
    const cer: PeerEffect = { kind: 'send', role: 'I', command: 'CER' };
    switch (this.state) {
      case 'connecting':
        this.state = 'handshaking';
        return [cer];
      case 'held':
        this.state = 'electing';
        return [cer, ...this.#elect(now)];
      default:
        return [{ kind: 'disconnect', role: 'I', reason: 'not wanted' }];
    }
  }

  /** A connection came with a CER of this peer that we would accept; `restarted` since the last. */
  offered(now: Instant, restarted: boolean): PeerEffect[] {
    if (this.#stopped) return [{ kind: 'reject' }];
    switch (this.state) {
      case 'closed':
        return [{ kind: 'accept' }, ...this.#open('R', now)];
      case 'connecting':
        this.state = 'held';
        return [];
      case 'handshaking':
        this.state = 'electing';
        return this.#elect(now);
      case 'open': {
        // §5.6 would reject it until the watchdog finds the old connection dead; a peer that says
        // it has restarted has no use for the old one
        if (!restarted) return [{ kind: 'reject' }];
        const role = this.role as Role;
        return [
          { kind: 'down', role, reason: 'the peer restarted' },
          { kind: 'disconnect', role, reason: 'the peer restarted' },
          { kind: 'accept' },
          ...this.#open('R', now),
        ];
      }
      default:
        return [{ kind: 'reject' }];
    }
  }

  /** The answer to our CER. */
  cea(now: Instant, isAccepted: boolean): PeerEffect[] {
    if (this.state !== 'handshaking' && this.state !== 'electing') return [];
    if (!isAccepted) {
      return [
        { kind: 'disconnect', role: 'I', reason: 'capabilities refused' },
        ...this.disconnected(now, 'I', 'capabilities refused'),
      ];
    }
    const lost = this.state === 'electing';
    return [
      ...(lost ? [{ kind: 'disconnect', role: 'R', reason: 'election' } as const] : []),
      ...this.#open('I', now),
    ];
  }

  /** Anything on the open connection but a DWA: the peer lives. */
  received(now: Instant, role: Role): PeerEffect[] {
    if (this.state !== 'open' || role !== this.role) return [];
    this.#setTw(now);
    return this.health === 'suspect' ? this.#okay() : [];
  }

  dwa(now: Instant, role: Role): PeerEffect[] {
    if (this.state !== 'open' || role !== this.role) return [];
    this.#pending = false;
    this.#setTw(now);
    if (this.health === 'suspect') return this.#okay();
    if (this.health !== 'reopening') return [];
    this.#answered++;
    // RFC 3539 waits Tw between these three; they follow one another here, so that a peer that is
    // back serves again at once
    return this.#answered >= REOPENING_DWAS ? this.#okay() : [this.#dwr()];
  }

  /** The peer says goodbye; the DPA is the host's to send. */
  dpr(now: Instant, role: Role, comesBack: boolean): PeerEffect[] {
    if (this.state !== 'open' || role !== this.role) return [];
    this.#unwanted = !comesBack; // §5.4.3: not before lastRetry
    return this.#close(now, 'the peer disconnects');
  }

  dpa(now: Instant, role: Role): PeerEffect[] {
    if (this.state !== 'closing' || role !== this.role) return [];
    return [{ kind: 'disconnect', role, reason: 'DPA' }, ...this.#closed(now)];
  }

  /** The connection is gone, or for I never came about. */
  disconnected(now: Instant, role: Role, reason: string): PeerEffect[] {
    switch (this.state) {
      case 'connecting':
      case 'handshaking':
        return role === 'I' ? this.#closed(now) : [];
      case 'held':
      case 'electing':
        if (role === 'I') return [{ kind: 'accept' }, ...this.#open('R', now)];
        this.state = this.state === 'held' ? 'connecting' : 'handshaking';
        return [];
      case 'open':
        if (role !== this.role) return [];
        return [{ kind: 'down', role, reason }, ...this.#closed(now)];
      case 'closing':
        return role === this.role ? this.#closed(now) : [];
      case 'closed':
        return [];
    }
  }

  /** The host calls this at `timers.next`; an early or repeated call does nothing. */
  expire(now: Instant): PeerEffect[] {
    const effects: PeerEffect[] = [];
    for (let timer = this.timers.take(now); timer !== undefined; timer = this.timers.take(now)) {
      effects.push(...this.#fire(timer, now));
    }
    return effects;
  }

  #fire(timer: TimerName, now: Instant): PeerEffect[] {
    switch (timer) {
      case 'retry':
        return this.start(now);
      case 'handshake':
        return [
          { kind: 'disconnect', role: 'I', reason: 'handshake timeout' },
          ...this.disconnected(now, 'I', 'handshake timeout'),
        ];
      case 'Tw':
        return this.#watch(now);
      case 'closing': {
        const role = this.role as Role;
        return [{ kind: 'disconnect', role, reason: 'closing timeout' }, ...this.#closed(now)];
      }
    }
  }

  // ------------------------------------------------------------------ transitions

  /** §5.6.4: the responder's identity against the initiator's; the higher keeps R. */
  #elect(now: Instant): PeerEffect[] {
    if (!this.#settings.winsElection()) return []; // until the CEA comes, or does not
    return [
      { kind: 'disconnect', role: 'I', reason: 'election' },
      { kind: 'accept' },
      ...this.#open('R', now),
    ];
  }

  #open(role: Role, now: Instant): PeerEffect[] {
    this.state = 'open';
    this.role = role;
    this.#openedAt = now;
    this.#pending = false;
    this.#unwanted = false;
    this.#jitter = (2 * this.#settings.fraction() - 1) * TW_JITTER;
    this.timers.clear('handshake', 'retry', 'closing');
    this.#setTw(now);
    if (!this.#wasLost) return [{ kind: 'open', role }, ...this.#okay()];
    this.health = 'reopening';
    this.#answered = 0;
    return [{ kind: 'open', role }, this.#dwr()];
  }

  #okay(): PeerEffect[] {
    this.health = 'okay';
    this.#wasLost = false;
    return [{ kind: 'okay' }];
  }

  #close(now: Instant, reason: string): PeerEffect[] {
    this.state = 'closing';
    this.health = undefined;
    this.timers.clear('Tw');
    this.timers.set('closing', now + this.#settings.closingTimeout);
    return [{ kind: 'down', role: this.role as Role, reason }];
  }

  /** No connection is left, but for those that the effects of the same list still close. */
  #closed(now: Instant): PeerEffect[] {
    const wasOpen = this.state === 'open' || this.state === 'closing';
    const isStable = wasOpen && now - this.#openedAt >= this.#settings.stableAfter;
    if (isStable) this.#failures = 0;
    if (this.#unwanted) this.#failures = MANY_FAILURES;
    this.state = 'closed';
    this.role = undefined;
    this.health = undefined;
    this.timers.clear('retry', 'handshake', 'Tw', 'closing');
    if (this.#settings.connects && !this.#stopped) {
      this.timers.set('retry', now + this.#retryDelay());
      this.#failures = Math.min(this.#failures + 1, MANY_FAILURES);
    }
    return [];
  }

  /** Doubles with each failure, a quarter more or less by chance. */
  #retryDelay(): Duration {
    const { firstRetry, lastRetry, fraction } = this.#settings;
    const delay = Math.min(firstRetry * 2 ** this.#failures, lastRetry);
    return delay * (0.75 + 0.5 * fraction());
  }

  // ------------------------------------------------------------------ watchdog, RFC 3539 §3.4.1

  #watch(now: Instant): PeerEffect[] {
    assert(this.state === 'open', 'a watchdog without a connection');
    this.#jitter = (2 * this.#settings.fraction() - 1) * TW_JITTER;
    this.#setTw(now);
    if (!this.#pending) return [this.#dwr()];
    if (this.health === 'okay') {
      this.health = 'suspect';
      return [{ kind: 'suspect' }];
    }
    this.#wasLost = true;
    const role = this.role as Role;
    return [
      ...this.disconnected(now, role, 'watchdog'),
      { kind: 'disconnect', role, reason: 'watchdog' },
    ];
  }

  #dwr(): PeerEffect {
    this.#pending = true;
    return { kind: 'send', role: this.role as Role, command: 'DWR' };
  }

  #setTw(now: Instant): void {
    this.timers.set('Tw', now + this.#settings.tw + this.#jitter);
  }
}
