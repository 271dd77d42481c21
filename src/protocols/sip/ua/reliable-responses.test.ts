import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ms } from '#kernel/time';
import { Require, RSeq } from '../headers.ts';
import { response, type SipResponse } from '../message.ts';
import { someRequest } from '../testing/requests.ts';
import { type ReliableEffect, ReliableResponses } from './reliable-responses.ts';

const invite = someRequest('INVITE', 'sip:bob@home.test');
const first = response(invite, 183);
const second = response(invite, 180);

const sent = (effects: readonly ReliableEffect[]): SipResponse | undefined => {
  const [effect] = effects;
  return effect?.kind === 'send' ? effect.response : undefined;
};

test('a reliable response is repeated twice as late each time until its PRACK', () => {
  const machine = new ReliableResponses(ms(500), 7);
  const made = sent(machine.send(first, 0));
  assert.equal(made?.get(RSeq), 7);
  assert.deepEqual(made?.all(Require), ['100rel']);
  const times: number[] = [];
  for (let i = 0; i < 4; i++) {
    const at = machine.timers.next!;
    times.push(at);
    assert.equal(sent(machine.expire(at)), made);
  }
  assert.deepEqual(times, [500, 1500, 3500, 7500]);
  assert.ok(machine.acknowledge(7));
  assert.equal(machine.timers.next, undefined);
  assert.ok(!machine.busy);
});

test('the next waits for the PRACK of the one before, and counts on', () => {
  const machine = new ReliableResponses(ms(500), 7);
  machine.send(first, 0);
  assert.deepEqual(machine.send(second, 10), []);
  assert.ok(!machine.acknowledge(8));
  assert.ok(machine.acknowledge(7));
  assert.ok(!machine.acknowledge(7)); // a copy names nothing any more
  assert.equal(sent(machine.next(20))?.get(RSeq), 8);
});

test('without a PRACK in 64·T1 it has failed', () => {
  const machine = new ReliableResponses(ms(500), 7);
  machine.send(first, 0);
  let last: readonly ReliableEffect[] = [];
  let at = 0;
  while (machine.timers.next !== undefined) {
    at = machine.timers.next;
    last = machine.expire(at);
  }
  assert.equal(at, 32_000);
  assert.deepEqual(last, [{ kind: 'failed' }]);
  assert.ok(!machine.busy);
});
