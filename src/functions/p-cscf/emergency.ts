// Calls for help. Until there is an E-CSCF, the P-CSCF tells a UE that asks for one to call in another
// way, and never lets the request go the normal way. TS 24.229 §5.2.10.5, §7.6

import type { ServerTransaction } from '#sip/endpoint';
import { Contact, nameAddr } from '#sip/headers';
import { set } from '#sip/message';
import { isSipUri, isTelUri, parseUri, type Uri } from '#sip/uri';
import { alternativeService } from './alternative-service.ts';
import type { PCscf } from './p-cscf.ts';

/** RFC 5031 §4.2: the service and its kinds: fire, police, … */
const SERVICE = /^urn:service:sos(\.|$)/i;

/** Whether a Request-URI asks for an emergency service: by its URN, or by a number of this country. */
export function isEmergency(uri: Uri, numbers: readonly string[]): boolean {
  if (isTelUri(uri)) return numbers.includes(digitsOf(uri.number));
  if (isSipUri(uri)) return uri.user !== undefined && numbers.includes(digitsOf(uri.user));
  return 'text' in uri && SERVICE.test(`${uri.scheme}:${uri.text}`);
}

/** 380 (Alternative Service): the phone is to use another network, or the circuit-switched domain. */
export function refuseEmergency(pcscf: PCscf, tx: ServerTransaction): void {
  pcscf.decide('p-cscf.emergency', tx.request, {
    chose: '380',
    because: 'it calls an emergency service, and this network has no E-CSCF',
    clause: 'TS 24.229 §5.2.10.5',
  });
  const reason = 'no emergency services in the IMS of this network';
  tx.reply(
    380,
    set(Contact, nameAddr(parseUri('urn:service:sos'))),
    ...alternativeService(pcscf, { type: 'emergency', reason }),
  );
}

/** Without the separators people write; parameters of a telephone subscriber do not count. */
const digitsOf = (number: string): string =>
  (number.split(';', 1)[0] ?? '').replace(/[-.() ]/g, '');
