import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testNetwork } from './testing/network.ts';

const PATH = '/api/v1/subscribers.csv';
const good =
  'imsi,msisdn,name,password\n001010000000021,15550100021,x1,pw\n001010000000022,,x2,pw\n';
const bad = 'imsi,name,password\n001010000000031,y1,pw\n0010,a b,\n001010000000032,y1,pw\n';

const post = async (
  url: string,
  text: string,
  query = '',
  headers: Record<string, string> = {},
) => {
  const response = await fetch(`${url}${PATH}${query}`, {
    method: 'POST',
    body: text,
    headers: { 'content-type': 'text/csv', ...headers },
  });
  return { status: response.status, text: await response.text() };
};

test('a file is imported, and exported without secrets', async t => {
  const { url, ask } = await testNetwork(t);
  const { status, text } = await post(url, good);
  assert.equal(status, 200);
  const report = JSON.parse(text);
  assert.deepEqual([report.added, report.lines, report.applied], [2, 2, true]);
  const exported = await ask('GET', PATH);
  assert.match(exported.headers.get('content-type')!, /^text\/csv/);
  const lines = exported.text.trim().split('\n');
  assert.equal(lines.length, 1 + 6);
  assert.doesNotMatch(lines[0]!, /password|\bk\b|opc?\b/);
  assert.match(exported.text, /001010000000021,15550100021,x1,/);
});

test('one bad line stops all of it, and every problem is told with line and column', async t => {
  const { url, ask } = await testNetwork(t);
  const { status, text } = await post(url, bad);
  assert.equal(status, 422);
  const { errors, type } = JSON.parse(text);
  assert.equal(type, 'urn:carillon:problem:invalid-file');
  const places = errors.map((one: { line: number; field: string }) => `${one.line} ${one.field}`);
  assert.deepEqual([...new Set(places)], ['3 imsi', '3 name', '4 name']);
  assert.equal((await ask('GET', '/api/v1/subscribers')).body.total, 4);
});

test('skipBad applies the good lines; update changes those that are known', async t => {
  const { url, ask } = await testNetwork(t);
  const skipped = await post(url, bad, '?skipBad=true');
  assert.equal(JSON.parse(skipped.text).added, 1);
  const known = 'imsi,msisdn\n001010000000001,15550100091\n';
  assert.equal((await post(url, known)).status, 422);
  assert.equal(JSON.parse((await post(url, known, '?update=true')).text).updated, 1);
  assert.equal(
    (await ask('GET', '/api/v1/subscribers/001010000000001')).body.msisdn,
    '15550100091',
  );
});

test('whoever asks for lines is told how far it is, and the report at last', async t => {
  const { url } = await testNetwork(t);
  const rows = Array.from(
    { length: 12_000 },
    (_, n) => `00101${String(n).padStart(10, '0')},z${n},pw`,
  );
  const { text } = await post(url, `imsi,name,password\n${rows.join('\n')}\n`, '', {
    accept: 'application/x-ndjson',
  });
  const lines = text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  assert.ok(lines.filter(line => 'progress' in line).length >= 2, text.slice(0, 300));
  // four of the lab's own IMSIs are among them
  assert.equal(lines.at(-1).report.applied, false);
  assert.equal(lines.at(-1).report.problems.length, 4);
});

test('anything but CSV is refused', async t => {
  const { url, ask } = await testNetwork(t);
  assert.equal((await post(url, good, '', { 'content-type': 'application/xml' })).status, 415);
  assert.equal((await ask('POST', PATH, { imsi: '1' })).status, 415);
  assert.equal((await post(url, '')).status, 422);
});
