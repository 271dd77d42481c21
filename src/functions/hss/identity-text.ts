// How a record writes identities that are more than a URI or a username: with parameters after a
// semicolon, as SIP does. TS 23.228 §4.3.3 (which identity goes with what).

import { wildcardOf } from '#sip/wildcarded';
import { canonicalImpu } from './identities.ts';

/** Stands among `impus` for those that follow from IMSI, number and name. */
export const DERIVED = 'derived';

/** A public identity as the record has it. */
export interface ImpuText {
  /** Canonical, or the wildcarded identity. */
  readonly impu: string;
  readonly wildcarded: boolean;
  readonly barred: boolean;
  /** Implicit registration set; '' is the one of identities that name none. */
  readonly set: string;
  /** Identities of one group are told apart by nobody. TS 23.228 §4.3.3.2a */
  readonly alias: string | undefined;
  /** Service profile of the network. */
  readonly profile: string | undefined;
  readonly display: string | undefined;
  /** Devices registered at once, at most. TS 29.228 annex B.2.1 */
  readonly contacts: number | undefined;
}

/** A private identity beside those that follow from the record, with what proves it. */
export interface ImpiText {
  readonly impi: string;
  readonly password: string | undefined;
  readonly k: string | undefined;
  readonly opc: string | undefined;
  readonly algorithm: string | undefined;
  /** Implicit registration sets that it may register; undefined: all. */
  readonly sets: readonly string[] | undefined;
}

/** The reader of one item tells why it cannot be. */
export type ReadItem<T> = T | { readonly wrong: string };

const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;
const name = (value: string): string | undefined =>
  NAME.test(value) ? undefined : 'is not up to 32 of a to z, 0 to 9, _ and -';

const IMPU_PARAMETERS: Readonly<Record<string, (value: string) => string | undefined>> = {
  set: name,
  alias: name,
  profile: name,
  display: value => (value.length <= 128 ? undefined : 'has more than 128 characters'),
  contacts: value => (/^[1-9][0-9]{0,2}$/.test(value) ? undefined : 'is not 1 to 999'),
};

/** One of `impus`: not DERIVED, which has no parameters. */
export function readImpu(text: string): ReadItem<ImpuText> {
  const [uri = '', ...rest] = text.split(';');
  const wildcard = wildcardOf(uri);
  const impu = wildcard?.text ?? (/\?/.test(uri) ? undefined : canonicalImpu(uri));
  if (impu === undefined || impu.length > 255) {
    const what = 'a sip: or tel: URI, such as sip:+15550100001@ims.example';
    return { wrong: `is not ${what}, or wildcarded as sip:+1555010!.*!@ims.example` };
  }
  const given = parameters(rest, IMPU_PARAMETERS, ['barred']);
  if ('wrong' in given) return { wrong: given.wrong as string };
  const { set = '', alias, profile, display, contacts, barred } = given;
  return {
    impu,
    wildcarded: wildcard !== undefined,
    barred: barred !== undefined,
    set,
    alias,
    profile,
    display,
    contacts: contacts === undefined ? undefined : Number(contacts),
  };
}

