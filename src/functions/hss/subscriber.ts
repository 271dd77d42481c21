// The one record per subscriber, from which everything the network knows of him follows.
// TS 23.003 (identities), TS 33.102 (K, OP, OPc, AMF, SQN), TS 23.228 §4.3.3 (the subscription).

import { opcFrom } from '#aka/milenage';
import { topcFrom } from '#aka/tuak';
import { UsageError } from '#kernel/errors';
import { FIELDS, type Field } from './fields.ts';
import { identityProblems } from './identity-rules.ts';
import { keyProblem } from './identity-text.ts';

/** Hash algorithms a digest challenge may name. RFC 8760 */
export type DigestChoice = 'MD5' | 'SHA-256';

/** A valid record, immutable. Hexadecimal in lower case. */
export interface Subscriber {
  readonly imsi: string;
  /** Digits, country code first, without '+'. */
  readonly msisdn: string | undefined;
  /** User part of a SIP identity. */
  readonly name: string | undefined;
  readonly k: string | undefined;
  /** As given, or computed from OP and K. */
  readonly opc: string | undefined;
  readonly op: string | undefined;
  readonly amf: string;
  /** Where the sequence number started; the running one is kept apart, see auc.ts. */
  readonly sqn: string;
  readonly password: string | undefined;
  readonly services: readonly string[];
  /** 'milenage', or 'tuak' with its parameters (TS 35.231), whose OP and OPc are TOP and TOPc. */
  readonly algorithm: string;
  /** Replace the derived identities: lines that are not phones of a SIM. */
  readonly impi: string | undefined;
  /** As `readImpu` reads them; 'derived' stands for those that follow from the record. */
  readonly impus: readonly string[] | undefined;
  /** More private identities, of more devices, as `readImpi` reads them. TS 23.228 §4.3.3.4 */
  readonly impis: readonly string[] | undefined;
  /** Service profile of identities that name none; undefined: what `services` say. */
  readonly profile: string | undefined;
  /** What his S-CSCF must ('7') and should ('optional:7') be able to. TS 29.228 §6.7 */
  readonly capabilities: readonly string[] | undefined;
  /** Digest algorithms offered to this subscriber, best first; undefined: the network's. */
  readonly digest: readonly DigestChoice[] | undefined;
  /** True: known, but not allowed to register. */
  readonly suspended: boolean;
}

export { FIELDS, type Field } from './fields.ts';
export type FieldName = keyof Subscriber;

/** A record as people and programs give it: text, lists also as text with spaces between. */
export type SubscriberInput = { readonly imsi: string } & {
  readonly [F in Exclude<FieldName, 'imsi'>]?:
    | (F extends 'services' | 'impus' | 'impis' | 'digest' | 'capabilities'
        ? string | readonly string[]
        : string | boolean)
    | null
    | undefined;
};

/** What is wrong with one field, for the person who can right it. */
export interface Problem {
  readonly field: FieldName;
  /** Names the value (unless it is secret) and what would be right. */
  readonly message: string;
  /** The value would do, had not another record claimed it. */
  readonly taken?: true;
}

/** A record cannot be taken. */
export class RecordError extends UsageError {
  override readonly name = 'RecordError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(problem => `${problem.field}: ${problem.message}`).join('\n'));
    this.problems = problems;
  }
}

const fieldOf = new Map<string, Field>(FIELDS.map(field => [field.name, field]));

/** Identities and services of one record, at most. */
const MAX_LIST = 32;

export interface RecordRules {
  /** Services that this network knows. */
  readonly services: readonly string[];
  /** Service profiles that it knows. */
  readonly profiles?: ReadonlyMap<string, unknown>;
}

const DEFAULT_AMF = '8000';
const DEFAULT_SQN = '000000000000';
const DEFAULT_ALGORITHM = 'milenage';
const DEFAULT_SERVICES = ['mmtel', 'sms'];

