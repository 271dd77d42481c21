// The order in which SRV records are tried. RFC 2782.

import type { Random, SrvRecord } from './host.ts';

/**
 * By priority; within one by chance, each in proportion to its weight among those left, which is the
 * running sum of RFC 2782 ("Weight"). Records of weight 0 have a small chance of being first.
 */
export function inSrvOrder(
  records: readonly SrvRecord[],
  random: Pick<Random, 'fraction'>,
): SrvRecord[] {
  const priorities = [...new Set(records.map(record => record.priority))].sort((a, b) => a - b);
  return priorities.flatMap(priority => {
    // those of weight 0 stand first, so that a draw of 0 is theirs
    const left = records
      .filter(record => record.priority === priority)
      .sort((a, b) => Number(a.weight > 0) - Number(b.weight > 0));
    const ordered: SrvRecord[] = [];
    while (left.length > 1) ordered.push(...left.splice(drawn(left, random), 1));
    return [...ordered, ...left];
  });
}

function drawn(records: readonly SrvRecord[], random: Pick<Random, 'fraction'>): number {
  const sum = records.reduce((total, record) => total + record.weight, 0);
  let draw = Math.floor(random.fraction() * (sum + 1));
  for (const [index, { weight }] of records.entries()) {
    if (draw <= weight) return index;
    draw -= weight;
  }
  return records.length - 1;
}
