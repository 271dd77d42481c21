// `carillon up`: a network in the foreground, until Ctrl-C or SIGTERM.

import type { Command } from 'commander';
import { AddressError, UsageError } from '#kernel/errors';
import { FUNCTIONS, type FunctionName, INSTANCE, type Listening } from '#networks/compose';
import type { NetworkSettings } from '#networks/schema';
import { checkExposure, exposureOf } from '../api/access.ts';
import { healthOf } from '../api/network.ts';
import { type Api, serveApi } from '../api/server.ts';
import { type NetworkInProcess, runNetwork } from '../run-network.ts';
import { DEFAULT_API } from './api-client.ts';
import { asFailure, CommandFailed, reporting } from './failure.ts';
import { collect, readSettings } from './settings.ts';

interface UpOptions {
  readonly data: string;
  readonly only?: string;
  readonly set?: readonly string[];
  readonly log: string;
  readonly quiet?: boolean;
}

/** Milliseconds from being asked to stop to being gone, whatever happens. */
const STOPPED_WITHIN = 5000;
/** Milliseconds to wait for functions to find each other, looking now and then. */
const PATIENCE = 500;
const LOOK = 5;
const FORMATS = ['text', 'json'] as const;

export function configure(command: Command): void {
  command
    .argument('[file]', 'network file (default: the built-in lab network)')
    .option('--data <dir>', 'directory of all that persists', './carillon-data')
    .option('--only <functions>', `run only these, separated by commas: ${FUNCTIONS.join(',')}`)
    .option('--set <path=value>', 'override one setting of the file; may be repeated', collect)
    .option('--log <format>', 'log lines as text or json', 'text')
    .option('--quiet', 'print only errors')
    .addHelpText(
      'after',
      `
Examples:
  carillon up                                     the lab network
  carillon up office.yaml --data /var/lib/carillon
  carillon up --set scscf.listen=true --set scscf.digest.algorithms='[MD5, SHA-256]'
  carillon up --only hss                          one function of the file in this process
  carillon up --set bind=0.0.0.0 --set console.bind=127.0.0.1   phones of the LAN may register`,
    )
    .action(reporting(up));
}

async function up(file: string | undefined, options: UpOptions): Promise<void> {
  const settings = readSettings(file, options.set);
  const only = onlyThese(options.only);
  const format = FORMATS.find(one => one === options.log);
  if (format === undefined) {
    throw new UsageError(`up: --log ${options.log}: write ${FORMATS.join(' or ')}`);
  }
  // Before anything is made: a wrong file changes nothing.
  checkExposure(exposureOf(settings));
  const say = (line: string): void => {
    if (!options.quiet) process.stdout.write(`${line}\n`);
  };
  const started = performance.now();
  const stopping = stopSignal();
  const running = await start(settings, () =>
    runNetwork(settings, {
      data: options.data,
      ...(only !== undefined && { only }),
      log: { format, level: options.quiet ? 'error' : settings.log.level },
    }),
  );
  goOnAfterMistakes(running);
  const api = await start(settings, () => serveApi(running, settings)).catch(async error => {
    await running.stop(0);
    throw error;
  });
  const idle = await whatDoesNotServe(running);
  for (const line of description(running, settings, api, file)) say(line);
  for (const { name, because } of idle) say(`The ${name} does not serve yet: ${because}.`);
  say(`Ready in ${((performance.now() - started) / 1000).toFixed(2)} s. Ctrl-C stops it.`);

  await new Promise<void>(resolve => {
    if (stopping.aborted) resolve();
    else stopping.addEventListener('abort', () => resolve());
  });
  say('Stopping …');
  setTimeout(() => process.exit(1), STOPPED_WITHIN).unref();
  await Promise.all([api.close(), running.stop()]);
}

function onlyThese(list: string | undefined): readonly FunctionName[] | undefined {
  return list?.split(',').map(name => {
    const known = FUNCTIONS.find(candidate => candidate === name.trim());
    if (known === undefined) {
      throw new UsageError(
        `up: --only ${name}: there is no such function; write ${FUNCTIONS.join(', ')}`,
      );
    }
    return known;
  });
}

function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stopping.signal.aborted) process.exit(1); // a second Ctrl-C means now
      stopping.abort();
    });
  }
  return stopping.signal;
}

/** A procedure of ours that failed unseen is told, and ends; the network does not. */
function goOnAfterMistakes({ log }: NetworkInProcess): void {
  const tell = (error: unknown): void =>
    log.error('internal error', {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  process.on('unhandledRejection', tell);
  process.on('uncaughtException', tell);
}

/** What the machine refuses is told with the setting that could be another. */
async function start<T>(settings: NetworkSettings, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AddressError) throw new CommandFailed(explain(error, settings));
    throw asFailure(error);
  }
}

