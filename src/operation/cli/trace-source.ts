// The trace of a running network, over its API.

import { createInterface } from 'node:readline';
import type { TraceEvent } from '#kernel/trace';
import { MOST_EVENTS } from '../api/schemas.ts';
import { type EventJson, eventFromJson } from '../trace/json.ts';
import type { TraceQuery } from '../trace/query.ts';
import type { Missed } from '../trace/stream.ts';
import type { TraceSource } from '../trace/tui.ts';
import { type ApiClient, Unreachable } from './api-client.ts';

export function traceOver(api: ApiClient): TraceSource {
  return {
    async list(query) {
      const limit = Math.min(query.limit ?? MOST_EVENTS, MOST_EVENTS);
      type Answer = { readonly events: readonly EventJson[] };
      const answer = await api.json<Answer>('GET', `/api/v1/trace?${textOf(query, limit)}`);
      return answer.events.map(eventFromJson);
    },
    stream: (query, signal) => watch(api, query, signal),
  };
}

function textOf({ subscriber, call, protocol, since }: TraceQuery, limit?: number): string {
  return new URLSearchParams({
    ...(subscriber === undefined ? {} : { subscriber }),
    ...(call === undefined ? {} : { call }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(since === undefined ? {} : { since: new Date(since).toISOString() }),
    ...(limit === undefined ? {} : { limit: String(limit) }),
  }).toString();
}

/** Throws Unreachable when the network goes away. */
async function* watch(
  api: ApiClient,
  query: TraceQuery,
  signal: AbortSignal,
): AsyncGenerator<TraceEvent | Missed> {
  try {
    const response = await api.send('GET', `/api/v1/trace/stream?${textOf(query)}`, { signal });
    let kind = '';
    for await (const line of createInterface({ input: response })) {
      if (line.startsWith('event: ')) kind = line.slice(7);
      if (!line.startsWith('data: ')) continue;
      const data: unknown = JSON.parse(line.slice(6));
      if (kind === 'missed') yield { kind, count: (data as { count: number }).count };
      else yield eventFromJson(data as EventJson);
    }
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof Error && 'code' in error) throw gone(api);
    throw error;
  }
  if (!signal.aborted) throw gone(api);
}

const gone = (api: ApiClient) => new Unreachable(`the network at ${api.url} has stopped`);
