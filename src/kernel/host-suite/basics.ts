import assert from 'node:assert/strict';
import type { Endpoint } from '../host.ts';
import { ms } from '../time.ts';
import { sleep } from '../wait.ts';
import { type Check, collector } from './tools.ts';

export function clockChecks(check: Check): void {
  check('timers fire by their time, then in the order asked for, and not early', async world => {
    const { clock } = world.host('a');
    const fired = collector<string>();
    const start = clock.now();
    const late: number[] = [];
    const note = (name: string, delay: number) => () => {
      late.push(clock.now() - start - delay);
      fired.add(name);
    };
    clock.after(ms(20), note('20', 20));
    clock.after(ms(5), note('5', 5));
    clock.after(ms(5), note('5 too', 5));
    clock.after(ms(0), note('0', 0));
    assert.deepEqual(fired.items, []);
    assert.deepEqual(await fired.count(4), ['0', '5', '5 too', '20']);
    assert.ok(Math.min(...late) >= 0, `${late}`);
  });

  check(
    'a cancelled timer does not fire, nor one cancelled by another due with it',
    async world => {
      const { clock } = world.host('a');
      const fired: string[] = [];
      clock.after(ms(1), () => fired.push('cancelled')).cancel();
      clock.after(ms(2), () => {
        fired.push('first');
        second.cancel();
      });
      const second = clock.after(ms(2), () => fired.push('second'));
      await sleep(clock, ms(10));
      second.cancel();
      assert.deepEqual(fired, ['first']);
    },
  );

  check(
    'soon runs in a later turn, in order, each after the promises of the one before',
    async world => {
      const { clock } = world.host('a');
      const log = collector<string>();
      clock.soon(() => {
        log.add('first');
        void Promise.resolve()
          .then(() => Promise.resolve())
          .then(() => log.add('its promise'));
      });
      clock.soon(() => log.add('second'));
      log.add('asked');
      assert.deepEqual(await log.count(4), ['asked', 'first', 'its promise', 'second']);
    },
  );
}

export function randomChecks(check: Check): void {
  check('random octets are as many as asked for and differ', async world => {
    const { random } = world.host('a');
    assert.equal(random.bytes(16).length, 16);
    assert.match(random.hex(8), /^[0-9a-f]{16}$/);
    const drawn = new Set(Array.from({ length: 100 }, () => random.hex(8)));
    assert.equal(drawn.size, 100);
    const fraction = random.fraction();
    assert.ok(fraction >= 0 && fraction < 1);
  });
}

export function nameChecks(check: Check): void {
  const local: Endpoint = { protocol: 'local', name: 'hss.home' };
  const wire: Endpoint = { protocol: 'tcp', address: { host: '127.0.0.1', port: 3868 } };

  check(
    'names lead where the composition says; unknown ones and literals lead nowhere',
    async world => {
      const { network } = world.host('a');
      assert.deepEqual(await network.resolve('hss.home', 'diameter'), [local, wire]);
      assert.equal(await network.resolve('nobody.invalid', 'sip'), undefined);
      assert.deepEqual(await network.dns.addresses('127.0.0.1'), []);
      assert.deepEqual(await network.dns.addresses('nobody.invalid'), []);
      assert.deepEqual(await network.dns.addresses('not a name'), []);
      assert.deepEqual(await network.dns.srv('_sip._udp.nobody.invalid'), []);
      assert.deepEqual(await network.dns.naptr('nobody.invalid'), []);
    },
    { names: { 'hss.home': [local, wire] } },
  );
}
