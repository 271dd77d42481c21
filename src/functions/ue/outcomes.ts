// What becomes of a UE's procedures: tagged unions that say why, never exceptions.

import type { Instant } from '#kernel/time';
import { isGenerated } from '#sip/endpoint';
import { Reason, RetryAfter, Warning } from '#sip/headers';
import type { SipResponse } from '#sip/message';
import { displayText } from '#sip/text';

/** A registration as the network granted it. */
export interface Registered {
  /** The default public identity: the first of P-Associated-URI. */
  readonly impu: string;
  /** All identities of the implicit registration set that may be used, in the network's order. */
  readonly identities: readonly string[];
  readonly serviceRoute: readonly string[];
  readonly contact: string;
  readonly expires: Instant;
  /** Seconds granted. */
  readonly granted: number;
}

/** The network answered, with a refusal. */
export interface Refused {
  readonly kind: 'refused';
  readonly status: number;
  /** The reason phrase, and what Warning and Reason add. */
  readonly reason: string;
  /** Seconds, where the network said when to try again. */
  readonly retryAfter: number | undefined;
}

/** Nobody answered. */
export interface NoAnswer {
  readonly kind: 'no answer';
  /** 'timeout' after 64·T1, 'unreachable' where the link failed or the name led nowhere. */
  readonly because: 'timeout' | 'unreachable';
}

export type AuthenticationFailure =
  /** AUTN is not of the home network: wrong K or OPc on one side. TS 24.229 §5.1.1.5.3 */
  | 'mac failure'
  /** The network did not come back with a fresh sequence number. §5.1.1.5.3 */
  | 'synchronisation failure'
  /** Our answer was not taken: wrong password. */
  | 'challenged again'
  /** No challenge that we can answer. */
  | 'unusable challenge'
  /** The network's own proof is wrong (RFC 7616 §3.5). */
  | 'network not proven';

export interface AuthenticationFailed {
  readonly kind: 'authentication failed';
  readonly because: AuthenticationFailure;
  readonly detail: string;
}

export interface Stopped {
  readonly kind: 'stopped';
}

export type RegistrationOutcome =
  | { readonly kind: 'registered'; readonly registration: Registered }
  | Refused
  | AuthenticationFailed
  | NoAnswer
  | Stopped;

export type DeregistrationOutcome =
  | { readonly kind: 'deregistered' }
  | Refused
  | AuthenticationFailed
  | NoAnswer
  | Stopped;

export type MessageOutcome =
  | { readonly kind: 'delivered'; readonly status: number }
  | Refused
  | NoAnswer;

/** What became of a call's set-up. */
export type CallOutcome =
  | { readonly kind: 'answered' }
  | Refused
  | NoAnswer
  /** It rang, and nobody took it. */
  | { readonly kind: 'unanswered' }
  /** Given up before the answer, by us or by the caller. */
  | { readonly kind: 'cancelled'; readonly by: 'local' | 'remote' }
  /** It could not be set up for a reason on our side. */
  | { readonly kind: 'impossible'; readonly because: string };

/** How a call ended. */
export interface CallEnd {
  readonly by: 'local' | 'remote' | 'failure';
  /** Of the response, where one ended it. */
  readonly status: number | undefined;
  /** What a person should read. */
  readonly reason: string;
}

/** What became of a change within a call: hold, resume. */
export type ChangeOutcome =
  | { readonly kind: 'done' }
  | Refused
  | NoAnswer
  | { readonly kind: 'impossible'; readonly because: string };

/** A final response that is no success, as an outcome. */
export function failureOf(response: SipResponse): Refused | NoAnswer {
  if (isGenerated(response) && (response.status === 408 || response.status === 503)) {
    return { kind: 'no answer', because: response.status === 408 ? 'timeout' : 'unreachable' };
  }
  const more = [
    ...response.all(Warning).map(warning => warning.text),
    ...response.all(Reason).map(reason => reason.params.get('text') ?? ''),
  ].filter(text => text !== '');
  return {
    kind: 'refused',
    status: response.status,
    reason: displayText([response.reason, ...more].join('; ')),
    retryAfter: response.get(RetryAfter)?.seconds,
  };
}

/** What a person reads. */
export function describe(outcome: Refused | AuthenticationFailed | NoAnswer | Stopped): string {
  switch (outcome.kind) {
    case 'refused':
      return `${outcome.status} ${outcome.reason}`;
    case 'authentication failed':
      return `authentication failed: ${outcome.because} (${outcome.detail})`;
    case 'no answer':
      return outcome.because === 'timeout' ? 'no answer' : 'the P-CSCF cannot be reached';
    case 'stopped':
      return 'stopped';
  }
}
