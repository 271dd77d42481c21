// SIPp as application servers of another maker on ISC: told of registrations, ending calls, and
// passing them on. Filter criteria of the network file lead to them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Route } from '#sip/headers';
import { SipRequest } from '#sip/message';
import { uriText } from '#sip/uri';
import { freePort, Lab, type Owner } from './support/lab.ts';
import { needs } from './support/needs.ts';
import { PACKAGE, Sipp } from './support/sipp.ts';
import { SippPhone } from './support/sipp-phone.ts';

const options = { skip: needs('sipp', PACKAGE) };

/** A lab whose one criterion names a server at a port of its own. */
async function labWith(
  t: Owner,
  port: number,
  criterion: string,
  settings: readonly string[] = [],
): Promise<Lab> {
  return Lab.start(t, {
    settings: [
      'scscf.listen=true',
      `hss.filterCriteria=[{ priority: 1, server: "sip:127.0.0.1:${port}", ${criterion} }]`,
      ...settings,
    ],
  });
}

test('a foreign server is told who registers', options, async t => {
  const port = await freePort();
  const criterion = 'serviceInfo: for a foreign server, all: [[{ method: REGISTER }]]';
  const lab = await labWith(t, port, criterion);
  const told = Sipp.start(lab, 'as-registrations', { port });
  await (await SippPhone.of(lab, 'alice')).registered();
  await told.done();
});

test('a foreign server answers a call itself', options, async t => {
  const port = await freePort();
  const lab = await labWith(
    t,
    port,
    'all: [[{ method: INVITE }], [{ sessionCase: originating }], [{ requestUri: weather }]]',
  );
  const server = Sipp.start(lab, 'as-terminating', { port });
  const alice = await (await SippPhone.of(lab, 'alice')).registered();
  await Promise.all([alice.run('call', 'weather').done(), server.done()]);
  assert.deepEqual(lab.network.functions.scscf?.calls(), []);
});

for (const sessionCase of ['originating', 'terminating-registered']) {
  test(`a foreign server proxies a call, ${sessionCase}`, options, async t => {
    const port = await freePort();
    const criterion = `all: [[{ method: INVITE }], [{ sessionCase: ${sessionCase} }]]`;
    await proxied(await labWith(t, port, criterion), port);
  });
}

test(
  'a foreign server finds its way back by address where the S-CSCF is named so',
  options,
  async t => {
    const [port, own] = [await freePort(), await freePort()];
    const criterion = 'all: [[{ method: INVITE }], [{ sessionCase: originating }]]';
    const named = ['scscf.bind=127.0.0.1', `scscf.port=${own}`, `scscf.uri=sip:127.0.0.1:${own}`];
    const lab = await labWith(t, port, criterion, named);
    await proxied(lab, port);
    const routes = lab.events.flatMap(event =>
      event.kind === 'message' &&
      event.to === `127.0.0.1:${port}` &&
      event.message instanceof SipRequest
        ? event.message.all(Route).map(({ uri }) => uriText(uri))
        : [],
    );
    assert.match(routes[1] ?? '', new RegExp(`^sip:odi-[0-9a-f]+@127\\.0\\.0\\.1:${own};lr$`));
  },
);

async function proxied(lab: Lab, port: number): Promise<void> {
  const server = Sipp.start(lab, 'as-proxy', { port });
  const alice = await (await SippPhone.of(lab, 'alice')).registered();
  const bob = await (await SippPhone.of(lab, 'bob')).registered();
  const called = bob.run('answer-marked');
  await Promise.all([alice.run('call', 'bob').done(), called.done(), server.done()]);
  assert.deepEqual(lab.network.functions.scscf?.calls(), []);
}

test('without the foreign server, default handling decides', options, async t => {
  const lab = await labWith(
    t,
    await freePort(),
    'defaultHandling: continue, all: [[{ method: INVITE }], [{ sessionCase: originating }]]',
  );
  const alice = await (await SippPhone.of(lab, 'alice')).registered();
  const bob = await (await SippPhone.of(lab, 'bob')).registered();
  const called = bob.run('answer');
  await Promise.all([alice.run('call', 'bob').done(), called.done()]);
});
