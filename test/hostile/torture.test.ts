// Torture messages over the wire, against the P-CSCF of a network that runs: RFC 4475, RFC 5118 and
// PROTOS over UDP, and over TCP in pieces of 1, 7 and 1400 octets. RFC 3261 §7, §18.3

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { places, protosMessages } from '../protos.ts';
import { vectors } from '../vectors.ts';
import { type Said, Victim } from './support/victim.ts';
import { datagrams, inPieces, open } from './support/wire.ts';

interface Vector {
  readonly file: string;
  readonly expect: string;
  readonly octets: Buffer;
}

function read(folder: string): readonly Vector[] {
  const index = JSON.parse(readFileSync(vectors(`sip/${folder}/index.json`), 'utf8')) as Vector[];
  return index.map(one => ({
    ...one,
    octets: readFileSync(vectors(`sip/${folder}/${one.file}`)),
  }));
}

const MB = 1024 * 1024;
/** Octets that fit into one. */
const DATAGRAM = 65_507;
/** Of how many cases one is sent in pieces of that size. */
const SPARSE = { 1: 16, 7: 8, 1400: 2 } as const;
const torture = [...read('rfc4475'), ...read('rfc5118')];
const protos = read('protos');

/** A final answer by its class and, where the index names it, its status; or 'silence'. */
type Answer = number | 'silence';

/** Whether the index asks for that answer of somebody who knows nobody at the other end. */
function satisfies(expect: string, answer: Answer, isRequest: boolean): boolean {
  if (!isRequest) return answer === 'silence';
  if (expect.startsWith('see ')) return true;
  if (/discard/.test(expect)) return answer === 'silence';
  if (answer === 'silence') return false;
  const named = Array.from(expect.matchAll(/\b[45]\d\d\b/g), ([status]) => Number(status));
  if (named.includes(answer)) return true;
  // what may be taken is refused for what it asks, never for how it is written
  return /accept|lenient/.test(expect) && answer >= 300 && ![400, 500, 505].includes(answer);
}

/** Where the P-CSCF answers otherwise, and why that is right. */
const DEVIATIONS: Readonly<Record<string, readonly [answer: Answer | 'whatever', reason: string]>> =
  {
    'invut.dat': [403, 'the P-CSCF serves nobody unregistered; 415 is for whom it is forwarded to'],
    'sdp01.dat': [403, 'the same: 406 is the callee’s to say'],
    'wsinv.dat': [400, 'white space before a colon hides a header from peers that miss it'],
    'insuf.dat': ['silence', 'without From, To and Call-ID no answer could be told from another'],
    'dblreq.dat over tcp': [
      'whatever',
      'on a stream the second is a message too, and its garbage ends the connection',
    ],
    'clerr.dat over tcp': ['silence', 'on a stream the rest may yet come'],
    'baddn.dat over tcp': ['silence', 'the file ends within the headers: on a stream they go on'],
  };

describe('torture messages on Gm', () => {
  /** Final answers to this very message; others may still be repeated. */
  const answersTo =
    ({ octets }: Vector, link: string) =>
    (said: readonly Said[]): readonly number[] => {
      const callId = /^(?:call-id|i)\s*:\s*(\S*)/im.exec(octets.toString('latin1'))?.[1];
      return said.flatMap(one =>
        one.kind === 'response' && one.link === link && one.status >= 200 && one.callId === callId
          ? [one.status]
          : [],
      );
    };

  // A network of its own each: a copy that came by another link belongs to the same transaction.
  async function holdTo(
    context: TestContext,
    link: 'udp' | 'tcp',
    send: (vector: Vector, port: number) => Promise<void>,
  ) {
    const victim = await Victim.start(end => context.after(end));
    const wrong: string[] = [];
    for (const vector of torture) {
      await send(vector, victim.port('Gm', link));
      const isRequest = !/^SIP\//.test(vector.octets.toString('latin1'));
      const patience = isRequest ? 700 : 60;
      const answers = answersTo(vector, link);
      const said = await victim.says(one => answers(one).length > 0, patience);
      const [answer = 'silence'] = answers(said);
      const deviation = DEVIATIONS[`${vector.file} over ${link}`] ?? DEVIATIONS[vector.file];
      const right =
        deviation === undefined
          ? satisfies(vector.expect, answer, isRequest)
          : answer === deviation[0] || deviation[0] === 'whatever';
      if (!right) wrong.push(`${vector.file}: ${answer}, but expected is: ${vector.expect}`);
    }
    assert.deepEqual(wrong, []);
  }

  test('over UDP each gets the status of the index', context =>
    holdTo(context, 'udp', ({ octets }, port) => datagrams(port, [octets])));

  for (const size of [1, 7, 1400]) {
    test(`over TCP in pieces of ${size} each gets the status of the index`, context =>
      holdTo(context, 'tcp', async ({ octets }, port) => {
        const connection = await open(port);
        context.after(() => void connection.socket.destroy());
        await inPieces(connection, octets, size);
      }));
  }

  test('all of PROTOS, whole and in pieces, leaves the process as it was', async context => {
    const victim = await Victim.start(end => context.after(end));
    const round = async (): Promise<readonly Said[]> => {
      const said: Said[] = [];
      const hear = async () => void said.push(...(await victim.says(() => true, 0)));
      const filled = (link: string): readonly Buffer[] =>
        protos.flatMap(({ octets }, index) =>
          protosMessages(octets, { ...places, id: `${link}-${index}` }),
        );
      const all = filled('udp').filter(({ length }) => length <= DATAGRAM);
      for (let at = 0; at < all.length; at += 32) {
        await datagrams(victim.port('Gm', 'udp'), all.slice(at, at + 32));
        await hear();
      }
      for (const size of [1, 7, 1400] as const) {
        for (const [index, octets] of filled(`tcp-${size}`).entries()) {
          if (index % SPARSE[size] !== 0) continue;
          const connection = await open(victim.port('Gm', 'tcp'));
          await inPieces(connection, octets, size);
          connection.socket.end();
          if (index % 32 === 0) await hear();
        }
      }
      return said;
    };
    const before = await victim.collected();
    const said = await round();
    const after = await victim.rested();
    const grown = (after.heap - before.heap) / MB;
    const resident = (after.rss - before.rss) / MB;
    context.diagnostic(`heap ${grown.toFixed(1)} MB, resident ${resident.toFixed(1)} MB more`);
    assert.ok(grown < 8, `the heap grew by ${grown} MB`);
    assert.ok(resident < 96, `resident memory grew by ${resident} MB`);
    const finals = said.flatMap(one =>
      one.kind === 'response' && one.status >= 200 ? one.status : [],
    );
    assert.ok(finals.length > protos.length);
    // 200 is for a CANCEL; 500 would say that something of ours failed
    const meant = [200, 400, 403, 481, 505, 513];
    assert.deepEqual(
      finals.filter(status => !meant.includes(status)),
      [],
    );

    await victim.serves();
  });
});
