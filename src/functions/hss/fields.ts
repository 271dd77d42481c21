// The fields of a subscriber's record, which are also the columns of CSV: what fits in each, and what
// a person is told who gives something else.

import {
  ALGORITHM,
  DERIVED,
  IMPI,
  impiText,
  impuText,
  readImpi,
  readImpu,
} from './identity-text.ts';
import type { FieldName } from './subscriber.ts';

export interface Field {
  readonly name: FieldName;
  /** Left out of every export and answer unless secrets are asked for. */
  readonly secret: boolean;
  /** The values of the text are separated by spaces. */
  readonly list: boolean;
  /** What would be right, after "is not". */
  readonly right: string;
  readonly fits: (text: string) => boolean;
  /** The form it is kept in. */
  readonly keep?: (text: string) => string;
  /** What exactly is wrong with a value that does not fit, where more can be said than `right`. */
  readonly wrong?: (text: string) => string | undefined;
}

const hex = (...digits: number[]) => ({
  right: `${digits[0]} hexadecimal digits${digits.length > 1 ? ` (${digits[1]} with TUAK)` : ''}`,
  fits: (text: string) => digits.includes(text.length) && /^[0-9a-f]*$/i.test(text),
  keep: (text: string) => text.toLowerCase(),
});

/** A field whose items are read by `read`; those that fit are kept as `write` writes them. */
const items = <T extends object>(
  read: (text: string) => T | { readonly wrong: string },
  write: (item: T) => string,
) => ({
  fits: (text: string) => !('wrong' in read(text)),
  keep: (text: string) => write(read(text) as T),
  wrong: (text: string) => (read(text) as { readonly wrong?: string }).wrong,
});

const DIGEST_CHOICES = ['MD5', 'SHA-256'];

const impu = items(readImpu, impuText);
const IMPUS = {
  fits: (text: string) => text === DERIVED || impu.fits(text),
  keep: (text: string) => (text === DERIVED ? text : impu.keep(text)),
  wrong: impu.wrong,
};

/** Every field of the record, in the order of the CSV columns. */
export const FIELDS: readonly Field[] = [
  {
    name: 'imsi',
    secret: false,
    list: false,
    right: '6 to 15 digits, such as 001010000000001',
    fits: text => /^[0-9]{6,15}$/.test(text),
  },
  {
    name: 'msisdn',
    secret: false,
    list: false,
    right: '3 to 15 digits, country code first, without +, such as 15550100001',
    fits: text => /^[1-9][0-9]{2,14}$/.test(text),
  },
  {
    name: 'name',
    secret: false,
    list: false,
    right: 'up to 64 letters, digits and . _ ~ - that begin with a letter or a digit',
    fits: text => /^[A-Za-z0-9][A-Za-z0-9._~-]{0,63}$/.test(text),
  },
  { name: 'k', secret: true, list: false, ...hex(32, 64) },
  { name: 'opc', secret: true, list: false, ...hex(32, 64) },
  { name: 'op', secret: true, list: false, ...hex(32, 64) },
  { name: 'amf', secret: false, list: false, ...hex(4) },
  { name: 'sqn', secret: false, list: false, ...hex(12) },
  {
    name: 'password',
    secret: true,
    list: false,
    right: 'at most 128 characters without control characters',
    fits: text => text.length <= 128 && text.isWellFormed() && !/\p{Cc}/u.test(text),
  },
  {
    name: 'services',
    secret: false,
    list: true,
    right: 'names of services, or none',
    fits: text => /^[a-z][a-z0-9-]{0,31}$/.test(text),
  },
  {
    name: 'impi',
    secret: false,
    list: false,
    right: 'a user name, @ and a domain, such as trunk1@ims.example',
    fits: text => text.length <= 255 && IMPI.test(text),
  },
  {
    name: 'impus',
    secret: false,
    list: true,
    right:
      'a sip: or tel: URI, such as sip:+15550100001@ims.example, with ;set=, ;alias=, ;profile=, ' +
      ';display=, ;contacts= or ;barred after it where wanted; or the word derived',
    ...IMPUS,
  },
  {
    name: 'digest',
    secret: false,
    list: true,
    right: DIGEST_CHOICES.join(' or '),
    fits: text => DIGEST_CHOICES.includes(text),
  },
  {
    name: 'suspended',
    secret: false,
    list: false,
    right: 'yes or no',
    fits: text => ['yes', 'no', 'true', 'false'].includes(text),
    keep: text => (text === 'yes' || text === 'true' ? 'yes' : 'no'),
  },
  {
    name: 'algorithm',
    secret: false,
    list: false,
    right: 'milenage, tuak, or tuak with bits of RES and iterations, such as tuak-128-2',
    fits: text => ALGORITHM.test(text),
  },
  {
    name: 'impis',
    secret: true,
    list: true,
    right: 'private identities with ;password= or with ;k= and ;opc= each, of more devices',
    ...items(readImpi, impiText),
  },
  {
    name: 'profile',
    secret: false,
    list: false,
    right: 'the name of a service profile of the network',
    fits: text => /^[a-z0-9][a-z0-9_-]{0,31}$/.test(text),
  },
  {
    name: 'capabilities',
    secret: false,
    list: true,
    right: 'numbers of S-CSCF capabilities, such as 7 or optional:7, or server: and a SIP URI',
    fits: text =>
      /^(?:optional:)?[0-9]{1,9}$/.test(text) || /^server:sips?:[^\s;?]{1,200}$/.test(text),
  },
];
