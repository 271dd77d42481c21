import assert from 'node:assert/strict';
import { request } from 'node:https';
import { test } from 'node:test';
import { UsageError } from '#kernel/errors';
import { Access, checkExposure, isLoopback } from './access.ts';
import { ask, testNetwork } from './testing/network.ts';

const TOKEN = 'a-token-of-some-length';

test('beyond loopback nothing starts without token and TLS', () => {
  for (const bind of ['127.0.0.1', '127.8.8.8', '::1']) {
    assert.ok(isLoopback(bind));
    checkExposure({ bind, token: undefined, tls: false });
  }
  const refusal = (bind: string, token: string | undefined, tls: boolean): string => {
    try {
      checkExposure({ bind, token, tls });
    } catch (error) {
      assert.ok(error instanceof UsageError);
      return error.message;
    }
    return '';
  };
  assert.match(refusal('0.0.0.0', undefined, false), /set console\.token=.* and console\.tls=/);
  assert.match(refusal('::', TOKEN, false), /set console\.tls=/);
  assert.match(refusal('10.0.0.1', undefined, true), /set console\.token=/);
  assert.equal(refusal('10.0.0.1', TOKEN, true), '');
});

test('on loopback a page of elsewhere may not use the API, whatever name it goes by', async t => {
  const { url, ask: plain } = await testNetwork(t);
  const { host, port } = new URL(url);
  assert.equal((await plain('GET', '/api/v1/calls')).status, 200);
  const access = new Access({ bind: '127.0.0.1', token: undefined, tls: false });
  for (const name of ['localhost', '[::1]', '127.0.0.2', 'carillon.localhost']) {
    access.check({ host: `${name}:${port}` });
  }
  for (const name of [
    'evil.example',
    'localhost.evil.example',
    '10.0.0.1',
    '',
    '127.0.0.1@evil.example',
  ]) {
    assert.throws(() => access.check({ host: name }), { status: 421 }, name);
  }
  const own = { origin: `http://${host}` };
  assert.equal((await ask(url, 'GET', '/api/v1/calls', undefined, own)).status, 200);
  for (const origin of ['http://evil.example', 'null', `http://127.0.0.1:1`, `https://x${host}`]) {
    const refused = await ask(url, 'POST', '/api/v1/subscribers', { imsi: '1' }, { origin });
    assert.equal(refused.status, 403, origin);
  }
  const site = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' };
  assert.throws(() => access.check({ host, ...site }), { status: 403 });
  access.check({ host, ...site, 'sec-fetch-mode': 'navigate' });
});

test('a token guards all, pages too', async t => {
  const { url } = await testNetwork(t, [`console.token=${TOKEN}`]);
  const paths = [
    '/',
    '/health',
    '/metrics',
    '/api/v1/network',
    '/api/v1/',
    '/api/v1/trace/stream',
    '/none',
  ];
  for (const path of paths) {
    const { status, headers, body } = await ask(url, 'GET', path);
    assert.equal(status, 401, path);
    assert.match(headers.get('www-authenticate')!, /^Bearer/);
    assert.match(body.detail, /Authorization: Bearer/);
  }
  const wrong = { authorization: 'Bearer another-token-of-some-length' };
  assert.equal((await ask(url, 'GET', '/api/v1/network', undefined, wrong)).status, 401);
  const right = { authorization: `Bearer ${TOKEN}` };
  assert.equal((await ask(url, 'GET', '/api/v1/network', undefined, right)).status, 200);
});

test('a browser signs in once, and its cookie serves it alone', async t => {
  const { url } = await testNetwork(t, [`console.token=${TOKEN}`]);
  const html = { accept: 'text/html' };
  const asked = await ask(url, 'GET', '/', undefined, html);
  assert.equal(asked.status, 401);
  assert.match(asked.text, /<form method="post" action="\/sign-in">/);
  const signIn = (token: string, origin = url) =>
    fetch(`${url}/sign-in`, {
      method: 'POST',
      body: new URLSearchParams({ token }),
      headers: { origin },
      redirect: 'manual',
    });
  assert.equal((await signIn('wrong')).status, 401);
  assert.equal((await signIn(TOKEN, 'http://evil.example')).status, 403);
  const done = await signIn(TOKEN);
  assert.equal(done.status, 303);
  const cookie = done.headers.get('set-cookie')!;
  assert.match(cookie, /; HttpOnly; SameSite=Strict; Path=\/$/);
  assert.ok(!cookie.includes(TOKEN));
  const shown = { cookie: cookie.split(';')[0]! };
  assert.equal((await ask(url, 'GET', '/', undefined, shown)).status, 200);
  const forged = { cookie: 'carillon-console=0123' };
  assert.equal((await ask(url, 'GET', '/', undefined, forged)).status, 401);
  const foreign = { ...shown, origin: 'http://evil.example' };
  assert.equal((await ask(url, 'DELETE', '/api/v1/calls/1', undefined, foreign)).status, 403);
});

test('with console.tls the API speaks TLS with a certificate that is kept', async t => {
  const { url } = await testNetwork(t, ['console.tls=self-signed', `console.token=${TOKEN}`]);
  assert.match(url, /^https:/);
  const status = await new Promise<number>((resolve, reject) => {
    const asked = request(
      `${url}/health`,
      { rejectUnauthorized: false, headers: { authorization: `Bearer ${TOKEN}` } },
      response => {
        response.resume();
        resolve(response.statusCode!);
      },
    );
    asked.on('error', reject).end();
  });
  assert.ok(status === 200 || status === 503);
});
