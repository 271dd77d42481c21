// Number analysis with ENUM in the DNS (RFC 6116) and number portability (RFC 4694).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NaptrRecord } from '#kernel/host';
import { nameAddr, PServedUser, Route } from '#sip/headers';
import { set } from '#sip/message';
import { parseUri, uriText } from '#sip/uri';
import { type Bench, scscfUri } from './testing/bench.ts';
import { registered, routesOf } from './testing/calls.ts';
import { alice, bob, home } from './testing/scripted-hss.ts';

const rule = (service: string, regexp: string, preference = 1): NaptrRecord => ({
  order: 1,
  preference,
  flags: 'u',
  service,
  regexp,
  replacement: '',
});
const far = '+15550199001';
const farName = '1.0.0.9.9.1.0.5.5.5.1.enum.test';
const settings = {
  numbers: {
    enumSuffix: 'enum.test',
    enum: [{ prefix: '+155501000', domain: home }],
    breakout: `sip:as.${home}`,
  },
};
const dial = (bench: Bench, to: string) =>
  bench.pcscf.send(bench.initial('INVITE', alice.number, to));

test('a number goes to the user that ENUM names', async () => {
  const bench = await registered(settings);
  bench.sim.zone.naptr(farName, rule('E2U+sip', `!^.*$!${bob.named}!`));
  assert.equal((await dial(bench, `tel:${far}`)).status, 200);
  assert.equal(uriText(bench.icscf.last('INVITE').uri), bob.named);
  assert.deepEqual(bench.sim.zone.asked, [`NAPTR ${farName}`]);
  assert.match(bench.decisions('number analysis').at(-1)!.because, /ENUM/);
});

test('a user of another network is reached by way of the interconnection', async () => {
  const bench = await registered({ ...settings, interconnect: `sip:as.${home}` });
  bench.sim.zone.naptr(farName, rule('E2U+sip', '!^(.*)$!sip:\\1@other.example;user=phone!'));
  assert.equal((await dial(bench, `tel:${far}`)).status, 200);
  const invite = bench.as.last('INVITE');
  assert.equal(uriText(invite.uri), `sip:${far}@other.example;user=phone`);
});

test('a number the DNS does not know, or a DNS that is away, leaves the table to decide', async () => {
  const bench = await registered(settings);
  assert.equal((await dial(bench, bob.number)).status, 200);
  assert.equal(uriText(bench.icscf.last('INVITE').uri), `${bob.number};user=phone`);
  bench.sim.zone.away = true;
  assert.equal((await dial(bench, bob.number)).status, 200);
  assert.equal(bench.icscf.of('INVITE').length, 2);
});

test('a ported number breaks out by its routing number, which goes along', async () => {
  const bench = await registered(settings);
  const ported = rule('E2U+pstn:tel', `!^.*$!tel:${far};npdi;rn=+15550420000!`);
  bench.sim.zone.naptr(farName, ported);
  assert.equal((await dial(bench, `tel:${far}`)).status, 200);
  const invite = bench.as.last('INVITE');
  assert.equal(uriText(invite.uri), `sip:${far};npdi;rn=+15550420000@${home};user=phone`);
  assert.deepEqual(routesOf(invite), [`sip:as.${home};lr`]);
  assert.equal(bench.icscf.received.length, 0);
});

test('a number that was ported to us is ours', async () => {
  const bench = await registered(settings);
  bench.sim.zone.naptr(farName, rule('E2U+pstn:tel', `!^.*$!tel:${far};npdi;rn=+15550100000!`));
  assert.equal((await dial(bench, `tel:${far}`)).status, 200);
  const { uri } = bench.icscf.last('INVITE');
  assert.equal(uriText(uri), `sip:${far};npdi;rn=+15550100000@${home};user=phone`);
});

test('what an application server knows of porting is taken, and ENUM is not asked', async () => {
  const bench = await registered(settings);
  bench.sim.zone.naptr(farName, rule('E2U+sip', `!^.*$!${bob.named}!`));
  const call = bench.initial(
    'INVITE',
    alice.number,
    `tel:${far};npdi;rn=+15550420000`,
    set(Route, nameAddr(parseUri(`${scscfUri};lr;orig`))),
    set(PServedUser, nameAddr(parseUri(alice.number), { sescase: 'orig' })),
  );
  assert.equal((await bench.as.send(call, parseUri(scscfUri))).status, 200);
  assert.equal(
    uriText(bench.as.last('INVITE').uri),
    `sip:${far};npdi;rn=+15550420000@${home};user=phone`,
  );
  assert.deepEqual(bench.sim.zone.asked, []);
});

test('what a phone says of porting is not: it would be led elsewhere than billed', async () => {
  const bench = await registered(settings);
  assert.equal((await dial(bench, `tel:${far};npdi;rn=+15550420000`)).status, 200);
  assert.equal(uriText(bench.as.last('INVITE').uri), `sip:${far}@${home};user=phone`);
  assert.deepEqual(bench.sim.zone.asked, [`NAPTR ${farName}`]);
});
