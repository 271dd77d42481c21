// The network as a whole: its functions, the points they meet at, how busy they are, and whether all
// of them serve.

import type { PeerStatus } from '#diameter/node';
import { FUNCTIONS, type FunctionName, INSTANCE } from '#networks/compose';
import type { NetworkInProcess } from '../run-network.ts';
import { type ApiContext, iso } from './context.ts';
import { gmFlows } from './peers.ts';
import { type AnyOperation, operation } from './route.ts';
import { type Health, HealthSchema, NetworkInfo } from './schemas.ts';

const tag = 'network';

export function networkOperations(context: ApiContext): readonly AnyOperation[] {
  return [
    operation({
      method: 'GET',
      path: '/api/v1/network',
      id: 'getNetwork',
      tag,
      summary: 'Functions, reference points, addresses and load',
      answers: { 200: { description: 'The network', schema: NetworkInfo } },
      serve: async () => ({ body: await networkInfo(context) }),
    }),
    operation({
      method: 'GET',
      path: '/health',
      id: 'getHealth',
      tag,
      summary: 'Whether every function of this process serves',
      description: 'A CSCF serves once it has a Diameter peer to ask.',
      answers: {
        200: { description: 'All serve', schema: HealthSchema },
        503: {
          description: 'Some do not; they are named',
          schema: HealthSchema,
          type: 'application/json',
        },
      },
      serve() {
        const health = healthOf(context.running);
        return { status: health.status === 'serving' ? 200 : 503, body: health };
      },
    }),
    operation({
      method: 'GET',
      path: '/metrics',
      id: 'getMetrics',
      tag,
      summary: 'Figures for Prometheus',
      answers: { 200: { description: 'Text exposition format', type: 'text/plain' } },
      async serve() {
        const text = await context.metrics.text();
        const pieces = (async function* () {
          yield text;
        })();
        return { type: 'text/plain; version=0.0.4; charset=utf-8', pieces };
      },
    }),
  ];
}

export function healthOf(running: NetworkInProcess): Health {
  const functions = running.asked.map(name => {
    const because = whyNot(running, name);
    const serving = because === undefined;
    return { name: INSTANCE[name], serving, ...(because === undefined ? {} : { because }) };
  });
  const all = functions.every(({ serving }) => serving);
  return { status: all ? 'serving' : 'not serving', functions };
}

/** Why a function of this process does not serve; undefined where it does. */
function whyNot({ network }: NetworkInProcess, name: FunctionName): string | undefined {
  const { functions } = network;
  if (functions[name] === undefined) return 'it does not run';
  if (name !== 'scscf' && name !== 'icscf') return undefined;
  const peers = functions[name]?.peers() ?? [];
  return peers.some(({ state }) => state === 'open') ? undefined : `no HSS answers: ${told(peers)}`;
}

const told = (peers: readonly PeerStatus[]): string =>
  peers.map(({ identity, state }) => `${identity ?? 'the peer'} is ${state}`).join(', ') ||
  'no peer is set';

export async function networkInfo({ running, version, metrics }: ApiContext): Promise<NetworkInfo> {
  const { network, trace, data, started } = running;
  const { settings, home } = network;
  const functions = await Promise.all(FUNCTIONS.map(name => functionInfo(running, name)));
  return {
    name: settings.network,
    version,
    home,
    plmn: settings.plmn,
    started: iso(started),
    pid: process.pid,
    ...(data === undefined ? {} : { data }),
    functions,
    referencePoints: referencePoints(running),
    load: { ...metrics.load(), traceEvents: trace.count, traceOctets: Math.round(trace.octets) },
  };
}

async function functionInfo(running: NetworkInProcess, name: FunctionName) {
  const here = running.asked.includes(name);
  const because = here ? whyNot(running, name) : 'it runs in another process';
  return {
    name,
    instance: INSTANCE[name],
    here,
    serving: because === undefined,
    ...(because === undefined ? {} : { because }),
    listening: running.network.listening
      .filter(one => one.function === name)
      .map(({ point, protocol, address }) => ({ point, protocol, ...address })),
    load: await loadOf(running, name),
  };
}

/** What a function has on its hands, by names that also the metrics have. */
export async function loadOf(
  { network: { functions } }: NetworkInProcess,
  name: FunctionName,
): Promise<Record<string, number>> {
  if (name === 'hss') {
    const { hss } = functions;
    return hss === undefined ? {} : { subscribers: await hss.count() };
  }
  const found = functions[name];
  if (found === undefined) return {};
  const { servers, clients } = found.sip.counts;
  const load: Record<string, number> = { transactions: servers + clients };
  if (name === 'pcscf') load.ues = gmFlows(functions);
  if (name === 'scscf') Object.assign(load, registrationCounts(functions));
  return load;
}

export function registrationCounts({ scscf }: NetworkInProcess['network']['functions']) {
  let registrations = 0;
  let contacts = 0;
  for (const { bindings } of scscf?.registrar.sets() ?? []) {
    if (bindings.length > 0) registrations++;
    contacts += bindings.length;
  }
  return { registrations, contacts, calls: scscf?.calls().length ?? 0 };
}

const POINTS: readonly {
  readonly point: string;
  readonly between: readonly [FunctionName | 'ue', FunctionName];
  readonly protocol: string;
}[] = [
  { point: 'Gm', between: ['ue', 'pcscf'], protocol: 'SIP' },
  { point: 'Mw', between: ['pcscf', 'icscf'], protocol: 'SIP' },
  { point: 'Mw', between: ['pcscf', 'scscf'], protocol: 'SIP' },
  { point: 'Mw', between: ['icscf', 'scscf'], protocol: 'SIP' },
  { point: 'ISC', between: ['scscf', 'as'], protocol: 'SIP' },
  { point: 'Cx', between: ['icscf', 'hss'], protocol: 'Diameter' },
  { point: 'Cx', between: ['scscf', 'hss'], protocol: 'Diameter' },
];

/** Those with an end in this process. */
function referencePoints({ network, asked }: NetworkInProcess) {
  const isHere = (end: FunctionName | 'ue') => end !== 'ue' && asked.includes(end);
  return POINTS.filter(({ between }) => between.some(isHere)).map(
    ({ point, between, protocol }) => {
      const isLocal = between.every(isHere) && asked.length === FUNCTIONS.length;
      return {
        point,
        between: between.map(end => (end === 'ue' ? 'UE' : INSTANCE[end])),
        protocol,
        link: isLocal ? network.settings.links : ('wire' as const),
      };
    },
  );
}
