import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '#kernel/simulation';
import { endpointsOf } from './endpoints.ts';

const naptr = (order: number, service: string, replacement: string) => ({
  order,
  preference: 1,
  flags: 's',
  service,
  regexp: '',
  replacement,
});

function world() {
  const sim = simulate({ seed: 1 });
  sim.zone
    .naptr('realm.test', naptr(3, 'aaa:diameter.sctp', '_diameter._sctp.realm.test'))
    .naptr('realm.test', naptr(2, 'aaa+ap16777216:diameter.tcp', '_diameter._tcp.realm.test'))
    .naptr('secure.test', naptr(2, 'aaa:diameter.tls.tcp', '_diameters._tcp.secure.test'))
    .naptr('old.test', naptr(1, 'AAA+D2T', '_diameter._tcp.realm.test'))
    .srv('_diameter._tcp.realm.test', 2, 0, 3870, 'backup.realm.test')
    .srv('_diameter._tcp.realm.test', 1, 0, 3869, 'hss.realm.test')
    .srv('_diameters._tcp.secure.test', 1, 0, 5868, 'hss.realm.test')
    .srv('_diameter._tcp.srv.test', 1, 0, 3871, 'hss.realm.test')
    .address('hss.realm.test', '192.0.2.1')
    .address('backup.realm.test', '192.0.2.2', '2001:db8::2');
  return sim;
}

const cases: readonly [text: string, ...ways: string[]][] = [
  ['realm.test', 'tcp 192.0.2.1 3869', 'tcp 192.0.2.2 3870', 'tcp 2001:db8::2 3870'],
  ['old.test', 'tcp 192.0.2.1 3869', 'tcp 192.0.2.2 3870', 'tcp 2001:db8::2 3870'],
  ['secure.test', 'tls 192.0.2.1 5868'],
  ['srv.test', 'tcp 192.0.2.1 3871'],
  ['hss.realm.test', 'tcp 192.0.2.1 3868'],
  ['hss.realm.test:3900', 'tcp 192.0.2.1 3900'],
  ['nobody.test'],
];

for (const [text, ...ways] of cases) {
  test(`the peer setting ${text} leads to ${ways.join(', ') || 'nowhere'}`, async () => {
    const found = await endpointsOf(world().host('scscf'), [text]);
    assert.deepEqual(
      found.map(end =>
        end.protocol === 'local'
          ? end.name
          : `${end.protocol} ${end.address.host} ${end.address.port}`,
      ),
      ways,
    );
  });
}
