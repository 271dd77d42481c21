// What a user agent is told once, and what it is asked for each request.

import type { Duration } from '#kernel/time';
import type { Target } from '../flow.ts';
import type { NameAddr } from '../headers.ts';
import type { Edit, SipRequest, SipResponse } from '../message.ts';
import type { Params } from '../params.ts';
import type { Uri } from '../uri.ts';

export interface UserAgentOptions {
  /** Where peers reach us within dialogs. */
  readonly contact: NameAddr | (() => NameAddr);
  /** Where everything goes, in dialogs too; default: the topmost Route, else the Request-URI. */
  readonly target?: Target | ((request: SipRequest) => Target);
  /** Who we are where a request does not say. */
  readonly from?: NameAddr;
  /** Preloaded Route of requests outside dialogs: a UE's Service-Route. */
  readonly route?: readonly NameAddr[] | (() => readonly NameAddr[]);
  /** Added to every request we send and, with a status, to every response of a session. */
  readonly edits?: (method: string, status?: number) => readonly Edit[];
  /** The credentials that answer a 401 or 407; undefined gives up. */
  readonly authorise?: (challenge: SipResponse, request: SipRequest) => readonly Edit[] | undefined;
  /** Option tags; default 100rel and timer. */
  readonly supported?: readonly string[];
  readonly allow?: readonly string[];
  /** Session-Expires we ask for, RFC 4028; default: we ask for none and honour the peer's. */
  readonly sessionExpires?: Duration;
  /** Least Session-Expires we take; RFC 4028 §5 wants 90 s or more. */
  readonly minSe?: Duration;
  /** Whether the agent takes the endpoint's requests itself; default true. */
  readonly attach?: boolean;
  /** Sessions at once; an INVITE above it gets 486. */
  readonly maxSessions?: number;
}

export const defaultSupported: readonly string[] = ['100rel', 'timer'];

export const defaultAllow: readonly string[] = [
  'INVITE',
  'ACK',
  'CANCEL',
  'BYE',
  'PRACK',
  'UPDATE',
  'OPTIONS',
  'INFO',
  'MESSAGE',
  'NOTIFY',
  'SUBSCRIBE',
  'REFER',
];

/** An event package, and the id that tells two subscriptions to it apart. */
export interface EventValue {
  readonly package: string;
  readonly params: Params;
}

/** A request outside dialogs. */
export interface RequestParts {
  readonly uri: Uri;
  readonly to?: NameAddr;
  readonly from?: NameAddr;
  readonly callId?: string;
  readonly route?: readonly NameAddr[];
  readonly edits?: readonly Edit[];
}

export interface SendOptions {
  readonly target?: Target;
  readonly timeout?: Duration;
}
