// Where the third-party test vectors lie: beside the checkout, or where CARILLON_VECTORS says.

import { join, resolve } from 'node:path';

const root = resolve(
  process.env.CARILLON_VECTORS ?? join(import.meta.dirname, '..', '..', 'shared', 'vectors'),
);

/** The absolute path of a vector file or folder, given its path below the vectors' root. */
export const vectors = (path: string): string => join(root, path);
