// The body and how to read it. RFC 3261 §20.11 to §20.15, §20.24.

import { mediaTypeValue, numberValue, tokenValue, tokenWithParams } from '../grammar.ts';
import { listHeader, singleHeader } from '../header.ts';

export const ContentType = singleHeader({
  name: 'Content-Type',
  compact: 'c',
  spec: 'RFC 3261 §20.15',
  value: mediaTypeValue,
});

/** Octets of the body; written by `encode` where absent. */
export const ContentLength = singleHeader({
  name: 'Content-Length',
  compact: 'l',
  spec: 'RFC 3261 §20.14',
  value: numberValue(4_294_967_295),
});

export const ContentDisposition = singleHeader({
  name: 'Content-Disposition',
  spec: 'RFC 3261 §20.11',
  value: tokenWithParams('disposition', { lowerCase: true }),
});

export const ContentEncoding = listHeader({
  name: 'Content-Encoding',
  compact: 'e',
  spec: 'RFC 3261 §20.12',
  value: tokenValue,
  joined: true,
});

export const ContentLanguage = listHeader({
  name: 'Content-Language',
  spec: 'RFC 3261 §20.13',
  value: tokenValue,
  joined: true,
});

export const MimeVersion = singleHeader({
  name: 'MIME-Version',
  spec: 'RFC 3261 §20.24',
  value: tokenValue,
});
