import assert from 'node:assert/strict';
import test from 'node:test';
import type { Host } from '../host.ts';
import { hours, minutes, ms, seconds } from '../time.ts';
import { OutsideSimulation } from './guards.ts';
import { simulate } from './simulation.ts';

const text = (octets: Uint8Array): string => Buffer.from(octets).toString();
const octets = (text: string): Uint8Array => Buffer.from(text);

test('timers fire in the order of their times, and equal times in the order asked for', async () => {
  const sim = simulate({ seed: 1 });
  const { clock } = sim.host('a');
  const fired: string[] = [];
  clock.after(seconds(2), () => fired.push('late'));
  clock.after(seconds(1), () => fired.push('first'));
  clock.after(seconds(1), () => fired.push('second'));
  clock.soon(() => fired.push('soon'));
  clock.after(seconds(1), () => fired.push('never')).cancel();

  await sim.run(seconds(1));
  assert.deepEqual(fired, ['soon', 'first', 'second']);
  assert.equal(sim.elapsed, seconds(1));
  await sim.run(seconds(5));
  assert.deepEqual(fired, ['soon', 'first', 'second', 'late']);
  assert.equal(sim.elapsed, seconds(6));
});

test('every promise settles between two events, however long the chain', async () => {
  const sim = simulate({ seed: 1 });
  const { clock } = sim.host('a');
  const seen: string[] = [];
  clock.after(1, async () => {
    for (let turn = 0; turn < 1000; turn++) await undefined;
    seen.push(`chain at ${sim.elapsed}`);
  });
  clock.after(1, () => seen.push('next event'));
  await sim.run(1);
  assert.deepEqual(seen, ['chain at 1', 'next event']);
});

test('a host more does not shift what the others draw', () => {
  const draws = (names: string[]) => {
    const sim = simulate({ seed: 7 });
    const hosts = names.map(name => sim.host(name));
    return hosts.find(host => host.name === 'b')!.random.hex(16);
  };
  assert.equal(draws(['b']), draws(['a', 'b', 'c']));
  const sim = simulate({ seed: 7 });
  assert.notEqual(sim.host('a').random.hex(16), sim.host('b').random.hex(16));
  assert.notEqual(simulate({ seed: 8 }).host('b').random.hex(16), draws(['b']));
});

test('while simulating, real time and real chance throw; afterwards they are back', async () => {
  const sim = simulate({ seed: 1 });
  const before = { setTimeout, fetch, Date, random: Math.random, now: Date.now };
  const reached: string[] = [];
  const attempts: Record<string, () => unknown> = {
    setTimeout: () => setTimeout(() => {}, 0),
    setInterval: () => setInterval(() => {}, 1000),
    setImmediate: () => setImmediate(() => {}),
    fetch: () => fetch('http://127.0.0.1:1/'),
    'Math.random': () => Math.random(),
    'Date.now': () => Date.now(),
    'new Date()': () => new Date(),
    'performance.now': () => performance.now(),
    Worker: () => new (globalThis as unknown as { Worker: new () => object }).Worker(),
    'crypto.subtle': () => crypto.subtle,
    'crypto.randomUUID': () => crypto.randomUUID(),
  };
  sim.after(1, async () => {
    await undefined;
    for (const [name, attempt] of Object.entries(attempts)) {
      assert.throws(attempt, OutsideSimulation, name);
      reached.push(name);
    }
    assert.equal(new Date(0).toISOString(), '1970-01-01T00:00:00.000Z');
    assert.ok(new Date(0) instanceof Date);
  });
  await sim.run(1);
  assert.deepEqual(reached, Object.keys(attempts));
  assert.deepEqual({ setTimeout, fetch, Date, random: Math.random, now: Date.now }, before);
  assert.ok(crypto.subtle);
  assert.ok(!('Worker' in globalThis));
});

test('a condition that never holds fails with the seed, and says when nothing is left', async () => {
  const sim = simulate({ seed: 4711 });
  await assert.rejects(
    sim.runUntil(() => false, minutes(1), 'alice is registered'),
    {
      name: 'SimulationFailure',
      message: /nothing is left to happen, and alice is registered does not hold\n {2}seed 4711/,
    },
  );
  const tick = () => {
    sim.host('a').clock.after(seconds(1), tick);
  };
  tick();
  await assert.rejects(
    sim.runUntil(() => false, minutes(1)),
    /after 60 s the condition still does not/,
  );
  assert.equal(sim.elapsed, minutes(1));
  await assert.rejects(sim.runUntilIdle(minutes(1)), /still something to happen/);
});

test('a condition is looked at after each event, before the next', async () => {
  const sim = simulate({ seed: 1 });
  let count = 0;
  for (let at = 1; at <= 100; at++) sim.after(at, () => count++);
  await sim.runUntil(() => count === 40);
  assert.equal(count, 40);
  assert.equal(sim.elapsed, 40);
});

