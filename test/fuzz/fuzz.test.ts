// `carillon test fuzz`: every parser, together CARILLON_FUZZ_SECONDS (default 60) from
// CARILLON_FUZZ_SEED (default 1). CARILLON_FUZZ=target:number tries one input again.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzz, type Target } from './target.ts';
import { octetTargets } from './targets-octets.ts';
import { textTargets } from './targets-text.ts';

/** Messages of peers come in more shapes than the rest. */
const WEIGHT: Readonly<Record<string, number>> = { sip: 4, diameter: 3, sdp: 2, headers: 2 };
const targets: readonly Target[] = [...octetTargets, ...textTargets];
const weight = ({ name }: Target): number => WEIGHT[name] ?? 1;
const total = targets.reduce((sum, target) => sum + weight(target), 0);

const seconds = Number(process.env.CARILLON_FUZZ_SECONDS ?? 60);
const seed = Number(process.env.CARILLON_FUZZ_SEED ?? 1);
const [only, number] = (process.env.CARILLON_FUZZ ?? '').split(':');

describe(`fuzzing from seed ${seed}`, () => {
  for (const target of targets) {
    if (only !== '' && only !== target.name) continue;
    test(`no mutated input breaks a law: ${target.name}`, async context => {
      const report = await fuzz(target, {
        seed,
        seconds: (seconds * weight(target)) / total,
        ...(number === undefined ? {} : { number: Number(number) }),
      });
      context.diagnostic(
        `seed ${seed}: ${report.inputs} inputs, slowest ${report.slowest.toFixed(1)} ms`,
      );
      assert.ok(report.inputs > 0 || number !== undefined);
    });
  }
});
