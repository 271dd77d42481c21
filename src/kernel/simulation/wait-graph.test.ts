import assert from 'node:assert/strict';
import test from 'node:test';
import { ms, seconds } from '../time.ts';
import { deadline, Queue } from '../wait.ts';
import { simulate } from './simulation.ts';

/** Two hosts that ask each other by datagrams, and a client that waits for its answer. */
async function pair() {
  const sim = simulate({ seed: 1 });
  const open = async (name: string, answer: (question: string) => Promise<string>) => {
    const host = sim.host(name);
    const local = { host: sim.addressOf(name), port: 1 };
    const asked = new Map<string, (answer: string) => void>();
    const socket = await host.network.bindDatagram(local, async (datagram, from) => {
      const [kind, number, what] = Buffer.from(datagram).toString().split(' ');
      if (kind === 'answer') asked.get(number!)?.(what!);
      else socket.send(Buffer.from(`answer ${number} ${await answer(what!)}`), from);
    });
    let last = 0;
    return (to: string, question: string): Promise<string> => {
      const number = `${++last}`;
      const answered = new Promise<string>(resolve => asked.set(number, resolve));
      socket.send(Buffer.from(`question ${number} ${question}`), {
        host: sim.addressOf(to),
        port: 1,
      });
      return deadline(host.clock, seconds(5), answered, () => 'timeout');
    };
  };
  return { sim, open };
}

test('a procedure that waits for what waits for its own turn is a failure, at once', async () => {
  const { sim, open } = await pair();
  const turns = new Queue();
  const fromA = await open('a', () => turns.run('alice', async () => 'late'));
  const fromB = await open('b', () => fromB('a', 'again'));
  sim.after(ms(10), () => void turns.run('alice', () => fromA('b', 'please')));
  await assert.rejects(
    sim.run(seconds(10)),
    /a cycle of waits: the procedure for 'alice' waits for 'alice'\n {2}seed 1, 0\.01/,
  );
  await sim.run(seconds(10)); // one that goes on sees the deadline pass
});

test('a cycle over two keys names both', async () => {
  const { sim, open } = await pair();
  const turns = new Queue();
  const atB = new Queue();
  const fromA = await open('a', () => turns.run('alice', async () => 'late'));
  const fromB = await open('b', () => atB.run('record', () => fromB('a', 'again')));
  sim.after(ms(10), () => void turns.run('alice', () => fromA('b', 'please')));
  await assert.rejects(sim.run(seconds(10)), /'alice' waits for 'record' waits for 'alice'/);
});

test('waiting behind somebody else, or behind what only takes its time, is no cycle', async () => {
  const { sim, open } = await pair();
  const turns = new Queue();
  const { clock } = sim.host('b');
  const slow = () =>
    new Promise<string>(resolve => clock.after(seconds(3), () => resolve('finally')));
  const fromA = await open('a', async () => 'unused');
  await open('b', slow);
  const answers: string[] = [];
  const ask = async () => answers.push(await turns.run('alice', () => fromA('b', 'please')));
  sim.after(ms(10), ask);
  sim.after(ms(20), ask);
  await sim.run(seconds(20));
  assert.deepEqual(answers, ['finally', 'finally']);
});

test('what a procedure began and does not wait for may wait for its turn', async () => {
  const { sim, open } = await pair();
  const turns = new Queue();
  const done: string[] = [];
  const fromA = await open('a', async () => {
    void turns.run('alice', async () => done.push('effect')); // answered at once, done in its turn
    return 'ok';
  });
  const fromB = await open('b', async () => fromB('a', 'push'));
  const procedure = async () => done.push(await fromA('b', 'please'));
  sim.after(ms(10), () => void turns.run('alice', procedure));
  await sim.run(seconds(20));
  assert.deepEqual(done, ['ok', 'effect']);
});

test('where a message was lost, waiting is no wonder', async () => {
  const { sim, open } = await pair();
  const turns = new Queue();
  const fromA = await open('a', async () => {
    void turns.run('alice', async () => 'effect');
    return 'ok';
  });
  const fromB = await open('b', async () => {
    await fromB('a', 'push');
    sim.link('a', 'b').loss = 1;
    return 'lost';
  });
  const answers: string[] = [];
  sim.after(ms(10), async () => answers.push(await turns.run('alice', () => fromA('b', 'please'))));
  await sim.run(seconds(20));
  assert.deepEqual(answers, ['timeout']);
});
