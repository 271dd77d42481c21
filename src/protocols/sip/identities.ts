// Who a request says it is from and about, read as TS 24.229 has every CSCF read it.

import type { DigestValue } from './digest.ts';
import { SipError } from './error.ts';
import type { HeaderDef } from './header.ts';
import { Authorization, Contact, contactExpires, Expires, To } from './headers.ts';
import type { SipMessage, SipRequest } from './message.ts';
import { impuOf, isSipUri } from './uri.ts';

/** The first value of a header that must be there. Throws SipError 400 naming it. */
export function required<T>(message: SipMessage, def: HeaderDef<T>): T {
  const value = message.get(def);
  if (value === undefined) throw new SipError(400, `${def.name} is missing`, { clause: def.spec });
  return value;
}

/** The digest credentials of a request for our realm; a client not challenged yet may leave it out. */
export function credentialsFor(request: SipRequest, home: string): DigestValue | undefined {
  return request
    .all(Authorization)
    .find(
      ({ scheme, params }) =>
        scheme.toLowerCase() === 'digest' && (params.get('realm') || home).toLowerCase() === home,
    );
}

/**
 * The private identity a REGISTER is for: the username, completed by the home domain where it has
 * none, or, without credentials, the public identity without its scheme. Throws SipError 400.
 * TS 24.229 §5.3.1.2, §5.4.1.2.1; TS 23.003 §13.3
 */
export function impiOf(register: SipRequest, home: string): string {
  const to = required(register, To).uri;
  const username = credentialsFor(register, home)?.params.get('username') || undefined;
  if (username === undefined && !isSipUri(to)) {
    throw new SipError(400, 'no private identity: To is no SIP URI and there is no username');
  }
  const named = username ?? impuOf(to).replace(/^[a-z]+:/, '');
  return named.includes('@') ? named : `${named}@${home}`;
}

/** True where every contact of the REGISTER asks for no time: it ends registrations. */
export function isDeregistration(register: SipRequest): boolean {
  const contacts = register.all(Contact);
  const whole = register.get(Expires);
  return contacts.length > 0 && contacts.every(contact => (contactExpires(contact) ?? whole) === 0);
}
