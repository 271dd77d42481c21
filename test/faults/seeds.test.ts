// Random lives of a network on bad links whose functions die now and then. Whatever happens: everybody
// is answered, S-CSCF and HSS agree once it is quiet, and nothing outlives its timers. A seed that
// fails tells its story; `CARILLON_SEED=n` runs it alone, `CARILLON_SEEDS=n` runs so many.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Ue } from '#functions/ue/ue';
import { SeededRandom } from '#kernel/simulation/random';
import { FUNCTIONS, INSTANCE, inLab, type Lab, minutes, ms, seconds } from '../support/lab.ts';

const ALONE = process.env.CARILLON_SEED;
const SEEDS = Number(process.env.CARILLON_SEEDS ?? 60);
/** One test each, so that a report names the seeds. */
const GROUP = 20;
const ACTS = 14;

/** How bad the network is. */
const TROUBLES = {
  'lossy links': { faults: false },
  'lossy links and functions that die': { faults: true },
} as const;

type Chance = (below: number) => number;
type Act = (lab: Lab, phones: readonly Ue[], chance: Chance) => Promise<unknown>;

const pick = <T>(list: readonly T[], chance: Chance): T => list[Math.floor(chance(list.length))]!;

const ACTIONS: readonly Act[] = [
  // a call that is given up, or ended, by whoever does so first
  async (lab, phones, chance) => {
    const caller = pick(phones, chance);
    const call = await caller.call(pick(['alice', 'bob', 'carol', 'echo', 'nobody'], chance), {
      preconditions: chance(1) < 0.5,
    });
    await lab.sleep(seconds(chance(8)));
    if (chance(1) < 0.3) await call.hold();
    if (chance(1) < 0.3) await call.resume();
    await lab.sleep(seconds(chance(4)));
    await call.hangup();
  },
  (_, phones, chance) =>
    pick(phones, chance).message(pick(['alice', 'bob', 'dave'], chance), 'hello'),
  (_, phones, chance) => pick(phones, chance).register(),
  async (lab, phones, chance) => {
    const phone = pick(phones, chance);
    await phone.deregister();
    await lab.sleep(seconds(chance(20)));
    await phone.register();
  },
  // an operator gets no answer from a process that dies meanwhile
  (lab, _, chance) => soon(lab, lab.scscf.deregister(lab.impu(pick(['alice', 'bob'], chance)))),
  (lab, _, chance) => {
    const services = pick([['mmtel'], ['mmtel', 'screening'], ['mmtel', 'sms']], chance);
    return soon(lab, lab.hss.patch(lab.subscriber('bob').imsi, { services }));
  },
];

const soon = (lab: Lab, asked: Promise<unknown>): Promise<unknown> =>
  Promise.race([asked, lab.sleep(minutes(1))]);

const down = new Set<string>();

const FAULTS: readonly Act[] = [
  async (lab, _, chance) => {
    const name = pick(FUNCTIONS, chance);
    if (down.has(name)) return;
    down.add(name);
    lab.crash(name);
    await lab.sleep(seconds(chance(15)));
    await lab.restart(name);
    down.delete(name);
  },
  async (lab, _, chance) => {
    const [one, other] = [pick(FUNCTIONS, chance), pick(FUNCTIONS, chance)];
    if (one === other) return;
    lab.simulation.partition([INSTANCE[one]], [INSTANCE[other]]);
    await lab.sleep(seconds(chance(20)));
    lab.simulation.partition([INSTANCE[one]], [INSTANCE[other]], false);
  },
];

async function live(lab: Lab, faults: boolean, chance: Chance): Promise<void> {
  const phones = [
    await lab.ue('alice', { expires: minutes(10) }),
    await lab.ue('bob', { expires: minutes(10), transport: 'tcp' }),
    await lab.ue('softphone', { of: 'bob', password: true, expires: minutes(10) }),
    await lab.ue('carol', { expires: minutes(10) }),
  ];
  for (const phone of phones) {
    phone.onIncoming = call => {
      const takes = chance(1);
      void lab.sleep(seconds(chance(3))).then(() => {
        if (takes < 0.6) void call.answer();
        else if (takes < 0.8) void call.reject(486);
      });
    };
  }
  await Promise.all(phones.map(phone => phone.register()));
  const acts: Promise<unknown>[] = [];
  for (let act = 0; act < ACTS; act++) {
    await lab.sleep(seconds(chance(6)));
    const actions = faults && act % 4 === 3 ? FAULTS : ACTIONS;
    acts.push(pick(actions, chance)(lab, phones, chance));
  }
  await Promise.all(acts);

  const { everyLink } = lab.simulation;
  Object.assign(everyLink, { loss: 0, duplication: 0, reordering: 0 });
  for (const phone of phones) for (const call of phone.calls) await call.hangup();
  // whoever the network sent away comes back when asked to
  await lab.sleep(minutes(2));
  for (const phone of phones) if (phone.registered === undefined) void phone.register();
  const all = () => phones.every(phone => phone.registered !== undefined);
  await lab.until(all, 'everybody registered', minutes(35));
  await lab.sleep(minutes(12));
  for (const { host, registrationState: state } of phones) {
    assert.equal(state.kind, 'registered', `${host.name}: ${'because' in state && state.because}`);
  }
  await lab.assertAgreed();
  await lab.assertNothingLeft();
  await lab.assertReached();
}

async function run(seed: number, faults: boolean): Promise<void> {
  down.clear();
  const random = new SeededRandom(seed, 'life');
  const chance: Chance = below => random.fraction() * below;
  const links = {
    delay: ms(1 + chance(40)),
    jitter: ms(chance(60)),
    loss: chance(0.15),
    duplication: chance(0.2),
    reordering: chance(0.3),
    chopping: chance(0.5),
  };
  await inLab({ seed, links, limit: minutes(120) }, lab => live(lab, faults, chance));
}

for (const [what, { faults }] of Object.entries(TROUBLES)) {
  describe(`random lives on ${what}`, () => {
    if (ALONE !== undefined) test(`seed ${ALONE}`, () => run(Number(ALONE), faults));
    else {
      for (let first = 1; first <= SEEDS; first += GROUP) {
        const last = Math.min(first + GROUP - 1, SEEDS);
        test(`seeds ${first} to ${last}`, async () => {
          for (let seed = first; seed <= last; seed++) await run(seed, faults);
        });
      }
    }
  });
}
