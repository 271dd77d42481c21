// Reading a table of the store back at start, a page at a time.

import type { Json, Store } from './host.ts';

const PAGE = 1_000;

export async function eachEntry(
  store: Store,
  table: string,
  use: (key: string, value: Json) => void,
): Promise<void> {
  let after: string | undefined;
  for (;;) {
    const page = await store.scan(table, {
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    for (const [key, value] of page) use(key, value);
    if (page.length < PAGE) return;
    after = page.at(-1)![0];
  }
}
