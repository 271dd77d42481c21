// Third-party REGISTER: what the S-CSCF tells this server of its users (TS 24.229 §5.7.1.1).

import { seconds } from '#kernel/time';
import type { Instant } from '#kernel/time';
import type { ServerTransaction } from '#sip/endpoint';
import { Contact, Expires, To } from '#sip/headers';
import { required } from '#sip/identities';
import { add, set } from '#sip/message';
import { impuOf, uriText } from '#sip/uri';
import type { As } from './as.ts';

export interface Registered {
  readonly impu: string;
  /** The S-CSCF that serves the user: where requests on his behalf go. */
  readonly contact: string;
  readonly expires: Instant;
}

/** Users known at once; above it the REGISTER is 503, and the user goes without this server. */
const LIMIT = 1_000_000;

export class Registrations {
  readonly #as: As;
  readonly #byImpu = new Map<string, Registered>();

  constructor(as: As) {
    this.#as = as;
  }

  all(): readonly Registered[] {
    const now = this.#as.host.clock.now();
    return [...this.#byImpu.values()].filter(({ expires }) => expires > now);
  }

  receive(tx: ServerTransaction): void {
    const { request } = tx;
    const impu = impuOf(required(request, To).uri);
    const contact = required(request, Contact);
    const granted = request.get(Expires) ?? 0;
    if (granted === 0) {
      this.#byImpu.delete(impu);
    } else if (this.#byImpu.size >= LIMIT) {
      return tx.reply(503);
    } else {
      const expires = tx.now + seconds(granted);
      this.#byImpu.set(impu, { impu, contact: uriText(contact.uri), expires });
    }
    this.#as.decide('as.registered', request, {
      chose: granted === 0 ? 'forgotten' : `known for ${granted} s`,
      because: `the S-CSCF at ${uriText(contact.uri)} says ${impu} is ${granted === 0 ? 'gone' : 'registered'}`,
      clause: 'TS 24.229 §5.7.1.1',
    });
    tx.reply(200, add(Contact, contact), set(Expires, granted));
  }
}
