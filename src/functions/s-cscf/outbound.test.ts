// Several flows to one device (RFC 5626), and GRUUs within dialogs (RFC 5627).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerTransaction } from '#sip/endpoint';
import { CallId, Contact, nameAddr, Path, RecordRoute, Require, Supported } from '#sip/headers';
import { set, toTag } from '#sip/message';
import { parseUri, uriText } from '#sip/uri';
import { Bench } from './testing/bench.ts';
import { routesOf, within } from './testing/calls.ts';
import { alice, bob, home } from './testing/scripted-hss.ts';

const urn = (n: number): string => `urn:uuid:00000000-0000-1000-8000-00000000000${n}`;
const pathOf = (flow: string, params = ';lr;ob'): string =>
  `sip:${flow}@pcscf.${home}:5060${params}`;

interface Flow {
  readonly device?: number;
  readonly regId: string;
  readonly path: string;
  readonly expires?: number;
}

async function device(...flows: readonly Flow[]): Promise<Bench> {
  const bench = await new Bench().start();
  const challenged = await bench.pcscf.send(bench.register(alice, { to: alice.named }));
  for (const [n, { device = 1, regId, path, expires = 3600 }] of flows.entries()) {
    const params = { '+sip.instance': `<${urn(device)}>`, 'reg-id': regId };
    const contact = nameAddr(parseUri(`sip:alice@192.0.2.${n + 1}`), params);
    const edits = [set(Path, nameAddr(parseUri(path))), set(Supported, 'path', 'outbound', 'gruu')];
    const options = { contact, edits, expires };
    const ok = await bench.answerByPassword(alice, challenged, n + 1, options);
    assert.equal(ok.status, 200);
    const kept = path.includes(';ob') && /^[1-9]/.test(regId);
    assert.equal(ok.all(Require).includes('outbound'), kept);
  }
  return bench;
}

const call = (bench: Bench, to = alice.named) =>
  bench.icscf.send(bench.towards('INVITE', bob.number, to));
const tried = (bench: Bench): string[] =>
  bench.pcscf.of('INVITE').map(invite => routesOf(invite)[0] ?? '');
/** Flows that answer 430; the others answer the call. */
const broken =
  (...flows: readonly string[]) =>
  (tx: ServerTransaction): void =>
    tx.reply(flows.some(flow => routesOf(tx.request)[0]?.includes(`:${flow}@`)) ? 430 : 200);

test('a device with two flows rings once, over the one it registered last', async () => {
  const bench = await device(
    { regId: '1', path: pathOf('one') },
    { regId: '2', path: pathOf('two') },
  );
  assert.equal((await call(bench)).status, 200);
  assert.deepEqual(tried(bench), [pathOf('two')]);
});

test('where that flow has failed the other is tried, and the caller hears nothing of it', async () => {
  const bench = await device(
    { regId: '1', path: pathOf('one') },
    { regId: '2', path: pathOf('two') },
    { regId: '3', path: pathOf('three') },
  );
  bench.pcscf.handle = broken('three', 'two');
  assert.equal((await call(bench)).status, 200);
  assert.deepEqual(tried(bench), [pathOf('three'), pathOf('two'), pathOf('one')]);
});

test('a device all of whose flows have failed is 430', async () => {
  const bench = await device(
    { regId: '1', path: pathOf('one') },
    { regId: '2', path: pathOf('two') },
  );
  bench.pcscf.handle = broken('one', 'two');
  assert.equal((await call(bench)).status, 430);
  assert.equal(tried(bench).length, 2);
});

test('any other refusal is the word of the device: no other flow of it is tried', async () => {
  const bench = await device(
    { regId: '1', path: pathOf('one') },
    { regId: '2', path: pathOf('two') },
  );
  bench.pcscf.handle = tx => tx.reply(486);
  assert.equal((await call(bench)).status, 486);
  assert.equal(tried(bench).length, 1);
});

test('two devices ring side by side, each over one flow, and one may fall back', async () => {
  const bench = await device(
    { regId: '1', path: pathOf('one') },
    { regId: '2', path: pathOf('two') },
    { device: 2, regId: '1', path: pathOf('other') },
  );
  bench.pcscf.handle = tx => {
    const flow = routesOf(tx.request)[0] ?? '';
    tx.reply(flow.includes(':two@') ? 430 : flow.includes(':one@') ? 200 : 486);
  };
  assert.equal((await call(bench)).status, 200);
  assert.deepEqual(tried(bench).sort(), [pathOf('one'), pathOf('other'), pathOf('two')]);
});

test('the same flow registered again takes its own place, at another address too', async () => {
  const bench = await device(
    { regId: '1', path: pathOf('one') },
    { regId: '1', path: pathOf('again') },
  );
  assert.equal(bench.scscf.registrations()[0]?.contacts.length, 1);
  await call(bench);
  assert.deepEqual(tried(bench), [pathOf('again')]);
});

