// Mutates the corpus of SIP messages and holds the codec to its laws. Every input follows from the
// seed and its number alone: `node test/fuzz/sip.ts SECONDS [SEED [NUMBER]]` runs for a time, or one
// number again.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { vectors } from '../vectors.ts';
import { generator, type Random } from './mutations.ts';
import { assertChunking, assertLaws } from './sip-laws.ts';

export interface FuzzOptions {
  /** Stops after so many seconds of real time … */
  readonly seconds?: number;
  /** … or so many inputs, whichever is first. */
  readonly inputs?: number;
  readonly seed: number;
  /** The first number to try. */
  readonly from?: number;
}

export interface FuzzReport {
  readonly inputs: number;
  readonly refused: number;
  /** Parsed, and refused by the entry check. */
  readonly parsed: number;
  readonly clean: number;
  /** The slowest input in milliseconds, and its number. */
  readonly slowest: { readonly ms: number; readonly number: number };
}

/** Throws on the first broken law, naming seed, number and input. */
export function fuzzSip(options: FuzzOptions): FuzzReport {
  const corpus = readCorpus();
  const count = { refused: 0, parsed: 0, clean: 0 };
  const slowest = { ms: 0, number: 0 };
  const end = performance.now() + (options.seconds ?? Number.POSITIVE_INFINITY) * 1000;
  const first = options.from ?? 0;
  let number = first;
  for (; number - first < (options.inputs ?? Number.POSITIVE_INFINITY); number++) {
    const start = performance.now();
    if (start > end) break;
    const random = generator(options.seed, number);
    const input = mutated(corpus, random);
    try {
      count[assertLaws(input)]++;
      if (number % 8 === 0) assertChunking(input, () => random(200));
    } catch (error) {
      const hex = Buffer.from(input).toString('hex');
      throw new Error(
        `seed ${options.seed}, number ${number}: ${(error as Error).message}\ninput ${hex}`,
        { cause: error },
      );
    }
    const ms = performance.now() - start;
    if (ms > slowest.ms) Object.assign(slowest, { ms, number });
  }
  return { inputs: number - first, ...count, slowest };
}

export function readCorpus(): readonly Buffer[] {
  const files: string[] = [];
  for (const folder of ['rfc4475', 'rfc5118', 'clearwater_parser', 'rfcflow', 'handset'])
    collect(vectors(`sip/${folder}`), files);
  return files.map(file => readFileSync(file));
}

function collect(folder: string, into: string[]): void {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) collect(path, into);
    else if (!name.endsWith('.json')) into.push(path);
  }
}

const MORSELS = [
  '"',
  '\\',
  '<',
  '>',
  ',',
  ';',
  ':',
  '@',
  '%',
  '%41',
  '%00',
  '=',
  '?',
  '*',
  '(',
  ')',
  '[',
  ']',
  '[::1]',
  '/',
  ' ',
  '\t',
  '\r',
  '\n',
  '\r\n',
  '\r\n ',
  '\r\n\r\n',
  '\n\n',
  '\0',
  '\xff',
  '""',
  '\\"',
  '<sip:',
  '<sip:a@b>',
  ', <sip:a@b;lr>',
  ';tag=',
  ';lr',
  ';q=0.5',
  ';expires=99999999999',
  ';+x="<y>"',
  '4294967296',
  '-1',
  '00000000000000000070',
  'sip:',
  'tel:+1-2',
  'sips:a:b@[::1]:5060;p?h=v',
  'urn:x',
  'Via: SIP/2.0/UDP h\r\n',
  'v:',
  'Content-Length: 0\r\n',
  'l: 5\r\n',
  'Route: ,\r\n',
  'Authorization: Digest response="',
  'Contact: *\r\n',
  'Date: Sat, 13 Nov 2010 23:29:00 GMT\r\n',
  'a=crypto:1 x inline:',
  'SIP/2.0',
];

export function mutated(corpus: readonly Buffer[], random: Random): Buffer {
  let input: Buffer = Buffer.from(corpus[random(corpus.length)]!);
  for (let rounds = random(6); rounds >= 0; rounds--) input = mutate(input, corpus, random);
  return input;
}

function mutate(input: Buffer, corpus: readonly Buffer[], random: Random): Buffer {
  const at = random(input.length + 1);
  const span = Math.min(random(random(4) === 0 ? 400 : 12), input.length - at);
  const join3 = (middle: Buffer | string, rest = at): Buffer =>
    Buffer.concat([
      input.subarray(0, at),
      typeof middle === 'string' ? Buffer.from(middle, 'latin1') : middle,
      input.subarray(rest),
    ]);
  const other = corpus[random(corpus.length)]!;
  switch (random(9)) {
    case 0: // another octet
      if (at < input.length) input[at] = random(256);
      return input;
    case 1: // something taken out
      return join3('', at + span);
    case 2: // something twice
      return join3(input.subarray(at, at + span));
    case 3: // a morsel, often where something ends
      return join3(MORSELS[random(MORSELS.length)]!, at + random(3));
    case 4: // the same many times over
      return join3(
        MORSELS[random(MORSELS.length)]!.repeat(1 + random(random(20) === 0 ? 3000 : 20)),
      );
    case 5: // a line of another message
      return swapLine(input, other, random);
    case 6: // a line moved or doubled
      return swapLine(input, input, random);
    case 7: // the head of one, the tail of another
      return join3(other.subarray(random(other.length)), input.length);
    default: // a length that fits again, so that mutated bodies get through
      return withLength(input);
  }
}

function swapLine(input: Buffer, other: Buffer, random: Random): Buffer {
  const lines = input.toString('latin1').split('\r\n');
  const others = other.toString('latin1').split('\r\n');
  lines.splice(random(lines.length), random(2), others[random(others.length)]!);
  return Buffer.from(lines.join('\r\n'), 'latin1');
}

function withLength(input: Buffer): Buffer {
  const bodyAt = input.indexOf('\r\n\r\n') + 4;
  if (bodyAt < 4) return Buffer.concat([input, Buffer.from('\r\n\r\n')]);
  const head = input
    .toString('latin1', 0, bodyAt)
    .replace(/^(Content-Length|l)\s*:.*$/im, `l: ${input.length - bodyAt}`);
  return Buffer.concat([Buffer.from(head, 'latin1'), input.subarray(bodyAt)]);
}

if (import.meta.main) {
  const [seconds, seed, number] = process.argv.slice(2).map(Number);
  const options = number === undefined ? { seconds: seconds ?? 60 } : { inputs: 1, from: number };
  console.log(fuzzSip({ ...options, seed: seed ?? 1 }));
}
