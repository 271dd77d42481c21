// Whom the settings of a service are about. A subscriber's number is one identity in either spelling,
// `tel:+15550100002` and `sip:+15550100002@<home domain>` (TS 23.003 §13.4).

import { UsageError } from '#kernel/errors';
import { impuOf, isSipUri, isTelUri, parseUri, type Uri } from '#sip/uri';

/** The same text for all spellings of one identity. */
export function identityOf(uri: Uri, home: string): string {
  const impu = impuOf(uri);
  if (isTelUri(uri) || !isSipUri(uri)) return impu;
  const number = /^sips?:(\+[0-9]+)@/.exec(impu)?.[1];
  return number !== undefined && uri.host === home ? `tel:${number}` : impu;
}

/** The same of what an operator wrote. Throws a UsageError that names the setting. */
export function identityNamed(text: string, home: string, setting: string): string {
  try {
    return identityOf(parseUri(text), home);
  } catch {
    throw new UsageError(`${setting}: "${text}" is no identity, such as sip:bob@${home}`);
  }
}
