// The flows as executable specification: they hold on every kind of link, in simulated time and on
// sockets, with one ladder; and each of their steps is seen to fail when it is broken.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TraceEvent } from '#kernel/trace';
import type { FlowResult } from '#operation/flows/flow';
import { FLOWS } from '#operation/flows/flows';
import { runFlow } from '#operation/flows/run-flow';
import { comparableLadders } from '#operation/trace/comparable';
import { eventToJson } from '#operation/trace/json';

const LINKS = ['local', 'checked', 'wire'] as const;

function assertHeld(result: FlowResult): void {
  const failed = result.steps.find(step => !step.held);
  assert.ok(result.held, `step ${failed?.id} failed: ${failed?.because}`);
}

/** Call-IDs and other chance differ between runs; what is compared is who said what to whom. */
const laddersOf = (events: readonly TraceEvent[]) => comparableLadders(events);

for (const flow of FLOWS) {
  describe(`flow ${flow.name}`, () => {
    test('gives the same ladder on local, checked, wire and simulated links', async () => {
      const simulated = await runFlow(flow, { seed: 1, links: 'wire' });
      assertHeld(simulated);
      const expected = laddersOf(simulated.events);
      for (const links of LINKS) {
        const result = await runFlow(flow, { links });
        assertHeld(result);
        assert.deepEqual(laddersOf(result.events), expected, `links ${links}`);
      }
    });

    test('the same seed gives the same trace, byte for byte', async () => {
      const trace = async (seed: number): Promise<string> => {
        const { events } = await runFlow(flow, { seed, links: 'wire' });
        return JSON.stringify(events.map(event => eventToJson(event)));
      };
      const first = await trace(11);
      assert.equal(await trace(11), first);
      assert.notEqual(await trace(12), first);
    });

    for (const step of flow.steps) {
      for (const fault of step.breaks) {
        test(`--break ${fault} fails at step ${step.id}`, async () => {
          const result = await runFlow(flow, { seed: 1, links: 'wire', break: fault });
          const failed = result.steps.find(({ held }) => !held);
          assert.equal(failed?.id, step.id, `${failed?.because}`);
          assert.ok(failed?.because, 'the verdict gives no reason');
          assert.equal(result.held, false);
        });
      }
    }

    test('a step without a fault would be a step that cannot fail', () => {
      for (const step of flow.steps) assert.ok(step.breaks.length > 0, step.id);
    });
  });
}
