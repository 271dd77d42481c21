import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seconds } from '#kernel/time';
import { eventually, testNetwork } from './testing/network.ts';

test('a call is listed while it lasts, and can be released', async t => {
  const { ask, phone, running } = await testNetwork(t);
  const alice = await phone('alice');
  await phone('bob', { calls: { answering: 'automatic', ringing: seconds(0) } });
  const call = await alice.call('bob');
  assert.equal((await call.answered).kind, 'answered');
  const { calls } = (await ask('GET', '/api/v1/calls')).body;
  assert.equal(calls.length, 1);
  assert.equal(calls[0].state, 'answered');
  assert.equal(calls[0].callId, call.id);
  assert.match(calls[0].caller, new RegExp(`@${running.network.home}$`));
  assert.deepEqual(
    calls[0].served.map(({ side }: { side: string }) => side),
    ['orig', 'term'],
  );

  assert.equal((await ask('DELETE', `/api/v1/calls/${calls[0].id}`)).status, 204);
  assert.equal((await call.ended).by, 'remote');
  await eventually('the call is gone', async () => {
    return (await ask('GET', '/api/v1/calls')).body.calls.length === 0;
  });
  assert.equal((await ask('DELETE', `/api/v1/calls/${calls[0].id}`)).status, 404);
});

test('charging records are none, and the answer says why', async t => {
  const { ask } = await testNetwork(t);
  const { status, body } = await ask('GET', '/api/v1/cdrs');
  assert.equal(status, 200);
  assert.deepEqual(body.cdrs, []);
  assert.match(body.note, /no charging data function/);
});
