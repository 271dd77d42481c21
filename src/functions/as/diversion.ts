// What a diverted call tells of its past: History-Info of TS 24.604 §4.5.2.6.2 in the form of RFC 7044,
// with the cause of RFC 4458 at each URI that a diversion made.

import { HistoryInfo, type NameAddr, nameAddr, PAssertedIdentity } from '#sip/headers';
import { type Edit, type SipRequest, set } from '#sip/message';
import { isSipUri, isTelUri, parseUri, type Uri, uriText } from '#sip/uri';
import { identityOf } from './identity.ts';

/** Diversions after which a call goes no further (TS 24.604 §4.5.2.6.1, by default). */
export const MOST_DIVERSIONS = 5;

/** Unconditional, RFC 4458 §2. */
const CAUSE = '302';

/** How often a call has been diverted already. */
export const diversionsOf = (request: SipRequest): number =>
  request.all(HistoryInfo).filter(({ uri }) => hasCause(uri)).length;

/** History-Info of the call as it goes on to `target`; complete where it was not. */
export function history(request: SipRequest, target: Uri, home: string): readonly NameAddr[] {
  const past = [...request.all(HistoryInfo)];
  const last = past.at(-1);
  const { uri } = request;
  if (last === undefined || identityOf(bare(last.uri), home) !== identityOf(uri, home)) {
    // RFC 7044 §9.1: whoever is diverted stands in it, even where nobody wrote it down.
    past.push(nameAddr(bare(uri), { index: last === undefined ? '1' : next(last) }));
  }
  const from = past.at(-1)!;
  // `mp`: the target came of a mapping of the entry before (RFC 7044 §5)
  past.push(nameAddr(withCause(target), { index: next(from), mp: indexOf(from) }));
  return past;
}

/** 181 tells the caller where his call goes and who sent it there. TS 24.604 §4.5.2.6.4 */
export function diversionNotice(request: SipRequest, past: readonly NameAddr[]): readonly Edit[] {
  return [set(HistoryInfo, ...past), set(PAssertedIdentity, nameAddr(bare(request.uri)))];
}

const indexOf = (entry: NameAddr): string => entry.params.get('index') ?? '1';
/** RFC 7044 §10.3: one level deeper. */
const next = (entry: NameAddr): string => `${indexOf(entry)}.1`;

const hasCause = (uri: Uri): boolean => 'params' in uri && uri.params.has('cause');

function withCause(uri: Uri): Uri {
  if (!isSipUri(uri) && !isTelUri(uri)) return uri;
  return { ...uri, params: new Map(uri.params).set('cause', CAUSE) };
}

/** Without headers and cause: the identity, as it is dialled. */
function bare(uri: Uri): Uri {
  if (!isSipUri(uri) && !isTelUri(uri)) return uri;
  const params = new Map(uri.params);
  params.delete('cause');
  return isSipUri(uri)
    ? { ...uri, params, headers: undefined }
    : parseUri(uriText({ ...uri, params }));
}
