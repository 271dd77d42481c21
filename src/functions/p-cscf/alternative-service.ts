// The body by which the P-CSCF tells a UE what to do instead. TS 24.229 §7.6

import { nameAddr, PAssertedIdentity } from '#sip/headers';
import { body, type Edit, set } from '#sip/message';
import { sipUri } from '#sip/uri';
import type { PCscf } from './p-cscf.ts';

export interface AlternativeService {
  readonly type: 'emergency' | 'restoration';
  readonly reason: string;
  readonly action?: 'initial-registration';
}

/** Body, and the name of who says so: a UE believes nobody but its own network (§5.1.2A.1.6). */
export function alternativeService(pcscf: PCscf, service: AlternativeService): readonly Edit[] {
  const { name, mwPort } = pcscf.config;
  const { type, reason, action } = service;
  const xml =
    '<?xml version="1.0" encoding="UTF-8"?>\n<ims-3gpp version="1"><alternative-service>' +
    `<type>${type}</type><reason>${reason}</reason>` +
    `${action === undefined ? '' : `<action>${action}</action>`}</alternative-service></ims-3gpp>\n`;
  return [
    set(PAssertedIdentity, nameAddr(sipUri({ host: name, port: mwPort }))),
    body('application/3gpp-ims+xml', xml),
  ];
}
