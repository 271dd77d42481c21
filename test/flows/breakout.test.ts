// Numbers and names that lead out of the network, by way of the DNS: ENUM (RFC 6116), number
// portability (RFC 4694), and the servers of a name with failover (RFC 3263).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SipEndpoint } from '#sip/endpoint';
import { Contact, nameAddr, RecordRoute } from '#sip/headers';
import { type SipRequest, set } from '#sip/message';
import { parseUri, uriText } from '#sip/uri';
import { inLab, type Lab, registers } from '../support/lab.ts';

/** A media gateway's end of Mi and Mj: takes what comes, and keeps it. */
async function gateway(lab: Lab, name: string): Promise<SipRequest[]> {
  const received: SipRequest[] = [];
  const endpoint = new SipEndpoint(lab.simulation.host(name), {
    point: 'Mi',
    name: `${name}.test`,
  });
  const host = lab.simulation.addressOf(name);
  await endpoint.listen('tcp', { host, port: 5060 });
  endpoint.onRequest = tx => {
    received.push(tx.request);
    const edits = [
      set(RecordRoute, ...tx.request.all(RecordRoute)),
      set(Contact, nameAddr(parseUri(`sip:${host}:5060;transport=tcp`))),
    ];
    if (tx.request.method === 'INVITE') tx.reply(486);
    else if (tx.request.method !== 'ACK') tx.reply(200, ...edits);
  };
  return received;
}

const settings = [
  'scscf.numbers.enumSuffix=e164.test',
  'scscf.numbers.enum=[]',
  'scscf.numbers.breakout=sip:gateways.test',
];

/** Two gateways of one name, the first of which is nowhere. */
function zone(lab: Lab): void {
  lab.simulation.zone
    .naptr('gateways.test', {
      order: 1,
      preference: 1,
      flags: 's',
      service: 'SIP+D2T',
      regexp: '',
      replacement: '_sip._tcp.gateways.test',
    })
    .srv('_sip._tcp.gateways.test', 1, 0, 5060, 'one.test')
    .srv('_sip._tcp.gateways.test', 2, 0, 5060, 'two.test')
    .address('one.test', lab.simulation.addressOf('one'))
    .address('two.test', lab.simulation.addressOf('two'));
}

const ported = (rule: string) => ({
  order: 1,
  preference: 1,
  flags: 'u',
  service: 'E2U+pstn:tel',
  regexp: rule,
  replacement: '',
});

test('a number of nobody here leaves by the gateway that is there', () =>
  inLab({ settings }, async lab => {
    const two = await gateway(lab, 'two');
    zone(lab);
    const alice = await lab.ue('alice');
    await registers(alice);
    const began = lab.simulation.now();
    const outcome = await alice.message('+442079460000', 'hello');
    assert.equal(outcome.kind, 'delivered');
    assert.ok(lab.simulation.now() - began < 1000, 'a refused connection costs no time');
    assert.equal(uriText(two[0]!.uri), `sip:+442079460000@${lab.home};user=phone`);
    assert.deepEqual(lab.simulation.zone.asked.slice(0, 2), [
      'NAPTR 0.0.0.0.6.4.9.7.0.2.4.4.e164.test',
      'NAPTR gateways.test',
    ]);
  }));

test('a ported number takes its routing number along', () =>
  inLab({ settings }, async lab => {
    const two = await gateway(lab, 'two');
    zone(lab);
    const rule = ported('!^(.*)$!tel:\\1;npdi;rn=+442079469999!');
    lab.simulation.zone.naptr('0.0.0.0.6.4.9.7.0.2.4.4.e164.test', rule);
    const alice = await lab.ue('alice');
    await registers(alice);
    await alice.message('+442079460000', 'hello');
    const { uri } = two[0]!;
    assert.equal(uriText(uri), `sip:+442079460000;npdi;rn=+442079469999@${lab.home};user=phone`);
  }));

test('a number that ENUM gives to a user here rings here', () =>
  inLab({ settings }, async lab => {
    zone(lab);
    const [alice, bob] = await lab.registered('alice', 'bob');
    const rule = { ...ported(`!^.*$!${bob.registered!.impu}!`), service: 'E2U+sip' };
    lab.simulation.zone.naptr('0.0.0.0.6.4.9.7.0.2.4.4.e164.test', rule);
    const heard: string[] = [];
    bob.onMessage = message => heard.push(message.text);
    assert.equal((await alice.message('+442079460000', 'to bob')).kind, 'delivered');
    assert.deepEqual(heard, ['to bob']);
  }));

test('a DNS that is away costs a call a few seconds, and then it is told', () =>
  inLab({ settings }, async lab => {
    const alice = await lab.ue('alice');
    await registers(alice);
    lab.simulation.zone.away = true;
    const began = lab.simulation.now();
    const outcome = await alice.message('+442079460000', 'hello');
    assert.equal(outcome.kind, 'refused');
    assert.ok(lab.simulation.now() - began < 20_000);
  }));
