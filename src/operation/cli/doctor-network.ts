// The doctor looks at a running network, over its API: functions, peers, clock, trace.

import type { NetworkInfo } from '../api/schemas.ts';
import { type ApiClient, Unreachable } from './api-client.ts';
import type { Finding } from './doctor-finding.ts';
import { CommandFailed } from './failure.ts';

/** What answers at the API's address. */
export interface Running {
  readonly network: NetworkInfo | undefined;
  readonly failure: CommandFailed | undefined;
  /** Milliseconds that its clock is ahead of ours, about; undefined where it does not tell. */
  readonly ahead: number | undefined;
}

interface Peer {
  readonly at: string;
  readonly protocol: string;
  readonly point: string;
  readonly name: string;
  readonly state: string;
}

/** Certificates and nonces bear less. */
const MOST_AHEAD = 30_000;
const LATE = 100;

export async function whatRuns(api: ApiClient): Promise<Running> {
  try {
    const network = await api.network();
    const response = await api.send('GET', '/api/v1/calls').catch(() => undefined);
    const date = Date.parse(response?.headers.date ?? '');
    response?.destroy();
    const ahead = Number.isNaN(date) ? undefined : date - Date.now();
    return { network, failure: undefined, ahead };
  } catch (failure) {
    if (!(failure instanceof CommandFailed)) throw failure;
    return { network: undefined, failure, ahead: undefined };
  }
}

export async function networkFindings(
  api: ApiClient,
  { network, failure, ahead }: Running,
): Promise<readonly Finding[]> {
  if (network === undefined) return [absent(api, failure)];
  const here = network.functions.filter(one => one.here);
  const idle = here.filter(({ serving }) => !serving);
  const head = `${network.name} at ${api.url}, ${here.length} functions, up since ${network.started.slice(0, 19).replace('T', ' ')} UTC`;
  return [
    { check: 'network', level: 'good', found: head },
    ...idle.map(
      ({ instance, because = 'unknown' }): Finding => ({
        check: 'network',
        level: 'problem',
        found: `the ${instance} does not serve: ${because}`,
        remedy: because.startsWith('no HSS')
          ? 'start the HSS, or correct hss.address; the CSCF connects by itself'
          : 'its log tells why it stopped; start the network again',
      }),
    ),
    ...(await peerFindings(api)),
    ...loadFindings(network),
    ...(ahead === undefined || Math.abs(ahead) < MOST_AHEAD ? [] : [skew(ahead)]),
  ];
}

function absent(api: ApiClient, failure: CommandFailed | undefined): Finding {
  const isSilent = failure instanceof Unreachable;
  return {
    check: 'network',
    level: isSilent ? 'warning' : 'problem',
    found: failure?.message ?? `nothing answers at ${api.url}`,
    remedy: isSilent ? 'start one by carillon up, or name it by --api URL' : 'see the message',
  };
}

async function peerFindings(api: ApiClient): Promise<readonly Finding[]> {
  const { peers } = await api.json<{ peers: readonly Peer[] }>('GET', '/api/v1/peers');
  const away = peers.filter(({ state }) => state !== 'open');
  const open = `${peers.length - away.length} of ${peers.length} peers are open`;
  return [
    { check: 'peers', level: 'good', found: open },
    ...away.map(
      ({ at, protocol, point, name, state }): Finding => ({
        check: 'peers',
        level: 'warning',
        found: `${at} to ${name} over ${point} (${protocol}) is ${state}`,
        remedy: `see that ${name} runs, is reachable, and allows ${at} by its name; ${at} tries again by itself`,
      }),
    ),
  ];
}

function loadFindings({ load }: NetworkInfo): readonly Finding[] {
  if (load.eventLoopDelay <= LATE) return [];
  return [
    {
      check: 'load',
      level: 'warning',
      found: `a hundredth of its turns is ${Math.round(load.eventLoopDelay)} ms late or more`,
      remedy:
        'the processor is busy: look at carillon_messages_total in /metrics, or run functions apart with --only',
    },
  ];
}

const skew = (ahead: number): Finding => ({
  check: 'clock',
  level: 'warning',
  found: `the clock of the network is ${Math.round(Math.abs(ahead) / 1000)} s ${ahead > 0 ? 'ahead of' : 'behind'} this one`,
  remedy: 'set both by NTP',
});
