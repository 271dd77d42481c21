import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Simulation, simulate } from '#kernel/simulation';
import { minutes, seconds } from '#kernel/time';
import type { ServerTransaction } from '#sip/endpoint';
import { Accept, Contact } from '#sip/headers';
import { NO_PARAMS } from '#sip/params';
import { type ReginfoContact, reginfoText, reginfoType } from '#sip/reginfo';
import { sipUri, uriText } from '#sip/uri';
import { type Notifier, UserAgent } from '#sip/user-agent';
import { ueConfig } from './config.ts';
import { Registrar } from './testing/registrar.ts';
import { Ue } from './ue.ts';

const home = 'ims.example';
const identities = [`sip:alice@${home}`];

interface World {
  readonly sim: Simulation;
  readonly ue: Ue;
  readonly registrar: Registrar;
  readonly subscriptions: Notifier[];
  /** Tells the UE what became of its contact. */
  notify(event: Partial<ReginfoContact> & Pick<ReginfoContact, 'event' | 'state'>): Promise<number>;
}

async function world(): Promise<World> {
  const sim = simulate({ seed: 31 });
  const host = sim.host('p-cscf');
  const setting = { home, identities, grants: 7200, password: 'secret' };
  const registrar = new Registrar(host, setting);
  const address = { host: sim.addressOf('p-cscf'), port: 5060 };
  await registrar.endpoint.listen('udp', address);
  const ua = new UserAgent(registrar.endpoint, host, {
    contact: { displayName: undefined, uri: sipUri(address), params: NO_PARAMS },
    attach: false,
  });
  const subscriptions: Notifier[] = [];
  ua.onRequest = tx => {
    assert.equal(tx.request.get(Accept)?.type, reginfoType);
    const notifier = ua.accept(tx);
    if (notifier === undefined) return;
    subscriptions.push(notifier);
    void notifier.notify({ state: 'active' });
  };
  registrar.onRequest = tx => void ua.receive(tx);
  const ue = new Ue(
    ueConfig({
      home,
      credentials: { kind: 'password', username: `alice@${home}`, password: 'secret' },
      pcscf: `sip:${address.host}:5060`,
      address: sim.addressOf('alice'),
    }),
    sim.host('alice'),
  );
  await ue.start();
  assert.equal((await sim.settle(() => ue.register())).kind, 'registered');
  await sim.run(seconds(1));
  const notify: World['notify'] = async event => {
    const uri = uriText(registrar.registers[0]!.get(Contact)!.uri);
    const contacts = [{ id: 'c', uri, ...event }];
    const state = event.state === 'active' ? 'active' : 'terminated';
    const text = reginfoText({
      version: 1,
      state: 'full',
      registrations: [{ aor: identities[0]!, id: 'r', state, contacts }],
    });
    const response = await sim.settle(() =>
      subscriptions
        .at(-1)!
        .notify({ state: 'active', contentType: reginfoType, body: Buffer.from(text) }),
    );
    await sim.run(seconds(1));
    return response?.status ?? 0;
  };
  return { sim, ue, registrar, subscriptions, notify };
}

test('the UE subscribes to its own registration once, however often it renews', async () => {
  const { sim, subscriptions, registrar, ue } = await world();
  assert.equal(subscriptions.length, 1);
  await sim.run(minutes(300));
  assert.ok(registrar.registers.length > 3);
  assert.equal(subscriptions.length, 1);
  assert.ok(ue.registered !== undefined);
});

test('a lapsed registration is watched no more, and nothing is left once the UE is off', async () => {
  const { sim, ue, subscriptions } = await world();
  sim.link('alice', 'p-cscf').partitioned = true;
  await sim.run(minutes(121));
  assert.equal(ue.registered, undefined);
  sim.link('alice', 'p-cscf').partitioned = false;
  await sim.run(minutes(40));
  assert.ok(ue.registered !== undefined);
  assert.equal(subscriptions.length, 2);
  await ue.stop();
  sim.crash('p-cscf'); // its own timers are not the matter
  await sim.runUntilIdle(minutes(5));
});

test('deactivated makes it register anew at once, and watch that registration', async () => {
  const { notify, ue, registrar, subscriptions } = await world();
  const before = registrar.registers.length;
  assert.equal(await notify({ state: 'terminated', event: 'deactivated' }), 200);
  assert.ok(registrar.registers.length > before);
  assert.ok(ue.registered !== undefined);
  assert.equal(subscriptions.length, 2);
});

test('rejected ends the registration, and the UE stays away', async () => {
  const { sim, notify, ue, registrar } = await world();
  const before = registrar.registers.length;
  const states: string[] = [];
  ue.onRegistration = state => states.push(state.kind === 'registered' ? '' : state.because);
  assert.equal(await notify({ state: 'terminated', event: 'rejected' }), 200);
  assert.deepEqual(states, ['rejected by the network']);
  await sim.run(minutes(200));
  assert.equal(registrar.registers.length, before);
});

test('a renewal that is granted after all stands, and is renewed in its turn', async () => {
  const { sim, notify, ue, registrar } = await world();
  const held: ServerTransaction[] = [];
  registrar.script = tx => held.push(tx) > 0;
  sim.after(0, () => void ue.register());
  await sim.run(seconds(1));
  await notify({ state: 'terminated', event: 'rejected' });
  assert.equal(ue.registered, undefined);
  registrar.script = () => false;
  sim.after(0, () => registrar.accept(held[0]!));
  await sim.run(minutes(300));
  assert.ok(ue.registered !== undefined);
  assert.ok(registrar.registers.length > 4);
});

test('probation makes it wait as long as it is told', async () => {
  const { sim, notify, ue } = await world();
  await notify({ state: 'terminated', event: 'probation', retryAfter: 100 });
  assert.equal(ue.registered, undefined);
  await sim.run(seconds(97));
  assert.equal(ue.registered, undefined);
  await sim.run(seconds(3));
  assert.ok(ue.registered !== undefined);
});

test('shortened makes it renew in half the time that is left', async () => {
  const { sim, notify, registrar } = await world();
  const before = registrar.registers.length;
  await notify({ state: 'active', event: 'shortened', expires: 600 });
  await sim.run(seconds(297));
  assert.equal(registrar.registers.length, before);
  await sim.run(seconds(3));
  assert.equal(registrar.registers.length, before + 1);
});

test('what is said of other contacts changes nothing, and nonsense is refused', async () => {
  const { sim, notify, ue, subscriptions } = await world();
  const event = { state: 'terminated', event: 'rejected' } as const;
  assert.equal(await notify({ ...event, uri: 'sip:alice@192.0.2.9:5060' }), 200);
  assert.ok(ue.registered !== undefined);
  const nonsense = await sim.settle(() =>
    subscriptions[0]!.notify({
      state: 'active',
      contentType: reginfoType,
      body: Buffer.from('<a/>'),
    }),
  );
  assert.equal(nonsense?.status, 400);
  assert.ok(ue.registered !== undefined);
});
