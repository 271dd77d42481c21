// Session descriptions in messages, as octets: what they say is for others.

import { ContentType } from '../headers.ts';
import { body, type Edit, type SipMessage } from '../message.ts';

/** The description a message carries. */
export function sdpOf(message: SipMessage): Uint8Array | undefined {
  if (message.body.length === 0) return undefined;
  return message.get(ContentType)?.type === 'application/sdp' ? message.body : undefined;
}

export const withSdp = (sdp: Uint8Array | undefined): readonly Edit[] =>
  sdp === undefined ? [] : [body('application/sdp', sdp)];
