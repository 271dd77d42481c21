import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { K, testNetwork } from './testing/network.ts';

interface Event {
  readonly kind: string;
  readonly sequence: number;
  readonly summary?: string;
  readonly protocol?: string;
  readonly because?: string;
  readonly time: string;
}

/** Server-sent events, one after the other. */
async function watch(t: TestContext, url: string, headers: Record<string, string> = {}) {
  const end = new AbortController();
  t.after(() => end.abort());
  const response = await fetch(url, { signal: end.signal, headers });
  const input = Readable.fromWeb(response.body as never);
  input.on('error', () => {});
  const lines = createInterface({ input })[Symbol.asyncIterator]();
  return {
    response,
    end,
    async next(): Promise<{ event: string; id: number; data: Event }> {
      const fields = new Map<string, string>();
      for (;;) {
        const { value: line, done } = await lines.next();
        assert.notEqual(done, true, 'the stream ended');
        const [name, ...rest] = (line as string).split(': ');
        if (line !== '') fields.set(name!, rest.join(': '));
        else if (fields.has('data')) break;
      }
      return {
        event: fields.get('event')!,
        id: Number(fields.get('id')),
        data: JSON.parse(fields.get('data')!),
      };
    },
  };
}

test('a query gives whole stories, with decisions and their reasons', async t => {
  const { ask, phone } = await testNetwork(t);
  await phone('alice');
  await phone('bob');
  const trace = async (query: string): Promise<Event[]> =>
    (await ask('GET', `/api/v1/trace?${query}`)).body.events;
  const all = await trace('limit=10000');
  const hers = await trace('subscriber=alice&limit=10000');
  assert.ok(hers.length > 10 && hers.length < all.length);
  assert.ok(hers.some(({ summary }) => summary?.startsWith('MAA')));
  assert.ok(hers.some(({ kind, because }) => kind === 'decision' && because !== ''));
  const diameter = await trace('protocol=diameter&limit=10000');
  assert.ok(diameter.every(one => one.kind === 'decision' || one.protocol === 'diameter'));
  const last = await trace('limit=3');
  assert.equal(last.length, 3);
  assert.ok(last[0]!.sequence >= all.at(-3)!.sequence, 'the latest, not the first');
  const since = all.at(-5)!.time;
  assert.ok((await trace(`since=${since}`)).every(one => one.time >= since));
  assert.deepEqual(await trace('call=none-such'), []);
});

test('a query that makes no sense is refused by name', async t => {
  const { ask } = await testNetwork(t);
  for (const [query, field] of [
    ['limit=0', 'limit'],
    ['protocol=http', 'protocol'],
    ['since=yesterday', 'since'],
    ['since=2026-13-45T00:00:00Z', 'since'],
    ['who=alice', 'who'],
  ]) {
    const { status, body } = await ask('GET', `/api/v1/trace?${query}`);
    assert.equal(status, 400, query);
    assert.equal(body.errors[0].field, field);
  }
});

test('no secret is in the trace, in whatever form it is asked for', async t => {
  const { ask, phone, url } = await testNetwork(t);
  await phone('alice');
  const { text } = await ask('GET', '/api/v1/trace?limit=10000');
  assert.ok(!text.includes('alice-secret') && !text.includes(K));
  const ha1 = /ha1[^0-9a-f]+([0-9a-f]{32})/i.exec(text)?.[1];
  assert.ok(ha1 === undefined || /^(.)\1+$/.test(ha1), ha1);
  const capture = await fetch(`${url}/api/v1/trace.pcapng`);
  assert.equal(capture.headers.get('content-type'), 'application/x-pcapng');
  const octets = Buffer.from(await capture.arrayBuffer());
  assert.equal(octets.readUInt32BE(0), 0x0a0d0d0a);
  assert.ok(octets.includes('REGISTER sip:'));
  assert.ok(!octets.includes('alice-secret'));
});

test('events are streamed as they happen, those asked for alone', async t => {
  const { url, phone } = await testNetwork(t);
  const stream = await watch(t, `${url}/api/v1/trace/stream?subscriber=alice&protocol=sip`);
  assert.equal(stream.response.headers.get('content-type'), 'text/event-stream');
  await phone('bob');
  await phone('alice');
  const { event, id, data } = await stream.next();
  assert.equal(event, 'message');
  assert.equal(id, data.sequence);
  assert.equal(data.summary, 'REGISTER');
  assert.match(JSON.stringify(data), /alice/);
});

test('who is asked for by number is seen from the first message on, sent by name', async t => {
  const { url, phone, ask } = await testNetwork(t);
  const { body } = await ask('GET', '/api/v1/subscribers?find=alice');
  const { msisdn } = (body as { subscribers: { msisdn: string }[] }).subscribers[0]!;
  const stream = await watch(t, `${url}/api/v1/trace/stream?subscriber=${msisdn}`);
  await phone('bob');
  await phone('alice');
  const { data } = await stream.next();
  assert.equal(data.summary, 'REGISTER');
  assert.match(JSON.stringify(data), /alice/);
});

test('a stream goes on where its reader was, or begins at a time', async t => {
  const { url, phone, ask } = await testNetwork(t);
  await phone('alice');
  const { events } = (await ask('GET', '/api/v1/trace?limit=10000')).body as { events: Event[] };
  const middle = events[Math.floor(events.length / 2)]!;
  const again = await watch(t, `${url}/api/v1/trace/stream`, {
    'last-event-id': `${middle.sequence}`,
  });
  assert.equal((await again.next()).id, middle.sequence + 1);
  const since = await watch(t, `${url}/api/v1/trace/stream?since=2020-01-01T00:00:00Z`);
  assert.equal((await since.next()).id, 1);
});

test('so many may watch, and who leaves makes room', async t => {
  const { url, ask } = await testNetwork(t);
  const watchers = await Promise.all(
    Array.from({ length: 32 }, () => watch(t, `${url}/api/v1/trace/stream`)),
  );
  assert.ok(watchers.every(one => one.response.status === 200));
  const refused = await ask('GET', '/api/v1/trace/stream');
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('retry-after'), '10');
  watchers[0]!.end.abort();
  for (let left = 100; ; left--) {
    const one = await watch(t, `${url}/api/v1/trace/stream`);
    if (one.response.status === 200) break;
    assert.ok(left > 0, 'no room was made');
    await new Promise(resolve => setTimeout(resolve, 20));
  }
});
