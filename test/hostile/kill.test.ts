// kill -9 of processes that really run, in the middle of things: what was promised is kept, dialogs go
// on, and nothing hangs. TS 23.380, TS 24.229 §5.4.3, §5.2.6

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ue } from '#functions/ue/ue';
import { FUNCTIONS } from '#networks/compose';
import { hangsUp, ringing, told } from '../support/lab.ts';
import { Mortal } from './support/carillon.ts';
import { multiply } from './support/multiplied.ts';

async function connected(caller: Ue, callee: Ue, number: string) {
  const rings = ringing(callee);
  const out = await caller.call(number);
  const first = await Promise.race([rings.call, out.answered]);
  if (!('answer' in first)) assert.fail(`the call came to ${told(first)}`);
  void first.answer();
  const outcome = await out.answered;
  assert.equal(outcome.kind, 'answered', told(outcome));
  // the ACK is still on its way, and what is in flight may be lost with a process
  await sleep(500);
  return { out, in: first };
}

/** Within which Diameter has connected again, in milliseconds. */
const AGAIN = 12_000;

const ALICE = '+15550100001';
const BOB = '+15550100002';

/** Peers find one another again in their own time; until then what needs them is refused. */
async function soon(kind: string, ask: () => Promise<{ readonly kind: string }>): Promise<void> {
  const end = performance.now() + AGAIN;
  let came = await ask();
  while (came.kind !== kind && performance.now() < end) {
    await sleep(500);
    came = await ask();
  }
  assert.equal(came.kind, kind, told(came));
}

/** What holds after each death: the call goes on, and everybody is as reachable as before. */
async function goesOn(alice: Ue, bob: Ue, call: Awaited<ReturnType<typeof connected>>) {
  for (const one of [call.out, call.in]) {
    const held = await one.hold();
    assert.equal(held.kind, 'done', `a re-INVITE: ${told(held)}`);
    const resumed = await one.resume();
    assert.equal(resumed.kind, 'done', `another: ${told(resumed)}`);
  }
  await soon('registered', () => alice.register());
  await soon('delivered', () => bob.message(ALICE, 'still there?'));
}

test('the whole network dies and comes back: registrations and calls go on', async context => {
  const network = await Mortal.start(end => context.after(end), 'one');
  const alice = await network.phone('alice');
  const bob = await network.phone('bob');

  // after the registrations
  await network.kill('all');
  await network.revive('all');
  context.diagnostic(`serving ${Math.round(network.ready)} ms after its start`);
  const call = await connected(alice, bob, BOB);

  // within a call
  await network.kill('all');
  await network.revive('all');
  await goesOn(alice, bob, call);

  // while somebody asks: what goes unanswered is sent again
  await network.kill('all');
  const asked = bob.message(ALICE, 'sent to nobody');
  await sleep(300);
  await network.revive('all');
  assert.equal((await asked).kind, 'delivered');
  await hangsUp(call.in, call.out);
  await network.kill('all');
  await network.revive('all');
  assert.equal((await alice.deregister()).kind, 'deregistered');
});

describe('a process for each function', () => {
  test('each dies within one call and comes back: it goes on', async context => {
    const network = await Mortal.start(
      end => context.after(end),
      'each',
      ...['hss', 'scscf', 'icscf', 'as'].map(name => `${name}.listen=true`),
    );
    const alice = await network.phone('alice');
    const bob = await network.phone('bob');
    let call = await connected(alice, bob, BOB);
    const started = performance.now();
    for (const name of FUNCTIONS) {
      await network.kill(name);
      await network.revive(name);
      await goesOn(alice, bob, call).catch(error => {
        throw new Error(`after the death of ${name}: ${error.message}`, { cause: error });
      });
      await hangsUp(call.out, call.in);
      call = await connected(alice, bob, BOB).catch(error => {
        throw new Error(`a new call after the death of ${name}: ${error.message}`);
      });
    }
    await call.in.hangup();
    context.diagnostic(`five deaths in ${Math.round(performance.now() - started)} ms`);
  });
});

// 100 000 by CARILLON_REGISTRATIONS=100000: what the time to serve is measured with.
test('with thousands of registrations it serves soon after its start, and knows them', async context => {
  const count = Number(process.env.CARILLON_REGISTRATIONS ?? 3000);
  const network = await Mortal.start(end => context.after(end), 'one');
  const alice = await network.phone('alice');
  const bob = await network.phone('bob');
  await sleep(300);
  await network.kill('all');
  await network.revive('all');
  const few = network.ready;
  await network.kill('all');
  multiply(join(network.directory, 'all'), count);
  await network.revive('all');
  context.diagnostic(
    `${count} registrations: serving after ${Math.round(network.ready)} ms, with two after ${Math.round(few)} ms`,
  );
  assert.ok(network.ready - few < 5000 + count, `${network.ready} ms`); // others use the machine too
  const call = await connected(alice, bob, BOB);
  await hangsUp(call.out, call.in);
  assert.equal(await network.registrations(), count + 2);
});
