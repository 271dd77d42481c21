import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SequenceArray } from '#aka/sequence';
import { Usim } from '#aka/usim';
import { type Simulation, simulate } from '#kernel/simulation';
import { hours, minutes, seconds } from '#kernel/time';
import {
  Authorization,
  CallId,
  Contact,
  CSeq,
  Expires,
  MinExpires,
  RetryAfter,
  To,
} from '#sip/headers';
import { raw, set } from '#sip/message';
import { NO_PARAMS } from '#sip/params';
import { uriText } from '#sip/uri';
import { type UeSettings, ueConfig } from './config.ts';
import { Registrar, type RegistrarSetting } from './testing/registrar.ts';
import { Ue } from './ue.ts';

const home = 'ims.mnc001.mcc001.3gppnetwork.org';
const k = Buffer.from('465b5ce8b199b49faa5f0a2ee238a6bc', 'hex');
const opc = Buffer.from('cd63cb71954a9f4e48a5994e37a02baf', 'hex');
const identities = [`sip:+15550100001@${home}`, 'tel:+15550100001'];
const sim = { kind: 'sim', imsi: '001010000000001', k, opc } as const;
const password = { kind: 'password', username: `alice@${home}`, password: 'alice-secret' } as const;

interface World {
  readonly sim: Simulation;
  readonly registrar: Registrar;
  readonly ue: Ue;
}

/** A UE and a registrar that knows it, over simulated links. */
async function world(
  settings: Partial<UeSettings> = {},
  registrarSetting: Partial<RegistrarSetting> = {},
  usim?: Usim,
): Promise<World> {
  const simulation = simulate({ seed: 11 });
  const registrar = new Registrar(simulation.host('p-cscf'), {
    home,
    identities,
    grants: 3600,
    password: 'alice-secret',
    ...registrarSetting,
  });
  const address = { host: simulation.addressOf('p-cscf'), port: 5060 };
  await registrar.endpoint.listen('udp', address);
  await registrar.endpoint.listen('tcp', address);
  const config = ueConfig({
    home,
    credentials: password,
    pcscf: `sip:${address.host}:5060`,
    address: simulation.addressOf('alice'),
    regEvent: false,
    ...settings,
  });
  const ue = new Ue(config, simulation.host('alice'), usim);
  await ue.start();
  return { sim: simulation, registrar, ue };
}

const aka = (sqn = 32) => ({ sim: { k, opc, sqn } });

