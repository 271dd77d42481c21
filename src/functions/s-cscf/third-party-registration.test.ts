import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InitialFilterCriterion, RegistrationType } from '#diameter/cx-user-data';
import { seconds } from '#kernel/time';
import {
  CallId,
  Contact,
  ContentType,
  CSeq,
  Expires,
  From,
  PVisitedNetworkId,
  To,
} from '#sip/headers';
import { type SipRequest, set } from '#sip/message';
import { uriText } from '#sip/uri';
import { Bench, scscfUri } from './testing/bench.ts';
import { alice, home, server } from './testing/scripted-hss.ts';

const onRegister = (
  registrationTypes: readonly RegistrationType[] = [],
  as: Partial<InitialFilterCriterion['applicationServer']> = {},
): InitialFilterCriterion =>
  server(`sip:as.${home}:5090`, {
    triggerPoint: {
      form: 'CNF',
      groups: [[{ kind: 'method', method: 'REGISTER', registrationTypes, negated: false }]],
    },
    as,
  });

async function benchWith(...criteria: readonly InitialFilterCriterion[]): Promise<Bench> {
  const bench = new Bench();
  bench.hss.criteria = criteria;
  return bench.start();
}

const expiresOf = (bench: Bench): (number | undefined)[] =>
  bench.as.of('REGISTER').map(each => each.get(Expires));

const textOf = (register: SipRequest): string => Buffer.from(register.body).toString('utf8');

test('an AS is told of registration, refresh and the end, in one Call-ID with growing CSeq', async () => {
  const bench = await benchWith(onRegister());
  const usim = bench.usim();
  const visited = set(PVisitedNetworkId, { network: home, params: new Map() });
  await bench.registerByCard(alice, { usim, edits: [visited] });
  await bench.sim.run(seconds(1));
  const first = bench.as.last('REGISTER');
  assert.equal(uriText(first.uri), `sip:as.${home}:5090`);
  assert.equal(uriText(first.get(From)!.uri), scscfUri);
  assert.equal(uriText(first.get(To)!.uri), alice.number);
  assert.equal(uriText(first.get(Contact)!.uri), scscfUri);
  assert.equal(first.get(PVisitedNetworkId)?.network, home);

  await bench.registerByCard(alice, { usim });
  await bench.registerByCard(alice, { usim, expires: 0 });
  await bench.sim.run(seconds(1));
  assert.deepEqual(expiresOf(bench), [3600, 3600, 0]);
  const told = bench.as.of('REGISTER');
  assert.equal(new Set(told.map(each => each.get(CallId))).size, 1);
  const sequences = told.map(each => each.get(CSeq)!.sequence);
  assert.deepEqual(sequences, [sequences[0], sequences[0]! + 1, sequences[0]! + 2]);
});

test('the 200 goes out before an AS is told', async () => {
  const bench = await benchWith(onRegister());
  await bench.registerByCard(alice);
  await bench.sim.run(seconds(1));
  const lines = bench.sim.events
    .filter(event => event.kind === 'message' && event.protocol === 'sip')
    .map(event => (event.kind === 'message' ? `${event.to} ${event.message.summary()}` : ''));
  assert.ok(lines.indexOf('p-cscf 200 OK') < lines.indexOf('as REGISTER'));
});

test('a criterion may name kinds of registration', async () => {
  const bench = await benchWith(onRegister(['INITIAL_REGISTRATION', 'DE_REGISTRATION']));
  const usim = bench.usim();
  await bench.registerByCard(alice, { usim });
  await bench.registerByCard(alice, { usim });
  await bench.registerByCard(alice, { usim, expires: 0 });
  await bench.sim.run(seconds(1));
  assert.deepEqual(expiresOf(bench), [3600, 0]);
});

test('service information travels by itself, or beside the REGISTER and its answer', async () => {
  const alone = await benchWith(onRegister([], { serviceInfo: 'gold & silver' }));
  await alone.registerByCard(alice);
  await alone.sim.run(seconds(1));
  const first = alone.as.last('REGISTER');
  assert.equal(first.get(ContentType)?.type, 'application/3gpp-ims+xml');
  assert.match(textOf(first), /<service-info>gold &amp; silver<\/service-info>/);

  const all = { serviceInfo: 'gold', includeRegisterRequest: true, includeRegisterResponse: true };
  const bench = await benchWith(onRegister([], all));
  await bench.registerByCard(alice);
  await bench.sim.run(seconds(1));
  const second = bench.as.last('REGISTER');
  assert.equal(second.get(ContentType)?.type, 'multipart/mixed');
  const boundary = second.get(ContentType)?.params.get('boundary');
  const parts = textOf(second).split(`--${boundary}`);
  assert.equal(parts.length, 5);
  assert.match(parts[2]!, /message\/sip\r\n\r\nREGISTER sip:/);
  assert.match(parts[3]!, /message\/sip\r\n\r\nSIP\/2\.0 200 OK/);
});

test('an AS that fails ends the registration only where its criterion says so', async () => {
  for (const [defaultHandling, left] of [
    ['SESSION_CONTINUED', 1],
    ['SESSION_TERMINATED', 0],
  ] as const) {
    const bench = await benchWith(onRegister([], { defaultHandling }));
    bench.as.handle = tx => tx.reply(500);
    await bench.registerByCard(alice);
    await bench.sim.run(seconds(2));
    assert.equal(bench.scscf.registrations().length, left, defaultHandling);
  }
});

test('an AS is told when the network ends a registration, and when it lapses', async () => {
  const bench = await benchWith(onRegister());
  const usim = bench.usim();
  await bench.registerByCard(alice, { usim, expires: 600 });
  await bench.sim.settle(() => bench.hss.rtr(alice.sim, 'PERMANENT_TERMINATION'));
  await bench.sim.run(seconds(1));
  await bench.registerByCard(alice, { usim, expires: 600 });
  await bench.sim.run(seconds(700));
  assert.deepEqual(expiresOf(bench), [600, 0, 600, 0]);
});

test('an AS that refuses a user, as it may, does not end his registration', async () => {
  const bench = await benchWith(onRegister([], { defaultHandling: 'SESSION_TERMINATED' }));
  bench.as.handle = tx => tx.reply(403);
  await bench.registerByCard(alice);
  await bench.sim.run(seconds(2));
  assert.equal(bench.scscf.registrations().length, 1);
});
