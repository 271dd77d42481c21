import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '#kernel/simulation';
import { minutes, seconds } from '#kernel/time';
import { type Challenge, Challenges } from './challenges.ts';

const about = (impi: string, nonce: string) => ({
  impi,
  impu: `sip:${impi}`,
  nonce,
  scheme: 'digest' as const,
  secrets: [],
  resynchronisations: 0,
});

function table(limits = { total: 100, perImpi: 3 }) {
  const sim = simulate({ seed: 1 });
  const challenges = new Challenges(sim.host('s-cscf').clock, limits);
  const timedOut: string[] = [];
  challenges.onTimeout = ({ nonce }: Challenge) => timedOut.push(nonce);
  return { sim, challenges, timedOut };
}

test('a challenge is found by its nonce, for its IMPI alone', () => {
  const { challenges } = table();
  challenges.start(about('alice@home', 'n1'), minutes(4));
  assert.equal(challenges.find('alice@home', 'n1')?.nonce, 'n1');
  assert.equal(challenges.find('bob@home', 'n1'), undefined);
  assert.equal(challenges.awaits('alice@home'), true);
});

test('reg-await-auth ends what nobody answered; an answered nonce lives on, then goes in silence', async () => {
  const { sim, challenges, timedOut } = table();
  challenges.start(about('alice@home', 'n1'), minutes(4));
  const answered = challenges.start(about('alice@home', 'n2'), minutes(4));
  challenges.accept(answered, 1, minutes(60));
  assert.equal(challenges.find('alice@home', 'n2')?.nc, 1);
  await sim.run(minutes(5));
  assert.deepEqual(timedOut, ['n1']);
  assert.equal(challenges.find('alice@home', 'n1'), undefined);
  assert.equal(challenges.awaits('alice@home'), false);
  assert.ok(challenges.find('alice@home', 'n2'));
  await sim.run(minutes(60));
  assert.equal(challenges.size, 0);
  assert.deepEqual(timedOut, ['n1']);
});

test('at a bound the oldest goes, of the IMPI or of all', async () => {
  const { sim, challenges } = table({ total: 4, perImpi: 2 });
  for (const nonce of ['a1', 'a2', 'a3']) challenges.start(about('alice@home', nonce), seconds(60));
  assert.equal(challenges.find('alice@home', 'a1'), undefined);
  for (const nonce of ['1', '2', '3'])
    challenges.start(about(`u${nonce}@home`, nonce), seconds(60));
  assert.equal(challenges.size, 4);
  assert.equal(challenges.find('alice@home', 'a2'), undefined);
  assert.ok(challenges.find('alice@home', 'a3'));
  await sim.run(seconds(61));
  assert.equal(challenges.size, 0);
});

test('all challenges of an IMPI go together, and none is left of its timers', async () => {
  const { sim, challenges, timedOut } = table();
  challenges.start(about('alice@home', 'n1'), minutes(4));
  challenges.start(about('alice@home', 'n2'), minutes(4));
  challenges.start(about('bob@home', 'n3'), minutes(4));
  challenges.removeAll('alice@home');
  assert.equal(challenges.size, 1);
  challenges.clear();
  await sim.runUntilIdle();
  assert.deepEqual(timedOut, []);
});
