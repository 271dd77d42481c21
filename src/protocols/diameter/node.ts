// One function's Diameter presence: peers, connections, requests and answers, over the host.

import type { Address, Host } from '#kernel/host';
import type { Duration } from '#kernel/time';
import type {
  AnswerInput,
  AnswerOf,
  AnyCommand,
  Application,
  RequestInput,
  RequestOf,
  Result,
} from './application.ts';
import type { DiameterMessage } from './message.ts';

export interface DiameterConfig {
  /** Origin-Host: 'hss.ims.mnc001.mcc001.3gppnetwork.org'. RFC 6733 §6.3 */
  readonly identity: string;
  /** Origin-Realm. §6.4 */
  readonly realm: string;
  readonly applications: readonly Application[];
  /** Host-IP-Address literals for CER and CEA; default: the address each link has. §5.3.5 */
  readonly hostAddresses?: readonly string[];
  readonly productName?: string;
  readonly vendorId?: number;
  /** Whether a peer of this identity may connect. Default: any peer we connect to, no other. */
  readonly allowedPeers?: (identity: string) => boolean;
  /** Watchdog interval Tw, RFC 3539 §3.4.1. Default 30 s, at least 6 s. */
  readonly tw?: Duration;
  /** How long a call waits for its answer. Default 5 s. */
  readonly timeout?: Duration;
  /** Requests sent and unanswered, at most; above it, calls give DIAMETER_TOO_BUSY. Default 10 000. */
  readonly maxPending?: number;
  /** Requests received and unanswered, at most; above it they are answered DIAMETER_TOO_BUSY. */
  readonly maxServing?: number;
}

export interface PeerConfig {
  /** The Origin-Host that must answer; default: whoever answers. */
  readonly identity?: string;
  readonly realm: string;
  /** Names (resolved for each attempt) or `ip:port`, tried in turn. */
  readonly endpoints: readonly string[];
}

export interface PeerStatus {
  readonly identity: string | undefined;
  readonly realm: string;
  readonly state: 'closed' | 'connecting' | 'open' | 'suspect' | 'closing';
  readonly link: 'local' | 'tcp' | undefined;
  readonly remote: Address | undefined;
  readonly applications: readonly number[];
  readonly pending: number;
}

export interface RequestContext {
  /** Origin-Host and Origin-Realm of whoever asks. */
  readonly origin: { readonly host: string; readonly realm: string };
  readonly sessionId: string;
  /** For the trace: `decide(…, { about: context.message })`. */
  readonly message: DiameterMessage;
}

export interface CallOptions {
  readonly destinationRealm: string;
  readonly destinationHost?: string | undefined;
  /** Default: a new one. */
  readonly sessionId?: string | undefined;
  readonly timeout?: Duration | undefined;
}

/** An answer, and where it came from. */
export type CallResult<C> = AnswerOf<C> & {
  /** The answer as received; undefined where none came and we made the result ourselves. */
  readonly message: DiameterMessage | undefined;
};

export type Handler<C> = (
  request: RequestOf<C>,
  context: RequestContext,
) => AnswerInput<C> | Promise<AnswerInput<C>>;

/** The result by its spec name, Result-Code and Experimental-Result in one. */
export function resultOf<A extends { readonly result: string }>(answer: A): A['result'] {
  return answer.result;
}

export class DiameterNode {
  onPeerChange: (peer: PeerStatus) => void = () => {};

  constructor(_host: Host, _config: DiameterConfig) {}

  /** Accepts peers over TCP. Rejects with an AddressError where the port is taken. */
  async listen(_local: Address): Promise<Address> {
    throw new Error('not yet');
  }

  /** Accepts peers over links inside this process under `name`. */
  serveLocal(_name: string): void {}

  /** Connects, and keeps connected, to a peer; its absence is an answer and never an error. */
  connect(_peer: PeerConfig): void {}

  /**
   * Answers requests of the command. A handler that throws a DiameterError answers with it; one
   * that throws anything else answers DIAMETER_UNABLE_TO_COMPLY and logs.
   */
  handle<C extends AnyCommand>(_command: C, _handler: Handler<C>): void {}

  /**
   * Asks. Never throws: no peer is DIAMETER_UNABLE_TO_DELIVER, as is no answer in time; too many
   * unanswered is DIAMETER_TOO_BUSY.
   */
  async call<C extends AnyCommand>(
    _command: C,
    _request: RequestInput<C>,
    _options: CallOptions,
  ): Promise<CallResult<C>> {
    throw new Error('not yet');
  }

  peers(): readonly PeerStatus[] {
    return [];
  }

  /** Says goodbye to every peer (DPR) and closes. */
  async stop(): Promise<void> {}
}

export type { Result };
