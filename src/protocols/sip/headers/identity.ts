// Who somebody is, as the network says. RFC 3325, RFC 7315 §4, RFC 5502, RFC 7044, RFC 3323.

import { SipError } from '../error.ts';
import { nameAddrValue } from '../grammar.ts';
import { type Grammar, listHeader, singleHeader } from '../header.ts';
import { isToken, trimmed } from '../text.ts';

export const PAssertedIdentity = listHeader({
  name: 'P-Asserted-Identity',
  spec: 'RFC 3325 §9.1',
  value: nameAddrValue,
});

export const PPreferredIdentity = listHeader({
  name: 'P-Preferred-Identity',
  spec: 'RFC 3325 §9.2',
  value: nameAddrValue,
});

export const PAssociatedUri = listHeader({
  name: 'P-Associated-URI',
  spec: 'RFC 7315 §4.1',
  value: nameAddrValue,
});

export const PCalledPartyId = singleHeader({
  name: 'P-Called-Party-ID',
  spec: 'RFC 7315 §4.2',
  value: nameAddrValue,
});

export const PServedUser = singleHeader({
  name: 'P-Served-User',
  spec: 'RFC 5502',
  value: nameAddrValue,
});

export const PProfileKey = singleHeader({
  name: 'P-Profile-Key',
  spec: 'RFC 5002',
  value: nameAddrValue,
});

export const PUserDatabase = singleHeader({
  name: 'P-User-Database',
  spec: 'RFC 4457',
  value: nameAddrValue,
});

export const HistoryInfo = listHeader({
  name: 'History-Info',
  spec: 'RFC 7044 §5',
  value: nameAddrValue,
});

export const Diversion = listHeader({
  name: 'Diversion',
  spec: 'RFC 5806',
  value: nameAddrValue,
});

/** Levels in lower case: 'id', 'header', 'session', 'user', 'critical', 'none', 'history'. */
const privacy: Grammar<readonly string[]> = {
  parse(text) {
    // `;` separates by the grammar; `,` is seen too
    const levels = text.split(/[;,]/).map(level => trimmed(level).toLowerCase());
    if (!levels.every(isToken)) throw new SipError(400, 'not a privacy level');
    return levels;
  },
  format: levels => levels.join(';'),
};

export const Privacy = singleHeader({ name: 'Privacy', spec: 'RFC 3323 §4.2', value: privacy });
