// Reasons, warnings, names and other information for people and logs. RFC 3261 §20, RFC 3326, RFC 4412, RFC 6442.

import { SipError } from '../error.ts';
import { nameAddrValue, textValue, tokenValue, tokenWithParams } from '../grammar.ts';
import { type Grammar, listHeader, singleHeader } from '../header.ts';
import { type Params, paramsText, parseParams } from '../params.ts';
import { closingQuote, quoted } from '../text.ts';

/** `SIP;cause=200;text="…"`, `Q.850;cause=16` */
export const Reason = listHeader({
  name: 'Reason',
  spec: 'RFC 3326 §2',
  value: tokenWithParams('protocol'),
});

export interface WarningValue {
  readonly code: number;
  /** Host and port, or a pseudonym. */
  readonly agent: string;
  /** As on the wire without the quotes. */
  readonly text: string;
}

const warning: Grammar<WarningValue> = {
  parse(text) {
    const match = /^(\d{3}) +([^ "]{1,255}) +"/.exec(text);
    if (match === null) throw new SipError(400, 'not a warning');
    const open = match[0].length - 1;
    return {
      code: Number(match[1]),
      agent: match[2]!,
      text: text.slice(open + 1, closingQuote(text, open)),
    };
  },
  format: value => `${value.code} ${value.agent} ${quoted(value.text)}`,
};

export const Warning = listHeader({ name: 'Warning', spec: 'RFC 3261 §20.43', value: warning });

export const UserAgent = singleHeader({
  name: 'User-Agent',
  spec: 'RFC 3261 §20.41',
  value: textValue,
});
export const Server = singleHeader({ name: 'Server', spec: 'RFC 3261 §20.35', value: textValue });
export const Subject = singleHeader({
  name: 'Subject',
  compact: 's',
  spec: 'RFC 3261 §20.36',
  value: textValue,
});
export const Organization = singleHeader({
  name: 'Organization',
  spec: 'RFC 3261 §20.25',
  value: textValue,
});
export const Priority = singleHeader({
  name: 'Priority',
  spec: 'RFC 3261 §20.26',
  value: tokenValue,
});
export const InReplyTo = listHeader({
  name: 'In-Reply-To',
  spec: 'RFC 3261 §20.21',
  value: textValue,
  joined: true,
});

/** `<absolute-URI>` with parameters. */
export const AlertInfo = listHeader({
  name: 'Alert-Info',
  spec: 'RFC 3261 §20.4',
  value: nameAddrValue,
});
export const CallInfo = listHeader({
  name: 'Call-Info',
  spec: 'RFC 3261 §20.9',
  value: nameAddrValue,
});
export const ErrorInfo = listHeader({
  name: 'Error-Info',
  spec: 'RFC 3261 §20.18',
  value: nameAddrValue,
});
export const Geolocation = listHeader({
  name: 'Geolocation',
  spec: 'RFC 6442 §4.1',
  value: nameAddrValue,
});

export interface GeolocationRoutingValue {
  /** 'yes' or 'no', lower case. */
  readonly value: string;
  readonly params: Params;
}

export const GeolocationRouting = singleHeader<GeolocationRoutingValue>({
  name: 'Geolocation-Routing',
  spec: 'RFC 6442 §4.2',
  value: tokenWithParams('value', { lowerCase: true }),
});

/** `namespace.priority` in lower case: 'dsn.flash', 'esnet.1'. RFC 4412 §3.1 */
export const ResourcePriority = listHeader({
  name: 'Resource-Priority',
  spec: 'RFC 4412 §3.1',
  value: resourcePriority(),
  joined: true,
});

export const AcceptResourcePriority = listHeader({
  name: 'Accept-Resource-Priority',
  spec: 'RFC 4412 §3.2',
  value: resourcePriority(),
  joined: true,
});

function resourcePriority(): Grammar<string> {
  return {
    parse(text) {
      const value = tokenValue.parse(text).toLowerCase();
      if (!/^[^.]+\.[^.]+$/.test(value)) throw new SipError(400, 'not a namespace and a priority');
      return value;
    },
    format: value => value,
  };
}

/** A media type's worth of text with parameters, for P-Asserted-Service and P-Preferred-Service. */
export const PAssertedService = listHeader({
  name: 'P-Asserted-Service',
  spec: 'RFC 6050 §4.1',
  value: textValue,
});
export const PPreferredService = listHeader({
  name: 'P-Preferred-Service',
  spec: 'RFC 6050 §4.2',
  value: textValue,
});

/** `0` or `100` etc.: the answer mode of RFC 5373 §2. */
export const AnswerMode = singleHeader({
  name: 'Answer-Mode',
  spec: 'RFC 5373',
  value: {
    parse: (text: string) => answerMode(text),
    format: (v: AnswerModeValue) => v.mode + paramsText(v.params),
  },
});

export interface AnswerModeValue {
  readonly mode: string;
  readonly params: Params;
}

function answerMode(text: string): AnswerModeValue {
  const semicolon = text.indexOf(';');
  const mode = tokenValue.parse((semicolon < 0 ? text : text.slice(0, semicolon)).trim());
  return { mode, params: parseParams(text, semicolon < 0 ? text.length : semicolon) };
}
