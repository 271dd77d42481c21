// Two UEs that reach each other without a network between them, each the other's P-CSCF: what a
// call is made of, and nothing else.

import { type Simulation, simulate } from '#kernel/simulation';
import { hostPort } from '#sip/uri';
import { type CallDefaults, ueConfig } from '../config.ts';
import { Ue } from '../ue.ts';

export interface Pair {
  readonly sim: Simulation;
  readonly alice: Ue;
  readonly bob: Ue;
}

export interface PairOptions {
  readonly seed?: number;
  readonly transport?: 'udp' | 'tcp';
  readonly family?: 4 | 6;
  readonly alice?: Partial<CallDefaults>;
  readonly bob?: Partial<CallDefaults>;
}

const home = 'ims.example';

export async function pair(options: PairOptions = {}): Promise<Pair> {
  const sim = simulate({ seed: options.seed ?? 21 });
  const addressOf = (name: string) => sim.addressOf(name, options.family ?? 4);
  const make = (name: string, peer: string, calls: Partial<CallDefaults> = {}) => {
    sim.host(name);
    const config = ueConfig({
      home,
      credentials: { kind: 'password', username: `${name}@${home}`, password: 'x' },
      pcscf: `sip:${hostPort(addressOf(peer), 5060)};transport=${options.transport ?? 'udp'}`,
      address: addressOf(name),
      port: 5060,
      rtpPorts: { from: 30000, to: 39999 },
      calls,
    });
    return new Ue(config, sim.host(name));
  };
  const alice = make('alice', 'bob', options.alice);
  const bob = make('bob', 'alice', options.bob);
  await alice.start();
  await bob.start();
  return { sim, alice, bob };
}
