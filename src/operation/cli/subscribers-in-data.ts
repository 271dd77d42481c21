// Subscriber records in the data directory of a network that does not run, through the HSS itself.
// The directory's lock is held meanwhile, so that no network starts on it.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createProcess } from '#kernel/node/process';
import { makeHss } from '#networks/make-hss';
import { homeDomain } from '#networks/network-file';
import type { NetworkSettings } from '#networks/schema';
import { asFailure, CommandFailed } from './failure.ts';
import type { Subscribers } from './subscribers.ts';

export interface DataOptions {
  readonly data: string;
  /** Who may be born there, and which services there are. */
  readonly settings: NetworkSettings;
  /** Whether a directory without records is made one as `up` would make it. */
  readonly create: boolean;
}

/** Throws a CommandFailed where the directory is in use, damaged, or has no records. */
export async function subscribersInData(options: DataOptions): Promise<Subscribers> {
  const { data, settings, create } = options;
  if (!create && !existsSync(join(data, 'hss.db'))) {
    throw new CommandFailed(
      `there are no subscribers in ${data}: carillon up --data ${data} makes them`,
    );
  }
  try {
    return await open(data, settings);
  } catch (error) {
    throw asFailure(error);
  }
}

async function open(data: string, settings: NetworkSettings): Promise<Subscribers> {
  const process = createProcess({ data, log: { level: 'error' } });
  try {
    const host = process.host('hss');
    // The identities are those of the domain that the records were made for.
    const kept = await host.store.get('about', 'home');
    const { function: hss } = makeHss({
      settings,
      home: typeof kept === 'string' ? kept : homeDomain(settings),
      host,
      address: '127.0.0.1',
      wire: () => [],
      certificate: () => undefined,
    });
    await hss.open();
    return {
      where: `the data directory ${data}`,
      async list(page) {
        const subscribers = await hss.list(page);
        const last = subscribers.length < page.limit ? undefined : subscribers.at(-1)?.imsi;
        const total = await hss.count();
        return { subscribers, total, ...(last === undefined ? {} : { next: last }) };
      },
      find: text => hss.find(text),
      add: input => hss.add(input),
      change: (imsi, changes) => hss.patch(imsi, changes),
      remove: async imsi => (await hss.remove(imsi))?.pushed,
      import: (source, { skipBad, update, onProgress }) =>
        hss.importCsv(source, { skipBad, existing: update ? 'update' : 'refuse', onProgress }),
      export: withSecrets => hss.exportCsv({ withSecrets }),
      async close() {
        await hss.stop();
        await process.close();
      },
    };
  } catch (error) {
    await process.close();
    throw error;
  }
}
