// SIP as the kernel's links and the trace see it: one whole message, no more and no less.

import type { Codec } from '#kernel/host';
import { SipError } from './error.ts';
import type { SipMessage } from './message.ts';
import { parsePrefix } from './parse.ts';

export const sipCodec: Codec<SipMessage> = {
  encode: message => message.encode(),
  decode(octets) {
    const { message, length } = parsePrefix(octets);
    if (length !== octets.length)
      throw new SipError(400, 'octets follow the message', { offset: length });
    return message;
  },
};
