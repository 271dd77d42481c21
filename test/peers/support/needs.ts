// Peers are programs of other makers. One that is not installed skips its tests and says which Debian
// package brings it; where CI=true it fails them, so that nothing is left out unseen.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What a test's options take: `{ skip: needs('sipp', 'sip-tester') }`. */
export function needs(program: string, debianPackage: string): string | false {
  const isThere = (process.env.PATH ?? '').split(delimiter).some(folder => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (isThere) return false;
  const why = `${program} is not installed (Debian package ${debianPackage})`;
  if (process.env.CI === 'true') throw new Error(why);
  return why;
}
