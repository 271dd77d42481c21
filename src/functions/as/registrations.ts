// Third-party REGISTER: what the S-CSCF tells this server of its users (TS 24.229 §5.7.1.1).

import { type Duration, type Instant, minutes, seconds } from '#kernel/time';
import type { ServerTransaction } from '#sip/endpoint';
import { Contact, contactExpires, Expires, RetryAfter, To } from '#sip/headers';
import { required } from '#sip/identities';
import { set } from '#sip/message';
import { NO_PARAMS } from '#sip/params';
import { copied } from '#sip/text';
import { impuOf, uriText } from '#sip/uri';
import type { As } from './as.ts';

export interface Registered {
  readonly impu: string;
  /** The S-CSCF that serves the user: where requests on his behalf go. */
  readonly contact: string;
  readonly expires: Instant;
}

/** How often lapsed users are looked for at the most. */
const SWEEP: Duration = minutes(1);
/** RFC 3261 §10.3 step 7: where a REGISTER says nothing of time. */
const DEFAULT_EXPIRES = 3600;

export class Registrations {
  readonly #as: As;
  readonly #byImpu = new Map<string, Registered>();
  #sweptAt: Instant = 0;

  constructor(as: As) {
    this.#as = as;
  }

  all(): readonly Registered[] {
    const now = this.#as.host.clock.now();
    return [...this.#byImpu.values()].filter(({ expires }) => expires > now);
  }

  receive(tx: ServerTransaction): void {
    const { request } = tx;
    const impu = copied(impuOf(required(request, To).uri));
    const contact = required(request, Contact);
    const granted = contactExpires(contact) ?? request.get(Expires) ?? DEFAULT_EXPIRES;
    if (granted === 0) this.#byImpu.delete(impu);
    else if (!this.#hasRoomFor(impu, tx.now)) {
      tx.reply(503, set(RetryAfter, { seconds: 60, params: NO_PARAMS }));
      return;
    } else {
      const expires = tx.now + seconds(granted);
      this.#byImpu.set(impu, { impu, contact: copied(uriText(contact.uri)), expires });
    }
    this.#as.decide('as.registered', request, {
      chose: granted === 0 ? 'forgotten' : `known for ${granted} s`,
      because: `the S-CSCF at ${uriText(contact.uri)} says ${impu} is ${granted === 0 ? 'gone' : 'registered'}`,
      clause: 'TS 24.229 §5.7.1.1',
    });
    tx.reply(200, set(Contact, contact), set(Expires, granted));
  }

  /** At the bound those whose time is over make room; a user who is known already needs none. */
  #hasRoomFor(impu: string, now: Instant): boolean {
    const { users } = this.#as.config;
    if (this.#byImpu.has(impu) || this.#byImpu.size < users) return true;
    if (now - this.#sweptAt < SWEEP) return false;
    this.#sweptAt = now;
    for (const [each, { expires }] of this.#byImpu) if (expires <= now) this.#byImpu.delete(each);
    return this.#byImpu.size < users;
  }
}
