// Times and spans of time, in seconds. RFC 3261 §20.17, §20.19, §20.23, §20.33, §20.38; RFC 4028; RFC 5626.

import { SipError } from '../error.ts';
import { decimal, MAX_SECONDS, numberValue, numberWithParams } from '../grammar.ts';
import { type Grammar, singleHeader } from '../header.ts';
import { NO_PARAMS, type Params, paramsText, parseParams } from '../params.ts';
import { closingParenthesis, skipSpace, trimmed } from '../text.ts';

export const Expires = singleHeader({
  name: 'Expires',
  spec: 'RFC 3261 §20.19',
  value: numberValue(MAX_SECONDS),
});

export const MinExpires = singleHeader({
  name: 'Min-Expires',
  spec: 'RFC 3261 §20.23',
  value: numberValue(MAX_SECONDS),
});

export const MinSE = singleHeader({
  name: 'Min-SE',
  spec: 'RFC 4028 §5',
  value: numberWithParams(MAX_SECONDS),
});

export interface SecondsWithParams {
  readonly seconds: number;
  readonly params: Params;
}

const secondsWithParams: Grammar<SecondsWithParams> = {
  parse(text) {
    const semicolon = text.indexOf(';');
    return {
      seconds: decimal(trimmed(semicolon < 0 ? text : text.slice(0, semicolon)), MAX_SECONDS),
      params: parseParams(text, semicolon < 0 ? text.length : semicolon),
    };
  },
  format: value => value.seconds + paramsText(value.params),
};

export const SessionExpires = singleHeader({
  name: 'Session-Expires',
  compact: 'x',
  spec: 'RFC 4028 §4',
  value: secondsWithParams,
});

export const FlowTimer = singleHeader({
  name: 'Flow-Timer',
  spec: 'RFC 5626',
  value: numberValue(MAX_SECONDS),
});

export interface RetryAfterValue {
  readonly seconds: number;
  readonly params?: Params;
  /** Between the parentheses, which are left out. */
  readonly comment?: string | undefined;
}

export const RetryAfter = singleHeader({
  name: 'Retry-After',
  spec: 'RFC 3261 §20.33',
  value: {
    parse(text: string): RetryAfterValue {
      const open = text.indexOf('(');
      if (open < 0) return secondsWithParams.parse(text);
      const close = closingParenthesis(text, open);
      return {
        seconds: decimal(trimmed(text.slice(0, open)), MAX_SECONDS),
        comment: text.slice(open + 1, close),
        params: parseParams(text, skipSpace(text, close + 1)),
      };
    },
    format: (value: RetryAfterValue) =>
      value.seconds +
      (value.comment === undefined ? '' : ` (${value.comment})`) +
      paramsText(value.params ?? NO_PARAMS),
  },
});

export const Timestamp = singleHeader({
  name: 'Timestamp',
  spec: 'RFC 3261 §20.38',
  value: {
    parse(text: string): string {
      if (!/^\d{1,20}(\.\d{0,20})?([ \t]+\d{0,20}(\.\d{0,20})?)?$/.test(text)) {
        throw new SipError(400, 'not a time');
      }
      return text;
    },
    format: (value: string) => value,
  },
});
