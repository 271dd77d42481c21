// What Prometheus is told. Figures are taken from the functions when somebody asks; only messages are
// counted as they cross, by the recorder's feed.

import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { TraceEvent } from '#kernel/trace';
import { SipRequest, SipResponse } from '#sip/message';
import type { NetworkInProcess } from '../run-network.ts';
import { healthOf, loadOf, registrationCounts } from './network.ts';
import { diameterPeers, gmFlows, sipEndpoints } from './peers.ts';
import { Counter, expositionOf, type Family, type Sample } from './registry.ts';

/** Milliseconds between looks at how late the event loop is. */
const RESOLUTION = 20;
const METHODS = new Set(
  'INVITE ACK BYE CANCEL REGISTER OPTIONS SUBSCRIBE NOTIFY PUBLISH MESSAGE INFO PRACK UPDATE REFER'.split(
    ' ',
  ),
);

export class Metrics {
  readonly #running: NetworkInProcess;
  readonly #version: string;
  readonly #messages = new Counter();
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION });
  readonly #loop = performance.eventLoopUtilization();
  readonly #cpu = process.cpuUsage();
  readonly #since = performance.now();
  readonly #unsubscribe: () => void;
  #scraped = performance.now();

  constructor(running: NetworkInProcess, version: string) {
    this.#running = running;
    this.#version = version;
    this.#delay.enable();
    this.#unsubscribe = running.trace.subscribe(event => this.#count(event));
  }

  stop(): void {
    this.#delay.disable();
    this.#unsubscribe();
  }

  /** How busy the process is. */
  load() {
    const { user, system } = process.cpuUsage(this.#cpu);
    const elapsed = (performance.now() - this.#since) * 1000;
    return {
      cpu: rounded((user + system) / elapsed),
      memory: process.memoryUsage.rss(),
      eventLoopDelay: rounded(this.#late(99)),
      eventLoopUtilization: rounded(performance.eventLoopUtilization(this.#loop).utilization),
    };
  }

  async text(): Promise<string> {
    const families = [
      ...this.#network(),
      ...(await this.#subscribers()),
      ...this.#transport(),
      ...this.#recorder(),
      ...this.#process(),
    ];
    this.#scraped = performance.now();
    this.#delay.reset();
    return expositionOf(families);
  }

  #network(): readonly Family[] {
    const { functions } = healthOf(this.#running);
    return [
      gauge('carillon_build_info', 'Version of Carillon and of its runtime', [
        { labels: { version: this.#version, node: process.version }, value: 1 },
      ]),
      gauge(
        'carillon_function_serving',
        'Whether a function of this process does its work',
        functions.map(({ name, serving }) => ({
          labels: { function: name },
          value: Number(serving),
        })),
      ),
    ];
  }

  async #subscribers(): Promise<readonly Family[]> {
    const { functions } = this.#running.network;
    const found: Family[] = [];
    const { subscribers } = await loadOf(this.#running, 'hss');
    if (subscribers !== undefined) {
      found.push(gauge('carillon_subscribers', 'Subscriber records', [{ value: subscribers }]));
    }
    if (functions.scscf === undefined) return found;
    const { registrations, contacts } = registrationCounts(functions);
    const calls = { 'setting up': 0, ringing: 0, answered: 0 };
    for (const { state } of functions.scscf.calls()) calls[state]++;
    found.push(
      gauge('carillon_registrations', 'Registered subscriptions', [{ value: registrations }]),
      gauge('carillon_contacts', 'Registered devices', [{ value: contacts }]),
      gauge(
        'carillon_calls',
        'Calls at this moment',
        Object.entries(calls).map(([state, value]) => ({ labels: { state }, value })),
      ),
    );
    return found;
  }

  #transport(): readonly Family[] {
    const { functions } = this.#running.network;
    const transactions: Sample[] = [];
    const flows = new Map<string, { labels: Record<string, string>; value: number }>();
    for (const { at, sip } of sipEndpoints(functions)) {
      const { servers, clients } = sip.counts;
      transactions.push({ labels: { function: at, side: 'server' }, value: servers });
      transactions.push({ labels: { function: at, side: 'client' }, value: clients });
      for (const { point, protocol } of sip.flows()) {
        const key = `${at} ${point} ${protocol}`;
        const flow = flows.get(key) ?? { labels: { function: at, point, protocol }, value: 0 };
        flow.value++;
        flows.set(key, flow);
      }
    }
    const peers = diameterPeers(functions).map(({ at, status }) => ({
      labels: { function: at, peer: status.identity ?? 'unknown' },
      value: Number(status.state === 'open'),
    }));
    return [
      gauge('carillon_sip_transactions', 'SIP transactions, lingering ones too', transactions),
      gauge('carillon_sip_flows', 'SIP connections and datagram flows', [...flows.values()]),
      gauge('carillon_ues', 'Flows of UEs at the P-CSCF', [{ value: gmFlows(functions) }]),
      gauge('carillon_diameter_peer_open', 'Whether a Diameter peer can be asked', peers),
      counter('carillon_messages_total', 'Messages that crossed a reference point', [
        ...this.#messages.samples,
      ]),
    ];
  }

  #recorder(): readonly Family[] {
    const { trace } = this.#running;
    return [
      gauge('carillon_trace_events', 'Events remembered', [{ value: trace.count }]),
      gauge('carillon_trace_octets', 'What they hold, estimated', [
        { value: Math.round(trace.octets) },
      ]),
      counter('carillon_trace_dropped_total', 'Events forgotten to make room', [
        { value: trace.dropped },
      ]),
    ];
  }

  #process(): readonly Family[] {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    const quantiles = [50, 90, 99].map(percent => ({
      labels: { quantile: String(percent / 100) },
      value: rounded(this.#late(percent) / 1000, 6),
    }));
    const { utilization } = performance.eventLoopUtilization(this.#loop);
    return [
      counter('process_cpu_seconds_total', 'Processor time', [{ value: (user + system) / 1e6 }]),
      gauge('process_resident_memory_bytes', 'Resident memory', [{ value: rss }]),
      gauge('process_start_time_seconds', 'When it started, since 1970', [
        { value: rounded(performance.timeOrigin / 1000) },
      ]),
      gauge('nodejs_heap_size_used_bytes', 'Heap in use', [{ value: heapUsed }]),
      gauge(
        'nodejs_eventloop_lag_seconds',
        'How late turns of the loop were since the last scrape',
        quantiles,
      ),
      gauge('nodejs_eventloop_utilization', 'Share of time the loop was busy, since the start', [
        { value: rounded(utilization) },
      ]),
      gauge('carillon_scrape_interval_seconds', 'Since the last scrape', [
        { value: rounded((performance.now() - this.#scraped) / 1000) },
      ]),
    ];
  }

  #late(percentile: number): number {
    const nanoseconds = this.#delay.percentile(percentile);
    return Math.max(0, nanoseconds / 1e6 - RESOLUTION);
  }

  #count(event: TraceEvent): void {
    if (event.kind !== 'message') return;
    const { point, protocol, message } = event;
    let what = '';
    if (message instanceof SipRequest)
      what = METHODS.has(message.method) ? message.method : 'other';
    else if (message instanceof SipResponse) what = String(message.status);
    const key = `${point} ${protocol} ${what}`;
    this.#messages.add(key, () => ({ point, protocol, ...(what === '' ? {} : { message: what }) }));
  }
}

const gauge = (name: string, help: string, samples: readonly Sample[]): Family => ({
  name,
  help,
  type: 'gauge',
  samples,
});
const counter = (name: string, help: string, samples: readonly Sample[]): Family => ({
  name,
  help,
  type: 'counter',
  samples,
});

const rounded = (value: number, digits = 3): number => {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
};
