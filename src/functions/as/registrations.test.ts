import assert from 'node:assert/strict';
import { test } from 'node:test';
import { minutes, seconds } from '#kernel/time';
import { Contact, Expires, nameAddr, RetryAfter } from '#sip/headers';
import { type Edit, remove, set } from '#sip/message';
import { parseUri } from '#sip/uri';
import { alice, Bench, bob, carol, home } from './testing/bench.ts';

const scscf = `sip:scscf.${home}:6060`;

function register(bench: Bench, impu: string, expires: number, ...edits: readonly Edit[]) {
  const uri = parseUri(`sip:as.${home}:5090`);
  const contact = set(Contact, nameAddr(parseUri(scscf)));
  return bench.send(
    bench.ua.build('REGISTER', {
      uri,
      to: nameAddr(parseUri(impu)),
      edits: [contact, set(Expires, expires), ...edits],
    }),
  );
}

const known = (bench: Bench): string[] => bench.as.registrations.all().map(({ impu }) => impu);

test('a user is known from his registration on, by the S-CSCF that serves him', async () => {
  const bench = await new Bench().start();
  const ok = await register(bench, alice, 600);
  assert.equal(ok.status, 200);
  assert.equal(ok.get(Expires), 600);
  assert.deepEqual(
    bench.as.registrations.all().map(({ impu, contact }) => [impu, contact]),
    [[alice, scscf]],
  );
});

test('a refresh prolongs, time ends, and Expires: 0 ends at once', async () => {
  const bench = await new Bench().start();
  await register(bench, alice, 600);
  await register(bench, bob, 600);
  await bench.sim.run(minutes(9));
  await register(bench, alice, 600);
  await bench.sim.run(minutes(2));
  assert.deepEqual(known(bench), [alice]);
  assert.equal((await register(bench, alice, 0)).status, 200);
  assert.deepEqual(known(bench), []);
  assert.equal((await register(bench, alice, 0)).status, 200);
});

test('a REGISTER that says nothing of time is for an hour; one of nobody is 400', async () => {
  const bench = await new Bench().start();
  await register(bench, alice, 0, remove(Expires));
  await bench.sim.run(minutes(59));
  assert.deepEqual(known(bench), [alice]);
  await bench.sim.run(minutes(2));
  assert.deepEqual(known(bench), []);
  assert.equal((await register(bench, alice, 60, remove(Contact))).status, 400);
});

test('at the bound the next is 503, a known one is not, and who has lapsed makes room', async () => {
  const bench = await new Bench({ users: 2 }).start();
  await register(bench, alice, 60);
  await register(bench, bob, 3600);
  const refused = await register(bench, carol, 3600);
  assert.equal(refused.status, 503);
  assert.ok(refused.has(RetryAfter));
  assert.equal((await register(bench, bob, 3600)).status, 200);
  await bench.sim.run(minutes(2) + seconds(1));
  assert.equal((await register(bench, carol, 3600)).status, 200);
  assert.deepEqual(known(bench).sort(), [bob, carol]);
});