/** The record that `input` means. Throws a RecordError that lists every problem. */
export function subscriberFrom(input: SubscriberInput, rules: RecordRules): Subscriber {
  const problems: Problem[] = [];
  const found = new Map<string, string | readonly string[]>();
  for (const [name, value] of Object.entries(input)) {
    const field = fieldOf.get(name);
    if (field === undefined) {
      const known = FIELDS.map(({ name }) => name).join(', ');
      problems.push({ field: name as FieldName, message: `unknown; the fields are ${known}` });
      continue;
    }
    const read = readField(field, value, rules);
    if (typeof read === 'object' && 'problem' in read) {
      problems.push({ field: field.name, message: read.problem });
    } else if (read !== undefined) found.set(name, read);
  }
  if (!('imsi' in input) || input.imsi === '') {
    problems.push({ field: 'imsi', message: `missing; it is ${fieldOf.get('imsi')!.right}` });
  }
  if (problems.length > 0) throw new RecordError(problems);
  const subscriber = complete(found);
  const contradictions = [
    ...contradictionsOf(subscriber, found),
    ...identityProblems(subscriber, [...(rules.profiles?.keys() ?? [])]),
  ];
  if (contradictions.length > 0) throw new RecordError(contradictions);
  return subscriber;
}

function readField(
  field: Field,
  value: unknown,
  rules: RecordRules,
): string | readonly string[] | { problem: string } | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const isFlag = typeof value === 'boolean' && field.name === 'suspended';
  const text: unknown = isFlag ? String(value) : value;
  const keep = field.keep ?? ((kept: string) => kept);
  if (!field.list) {
    if (typeof text !== 'string') return { problem: `${shown(field, value)} is not a text` };
    return field.fits(text)
      ? keep(text)
      : { problem: `${shown(field, text)} is not ${field.right}` };
  }
  const items = typeof text === 'string' ? text.split(' ').filter(item => item !== '') : text;
  if (!Array.isArray(items) || !items.every(item => typeof item === 'string')) {
    return { problem: `${shown(field, value)} is not a list of texts` };
  }
  if (field.name === 'services' && items.length === 1 && items[0] === 'none') return [];
  if (items.length > MAX_LIST)
    return { problem: `${items.length} values; at most ${MAX_LIST} fit` };
  const wrong = items.find(item => !field.fits(item));
  if (wrong !== undefined) {
    const why = field.wrong?.(wrong) ?? `is not ${field.right}`;
    return { problem: `${shown(field, wrong)} ${why}` };
  }
  const twice = items.find((item, at) => items.indexOf(item) !== at);
  if (twice !== undefined) return { problem: `${shown(field, twice)} stands there twice` };
  if (field.name === 'services') {
    const unknown = items.find(item => !rules.services.includes(item));
    if (unknown !== undefined) {
      const known = rules.services.join(', ');
      return { problem: `${shown(field, unknown)} is no service of this network; it has ${known}` };
    }
  }
  return items.map(keep);
}

// A secret is described by its length, so that an error may be logged.
function shown(field: Field, value: unknown): string {
  if (!field.secret) return JSON.stringify(value) ?? String(value);
  return typeof value === 'string' ? `a text of ${value.length} characters` : 'what is given';
}

function complete(found: ReadonlyMap<string, string | readonly string[]>): Subscriber {
  const text = (name: FieldName) => found.get(name) as string | undefined;
  const list = (name: FieldName) => found.get(name) as readonly string[] | undefined;
  const some = (name: FieldName) => (list(name)?.length === 0 ? undefined : list(name));
  const [k, op] = [text('k'), text('op')];
  const algorithm = text('algorithm') ?? DEFAULT_ALGORITHM;
  const fits = keyProblem(algorithm, k, op) === undefined;
  const computed =
    k !== undefined && op !== undefined && fits ? opcOf(op, k, algorithm) : undefined;
  return {
    imsi: text('imsi')!,
    msisdn: text('msisdn'),
    name: text('name'),
    k,
    opc: text('opc') ?? computed,
    op,
    amf: text('amf') ?? DEFAULT_AMF,
    sqn: text('sqn') ?? DEFAULT_SQN,
    password: text('password'),
    services: list('services') ?? DEFAULT_SERVICES,
    impi: text('impi'),
    impus: some('impus'),
    digest: some('digest') as DigestChoice[] | undefined,
    suspended: text('suspended') === 'yes',
    algorithm,
    impis: some('impis'),
    profile: text('profile'),
    capabilities: some('capabilities'),
  };
}

