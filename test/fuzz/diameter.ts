// Mutates the corpus of Diameter messages and holds the codec to its laws. Every input follows from
// the seed and its number alone: `node test/fuzz/diameter.ts SECONDS [SEED [NUMBER]]` runs for a
// time, or one number again.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { parseUserData, userDataXml } from '#diameter/cx-user-data';
import { DiameterError } from '#diameter/errors';
import { DiameterStreamReader } from '#diameter/framing';
import { survive } from '#diameter/testing/laws';
import { ProtocolError } from '#kernel/errors';
import { vectors } from '../vectors.ts';
import { generator, type Random } from './mutations.ts';

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
  /** The slowest input in milliseconds, and its number. */
  readonly slowest: { readonly ms: number; readonly number: number };
}

/** Throws on the first broken law, naming seed, number and input. */
export function fuzzDiameter(options: FuzzOptions): FuzzReport {
  const corpus = readCorpus();
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
      survive(input);
      if (number % 8 === 0) assertStream(input, random);
      if (number % 16 === 0) assertProfile(corpus, random);
    } catch (error) {
      const hex = input.toString('hex');
      const where = `seed ${options.seed}, number ${number}`;
      throw new Error(`${where}: ${(error as Error).message}\ninput ${hex}`, { cause: error });
    }
    const ms = performance.now() - start;
    if (ms > slowest.ms) Object.assign(slowest, { ms, number });
  }
  return { inputs: number - first, slowest };
}

export function readCorpus(): readonly Buffer[] {
  const files = readdirSync(vectors('pcap_extracted'))
    .filter(name => name.endsWith('.diameter.json'))
    .sort();
  return ['hex/diameter.json', ...files.map(name => `pcap_extracted/${name}`)].flatMap(file =>
    (JSON.parse(readFileSync(vectors(file), 'utf8')) as { hex: string }[]).map(({ hex }) =>
      Buffer.from(hex, 'hex'),
    ),
  );
}

/** Numbers at which parsers go wrong, as one, three or four octets. */
const NUMBERS = [0, 1, 7, 8, 11, 12, 0x7f, 0x80, 0xff, 0xffff, 0xffffff, 0x7fffffff, 0xffffffff];

export function mutated(corpus: readonly Buffer[], random: Random): Buffer {
  let input: Buffer = Buffer.from(corpus[random(corpus.length)] as Buffer);
  for (let rounds = random(6); rounds >= 0; rounds--) input = mutate(input, corpus, random);
  // mostly with the right length, so that what is inside is looked at
  if (random(8) > 0 && input.length >= 20) {
    input = Buffer.concat([input, Buffer.alloc(-input.length & 3)]);
    input.writeUIntBE(input.length, 1, 3);
  }
  return input;
}

function mutate(input: Buffer, corpus: readonly Buffer[], random: Random): Buffer {
  const at = random(input.length + 1);
  const aligned = at & ~3;
  const span = Math.min(4 * random(40), input.length - aligned);
  const cut = (from: number, to: number, middle: Buffer = Buffer.alloc(0)): Buffer =>
    Buffer.concat([input.subarray(0, from), middle, input.subarray(to)]);
  const other = corpus[random(corpus.length)] as Buffer;
  const from = 4 * random(other.length / 4);
  const number = NUMBERS[random(NUMBERS.length)] as number;
  switch (random(8)) {
    case 0: // another octet
      if (at < input.length) input[at] = random(256);
      return input;
    case 1: // something taken out
      return cut(aligned, aligned + span);
    case 2: // something twice
      return cut(aligned, aligned, input.subarray(aligned, aligned + span));
    case 3: // something of another message
      return cut(aligned, aligned, other.subarray(from, from + 4 * random(40)));
    case 4: // a word of its own
      if (aligned + 4 <= input.length) input.writeUInt32BE(number, aligned);
      return input;
    case 5: // a length of its own
      if (aligned + 4 <= input.length) input.writeUIntBE(number & 0xffffff, aligned + 1, 3);
      return input;
    case 6: // the head of one, the tail of another
      return Buffer.concat([input.subarray(0, aligned), other.subarray(from)]);
    default: // all of it inside one AVP of a group, as deep as it goes
      return nested(input, random);
  }
}

const GROUPS = [279, 284, 297, 260];

function nested(input: Buffer, random: Random): Buffer {
  let inner = input.subarray(20);
  for (let depth = random(random(10) === 0 ? 400 : 5); depth >= 0; depth--) {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(GROUPS[random(GROUPS.length)] as number, 0);
    head.writeUInt32BE(0x4000_0000 + ((8 + inner.length) & 0xffffff), 4);
    inner = Buffer.concat([head, inner]);
  }
  return Buffer.concat([input.subarray(0, 20), inner]);
}

/** Whatever pieces it comes in, a stream gives the same messages and ends the same way. */
export function assertStream(input: Buffer, random: Random): void {
  const stream = Buffer.concat([input, input]);
  const read = (next: () => number): string => {
    const seen: string[] = [];
    const reader = new DiameterStreamReader(fault => seen.push(`malformed ${fault.result}`));
    try {
      for (let at = 0; at < stream.length; ) {
        const end = at + next();
        reader.push(stream.subarray(at, end), message =>
          seen.push(message.encode().toString('hex')),
        );
        at = end;
      }
    } catch (error) {
      if (!(error instanceof DiameterError)) throw error;
      seen.push(error.result);
    }
    return seen.join('\n');
  };
  assert.equal(
    read(() => 1 + random(200)),
    read(() => stream.length),
    'a stream in pieces',
  );
}

let profiles: readonly string[] | undefined;

/** What parses as a profile is written and read back the same. */
export function assertProfile(corpus: readonly Buffer[], random: Random): void {
  profiles ??= corpus
    .map(octets => /<\?xml.*<\/IMSSubscription>/s.exec(octets.toString('latin1'))?.[0])
    .filter(xml => xml !== undefined);
  let xml = profiles[random(profiles.length)] as string;
  for (let rounds = random(4); rounds >= 0; rounds--) {
    const at = random(xml.length);
    const piece = xml.slice(random(xml.length)).slice(0, random(60));
    const morsel = ['<', '>', '&', '"', '&#0;', '</', '<!--', ']]>', piece][random(9)] as string;
    xml = xml.slice(0, at) + morsel + xml.slice(at + random(10));
  }
  try {
    const { serviceProfiles, ...subscription } = parseUserData(xml);
    const clean = {
      ...subscription,
      serviceProfiles: serviceProfiles.map(({ problems: _, ...profile }) => profile),
    };
    assert.deepEqual(parseUserData(userDataXml(clean)), clean);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
}

if (import.meta.main) {
  const [seconds, seed, number] = process.argv.slice(2).map(Number);
  const options = number === undefined ? { seconds: seconds ?? 60 } : { inputs: 1, from: number };
  console.log(fuzzDiameter({ ...options, seed: seed ?? 1 }));
}
