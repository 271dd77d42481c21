// Who a request says it is from and about, read as TS 24.229 has every CSCF read it.

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

/**
 * The private identity a REGISTER is for: the username, completed by the realm's domain where it
 * has none, or, without credentials, the public identity without its scheme. TS 24.229 §5.3.1.2
 */
export function impiOf(register: SipRequest): string {
  const credentials = register.get(Authorization);
  const username = credentials?.params.get('username');
  const to = required(register, To).uri;
  if (!username) return impuOf(to).replace(/^[a-z]+:/, '');
  if (username.includes('@')) return username;
  const realm = credentials?.params.get('realm');
  return `${username}@${realm || (isSipUri(to) ? to.host : '')}`;
}

/** True where every contact of the REGISTER asks for no time: it ends registrations. */
export function isDeregistration(register: SipRequest): boolean {
  const contacts = register.all(Contact);
  const whole = register.get(Expires);
  return contacts.length > 0 && contacts.every(contact => (contactExpires(contact) ?? whole) === 0);
}
