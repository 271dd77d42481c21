// A network in a process of its own, which tells its parent how it fares: what it answered, how long
// it was ever tied up, what it holds in memory, what it logged as wrong.

import { readSettings } from '#operation/cli/settings';
import { runNetwork } from '#operation/run-network';
import { SipResponse } from '#sip/message';
import { ownCostOf } from './own-cost.ts';
import type { Asked, Fare, Said } from './victim.ts';

const ENDPOINTS = ['pcscf', 'icscf', 'scscf', 'as'] as const;
const settings = JSON.parse(process.argv[2] ?? '[]') as readonly string[];
const mistakes: string[] = [];
const said: Said[] = [];
const cost = ownCostOf();

const running = await runNetwork(readSettings(undefined, settings), {
  ports: 'ephemeral',
  log: { level: 'error', write: line => mistakes.push(line) },
  onEvent: event => {
    if (event.kind === 'decision') {
      const { decision, chose, because } = event;
      said.push({ kind: 'decision', decision, chose, because, callId: event.keys.callId });
    } else if (event.from === 'p-cscf' && event.message instanceof SipResponse) {
      if (event.point !== 'Gm') return;
      const { host, port } = event.destination;
      const { status } = event.message;
      const callId = event.message.keys().callId;
      const { link } = event;
      said.push({ kind: 'response', status, callId, link, to: `${host}:${port}` });
    }
    if (said.length > 50_000) said.splice(0, 25_000);
  },
});
process.on('uncaughtException', error => mistakes.push(`uncaught: ${error.stack}`));
process.on('unhandledRejection', error => mistakes.push(`unhandled: ${String(error)}`));

function fare(): Fare {
  const { rss, heapUsed } = process.memoryUsage();
  return {
    kind: 'fare',
    said: said.splice(0),
    mistakes: mistakes.splice(0),
    longest: cost.take(),
    rss,
    heap: heapUsed,
    transactions: ENDPOINTS.reduce((sum, name) => {
      const { servers = 0, clients = 0 } = running.network.functions[name]?.sip.counts ?? {};
      return sum + servers + clients;
    }, 0),
    registrations: JSON.stringify(running.network.functions.scscf?.registrations() ?? []),
  };
}

process.on('message', (asked: Asked) => {
  if (asked === 'collect') globalThis.gc?.();
  if (asked !== 'stop') {
    process.send?.(fare());
    cost.forget();
  } else void running.stop(0).then(() => process.exit(0));
});
process.on('disconnect', () => process.exit(1));
process.send?.({
  kind: 'ready',
  home: running.network.home,
  listening: running.network.listening,
  subscribers: running.network.settings.subscribers,
});
