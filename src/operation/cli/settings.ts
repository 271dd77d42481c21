// The network file a command is given, or the built-in lab, with the settings of the command line.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { UsageError } from '#kernel/errors';
import { readNetworkFile } from '#networks/network-file';
import type { NetworkSettings } from '#networks/schema';

const LAB = fileURLToPath(new URL('../../networks/lab.yaml', import.meta.url));

export function readSettings(
  file: string | undefined,
  settings: readonly string[] = [],
): NetworkSettings {
  if (file === undefined) {
    return readNetworkFile({ name: 'lab', text: readFileSync(LAB, 'utf8'), settings });
  }
  return readNetworkFile({ name: file, text: textOf(file), settings });
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : String((error as Error).message);
    throw new UsageError(`${file}: ${why}; write the path of a network file, or none for the lab`);
  }
}

/** For options that may be given several times. */
export const collect = (value: string, before: readonly string[] = []): string[] => [
  ...before,
  value,
];
