// What each side understands, requires and prefers. RFC 3261 §20, RFC 3841, RFC 6809, RFC 6086.

import { SipError } from '../error.ts';
import { type MediaType, mediaTypeValue, tokenValue, tokenWithParams } from '../grammar.ts';
import { type Grammar, listHeader, singleHeader } from '../header.ts';
import { type Params, paramsText, parseParams } from '../params.ts';

const tokens = (name: string, spec: string, compact?: string) =>
  listHeader({
    name,
    spec,
    value: tokenValue,
    joined: true,
    ...(compact === undefined ? {} : { compact }),
  });

export const Allow = tokens('Allow', 'RFC 3261 §20.5');
export const Supported = tokens('Supported', 'RFC 3261 §20.37', 'k');
export const Require = tokens('Require', 'RFC 3261 §20.32');
export const ProxyRequire = tokens('Proxy-Require', 'RFC 3261 §20.29');
export const Unsupported = tokens('Unsupported', 'RFC 3261 §20.40');
export const RecvInfo = tokens('Recv-Info', 'RFC 6086');

export const Accept = listHeader<MediaType>({
  name: 'Accept',
  spec: 'RFC 3261 §20.1',
  value: mediaTypeValue,
  joined: true,
});

export const AcceptEncoding = listHeader({
  name: 'Accept-Encoding',
  spec: 'RFC 3261 §20.2',
  value: tokenWithParams('encoding', { lowerCase: true }),
  joined: true,
});

export const AcceptLanguage = listHeader({
  name: 'Accept-Language',
  spec: 'RFC 3261 §20.3',
  value: tokenWithParams('language'),
  joined: true,
});

export const InfoPackage = singleHeader({
  name: 'Info-Package',
  spec: 'RFC 6086',
  value: tokenWithParams('package'),
});

/** `*` and the features asked for; `explicit` and `require` stand among them. RFC 3841 §9.2 */
export interface FeatureSet {
  readonly params: Params;
}

const featureSet: Grammar<FeatureSet> = {
  parse(text) {
    if (text.charCodeAt(0) !== 0x2a) throw new SipError(400, 'does not begin with *');
    return { params: parseParams(text, 1) };
  },
  format: value => `*${paramsText(value.params)}`,
};

export const AcceptContact = listHeader({
  name: 'Accept-Contact',
  compact: 'a',
  spec: 'RFC 3841 §9.2',
  value: featureSet,
  joined: true,
});

export const RejectContact = listHeader({
  name: 'Reject-Contact',
  compact: 'j',
  spec: 'RFC 3841 §9.2',
  value: featureSet,
  joined: true,
});

export const FeatureCaps = listHeader({
  name: 'Feature-Caps',
  spec: 'RFC 6809',
  value: featureSet,
});

export const RequestDisposition = listHeader({
  name: 'Request-Disposition',
  compact: 'd',
  spec: 'RFC 3841 §9.1',
  value: tokenValue,
  joined: true,
});