/** Of Milenage, or TOPc of TUAK, which takes its iterations too. */
function opcOf(op: string, k: string, algorithm: string): string {
  const [constant, key] = [Buffer.from(op, 'hex'), Buffer.from(k, 'hex')];
  const opc = algorithm.startsWith('tuak')
    ? topcFrom(constant, key, tuakOf(algorithm).iterations)
    : opcFrom(constant, key);
  return Buffer.from(opc).toString('hex');
}

/** What 'tuak-<bits of RES>-<iterations>' says, each with its default. */
export function tuakOf(algorithm: string): { readonly res: number; readonly iterations: number } {
  const [, res = '64', iterations = '1'] = algorithm.split('-');
  return { res: Number(res), iterations: Number(iterations) };
}

/** What no field alone shows. */
function contradictionsOf(
  subscriber: Subscriber,
  found: ReadonlyMap<string, unknown>,
): readonly Problem[] {
  const { imsi, msisdn, name, k, opc, op, password, impi, impus, impis, algorithm } = subscriber;
  const problems: Problem[] = [];
  const add = (field: FieldName, message: string): void => void problems.push({ field, message });
  if (found.has('op') && found.has('opc')) add('op', 'given beside opc; give either op or opc');
  const constant = found.has('op') ? op : opc;
  const key = keyProblem(algorithm, k, constant);
  if (key !== undefined) {
    const field = key.field === 'opc' && found.has('op') ? 'op' : key.field;
    const length = (key.field === 'k' ? k : constant)?.length;
    add(field, `a text of ${length} characters ${key.right}`);
  } else if (k !== undefined && opc === undefined) add('opc', 'missing; k needs either opc or op');
  if (k === undefined && (op !== undefined || opc !== undefined)) {
    add('k', `missing; ${op === undefined ? 'opc' : 'op'} means nothing without it`);
  }
  const isNothing = op === undefined && opc === undefined && password === undefined;
  if (k === undefined && isNothing && impis === undefined) {
    add('k', 'neither k (for a SIM) nor password (for SIP digest) is given; one is needed');
  }
  if (impi !== undefined && k !== undefined && password !== undefined) {
    add('impi', 'with k and password both; its scheme would be open, so give one of the two');
  }
  // A SIM without a number may be for data alone; a password is for IMS and nothing else.
  if (k === undefined && msisdn === undefined && name === undefined && impus === undefined) {
    add('msisdn', 'neither msisdn nor name nor impus is given; nobody could be called');
  }
  if (name === imsi) add('name', `"${name}" is the IMSI, whose identity is taken already`);
  return problems;
}

/** The record with some fields changed; null takes a value away. Throws a RecordError. */
export function changed(
  subscriber: Subscriber,
  changes: Omit<SubscriberInput, 'imsi'> & { readonly imsi?: string },
  rules: RecordRules,
): Subscriber {
  if (changes.imsi !== undefined && changes.imsi !== subscriber.imsi) {
    const message = `"${changes.imsi}" differs; a record keeps its IMSI, add another one instead`;
    throw new RecordError([{ field: 'imsi', message }]);
  }
  const input: Record<string, unknown> = { ...inputOf(subscriber), ...changes };
  // Whoever gives one of the two means it to replace the other.
  if (changes.opc != null && changes.op == null) delete input.op;
  if (changes.op != null && changes.opc == null) delete input.opc;
  const after = subscriberFrom(input as SubscriberInput, rules);
  // Another card begins counting anew, unless told where.
  if (changes.sqn != null || !isNewCard(after, subscriber)) return after;
  return { ...after, sqn: DEFAULT_SQN };
}

/** Another K or OPc is another card. */
export const isNewCard = (after: Subscriber, before: Subscriber): boolean =>
  after.k !== before.k || after.opc !== before.opc || after.algorithm !== before.algorithm;

/** The record as it would be given: what is computed or the default is left as it is. */
export function inputOf(subscriber: Subscriber): SubscriberInput {
  const { opc, ...rest } = subscriber;
  const services = subscriber.services.length === 0 ? 'none' : subscriber.services;
  return { ...rest, services, ...(subscriber.op === undefined ? { opc } : {}) };
}
