// The trace over HTTP: what is remembered, as JSON or for Wireshark, and what happens now.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Static } from '@sinclair/typebox';
import type { TraceEvent } from '#kernel/trace';
import { eventToJson, instantOf } from '../trace/json.ts';
import { PcapngStream } from '../trace/pcapng.ts';
import { liveFilter, selectInTurns, type TraceQuery } from '../trace/query.ts';
import { eventStream, type Missed } from '../trace/stream.ts';
import type { ApiContext } from './context.ts';
import { Problem } from './problem.ts';
import { type AnyOperation, operation } from './route.ts';
import { limit, object } from './schema-parts.ts';
import { MOST_EVENTS, TraceSchema, traceQuery } from './schemas.ts';

/** Who watches at once, at most: each has events waiting for it. */
const MOST_WATCHERS = 32;
/** Events made into octets in one turn of the loop. */
const SLICE = 200;
const EVERYTHING = 100_000_000;

const tag = 'trace';
const query = object(undefined, 'which', traceQuery);

export function traceOperations({ running }: ApiContext): readonly AnyOperation[] {
  const ring = running.trace;
  let watchers = 0;
  return [
    operation({
      method: 'GET',
      path: '/api/v1/trace',
      id: 'queryTrace',
      tag,
      summary: 'What crossed reference points lately, and why things were decided',
      query: object(undefined, 'which', {
        ...traceQuery,
        limit: limit(MOST_EVENTS, 1000, 'events, the latest'),
      }),
      answers: { 200: { description: 'Events', schema: TraceSchema } },
      async serve({ query: { limit, ...asked } }) {
        const query = { ...(await queryOf(running, asked)), limit: limit ?? 1000 };
        const events = await selectInTurns(ring, query, nextTurn);
        const rest = { dropped: ring.dropped, enabled: ring.enabled };
        return { type: 'application/json; charset=utf-8', pieces: document(events, rest) };
      },
    }),
    operation({
      method: 'GET',
      path: '/api/v1/trace.pcapng',
      id: 'exportTrace',
      tag,
      summary: 'The same for Wireshark',
      description: 'Every message with what was decided on it as comment; secrets are masked.',
      query: object(undefined, 'which', {
        ...traceQuery,
        limit: limit(EVERYTHING, EVERYTHING, 'events, the latest'),
      }),
      answers: { 200: { description: 'pcapng', type: 'application/x-pcapng' } },
      async serve({ query: { limit, ...asked } }) {
        const query = { ...(await queryOf(running, asked)), limit: limit ?? EVERYTHING };
        const events = await selectInTurns(ring, query, nextTurn);
        return {
          type: 'application/x-pcapng',
          pieces: captured(events),
          headers: { 'content-disposition': 'attachment; filename="carillon.pcapng"' },
        };
      },
    }),
    operation({
      method: 'GET',
      path: '/api/v1/trace/stream',
      id: 'watchTrace',
      tag,
      summary: 'Events as they happen',
      description:
        'Server-sent events: `event: message` or `decision` with the JSON of /api/v1/trace, its sequence ' +
        'as id; `event: missed` with a count where the reader was too slow. With `since`, or the header ' +
        'Last-Event-ID, what is remembered from there on comes first.',
      query,
      answers: {
        200: { description: 'Events', type: 'text/event-stream' },
        503: { description: 'Too many are watching already' },
      },
      async serve({ query: asked, headers, signal }) {
        const query = await queryOf(running, asked);
        if (watchers >= MOST_WATCHERS) {
          throw new Problem(503, {
            detail: `${MOST_WATCHERS} are watching already, which is the most`,
            headers: { 'retry-after': '10' },
          });
        }
        const last = lastEventId(headers['last-event-id']);
        watchers++;
        const gone = (): void => void watchers--;
        if (signal.aborted) gone();
        else signal.addEventListener('abort', gone, { once: true });
        return {
          type: 'text/event-stream',
          pieces: watched(running, query, last, signal),
          heartbeat: ': still here\n\n',
          headers: { 'x-accel-buffering': 'no' },
        };
      },
    }),
  ];
}

/** Phones register by identities that a name does not tell, so whose it is the record is asked. */
async function queryOf(
  { network }: ApiContext['running'],
  { since, ...asked }: Static<typeof query>,
): Promise<TraceQuery> {
  const found =
    asked.subscriber === undefined
      ? undefined
      : await network.functions.hss?.find(asked.subscriber);
  const rest =
    found === undefined
      ? asked
      : {
          ...asked,
          identities: [
            asked.subscriber!,
            found.imsi,
            ...found.identities.impis.map(one => one.impi),
            ...found.identities.impus.map(one => one.impu),
          ],
        };
  if (since === undefined) return rest;
  const instant = instantOf(since);
  if (!Number.isNaN(instant)) return { ...rest, since: instant };
  throw new Problem(400, {
    type: 'invalid-request',
    detail: `since: "${since}" is no time of the calendar`,
    errors: [{ in: 'query', field: 'since', value: since, message: 'no time of the calendar' }],
  });
}

function lastEventId(header: string | readonly string[] | undefined): number | undefined {
  const number = Number(header);
  return header !== undefined && Number.isSafeInteger(number) ? number : undefined;
}

/** One JSON document, made over as many turns of the loop as it takes. */
async function* document(events: readonly TraceEvent[], rest: object): AsyncGenerator<string> {
  let separator = '';
  yield '{"events":[';
  for (let at = 0; at < events.length; at += SLICE) {
    const texts = events.slice(at, at + SLICE).map(event => JSON.stringify(eventToJson(event)));
    yield separator + texts.join(',');
    separator = ',';
    await nextTurn();
  }
  yield `],${JSON.stringify(rest).slice(1)}`;
}

async function* captured(events: readonly TraceEvent[]): AsyncGenerator<Uint8Array> {
  let ready: Uint8Array[] = [];
  const stream = new PcapngStream(octets => ready.push(octets));
  for (let at = 0; at < events.length; at += SLICE) {
    for (const event of events.slice(at, at + SLICE)) stream.add(event);
    yield Buffer.concat(ready);
    ready = [];
    await nextTurn();
  }
  stream.end();
  yield Buffer.concat(ready);
}

async function* watched(
  running: ApiContext['running'],
  query: TraceQuery,
  last: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const ring = running.trace;
  const isWanted = liveFilter(query, [...ring].slice(-MOST_EVENTS));
  const stream = eventStream(ring, { isWanted, signal });
  // From the first `next` on the stream listens; nothing happens between that and the look back.
  let event = stream.next();
  const isAsked = query.since !== undefined || last !== undefined;
  const kept = isAsked ? [...ring] : [];
  try {
    yield 'retry: 2000\n\n';
    for (const one of await selectInTurns(kept, { ...query, limit: EVERYTHING }, nextTurn)) {
      if (one.sequence > (last ?? 0)) yield serverSent(one);
    }
    for (let next = await event; next.done !== true; next = await event) {
      event = stream.next();
      yield serverSent(next.value);
    }
  } finally {
    await stream.return();
  }
}

function serverSent(event: TraceEvent | Missed): string {
  if (event.kind === 'missed') return `event: missed\ndata: {"count":${event.count}}\n\n`;
  const data = JSON.stringify(eventToJson(event));
  return `event: ${event.kind}\nid: ${event.sequence}\ndata: ${data}\n\n`;
}
