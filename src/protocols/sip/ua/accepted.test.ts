import assert from 'node:assert/strict';
import { test } from 'node:test';
import { response } from '../message.ts';
import { someRequest } from '../testing/requests.ts';
import { networkTimers } from '../transaction/timers.ts';
import { type AcceptedEffect, AcceptedInvite } from './accepted.ts';

const ok = response(someRequest('INVITE', 'sip:bob@home.test'), 200);

test('a 2xx is repeated at most T2 apart until 64·T1, then given up', () => {
  const machine = new AcceptedInvite(ok, 1, networkTimers, 0);
  const times: number[] = [];
  let last: readonly AcceptedEffect[] = [];
  while (machine.timers.next !== undefined) {
    times.push(machine.timers.next);
    last = machine.expire(machine.timers.next);
  }
  assert.deepEqual(times, [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500, 32000]);
  assert.deepEqual(last, [{ kind: 'failed' }]);
});

test('the ACK ends the repetition', () => {
  const machine = new AcceptedInvite(ok, 1, networkTimers, 0);
  machine.acknowledged();
  assert.equal(machine.timers.next, undefined);
  assert.deepEqual(machine.expire(99_999), []);
});
