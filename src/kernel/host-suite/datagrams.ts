import assert from 'node:assert/strict';
import { AddressError } from '../errors.ts';
import { ms } from '../time.ts';
import { sleep } from '../wait.ts';
import { ANY, type Check, collector, octets, text } from './tools.ts';

export function datagramChecks(check: Check): void {
  check('datagrams go both ways between the addresses they say', async world => {
    const a = world.host('a').network;
    const b = world.host('b').network;
    const atA = collector<string>();
    const atB = collector<string>();
    const near = await a.bindDatagram(ANY, (data, from) => atA.add(`${text(data)} ${from.port}`));
    const far = await b.bindDatagram(ANY, (data, from) => {
      atB.add(`${text(data)} ${from.host} ${from.port}`);
      far.send(octets('pong'), from);
    });
    assert.notEqual(far.local.port, 0);
    near.send(octets('ping'), far.local);
    assert.deepEqual(await atB.count(1), [`ping ${near.local.host} ${near.local.port}`]);
    assert.deepEqual(await atA.count(1), [`pong ${far.local.port}`]);
    assert.equal(a.ownerOf(far.local, 'udp'), 'b');
    far.close();
    assert.equal(a.ownerOf(far.local, 'udp'), undefined);
  });

  check('a datagram that cannot be sent is lost without an error', async world => {
    const host = world.host('a');
    const socket = await host.network.bindDatagram(ANY, () => {});
    socket.send(octets('x'), { host: '127.0.0.1', port: 0 });
    socket.send(octets('x'), { host: '::1', port: 9 });
    socket.send(Buffer.alloc(70_000), socket.local);
    socket.close();
    socket.send(octets('x'), socket.local);
    socket.close();
    await sleep(host.clock, ms(5));
  });

  check(
    'a datagram port in use is refused by its number, and free once it is closed',
    async world => {
      const { network } = world.host('a');
      const first = await network.bindDatagram(ANY, () => {});
      const again = () => network.bindDatagram(first.local, () => {});
      await assert.rejects(again(), error => {
        assert.ok(error instanceof AddressError);
        assert.equal(error.code, 'in use');
        assert.match(error.message, new RegExp(`${first.local.port}`));
        return true;
      });
      first.close();
      await sleep(world.host('a').clock, ms(5));
      (await again()).close();
    },
  );
}
