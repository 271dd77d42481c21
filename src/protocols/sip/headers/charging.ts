// What joins and directs charging records. RFC 7315 §4.5, §4.6.

import { SipError } from '../error.ts';
import { type Grammar, singleHeader } from '../header.ts';
import { type Params, params, paramsText, parseParams } from '../params.ts';

export interface PChargingVectorValue {
  /** icid-value */
  readonly icid: string;
  readonly origIoi?: string | undefined;
  readonly termIoi?: string | undefined;
  readonly icidGeneratedAt?: string | undefined;
  /** Any other parameter. */
  readonly params?: Params;
}

const vector: Grammar<PChargingVectorValue> = {
  parse(text) {
    const all = parseParams(`;${text}`, 0);
    const icid = all.get('icid-value');
    if (icid == null) throw new SipError(400, 'no icid-value');
    const others = new Map(all);
    for (const name of ['icid-value', 'orig-ioi', 'term-ioi', 'icid-generated-at'])
      others.delete(name);
    return {
      icid,
      origIoi: all.get('orig-ioi') ?? undefined,
      termIoi: all.get('term-ioi') ?? undefined,
      icidGeneratedAt: all.get('icid-generated-at') ?? undefined,
      params: others,
    };
  },
  format(value) {
    const all = new Map(
      params({
        'icid-value': value.icid,
        'icid-generated-at': value.icidGeneratedAt,
        'orig-ioi': value.origIoi,
        'term-ioi': value.termIoi,
      }),
    );
    for (const [name, other] of value.params ?? []) all.set(name, other);
    return paramsText(all).slice(1);
  },
};

export const PChargingVector = singleHeader({
  name: 'P-Charging-Vector',
  spec: 'RFC 7315 §4.6',
  value: vector,
});

export interface PChargingFunctionAddressesValue {
  /** Offline charging functions, in order of preference; IPv6 with brackets. */
  readonly ccf: readonly string[];
  /** Online charging functions. */
  readonly ecf: readonly string[];
  readonly params?: Params;
}

const addresses: Grammar<PChargingFunctionAddressesValue> = {
  parse(text) {
    const ccf: string[] = [];
    const ecf: string[] = [];
    const others = new Map<string, string | null>();
    // ccf and ecf repeat, so each is read by itself
    for (const part of splitParams(text)) {
      const [[name, value] = ['', null]] = parseParams(`;${part}`, 0);
      if (name === 'ccf' && value !== null) ccf.push(value);
      else if (name === 'ecf' && value !== null) ecf.push(value);
      else if (name !== '') others.set(name, value);
    }
    return { ccf, ecf, params: others };
  },
  format(value) {
    const parts = [
      ...value.ccf.map(ccf => paramsText(new Map([['ccf', ccf]]))),
      ...value.ecf.map(ecf => paramsText(new Map([['ecf', ecf]]))),
      paramsText(value.params ?? new Map()),
    ];
    return parts.join('').slice(1);
  },
};

function splitParams(text: string): string[] {
  const parts: string[] = [];
  let from = 0;
  let inQuotes = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x5c && inQuotes) i++;
    else if (code === 0x22) inQuotes = !inQuotes;
    else if (code === 0x3b && !inQuotes) {
      parts.push(text.slice(from, i));
      from = i + 1;
      if (parts.length > 64) throw new SipError(400, 'too many parameters');
    }
  }
  parts.push(text.slice(from));
  return parts;
}

export const PChargingFunctionAddresses = singleHeader({
  name: 'P-Charging-Function-Addresses',
  spec: 'RFC 7315 §4.5',
  value: addresses,
});