test('an event that throws fails the run and keeps the cause', async () => {
  const sim = simulate({ seed: 3 });
  const cause = new Error('broken');
  sim.after(5, () => {
    throw cause;
  });
  await assert.rejects(sim.run(10), (error: Error) => {
    assert.match(error.message, /an event threw: broken\n {2}seed 3, 0\.005 s/);
    assert.equal(error.cause, cause);
    return true;
  });
  await sim.run(10); // and the simulation can go on
});

test('a loop that never lets time pass is reported', async () => {
  const sim = simulate({ seed: 1 });
  const { clock } = sim.host('a');
  const again = () => clock.soon(again);
  again();
  await assert.rejects(sim.run(1), /time stands still/);
});

test('settle gives the value or the error of what it began', async () => {
  const sim = simulate({ seed: 1 });
  const { store } = sim.host('a');
  await sim.settle(() => store.commit([{ table: 't', key: 'k', value: 1 }]));
  assert.equal(await sim.settle(() => store.get('t', 'k')), 1);
  await assert.rejects(
    sim.settle(async () => {
      throw new TypeError('no');
    }),
    TypeError,
  );
  await assert.rejects(
    sim.settle(() => new Promise(() => {})),
    /has not settled/,
  );
});

test('a crash ends timers, sockets and pending work; a restart begins again on the same disk', async () => {
  const sim = simulate({ seed: 1 });
  const lives: string[] = [];
  const serve = async (host: Host) => {
    lives.push(`life with ${JSON.stringify(await host.store.get('t', 'k'))}`);
    await host.network.bindDatagram({ host: sim.addressOf('s'), port: 5060 }, datagram => {
      lives.push(`heard ${text(datagram)}`);
    });
    await host.store.commit([{ table: 't', key: 'k', value: 'kept' }]);
    host.clock.after(seconds(10), () => lives.push('timer'));
    host.clock.after(seconds(5), () => {
      void host.store.commit([{ table: 't', key: 'k', value: 'lost' }]).then(() => {
        lives.push('committed');
      });
    });
  };
  sim.install('s', serve);
  const client = sim.host('c');
  const socket = await client.network.bindDatagram({ host: sim.addressOf('c'), port: 0 }, () => {});
  const call = () => socket.send(octets('hello'), { host: sim.addressOf('s'), port: 5060 });

  await sim.run(seconds(5)); // the commit of that moment is not durable yet
  sim.crash('s');
  call();
  await sim.run(seconds(10));
  assert.deepEqual(lives, ['life with undefined']);

  sim.restart('s');
  await sim.run(seconds(1));
  call();
  await sim.run(seconds(1));
  assert.deepEqual(lives, ['life with undefined', 'life with "kept"', 'heard hello']);
});

test('a factory that rejects fails the run', async () => {
  const sim = simulate({ seed: 1 });
  sim.install('s', async host => {
    await host.network.bindDatagram({ host: '192.0.2.1', port: 1 }, () => {});
  });
  await assert.rejects(sim.run(1), (error: Error) => {
    assert.match(error.message, /s did not start/);
    assert.match(String(error.cause), /192\.0\.2\.1 port 1 is unavailable/);
    return true;
  });
});

test('a link between names that no host has is an error, not a silence', async () => {
  const sim = simulate({ seed: 1 });
  sim.link('a', 'b').loss = 0.5;
  sim.host('a');
  await assert.rejects(sim.run(1), /a link names b/);
});

/** Registrations with retransmission over a lossy link, as the framework alone costs. */
async function dayOfRegistrations(seed: number): Promise<string> {
  const sim = simulate({ seed, links: { delay: ms(20), jitter: ms(10), loss: 0.2 } });
  const lines: string[] = [];
  const server = { host: sim.addressOf('server'), port: 5060 };
  const { network } = sim.host('server');
  const answering = await network.bindDatagram(server, (datagram, from) => {
    lines.push(`${sim.elapsed} ${from.host}:${from.port} ${text(datagram)}`);
    answering.send(datagram, from);
  });
  for (let user = 0; user < 10; user++) {
    const host = sim.host(`ue${user}`);
    let waiting: { cancel(): void } | undefined;
    const local = { host: sim.addressOf(host.name), port: 5060 };
    const socket = await host.network.bindDatagram(local, () => waiting?.cancel());
    const register = (message: Uint8Array, wait: number) => {
      socket.send(message, server);
      waiting = host.clock.after(wait, () => register(message, wait * 2));
    };
    const refresh = () => {
      register(octets(host.random.hex(8)), 500);
      host.clock.after(minutes(10), refresh);
    };
    refresh();
  }
  await sim.run(hours(24));
  return lines.join('\n');
}

test('the same seed gives the same trace, byte for byte, and another seed another', async () => {
  const once = await dayOfRegistrations(7);
  assert.equal(once, await dayOfRegistrations(7));
  assert.notEqual(once, await dayOfRegistrations(8));
  assert.ok(once.split('\n').length > 1440);
});

test('a day of re-registrations of ten users costs well under a second', async () => {
  const { now } = performance;
  const begun = now.call(performance);
  await dayOfRegistrations(9);
  const took = now.call(performance) - begun;
  assert.ok(took < 1000, `took ${took} ms`);
});