test('behind an edge that keeps no flows, reg-id is as if it were not there', async () => {
  const plain = (flow: string): string => pathOf(flow, ';lr');
  const bench = await device(
    { regId: '1', path: plain('one') },
    { regId: '2', path: plain('two') },
  );
  assert.equal(bench.scscf.registrations()[0]?.contacts.length, 1);
  await call(bench);
  assert.deepEqual(tried(bench), [plain('two')]);
});

test('what is no reg-id is none', async () => {
  const bench = await device(
    { regId: '0', path: pathOf('one') },
    { regId: '-1', path: pathOf('two') },
  );
  assert.equal(bench.scscf.registrations()[0]?.contacts.length, 1);
});

test('a GRUU that is the remote target of a dialog becomes the contact it stands for', async () => {
  const bench = await device({ regId: '1', path: pathOf('one') });
  const gruu = `${alice.named};gr=${urn(1)}`;
  const from = `sip:${alice.name}-flow@pcscf.${home};lr`;
  bench.pcscf.handle = tx => {
    if (tx.request.method !== 'INVITE') return tx.reply(200);
    tx.reply(
      200,
      toTag('callee'),
      set(RecordRoute, nameAddr(parseUri(from)), ...tx.request.all(RecordRoute)),
      set(Contact, nameAddr(parseUri(gruu))),
    );
  };
  const invite = bench.towards('INVITE', bob.number, alice.named);
  const ok = await bench.icscf.send(invite);
  assert.equal((await bench.icscf.send(within('BYE', invite, ok))).status, 200);
  const bye = bench.pcscf.last('BYE');
  assert.equal(uriText(bye.uri), 'sip:alice@192.0.2.1');
  assert.deepEqual(routesOf(bye), [from]);
});

test('every REGISTER gives another temporary GRUU, and all of them reach the device', async () => {
  const bench = await device(
    { regId: '1', path: pathOf('one') },
    { device: 2, regId: '1', path: pathOf('two') },
  );
  const challenged = await bench.pcscf.send(bench.register(alice, { to: alice.named }));
  const names: string[] = [];
  for (const n of [3, 4]) {
    const params = { '+sip.instance': `<${urn(1)}>`, 'reg-id': '1' };
    const contact = nameAddr(parseUri('sip:alice@192.0.2.1'), params);
    const edits = [set(Path, nameAddr(parseUri(pathOf('one')))), set(Supported, 'path', 'gruu')];
    const ok = await bench.answerByPassword(alice, challenged, n - 2, { contact, edits });
    const ours = ok.all(Contact).find(each => uriText(each.uri) === 'sip:alice@192.0.2.1');
    names.push(ours?.params.get('temp-gruu') ?? '');
  }
  assert.notEqual(names[0], names[1]);
  for (const name of names) {
    assert.match(name, new RegExp(`^sip:tgruu\\.[\\w-]+@${home};gr$`));
    assert.ok(!/alice/.test(Buffer.from(name.slice(10), 'base64url').toString('latin1')));
    assert.equal((await bench.pcscf.send(bench.initial('MESSAGE', alice.named, name))).status, 200);
    const { uri } = bench.icscf.last('MESSAGE'); // for the rest of the network: the public one
    assert.equal(uriText(uri), `${alice.named};gr=${urn(1)}`);
  }
  const [name = ''] = names;
  const forged = name.replace('tgruu.', 'tgruu.A');
  assert.equal((await bench.pcscf.send(bench.initial('MESSAGE', alice.named, forged))).status, 404);

  bench.sim.crash('s-cscf');
  bench.sim.restart('s-cscf');
  await bench.sim.run(10_000);
  assert.equal((await bench.pcscf.send(bench.initial('MESSAGE', alice.named, name))).status, 200);
});

test('a temporary GRUU stands for nothing once its device registers with another Call-ID', async () => {
  const bench = await new Bench().start();
  const params = { '+sip.instance': `<${urn(1)}>` };
  const contact = nameAddr(parseUri('sip:alice@192.0.2.1'), params);
  const register = async (callId: string): Promise<string> => {
    const edits = [set(Supported, 'gruu'), set(CallId, callId)];
    const ok = await bench.registerByPassword(alice, { contact, edits });
    return ok.get(Contact)?.params.get('temp-gruu') ?? '';
  };
  const first = await register('one');
  const second = await register('two');
  const reaches = async (name: string) =>
    (await bench.pcscf.send(bench.initial('MESSAGE', alice.named, name))).status;
  assert.equal(await reaches(first), 404);
  assert.equal(await reaches(second), 200);
});

test('a GRUU that a home user calls goes to his device, be its user part a number', async () => {
  const bench = await device({ regId: '1', path: pathOf('one') });
  const gruu = `sip:+15550100002@${home};gr=${urn(7)}`;
  assert.equal((await bench.pcscf.send(bench.initial('INVITE', alice.named, gruu))).status, 200);
  assert.equal(uriText(bench.icscf.last('INVITE').uri), gruu);
});
