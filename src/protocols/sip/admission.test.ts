import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Host } from '#kernel/host';
import { simulate } from '#kernel/simulation';
import { Admission } from './admission.ts';
import { Authorization, From, To } from './headers.ts';
import { set } from './message.ts';
import { someRequest } from './testing/requests.ts';

/** A host that is as busy as the test says. */
function worked(): { host: Host; load: { busy: number }; pass: (ms: number) => void } {
  const { clock, ...rest } = simulate({ seed: 1 }).host('server');
  const load = { busy: 0 };
  let now = 1_000_000;
  const busyClock = { ...clock, now: () => now, loadMeter: () => () => load.busy };
  const host = { ...rest, clock: busyClock } as unknown as Host;
  const pass = (ms: number): void => {
    now += ms;
  };
  return { host, load, pass };
}

const invite = someRequest('INVITE', 'sip:bob@home.test');
const share = (admission: Admission, of = invite): number => {
  let taken = 0;
  for (let i = 0; i < 1000; i++) if (!admission.refuses(of)) taken++;
  return taken / 1000;
};

test('while there are idle moments everything is taken in', () => {
  const { host, load, pass } = worked();
  const admission = new Admission(host, { busy: 0.95 });
  for (load.busy = 0; load.busy < 0.94; load.busy += 0.05) {
    pass(100);
    assert.equal(share(admission), 1);
  }
});

test('without an idle moment ever less that is new is, but never nothing', () => {
  const { host, load, pass } = worked();
  const admission = new Admission(host, { busy: 0.95 });
  load.busy = 1;
  const shares = Array.from({ length: 60 }, () => {
    pass(100);
    return share(admission);
  });
  assert.ok(shares[3] === 1 && shares[7]! < 0.95 && shares[20]! < 0.4, String(shares));
  assert.ok(shares.at(-1)! > 0 && shares.at(-1)! < 0.05, String(shares));
  assert.ok(admission.admitted > 0);
});

test('what was begun goes on, and emergencies come in', () => {
  const { host, load, pass } = worked();
  const admission = new Admission(host, { busy: 0.95 });
  load.busy = 1;
  for (let i = 0; i < 60; i++) {
    pass(100);
    share(admission);
  }
  const to = invite.get(To)!;
  const answer = (response: string) =>
    set(Authorization, { scheme: 'Digest', params: new Map([['response', response]]) });
  const register = someRequest('REGISTER', 'sip:home.test');
  for (const admitted of [
    invite.with(set(To, { ...to, params: new Map([['tag', 'x']]) })),
    someRequest('BYE', 'sip:bob@home.test'),
    someRequest('PRACK', 'sip:bob@home.test'),
    someRequest('INVITE', 'urn:service:sos'),
    someRequest('INVITE', 'urn:service:sos.police'),
    register.with(answer('0123456789abcdef0123456789abcdef')),
  ]) {
    assert.equal(share(admission, admitted), 1, admitted.summary());
  }
  for (const refused of [register, register.with(answer('')), invite.with(set(From, to))]) {
    assert.ok(share(admission, refused) < 0.1, refused.summary());
  }
});

test('when the load has gone everything is taken in at once', () => {
  const { host, load, pass } = worked();
  const admission = new Admission(host, { busy: 0.95 });
  load.busy = 1;
  for (let i = 0; i < 60; i++) {
    pass(100);
    share(admission);
  }
  load.busy = 0.3;
  pass(100);
  assert.equal(share(admission), 1);
});

test('a host that cannot tell how busy it is refuses nobody', () => {
  const { host } = worked();
  const { loadMeter: _, ...clock } = host.clock;
  const admission = new Admission({ ...host, clock } as Host, { busy: 0.95 });
  assert.equal(share(admission), 1);
});

test('a process that is busy with something else refuses nobody', () => {
  const { host, load, pass } = worked();
  const admission = new Admission(host, { busy: 0.95 });
  load.busy = 1;
  for (let i = 0; i < 100; i++) {
    pass(20);
    assert.equal(admission.refuses(invite), false);
  }
});
