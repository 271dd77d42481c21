// The access network and the visited network. RFC 7315 §4.3, §4.4; TS 24.229 §7.2.15.

import { SipError } from '../error.ts';
import { tokenValue, tokenWithParams } from '../grammar.ts';
import { type Grammar, listHeader } from '../header.ts';
import { type Params, paramsText, parseParams } from '../params.ts';
import { closingQuote, isToken, isTokenCode, quoted } from '../text.ts';

/** `3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=…`; the flag `network-provided` says who put it there. */
export const PAccessNetworkInfo = listHeader({
  name: 'P-Access-Network-Info',
  spec: 'RFC 7315 §4.4',
  value: tokenWithParams('accessType'),
});

export const CellularNetworkInfo = listHeader({
  name: 'Cellular-Network-Info',
  spec: 'TS 24.229 §7.2.15',
  value: tokenWithParams('accessType'),
});

export interface PVisitedNetworkIdValue {
  /** Without its quotes. */
  readonly network: string;
  readonly params: Params;
}

const visited: Grammar<PVisitedNetworkIdValue> = {
  parse(text) {
    if (text.charCodeAt(0) === 0x22) {
      const close = closingQuote(text, 0);
      return { network: text.slice(1, close), params: parseParams(text, close + 1) };
    }
    let at = 0;
    while (at < text.length && isTokenCode(text.charCodeAt(at))) at++;
    if (at === 0) throw new SipError(400, 'no network');
    return { network: text.slice(0, at), params: parseParams(text, at) };
  },
  format: value =>
    (isToken(value.network) ? value.network : quoted(value.network)) + paramsText(value.params),
};

export const PVisitedNetworkId = listHeader({
  name: 'P-Visited-Network-ID',
  spec: 'RFC 7315 §4.3',
  value: visited,
});

/** 'supported', 'gated', 'sendrecv', 'inactive' … RFC 5009 §8 */
export const PEarlyMedia = listHeader({
  name: 'P-Early-Media',
  spec: 'RFC 5009',
  value: tokenValue,
  joined: true,
});
