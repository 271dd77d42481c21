// A SIP peer for tests of network functions: it keeps what it received and does what the test says.

import type { Simulation } from '#kernel/simulation';
import type { Point } from '#kernel/trace';
import { type ServerTransaction, SipEndpoint } from '../endpoint.ts';
import type { Target } from '../flow.ts';
import { Route } from '../headers.ts';
import type { SipRequest, SipResponse } from '../message.ts';

export class Peer {
  readonly endpoint: SipEndpoint;
  readonly received: SipRequest[] = [];
  /** Never asked about an ACK. */
  handle: (tx: ServerTransaction) => void = tx => tx.reply(200);
  readonly #sim: Simulation;

  /** Serves local links under `name`; what else it shall listen on, the test says. */
  constructor(sim: Simulation, instance: string, name: string, point: Point = 'Mw') {
    this.#sim = sim;
    this.endpoint = new SipEndpoint(sim.host(instance), { point, name });
    this.endpoint.onRequest = tx => {
      this.received.push(tx.request);
      if (tx.request.method !== 'ACK') this.handle(tx);
    };
    this.endpoint.serveLocal(name);
  }

  of(method: string): readonly SipRequest[] {
    return this.received.filter(each => each.method === method);
  }

  last(method: string): SipRequest {
    const found = this.received.findLast(each => each.method === method);
    if (found === undefined) throw new Error(`no ${method} came`);
    return found;
  }

  /** Sends to where the topmost Route leads, or elsewhere; the final response. */
  send(message: SipRequest, to?: Target): Promise<SipResponse> {
    return this.#sim.settle(() => this.begin(message, to));
  }

  /** The same from within an event: what comes of it while the simulation runs. */
  begin(message: SipRequest, to?: Target): Promise<SipResponse> {
    const target = to ?? { uri: message.get(Route)?.uri ?? message.uri };
    return this.endpoint.request(message, target).final;
  }
}
