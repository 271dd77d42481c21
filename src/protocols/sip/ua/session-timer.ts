// Sessions that a lost BYE would leave standing for ever end by themselves: RFC 4028.

import type { Timer } from '#kernel/host';
import { type Duration, inSeconds, seconds } from '#kernel/time';
import { MinSE, Require, SessionExpires, Supported } from '../headers.ts';
import type { SipResponse } from '../message.ts';
import { add, type Edit, type SipMessage, type SipRequest, set } from '../message.ts';
import { isFree, judge, propose } from './modify.ts';
import type { InviteSession } from './session.ts';

/** RFC 4028 §4: nothing shorter is asked for. */
export const leastSessionExpires: Duration = seconds(90);

export type Refresher = 'uac' | 'uas';

/** What the two sides agreed in a 2xx; undefined where there is no session timer. */
export interface SessionInterval {
  readonly interval: Duration;
  readonly refresher: Refresher;
}

/** Asks for a session timer in an INVITE or UPDATE of ours. §7.1 */
export function askForTimer(expires: Duration | undefined, minSe: Duration): readonly Edit[] {
  if (expires === undefined) return [];
  const edits: Edit[] = [set(SessionExpires, { seconds: inSeconds(expires), params: new Map() })];
  if (minSe > leastSessionExpires) edits.push(set(MinSE, inSeconds(minSe)));
  return edits;
}

/** The server's choice in its 2xx. §9. Throws SipError. */
export function chooseInterval(
  request: SipRequest,
  own: Duration | undefined,
): SessionInterval | undefined {
  const asked = request.get(SessionExpires);
  const supported = request.all(Supported).includes('timer');
  if (asked === undefined) {
    if (own === undefined) return undefined;
    return { interval: own, refresher: 'uas' };
  }
  const wished = asked.params.get('refresher');
  const refresher: Refresher = !supported || wished === 'uas' ? 'uas' : 'uac';
  return { interval: seconds(asked.seconds), refresher };
}

export function intervalEdits(
  chosen: SessionInterval | undefined,
  request: SipRequest,
): readonly Edit[] {
  if (chosen === undefined) return [];
  const { interval, refresher } = chosen;
  const params = new Map([['refresher', refresher]]);
  const edits: Edit[] = [set(SessionExpires, { seconds: inSeconds(interval), params })];
  // §9: the caller must know of it where it is to refresh
  if (refresher === 'uac' && request.all(Supported).includes('timer')) {
    edits.push(add(Require, 'timer'));
  }
  return edits;
}

/** True where the peer asks for less than we take: 422. §9 */
export function isTooSmall(request: SipMessage, minSe: Duration): boolean {
  const asked = request.get(SessionExpires);
  return asked !== undefined && seconds(asked.seconds) < minSe;
}

/** What a 2xx to our request says. §7.2. Throws SipError. */
export function intervalOf(response: SipResponse): SessionInterval | undefined {
  const value = response.get(SessionExpires);
  if (value === undefined) return undefined;
  const refresher = value.params.get('refresher') === 'uas' ? 'uas' : 'uac';
  return { interval: Math.max(seconds(value.seconds), leastSessionExpires), refresher };
}

export class SessionTimer {
  readonly #session: InviteSession;
  #refresh: Timer | undefined;
  #expiry: Timer | undefined;

  constructor(session: InviteSession) {
    this.#session = session;
  }

  /** After each 2xx to an INVITE or UPDATE. `weSent`: the request was ours. */
  start(agreed: SessionInterval | undefined, weSent: boolean): void {
    this.stop();
    if (agreed === undefined) return;
    const { clock } = this.#session.ua.host;
    const { interval } = agreed;
    const ours = (agreed.refresher === 'uac') === weSent;
    if (ours) {
      this.#refresh = clock.after(interval / 2, () => void this.#renew(interval));
    }
    // §10: whoever does not refresh hangs up a little earlier than the session expires
    const grace = ours ? 0 : Math.min(seconds(32), interval / 3);
    this.#expiry = clock.after(interval - grace, () => this.#expired());
  }

  /** A 2xx to a request of ours came. */
  refreshed(response: SipResponse): void {
    const agreed = intervalOf(response);
    if (agreed !== undefined) this.start(agreed, true);
  }

  stop(): void {
    this.#refresh?.cancel();
    this.#expiry?.cancel();
  }

  /** §7.4: UPDATE without an offer where the peer takes it, else a re-INVITE with what stands. */
  async #renew(interval: Duration): Promise<void> {
    const session = this.#session;
    const { leg } = session;
    if (session.ended || leg === undefined) return;
    const method = leg.peerAllowsUpdate ? 'UPDATE' : 'INVITE';
    if (!isFree(leg, method)) {
      this.#refresh = session.ua.host.clock.after(seconds(2), () => void this.#renew(interval));
      return;
    }
    const params = new Map([['refresher', 'uac']]);
    const edits = [set(SessionExpires, { seconds: inSeconds(interval), params })];
    const offer = method === 'INVITE' ? leg.lastSent : undefined;
    const response = await propose(session, leg, offer, { method, edits });
    if (session.ended || response.status < 300) return;
    if (response.status === 491) {
      this.#refresh = session.ua.host.clock.after(seconds(2), () => void this.#renew(interval));
    } else judge(session, leg, response);
  }

  #expired(): void {
    const { leg } = this.#session;
    if (leg !== undefined) this.#session.fail(leg, 'the session was not refreshed');
  }
}