/** The form it is kept in. */
export function impuText(item: ImpuText): string {
  const { impu, barred, set, alias, profile, display, contacts } = item;
  const values = { set: set === '' ? undefined : set, alias, profile, display, contacts };
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return [
    impu,
    ...(barred ? ['barred'] : []),
    ...given.map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`),
  ].join(';');
}

const hexOf =
  (...digits: number[]) =>
  (value: string): string | undefined =>
    digits.includes(value.length) && /^[0-9a-fA-F]+$/.test(value)
      ? undefined
      : `is not ${digits.join(' or ')} hexadecimal digits`;

const IMPI_PARAMETERS: typeof IMPU_PARAMETERS = {
  password: value =>
    value !== '' && value.length <= 128 && value.isWellFormed() && !/\p{Cc}/u.test(value)
      ? undefined
      : 'is not 1 to 128 characters without control characters',
  k: hexOf(32, 64),
  opc: hexOf(32, 64),
  algorithm: value =>
    ALGORITHM.test(value) ? undefined : 'is not milenage, tuak or such as tuak-128-2',
  sets: value =>
    value.split(',').every(set => set === DEFAULT_SET || NAME.test(set))
      ? undefined
      : `is not names of implicit sets with commas between (${DEFAULT_SET} is the unnamed one)`,
};

/** The set of identities that name none, where a list of sets names it. */
const DEFAULT_SET = 'default';

/** 'tuak-<bits of RES>-<iterations of Keccak>', TS 35.231 §5.2 and §7.1 */
export const ALGORITHM = /^(?:milenage|tuak(?:-(?:32|64|128|256)(?:-[1-9])?)?)$/;

/** Whether K and the operator's constant are of the algorithm's lengths, in hexadecimal digits. */
export function keyProblem(
  algorithm: string,
  k: string | undefined,
  constant: string | undefined,
): { readonly field: 'k' | 'opc'; readonly right: string } | undefined {
  const isTuak = algorithm.startsWith('tuak');
  if (!isTuak && k !== undefined && k.length !== 32) {
    return { field: 'k', right: 'is not 32 hexadecimal digits, which Milenage wants' };
  }
  if (constant === undefined || constant.length === (isTuak ? 64 : 32)) return undefined;
  const right = isTuak
    ? '64 hexadecimal digits, which TUAK'
    : '32 hexadecimal digits, which Milenage';
  return { field: 'opc', right: `is not ${right} wants` };
}

export const IMPI = /^[A-Za-z0-9._~+*=#$%&'!/?^`{|}-]+@[a-z0-9.-]+$/;

/** One of `impis`. What is wrong names no secret. */
export function readImpi(text: string): ReadItem<ImpiText> {
  const [impi = '', ...rest] = text.split(';');
  if (impi.length > 255 || !IMPI.test(impi)) {
    return { wrong: 'does not begin with a user name, @ and a domain' };
  }
  const given = parameters(rest, IMPI_PARAMETERS, []);
  if ('wrong' in given) return { wrong: given.wrong as string };
  const { password, k, opc, algorithm, sets } = given;
  if ((password === undefined) === (k === undefined)) {
    return { wrong: 'has neither or both of ;password= and ;k=; it has one of them' };
  }
  if ((k === undefined) !== (opc === undefined)) {
    return { wrong: 'has one of ;k= and ;opc=; they go together' };
  }
  const key = keyProblem(algorithm ?? 'milenage', k, opc);
  if (key !== undefined) return { wrong: `has a ;${key.field}= that ${key.right}` };
  return {
    impi,
    password,
    k: k?.toLowerCase(),
    opc: opc?.toLowerCase(),
    algorithm,
    sets: sets?.split(',').map(set => (set === DEFAULT_SET ? '' : set)),
  };
}

export function impiText(item: ImpiText): string {
  const { impi, password, k, opc, algorithm, sets } = item;
  const named = sets?.map(set => (set === '' ? DEFAULT_SET : set)).join(',');
  const given = Object.entries({ password, k, opc, algorithm, sets: named });
  const there = given.filter(([, value]) => value !== undefined);
  return [
    impi,
    ...there.map(([key, value]) =>
      key === 'sets' ? `sets=${value}` : `${key}=${encodeURIComponent(value!)}`,
    ),
  ].join(';');
}

type Given = Readonly<Record<string, string | undefined>>;

function parameters(
  texts: readonly string[],
  known: typeof IMPU_PARAMETERS,
  flags: readonly string[],
): Given | { readonly wrong: string } {
  const given: Record<string, string> = {};
  for (const text of texts) {
    const at = text.indexOf('=');
    const key = (at < 0 ? text : text.slice(0, at)).toLowerCase();
    const check = known[key];
    const isFlag = flags.includes(key);
    if (check === undefined && !isFlag) {
      const names = [...Object.keys(known).map(name => `${name}=`), ...flags];
      return { wrong: `has a parameter ;${key}; it may have ;${names.join(', ;')}` };
    }
    if (given[key] !== undefined) return { wrong: `has ;${key} twice` };
    const value = decoded(at < 0 ? '' : text.slice(at + 1));
    if (value === undefined) return { wrong: `has a ;${key}= with a % that no two digits follow` };
    const problem = isFlag ? (at < 0 ? undefined : 'takes no value') : check?.(value);
    if (problem !== undefined) return { wrong: `has a ;${key} that ${problem}` };
    given[key] = value;
  }
  return given;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
