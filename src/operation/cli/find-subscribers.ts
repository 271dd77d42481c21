// Where a command finds the subscribers: with the network that answers, else in a data directory.

import { existsSync, realpathSync } from 'node:fs';
import type { NetworkInfo } from '../api/schemas.ts';
import { ApiClient, Unreachable, Untrusted } from './api-client.ts';
import { CommandFailed } from './failure.ts';
import type { Subscribers } from './subscribers.ts';
import { subscribersByApi } from './subscribers-by-api.ts';

export const DEFAULT_DATA = './carillon-data';

export interface Where {
  readonly api?: string;
  readonly data?: string;
  readonly file?: string;
}

/** `create`: whether a data directory that is not there yet may be made. Says which it used. */
export async function findSubscribers(where: Where, create: boolean): Promise<Subscribers> {
  const { data = DEFAULT_DATA, file } = where;
  const api = new ApiClient(where);
  const running = await whatRuns(api);
  if (!(running instanceof Unreachable)) {
    // A directory that is named and is not the running network's is what the person means.
    const isAnother = where.data !== undefined && !isOf(running, where.data);
    if (!isAnother || where.api !== undefined) return told(subscribersByApi(api));
  } else if (
    running instanceof Untrusted ||
    (where.api !== undefined && where.data === undefined)
  ) {
    throw running; // who names a network does not mean a directory
  } else if (where.data === undefined && !existsSync(data)) {
    throw new CommandFailed(
      `${running.message}, and there is no ${data}: start a network by carillon up, or name one by --api URL or --data DIR`,
    );
  }
  // Only now: a running network needs no HSS of ours.
  const { readSettings } = await import('./settings.ts');
  const { subscribersInData } = await import('./subscribers-in-data.ts');
  const settings = readSettings(file);
  return told(
    await subscribersInData({ data, settings, create: create && where.data !== undefined }),
  );
}

async function whatRuns(api: ApiClient): Promise<NetworkInfo | Unreachable> {
  try {
    return await api.network();
  } catch (error) {
    if (error instanceof Unreachable) return error;
    throw error;
  }
}

function isOf(running: NetworkInfo, data: string): boolean {
  try {
    return running.data !== undefined && realpathSync(running.data) === realpathSync(data);
  } catch {
    return false; // not on this machine
  }
}

function told(found: Subscribers): Subscribers {
  process.stderr.write(`carillon: using ${found.where}\n`);
  return found;
}
