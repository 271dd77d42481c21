// What tells calls, dialogs and requests apart. RFC 3261 §20.8, §20.16; RFC 3262 §7; RFC 3891; RFC 3911; RFC 4538.

import { SipError } from '../error.ts';
import { decimal } from '../grammar.ts';
import { type Grammar, singleHeader } from '../header.ts';
import { type Params, paramsText, parseParams } from '../params.ts';
import { isToken, skipSpace, trimmed } from '../text.ts';

const callIdValue: Grammar<string> = {
  parse(text) {
    if (text === '' || /[\x00-\x20\x7f]/.test(text)) throw new SipError(400, 'no call identifier');
    return text;
  },
  format: value => value,
};

export const CallId = singleHeader({
  name: 'Call-ID',
  compact: 'i',
  spec: 'RFC 3261 §20.8',
  value: callIdValue,
});

export interface CSeqValue {
  readonly sequence: number;
  readonly method: string;
}

/** RFC 3261 §8.1.1.5: less than 2**31. */
export const MAX_SEQUENCE = 2_147_483_647;

export const CSeq = singleHeader({
  name: 'CSeq',
  spec: 'RFC 3261 §20.16',
  value: {
    parse(text: string): CSeqValue {
      const { number, rest } = leadingNumber(text);
      if (!isToken(rest)) throw new SipError(400, 'no method');
      return { sequence: number, method: rest };
    },
    format: (value: CSeqValue) => `${value.sequence} ${value.method}`,
  },
});

function leadingNumber(text: string, max = MAX_SEQUENCE): { number: number; rest: string } {
  let at = 0;
  while (at < text.length && text.charCodeAt(at) > 0x20) at++;
  return {
    number: decimal(text.slice(0, at), max),
    rest: text.slice(skipSpace(text, at)),
  };
}

/** RFC 3262 §7.1: 32 bits. */
const MAX_RSEQ = 4_294_967_295;

export const RSeq = singleHeader({
  name: 'RSeq',
  spec: 'RFC 3262 §7.1',
  value: {
    parse: (text: string) => decimal(text, MAX_RSEQ),
    format: (value: number) => String(value),
  },
});

export interface RAckValue {
  readonly rseq: number;
  readonly sequence: number;
  readonly method: string;
}

export const RAck = singleHeader({
  name: 'RAck',
  spec: 'RFC 3262 §7.2',
  value: {
    parse(text: string): RAckValue {
      const first = leadingNumber(text, MAX_RSEQ);
      const second = leadingNumber(first.rest);
      if (!isToken(second.rest)) throw new SipError(400, 'no method');
      return { rseq: first.number, sequence: second.number, method: second.rest };
    },
    format: (value: RAckValue) => `${value.rseq} ${value.sequence} ${value.method}`,
  },
});

/** A dialog named by another: `call-id;to-tag=…;from-tag=…`. */
export interface DialogReference {
  readonly callId: string;
  readonly params: Params;
}

const dialogReference: Grammar<DialogReference> = {
  parse(text) {
    const semicolon = text.indexOf(';');
    return {
      callId: callIdValue.parse(trimmed(semicolon < 0 ? text : text.slice(0, semicolon))),
      params: parseParams(text, semicolon < 0 ? text.length : semicolon),
    };
  },
  format: value => value.callId + paramsText(value.params),
};

export const Replaces = singleHeader({
  name: 'Replaces',
  spec: 'RFC 3891 §6.1',
  value: dialogReference,
});
export const Join = singleHeader({ name: 'Join', spec: 'RFC 3911 §7.1', value: dialogReference });
export const TargetDialog = singleHeader({
  name: 'Target-Dialog',
  spec: 'RFC 4538',
  value: dialogReference,
});
