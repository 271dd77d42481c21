import assert from 'node:assert/strict';
import test from 'node:test';
import { seconds } from '../time.ts';
import type { Traced } from '../trace.ts';
import { simulate } from './simulation.ts';

const message = (summary: string): Traced => ({
  summary: () => summary,
  encode: () => Buffer.from(summary),
  masked: () => Buffer.from(summary),
  keys: () => ({ impi: 'alice' }),
});

async function pair(seed: number) {
  const sim = simulate({ seed });
  const at = (name: string) => ({ host: sim.addressOf(name), port: 5060 });
  await sim.host('b').network.bindDatagram(at('b'), () => {});
  const host = sim.host('a');
  const socket = await host.network.bindDatagram(at('a'), () => {});
  const cross = (summary: string) => {
    host.trace.crossed({
      point: 'Gm',
      protocol: 'sip',
      link: 'udp',
      source: at('a'),
      destination: at('b'),
      message: message(summary),
    });
  };
  const send = () => socket.send(new Uint8Array(1), at('b'));
  return { sim, cross, send };
}

test('a datagram that the link loses is marked, recorded before or after it was sent', async () => {
  const { sim, cross, send } = await pair(1);
  sim.after(1, () => {
    cross('before');
    send();
    send();
    cross('after');
  });
  sim.after(2, () => {
    sim.link('a', 'b').loss = 1;
    cross('before');
    send();
    send();
    cross('after');
  });
  sim.after(3, () => {
    sim.link('a', 'b').loss = 0;
    cross('again');
    send();
  });
  await sim.run(seconds(1));
  assert.deepEqual(sim.ladder('a', 'b', { lost: true }), [
    'a → b  before',
    'a → b  after',
    'a → b  before  (lost: loss)',
    'a → b  after  (lost: loss)',
    'a → b  again',
  ]);
  assert.deepEqual(sim.ladder('b', 'a', { subscriber: 'alice', point: 'Gm' }), [
    'a → b  before',
    'a → b  after',
    'a → b  again',
  ]);
  assert.deepEqual(sim.ladder('b', 'a', { subscriber: 'bob' }), []);
  assert.deepEqual(
    sim.events.map(event => event.sequence),
    [1, 2, 3, 4, 5],
  );
});

test('a dead process records nothing', async () => {
  const { sim, cross } = await pair(1);
  sim.crash('a');
  cross('from the grave');
  await sim.run(1);
  assert.deepEqual(sim.events, []);
});

test('another recorder hears the same, unless it is not enabled', async () => {
  for (const enabled of [true, false]) {
    const heard: unknown[] = [];
    const sim = simulate({ seed: 1, recorder: { enabled, record: event => heard.push(event) } });
    sim.host('a').trace.decide('a.x', { chose: 'y', because: 'z' });
    assert.equal(heard.length, enabled ? 1 : 0);
    assert.deepEqual(sim.events, heard);
  }
});