test('a UE with a password is challenged once, registers, and keeps what the network says', async () => {
  const { sim, registrar, ue } = await world();
  const outcome = await sim.settle(() => ue.register());
  assert.equal(outcome.kind, 'registered');
  assert.deepEqual(ue.registered, {
    impu: identities[0],
    identities,
    serviceRoute: [`<sip:orig@scscf.${home};lr>`],
    contact: `sip:alice@${sim.addressOf('alice')}:${portOf(registrar)}`,
    expires: sim.now() + seconds(3600),
    granted: 3600,
  });

  const [first, second] = registrar.registers;
  assert.equal(uriText(first!.uri), `sip:${home}`);
  assert.equal(uriText(first!.get(To)!.uri), `sip:alice@${home}`);
  assert.equal(first!.get(Expires), 600_000);
  assert.equal(first!.get(Authorization)!.params.get('nonce'), '');
  assert.equal(first!.get(Authorization)!.params.get('username'), `alice@${home}`);
  assert.match(first!.raw('Contact')[0]!, /\+sip\.instance="<urn:uuid:[0-9a-f-]{36}>"/);
  assert.match(first!.raw('Contact')[0]!, /\+g\.3gpp\.icsi-ref="urn%3Aurn-7%3A3gpp-service\.ims/);
  assert.deepEqual(first!.raw('Supported'), ['path, gruu, outbound']);
  assert.equal(first!.raw('P-Access-Network-Info').length, 1);
  assert.ok(!first!.has('Route'), 'the first REGISTER finds its way by the P-CSCF address alone');
  assert.equal(second!.get(CallId), first!.get(CallId));
  assert.equal(second!.get(CSeq)!.sequence, first!.get(CSeq)!.sequence + 1);
});

const portOf = (registrar: Registrar) =>
  (registrar.registers[0]!.get(Contact)!.uri as { port: number }).port;

test('a UE with a SIM answers AKA with RES, and registers its IMSI identity', async () => {
  const { sim: simulation, registrar, ue } = await world({ credentials: sim }, aka());
  const outcome = await simulation.settle(() => ue.register());
  assert.equal(outcome.kind, 'registered');
  const [first, second] = registrar.registers;
  assert.equal(uriText(first!.get(To)!.uri), `sip:001010000000001@${home}`);
  assert.equal(second!.get(Authorization)!.params.get('algorithm'), 'AKAv1-MD5');
  assert.equal(registrar.registers.length, 2);
});

test('a sequence number out of range is resynchronised with AUTS', async () => {
  const ahead = new Usim({ k, opc }, new SequenceArray());
  // The card has seen far more than the network remembers.
  assert.ok(ahead.sequence.accept(5000 * 32 + 16));
  const { sim: simulation, registrar, ue } = await world({ credentials: sim }, aka(), ahead);
  const outcome = await simulation.settle(() => ue.register());
  assert.equal(outcome.kind, 'registered');
  const auts = registrar.registers[1]!.get(Authorization)!.params.get('auts');
  assert.equal(Buffer.from(auts ?? '', 'base64').length, 14);
  assert.equal(registrar.registers.length, 3);
  assert.ok(registrar.sqn > 5000);
});

test('a challenge under another K is answered without response, twice, and then given up', async () => {
  const other = { ...sim, k: Buffer.alloc(16, 7) };
  const { sim: simulation, registrar, ue } = await world({ credentials: other }, aka());
  const outcome = await simulation.settle(() => ue.register());
  assert.equal(outcome.kind, 'authentication failed');
  assert.equal(outcome.kind === 'authentication failed' && outcome.because, 'mac failure');
  const answers = registrar.registers.slice(1).map(r => r.get(Authorization)!.params);
  assert.deepEqual(
    answers.map(params => [params.get('response'), params.has('auts')]),
    [
      ['', false],
      ['', false],
    ],
  );
  await simulation.run(hours(2));
  assert.equal(registrar.registers.length, 3, 'it does not try again by itself');
});

test('a wrong password is given twice, and no more', async () => {
  const { sim, registrar, ue } = await world({}, { password: 'another' });
  const outcome = await sim.settle(() => ue.register());
  assert.equal(outcome.kind === 'authentication failed' && outcome.because, 'challenged again');
  assert.equal(registrar.registers.length, 3);
});

test('a network that forgot its challenge asks again, and the SIM answers again', async () => {
  const { sim: simulation, registrar, ue } = await world({ credentials: sim }, aka());
  registrar.script = (tx, count) => {
    if (count !== 2) return false;
    registrar.challenge(tx);
    return true;
  };
  const outcome = await simulation.settle(() => ue.register());
  assert.equal(outcome.kind, 'registered');
  assert.equal(registrar.registers.length, 3);
});

test('a SIM is not made to answer a password challenge, nor the other way round', async () => {
  for (const [settings, setting] of [
    [{ credentials: sim }, {}],
    [{}, aka()],
  ] as const) {
    const { sim: simulation, ue } = await world(settings, setting);
    const outcome = await simulation.settle(() => ue.register());
    assert.equal(outcome.kind === 'authentication failed' && outcome.because, 'unusable challenge');
  }
});

test('refusals carry status and reason, and are final', async () => {
  const { sim, registrar, ue } = await world();
  registrar.script = tx => {
    tx.reply(403);
    return true;
  };
  const outcome = await sim.settle(() => ue.register());
  assert.deepEqual(outcome, {
    kind: 'refused',
    status: 403,
    reason: 'Forbidden',
    retryAfter: undefined,
  });
  await sim.run(hours(1));
  assert.equal(registrar.registers.length, 1);
});

test('423 makes it ask for the interval the network wants', async () => {
  const { sim, registrar, ue } = await world({ expires: seconds(60) });
  registrar.script = tx => {
    if (tx.request.get(Expires)! >= 600) return false;
    tx.reply(423, set(MinExpires, 600));
    return true;
  };
  const outcome = await sim.settle(() => ue.register());
  assert.equal(outcome.kind === 'registered' && outcome.registration.granted, 600);
  assert.equal(registrar.registers.length, 3);
});

test('a long registration is renewed 600 s before its end, a short one at half time', async () => {
  for (const [grants, renewal] of [
    [3600, 3000],
    [1200, 600],
    [60, 30],
  ] as const) {
    const { sim, registrar, ue } = await world({}, { grants });
    await sim.settle(() => ue.register());
    await sim.run(seconds(renewal - 1));
    assert.equal(registrar.registers.length, 2, `${grants}: not before`);
    await sim.run(seconds(2));
    assert.equal(registrar.registers.length, 3, `${grants}: one REGISTER under the same nonce`);
    assert.equal(registrar.registers[2]!.get(Authorization)!.params.get('nc'), '00000002');
    assert.ok(ue.registered!.expires > sim.now() + seconds(renewal));
  }
});

test('a week of registrations by AKA needs nobody to look after it', async () => {
  const { sim: simulation, registrar, ue } = await world({ credentials: sim }, aka());
  simulation.link('alice', 'p-cscf').loss = 0.2;
  await simulation.settle(() => ue.register());
  const changes: string[] = [];
  ue.onRegistration = state => changes.push(state.kind);
  await simulation.run(hours(24 * 7));
  assert.ok(changes.length > 150 && changes.every(kind => kind === 'registered'), `${changes}`);
  assert.ok(registrar.registers.length >= 2 + changes.length);
});

test('after 503 it waits as long as it is told, after silence longer each time', async () => {
  const { sim, registrar, ue } = await world();
  registrar.script = (tx, count) => {
    if (count > 1) return false;
    tx.reply(503, set(RetryAfter, { seconds: 120, params: NO_PARAMS }));
    return true;
  };
  const outcome = await sim.settle(() => ue.register());
  assert.equal(outcome.kind === 'refused' && outcome.retryAfter, 120);
  await sim.run(seconds(119));
  assert.equal(registrar.registers.length, 1);
  await sim.run(seconds(2));
  assert.equal(ue.registered?.impu, identities[0]);

  const dark = await world();
  dark.sim.link('alice', 'p-cscf').partitioned = true;
  const silence = await dark.sim.settle(() => dark.ue.register());
  assert.deepEqual(silence, { kind: 'no answer', because: 'timeout' });
  await dark.sim.run(minutes(30));
  dark.sim.link('alice', 'p-cscf').partitioned = false;
  await dark.sim.run(minutes(31));
  assert.ok(dark.ue.registered !== undefined);
});

test('when renewals fail the registration lapses at its end, and comes back with the network', async () => {
  const { sim, registrar, ue } = await world({}, { grants: 600 });
  await sim.settle(() => ue.register());
  const changes: string[] = [];
  ue.onRegistration = state =>
    changes.push(state.kind === 'registered' ? 'registered' : state.because);
  sim.link('alice', 'p-cscf').partitioned = true;
  await sim.run(seconds(601));
  assert.deepEqual(changes, ['expired']);
  assert.equal(ue.registered, undefined);
  sim.link('alice', 'p-cscf').partitioned = false;
  await sim.run(minutes(31));
  assert.equal(changes[1], 'registered');
  assert.ok(registrar.registers.length > 2);
});

test('a lost connection is replaced, and the UE registers over the new one', async () => {
  const { sim, registrar, ue } = await world({ pcscf: 'sip:10.0.0.1:5060;transport=tcp' });
  assert.equal((await sim.settle(() => ue.register())).kind, 'registered');
  const before = registrar.registers.length;
  sim.after(seconds(10), () => {
    for (const flow of registrar.endpoint.flows()) registrar.endpoint.closeFlow(flow, 'test');
  });
  await sim.run(minutes(2));
  assert.ok(registrar.registers.length > before);
  assert.ok(ue.registered !== undefined);
});

test('de-registration asks for zero seconds, and nothing follows it', async () => {
  const { sim, registrar, ue } = await world();
  await sim.settle(() => ue.register());
  assert.deepEqual(await sim.settle(() => ue.deregister()), { kind: 'deregistered' });
  assert.equal(registrar.registers.at(-1)!.get(Expires), 0);
  assert.equal(ue.registered, undefined);
  const count = registrar.registers.length;
  await sim.run(hours(2));
  assert.equal(registrar.registers.length, count);
  await ue.stop();
  await sim.runUntilIdle(minutes(5));
});

test('an answer that cannot be read is a refusal, not an exception', async () => {
  const { sim, registrar, ue } = await world();
  registrar.script = tx => {
    tx.reply(200, set(Contact, tx.request.get(Contact)!), raw('Service-Route', '<sip:orig@'));
    return true;
  };
  const outcome = await sim.settle(() => ue.register());
  assert.match(outcome.kind === 'refused' ? outcome.reason : '', /cannot be read: Service-Route/);
});