/** The setting that chose the port, so that the person knows what to change. */
function explain(error: AddressError, settings: NetworkSettings): string {
  const { host, port } = error.address;
  if (error.code === 'unavailable' && port >= 1024) {
    const setting = bindOf(settings, host);
    return `${error.message} (setting ${setting}). Set it to an address of this machine: carillon up --set ${setting}=127.0.0.1`;
  }
  const names = portsOf(settings, port);
  const other = port < 1024 ? port + 5000 : port < 60_000 ? port + 1000 : port - 1000;
  const choice = names.map(name => `--set ${name}=${other}`).join(' ');
  return `${error.message} (setting ${names.join(' or ')}). Stop what uses it, or choose another: carillon up ${choice}`;
}

/** Settings that chose the port; of the Gm ones those two that may have the same. */
function portsOf(settings: NetworkSettings, port: number): readonly string[] {
  const gm = (['udp', 'tcp', 'tls', 'ws', 'wss', 'mw'] as const)
    .filter(name => settings.pcscf[name] === port)
    .map(name => `pcscf.${name}`);
  if (gm.length > 0) return gm;
  const other = (['icscf', 'scscf', 'hss', 'as', 'console'] as const).find(
    name => settings[name].port === port,
  );
  return other === undefined ? ['bind'] : [`${other}.port`];
}

function bindOf(settings: NetworkSettings, host: string): string {
  const own = (['pcscf', 'icscf', 'scscf', 'hss', 'as', 'console'] as const).find(
    name => settings[name].bind === host,
  );
  return own === undefined ? 'bind' : `${own}.bind`;
}

/** Peers meet within a moment, those of this process at least. */
async function whatDoesNotServe(running: NetworkInProcess) {
  for (let left = PATIENCE / LOOK; ; left--) {
    const { status, functions } = healthOf(running);
    if (status === 'serving' || left <= 0) return functions.filter(({ serving }) => !serving);
    await new Promise(resolve => setTimeout(resolve, LOOK));
  }
}

function* description(
  { network, data, asked }: NetworkInProcess,
  settings: NetworkSettings,
  api: Api,
  file: string | undefined,
): Generator<string> {
  const { listening, home } = network;
  yield `Carillon: network ${settings.network}, home domain ${home}`;
  yield '';
  for (const one of listening) yield `  ${lineOf(one)}`;
  yield `  ${'console'.padEnd(8)} ${'HTTP'.padEnd(5)} ${''.padEnd(4)} ${api.url}  (API: ${api.url}/api/v1/)`;
  const local = asked.filter(name => listening.every(one => one.function !== name));
  if (local.length > 0) {
    const names = local.map(name => INSTANCE[name]).join(', ');
    yield `  in this process only: ${names} (open one by --set ${local[0]}.listen=true)`;
  }
  yield `  data     ${data ?? 'in memory, gone when this ends'}`;
  yield '';
  const finds = [
    ...(file === undefined ? [] : [` --file ${file}`]),
    ...(api.url === DEFAULT_API ? [] : [` --api ${api.url}`]),
  ];
  if (network.functions.pcscf !== undefined) yield* phones(network, settings, finds.join(''));
}

function* phones(
  { listening, home }: NetworkInProcess['network'],
  settings: NetworkSettings,
  finds: string,
): Generator<string> {
  const named = settings.subscribers.filter(one => one.name !== undefined);
  const udp = listening.find(one => one.point === 'Gm' && one.protocol === 'udp');
  if (named.length === 0 || udp === undefined) return;
  yield 'Subscribers of a new data directory:';
  for (const { name, msisdn, password, imsi, k } of named) {
    const ways = [
      ...(password === undefined ? [] : [`password ${password}`]),
      ...(k === undefined ? [] : [`SIM ${imsi}`]),
    ];
    const number = msisdn === undefined ? '' : `+${msisdn}  `;
    yield `  sip:${name}@${home}  ${number}${ways.join(' or ')}`;
  }
  const { host, port } = udp.address;
  const proxy = `${host === '0.0.0.0' || host === '::' ? 'this machine' : bracketed(host)}:${port}`;
  yield `A SIP phone: name, domain and password as above, outbound proxy ${proxy}.`;
  yield `An emulated one: carillon ue ${named[0]?.name} call echo${finds}`;
  yield '';
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

function lineOf({ function: name, point, protocol, address }: Listening): string {
  const where = `${bracketed(address.host)}:${address.port}`;
  return `${INSTANCE[name].padEnd(8)} ${point.padEnd(5)} ${protocol.padEnd(4)} ${where}`;
}
