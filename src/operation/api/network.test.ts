import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, testNetwork } from './testing/network.ts';

test('health is 200 while every function serves, else 503 with which and why', async t => {
  const { ask, running } = await testNetwork(t);
  await eventually('all serve', async () => (await ask('GET', '/health')).status === 200);
  await running.network.stopFunction('hss');
  await eventually('they do not', async () => (await ask('GET', '/health')).status === 503);
  await eventually('the CSCFs notice', () =>
    running.network.functions.scscf!.peers().every(({ state }) => state !== 'open'),
  );
  const { body } = await ask('GET', '/health');
  const idle = body.functions.filter((one: { serving: boolean }) => !one.serving);
  assert.deepEqual(
    idle.map((one: { name: string }) => one.name),
    ['hss', 's-cscf', 'i-cscf'],
  );
  assert.match(idle[1].because, /no HSS answers: hss\..* is/);
});

test('the network tells its functions, where they listen, and who is here', async t => {
  const { ask, running } = await testNetwork(t, ['scscf.listen=true', 'scscf.port=0']);
  const { body } = await ask('GET', '/api/v1/network');
  assert.equal(body.home, running.network.home);
  assert.equal(body.data, running.data);
  const of = (name: string) => body.functions.find((one: { name: string }) => one.name === name);
  assert.equal(of('pcscf').listening.length, 5);
  assert.deepEqual(
    of('scscf')
      .listening.map((one: { protocol: string }) => one.protocol)
      .sort(),
    ['tcp', 'udp'],
  );
  assert.equal(of('hss').load.subscribers, 4);
  assert.ok(
    body.referencePoints.some(
      (one: { point: string; link: string }) => one.point === 'Cx' && one.link === 'local',
    ),
  );
});

test('a process with one function says that the others are elsewhere', async t => {
  const { ask } = await testNetwork(t, ['hss.port=0'], { only: ['hss'] });
  const { body } = await ask('GET', '/api/v1/network');
  const here = body.functions.filter((one: { here: boolean }) => one.here);
  assert.deepEqual(
    here.map((one: { name: string }) => one.name),
    ['hss'],
  );
  assert.equal((await ask('GET', '/health')).status, 200);
  const calls = await ask('GET', '/api/v1/calls');
  assert.equal(calls.status, 503);
  assert.match(calls.body.detail, /s-cscf runs in another process/);
});

test('peers are told with their state', async t => {
  const { ask, phone } = await testNetwork(t);
  await phone('alice');
  const { body } = await ask('GET', '/api/v1/peers');
  const diameter = body.peers.filter((one: { protocol: string }) => one.protocol === 'diameter');
  assert.equal(diameter.length, 4);
  assert.ok(diameter.every((one: { state: string }) => one.state === 'open'));
  assert.deepEqual(diameter[0].applications, ['Cx']);
  assert.ok(
    body.peers.some(
      (one: { at: string; name: string }) => one.at === 'p-cscf' && one.name === 'i-cscf',
    ),
  );
  assert.equal(body.ues, 1);
});

test('metrics are what Prometheus reads, and count what crosses', async t => {
  const { ask, phone } = await testNetwork(t);
  await phone('alice');
  const { text, headers } = await ask('GET', '/metrics');
  assert.match(headers.get('content-type')!, /^text\/plain; version=0\.0\.4/);
  const line = /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-z_]+="[^"]*",?)+\})? -?[0-9.e+-]+)$/;
  for (const one of text.trimEnd().split('\n')) assert.match(one, line);
  assert.match(text, /^carillon_subscribers 4$/m);
  assert.match(text, /^carillon_registrations 1$/m);
  assert.match(
    text,
    /^carillon_messages_total\{point="Gm",protocol="sip",message="REGISTER"\} 2$/m,
  );
  assert.match(text, /^carillon_messages_total\{point="Cx",protocol="diameter"\} \d+$/m);
  assert.match(text, /^carillon_function_serving\{function="p-cscf"\} 1$/m);
});

test('the status page stands by itself and lets nothing else in', async t => {
  const { ask } = await testNetwork(t, ['network=<b>lab</b>']);
  const { text, headers } = await ask('GET', '/');
  assert.match(
    headers.get('content-security-policy')!,
    /default-src 'none'.*frame-ancestors 'none'/,
  );
  assert.match(text, /&lt;b&gt;lab/);
  assert.ok(!text.includes('<b>lab'));
  assert.doesNotMatch(text, /https?:\/\//);
  for (const path of ['/api/v1/', '/pages/try.js', '/pages/style.css']) {
    const page = await ask('GET', path);
    assert.equal(page.status, 200, path);
    assert.doesNotMatch(page.text, /https?:\/\//, path);
  }
});
