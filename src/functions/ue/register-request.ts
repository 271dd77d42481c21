// One REGISTER procedure: the request, its challenges and its verdict. TS 24.229 §5.1.1.2, §5.1.1.4,
// §5.1.1.5, §5.1.1.6.

import type { Flow } from '#sip/flow';
import type { AuthValue } from '#sip/headers';
import {
  AuthenticationInfo,
  Authorization,
  CallId,
  Contact,
  CSeq,
  contactExpires,
  Expires,
  From,
  MinExpires,
  type NameAddr,
  nameAddr,
  To,
  WwwAuthenticate,
} from '#sip/headers';
import { type SipResponse, set } from '#sip/message';
import { sameUri, sipUri, uriText } from '#sip/uri';
import type { Authentication, ChallengeAnswer } from './authentication.ts';
import type { Gm } from './gm.ts';
import { type AuthenticationFailed, failureOf, type NoAnswer, type Refused } from './outcomes.ts';

export type RegisterOutcome =
  | {
      readonly kind: 'accepted';
      readonly response: SipResponse;
      readonly flow: Flow | undefined;
      /** Seconds granted to our contact. */
      readonly granted: number;
      /** Our contact as the network lists it. */
      readonly contact: NameAddr | undefined;
    }
  | Refused
  | AuthenticationFailed
  | NoAnswer;

/** §5.1.1.5.3: no more than two invalid challenges are answered in a row. */
const maxInvalid = 2;
/** Requests of one procedure, whatever the network answers. */
const maxRounds = 8;
/**
 * Answers of one procedure: a network that forgot what it asked, because something of it was started
 * anew, asks again. A card sees that the new challenge is its network's; a password that is wrong may
 * be asked for again as well, and is not given a third time.
 */
const maxAnswers = { sim: 3, password: 2 } as const;

/** The sequence of REGISTER requests of one UE: one Call-ID, CSeq rising (RFC 3261 §10.2). */
export class RegisterRequests {
  readonly #gm: Gm;
  readonly #authentication: Authentication;
  readonly #callId: string;
  readonly #tag: string;
  #sequence = 0;

  constructor(gm: Gm, authentication: Authentication) {
    this.#gm = gm;
    this.#authentication = authentication;
    const { random } = gm.host;
    this.#callId = `${random.hex(16)}@${gm.config.address}`;
    this.#tag = random.hex(8);
  }

  /** Registers for so many seconds, or with 0 no more. */
  async perform(expires: number): Promise<RegisterOutcome> {
    const registrar = sipUri({ host: this.#gm.config.home });
    const uri = uriText(registrar);
    let authorization = this.#authentication.unchallenged(uri);
    let asked = expires;
    let invalid = 0;
    let answers = 0;
    for (let round = 1; ; round++) {
      const { response, flow } = await this.#send(asked, authorization);
      if (response.status >= 200 && response.status < 300) {
        return this.#accepted(response, flow, asked, uri);
      }
      if (round === maxRounds) return failureOf(response);
      if (response.status === 423 && asked > 0) {
        const minimum = response.get(MinExpires) ?? 0;
        if (minimum <= asked) return failureOf(response);
        this.#decide(response, `ask for ${minimum} s`, `less is too brief`, '§5.1.1.2.1');
        asked = minimum;
        continue;
      }
      if (response.status === 439 && this.#gm.triesOutbound) {
        this.#decide(response, 'without outbound', 'the first hop keeps no flows', '§5.1.1.2.1');
        this.#gm.triesOutbound = false; // RFC 5626 §11.6
        continue;
      }
      if (response.status !== 401) return failureOf(response);

      const challenges = response.all(WwwAuthenticate);
      const stale = challenges.some(c => c.params.get('stale')?.toLowerCase() === 'true');
      const answer = this.#authentication.answer(challenges, 'REGISTER', uri);
      this.#tell(response, answer);
      switch (answer.kind) {
        case 'unusable':
          return failed('unusable challenge', answer.because);
        case 'mac failure':
        case 'resynchronise':
          if (invalid === maxInvalid) {
            return answer.kind === 'mac failure'
              ? failed('mac failure', 'AUTN is not of the home network')
              : failed('synchronisation failure', 'the network does not resynchronise');
          }
          invalid++;
          break;
        case 'answer':
          if (answers >= maxAnswers[this.#gm.config.credentials.kind] && !stale) {
            return failed('challenged again', 'the network does not take our answer');
          }
          answers++;
          invalid = 0;
      }
      authorization = answer.authorization;
    }
  }

  async #send(
    expires: number,
    authorization: AuthValue,
  ): Promise<{ response: SipResponse; flow: Flow | undefined }> {
    const gm = this.#gm;
    const impu = gm.identityToRegister;
    const register = gm.register(
      set(From, nameAddr(impu, { tag: this.#tag })),
      set(To, nameAddr(impu)),
      set(CallId, this.#callId),
      set(CSeq, { sequence: ++this.#sequence, method: 'REGISTER' }),
      set(Expires, expires),
      set(Authorization, authorization),
    );
    const transaction = gm.endpoint.request(register, gm.target);
    const response = await transaction.final;
    return { response, flow: transaction.flow };
  }

  #accepted(
    response: SipResponse,
    flow: Flow | undefined,
    asked: number,
    uri: string,
  ): RegisterOutcome {
    const proof = this.#authentication.confirm(response.get(AuthenticationInfo), uri);
    if (proof === 'wrong') return failed('network not proven', 'rspauth is wrong');
    const ours = this.#gm.contactUri;
    const contact = response.all(Contact).find(each => sameUri(each.uri, ours));
    const granted =
      (contact === undefined ? undefined : contactExpires(contact)) ??
      response.get(Expires) ??
      asked;
    return { kind: 'accepted', response, flow, granted, contact };
  }

  #tell(response: SipResponse, answer: ChallengeAnswer): void {
    switch (answer.kind) {
      case 'answer':
        this.#decide(response, 'answer', 'the challenge is one we can meet', '§5.1.1.5.1');
        break;
      case 'resynchronise':
        this.#decide(response, 'AUTS', 'the sequence number is not fresh', '§5.1.1.5.3');
        break;
      case 'mac failure':
        this.#decide(response, 'no response', 'AUTN is not of the home network', '§5.1.1.5.3');
        break;
      case 'unusable':
        this.#decide(response, 'give up', answer.because, '§5.1.1.5');
    }
  }

  #decide(about: SipResponse, chose: string, because: string, clause: string): void {
    const { trace } = this.#gm.host;
    if (!trace.enabled) return;
    trace.decide('ue.register', { chose, because, clause: `TS 24.229 ${clause}`, about });
  }
}

function failed(because: AuthenticationFailed['because'], detail: string): AuthenticationFailed {
  return { kind: 'authentication failed', because, detail };
}
