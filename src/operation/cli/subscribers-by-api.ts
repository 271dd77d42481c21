// Subscriber records of a running network, over its API.

import { createInterface } from 'node:readline';
import type { ImportReport, Pushed, SubscriberView } from '#functions/hss/hss';
import { type ApiClient, ApiRefusal, Unreachable } from './api-client.ts';
import { CommandFailed } from './failure.ts';
import type { ImportSettings, SubscriberPage, Subscribers } from './subscribers.ts';

const PATH = '/api/v1/subscribers';

export function subscribersByApi(api: ApiClient): Subscribers {
  const orUndefined = async <T>(asked: Promise<T>): Promise<T | undefined> => {
    try {
      return await asked;
    } catch (error) {
      if (error instanceof ApiRefusal && error.status === 404) return undefined;
      throw error;
    }
  };
  return {
    where: `the network at ${api.url}`,
    list({ after, limit }) {
      const query = new URLSearchParams({
        limit: String(limit),
        ...(after === undefined ? {} : { after }),
      });
      return api.json<SubscriberPage>('GET', `${PATH}?${query}`);
    },
    async find(text) {
      const query = new URLSearchParams({ find: text });
      const page = await api.json<SubscriberPage>('GET', `${PATH}?${query}`);
      return page.subscribers[0];
    },
    add: input => api.json<SubscriberView>('POST', PATH, input),
    async change(imsi, changes) {
      type Answer = SubscriberView & { readonly pushed: readonly Pushed[] };
      const answer = await orUndefined(api.json<Answer>('PATCH', `${PATH}/${imsi}`, changes));
      if (answer === undefined) return undefined;
      const { pushed, ...subscriber } = answer;
      return { subscriber, pushed };
    },
    async remove(imsi) {
      type Answer = { readonly pushed: readonly Pushed[] };
      return (await orUndefined(api.json<Answer>('DELETE', `${PATH}/${imsi}`)))?.pushed;
    },
    import: (source, settings) => importOver(api, source, settings),
    async *export(withSecrets) {
      if (withSecrets) {
        throw new CommandFailed(
          `a network runs at ${api.url}: secrets are exported only from the data directory of a stopped one; stop it, then say --with-secrets --data DIR`,
        );
      }
      const response = await api.send('GET', `${PATH}.csv`);
      response.setEncoding('utf8');
      yield* response as AsyncIterable<string>;
    },
    async close() {},
  };
}

type Told =
  | { readonly progress: Parameters<ImportSettings['onProgress']>[0] }
  | { readonly report: ImportReport }
  | { readonly error: string };

async function importOver(
  api: ApiClient,
  source: Parameters<Subscribers['import']>[0],
  { skipBad, update, onProgress }: ImportSettings,
): Promise<ImportReport> {
  const query = new URLSearchParams({ skipBad: String(skipBad), update: String(update) });
  const response = await api.send('POST', `${PATH}.csv?${query}`, {
    body: asynchronous(source()),
    headers: { 'content-type': 'text/csv', accept: 'application/x-ndjson' },
  });
  for await (const line of createInterface({ input: response })) {
    const told = JSON.parse(line) as Told;
    if ('progress' in told) onProgress(told.progress);
    else if ('report' in told) return told.report;
    else throw new CommandFailed(told.error);
  }
  throw new Unreachable(`the network at ${api.url} went away in the middle of the import`);
}

async function* asynchronous(
  pieces: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<string> {
  yield* pieces;
}
