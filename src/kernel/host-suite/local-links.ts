import assert from 'node:assert/strict';
import { AddressError } from '../errors.ts';
import type { Codec } from '../host.ts';
import type { Pipe } from '../pipe.ts';
import { ms } from '../time.ts';
import { sleep } from '../wait.ts';
import { type Check, collector, type SuiteWorld } from './tools.ts';

interface Note {
  text: string;
}

const notes: Codec<Note> = {
  encode: note => Buffer.from(note.text),
  decode: octets => ({ text: Buffer.from(octets).toString() }),
};

export function localChecks(check: Check): void {
  const link = async (world: SuiteWorld) => {
    const accepted = collector<Pipe<Note>>();
    world.host('b').network.serveLocal<Note>('b.home', accepted.add);
    const near = world.host('a').network.dialLocal('b.home', notes);
    await new Promise<void>(resolve => {
      near.onOpen = resolve;
    });
    return { near, far: accepted.items[0]! };
  };

  check('local links hand over the very object, in order, never in the same stack', async world => {
    const { near, far } = await link(world);
    const got = collector<Note>();
    far.onMessage = got.add;
    const sent = Array.from({ length: 20 }, (_, i) => ({ text: `${i}` }));
    for (const note of sent) near.send(note);
    assert.equal(got.items.length, 0);
    await got.count(20);
    for (const [i, note] of got.items.entries()) assert.equal(note, sent[i]);
    assert.equal(near.remoteName, 'b');
    assert.equal(far.remoteName, 'a');
    assert.equal(far.protocol, 'local');
  });

  check(
    'checked links hand over a frozen copy and freeze the original',
    async world => {
      const { near, far } = await link(world);
      const got = collector<Note>();
      far.onMessage = got.add;
      const sent = { text: 'a' };
      near.send(sent);
      const [copy] = await got.count(1);
      assert.deepEqual(copy, sent);
      assert.notEqual(copy, sent);
      for (const note of [copy!, sent]) {
        assert.throws(() => {
          note.text = 'b';
        }, TypeError);
      }
    },
    { links: 'checked' },
  );

  check('a local link that closes delivers first; both ends hear it once', async world => {
    const { near, far } = await link(world);
    const log = collector<string>();
    far.onMessage = note => log.add(note.text);
    far.onClosed = reason => log.add(`far: ${reason}`);
    near.onClosed = reason => log.add(`near: ${reason}`);
    near.send({ text: 'last' });
    near.close('done');
    near.close();
    near.send({ text: 'too late' });
    await log.count(3);
    far.close();
    await sleep(world.host('a').clock, ms(5));
    assert.deepEqual(log.items, ['last', 'near: done', 'far: done']);
  });

  check('a local name nobody serves refuses, one served twice is in use', async world => {
    const { network } = world.host('a');
    const reasons = collector<string>();
    network.dialLocal('nobody', notes).onClosed = reasons.add;
    assert.deepEqual(reasons.items, []);
    assert.deepEqual(await reasons.count(1), ['refused']);
    const served = network.serveLocal('a.home', () => {});
    const again = () => world.host('b').network.serveLocal('a.home', () => {});
    assert.throws(again, AddressError);
    served.close();
    again();
  });
}
