import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '#kernel/simulation';
import { Undelivered } from './undelivered.ts';

test('what an S-CSCF is owed is forgotten when the registration that settles it is durable', async () => {
  const sim = simulate({ seed: 1 });
  const undelivered = new Undelivered(sim.host('hss'));
  const holder = { server: 'sip:scscf.home', host: 'scscf.home', realm: 'home' };
  const reason = { code: 'PERMANENT_TERMINATION' as const };
  const ended = [{ impis: ['alice@home'], reason }];
  await sim.settle(() => undelivered.add({ key: '1', holder, ended, profile: false }));

  const settled = undelivered.settled('1', 'scscf.home', 'alice@home', '');
  assert.deepEqual(
    settled.writes.map(({ value }) => value),
    [undefined],
  );
  // a store that fails here leaves the debt where it is
  assert.equal(undelivered.of('scscf.home').length, 1);
  settled.committed();
  assert.equal(undelivered.size, 0);
});
