// What tells one server transaction from another: RFC 3261 §17.2.3.

import { CallId, CSeq, From, type ViaValue } from '../headers.ts';
import type { SipRequest } from '../message.ts';
import { uriText } from '../uri.ts';

/** Marks a branch as unique by RFC 3261 §8.1.1.7. */
export const magicCookie = 'z9hG4bK';

/**
 * The key of the transaction a request belongs to; an ACK has that of its INVITE. For a CANCEL pass
 * INVITE as `method` to find what it cancels.
 */
export function serverKey(request: SipRequest, via: ViaValue, method = keyMethod(request)): string {
  const branch = via.params.get('branch');
  const port = via.port ?? 0;
  if (branch?.startsWith(magicCookie)) return `${branch}|${via.host}:${port}|${method}`;
  // RFC 2543: no branch that could be trusted. The To tag is left out, since ACK has one where its
  // INVITE had none; Call-ID, From tag and CSeq are the same only for copies.
  const from = request.get(From)?.params.get('tag') ?? '';
  const sequence = request.get(CSeq)?.sequence ?? 0;
  const id = `${request.get(CallId) ?? ''}|${from}|${sequence}|${uriText(request.uri)}`;
  return `2543|${branch ?? ''}|${via.host}:${port}|${id}|${method}`;
}

const keyMethod = (request: SipRequest): string =>
  request.method === 'ACK' ? 'INVITE' : request.method;
