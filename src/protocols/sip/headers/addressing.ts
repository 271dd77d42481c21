// Who calls whom and where they can be reached. RFC 3261 §20.10, §20.20, §20.31, §20.39.

import { type NameAddr, nameAddrValue, STAR } from '../grammar.ts';
import { listHeader, singleHeader } from '../header.ts';
import { NO_PARAMS } from '../params.ts';

export const From = singleHeader({
  name: 'From',
  compact: 'f',
  spec: 'RFC 3261 §20.20',
  value: nameAddrValue,
});

export const To = singleHeader({
  name: 'To',
  compact: 't',
  spec: 'RFC 3261 §20.39',
  value: nameAddrValue,
});

/** `Contact: *` of a REGISTER that removes every binding; its URI has the scheme `*`. */
export const ContactStar: NameAddr = Object.freeze({
  displayName: undefined,
  uri: STAR,
  params: NO_PARAMS,
});

export const isContactStar = (contact: NameAddr): boolean => contact.uri.scheme === '*';

export const Contact = listHeader({
  name: 'Contact',
  compact: 'm',
  spec: 'RFC 3261 §20.10',
  value: {
    parse: (text: string): NameAddr => (text === '*' ? ContactStar : nameAddrValue.parse(text)),
    format: nameAddrValue.format,
  },
});

/** The contact's own `expires` in seconds; undefined where absent or malformed (§10.2.1.1). */
export function contactExpires(contact: NameAddr): number | undefined {
  const text = contact.params.get('expires');
  return text != null && /^\d{1,10}$/.test(text)
    ? Math.min(Number(text), 4_294_967_295)
    : undefined;
}

/** The contact's preference, 0 to 1; 1 where absent or malformed (§20.10). */
export function contactQ(contact: NameAddr): number {
  const text = contact.params.get('q');
  return text != null && /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(text) ? Number(text) : 1;
}

export const ReplyTo = singleHeader({
  name: 'Reply-To',
  spec: 'RFC 3261 §20.31',
  value: nameAddrValue,
});
