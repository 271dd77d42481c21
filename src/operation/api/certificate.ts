// The certificate of the console: one that is given, or one of our own that is kept in the data
// directory so that browsers told to trust it go on doing so.

import { readFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '#kernel/errors';
import { type Certificate, keptSelfSigned, selfSigned } from '#kernel/node/self-signed';
import type { NetworkSettings } from '#networks/schema';

export function consoleCertificate(
  settings: NetworkSettings,
  data: string | undefined,
): Certificate | undefined {
  const tls = settings.console.tls as 'self-signed' | { key: string; cert: string } | undefined;
  if (tls === undefined) return undefined;
  if (tls !== 'self-signed') {
    return { key: textOf('console.tls.key', tls.key), cert: textOf('console.tls.cert', tls.cert) };
  }
  const addresses = Object.values(networkInterfaces())
    .flatMap(one => one ?? [])
    .filter(({ address }) => !address.startsWith('fe80'))
    .map(({ address }) => address);
  const names = [...new Set(['localhost', hostname(), ...addresses, '127.0.0.1', '::1'])];
  const options = { names, now: Date.now() };
  return data === undefined ? selfSigned(options) : keptSelfSigned(join(data, 'console'), options);
}

function textOf(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${setting}: ${path}: ${(error as Error).message}`);
  }
}
