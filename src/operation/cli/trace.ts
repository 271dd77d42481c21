// `carillon trace`: what a running network does, and why. In a terminal a list, a ladder and messages
// to walk through; else, or when it is asked for, the ladder as it happens, JSON lines, a capture file,
// copies for a HEP collector.

import { createWriteStream, existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import type { Command } from 'commander';
import { UsageError } from '#kernel/errors';
import type { TraceEvent } from '#kernel/trace';
import { hepSink } from '../trace/hep.ts';
import { jsonLine } from '../trace/json.ts';
import { Ladder, terminalStyle } from '../trace/ladder.ts';
import { PcapngStream } from '../trace/pcapng.ts';
import type { TraceQuery } from '../trace/query.ts';
import { runTui } from '../trace/tui.ts';
import { API_HELP, ApiClient, withApi } from './api-client.ts';
import { endSignal } from './end-signal.ts';
import { CommandFailed, reporting } from './failure.ts';
import { traceOver } from './trace-source.ts';

interface TraceOptions {
  readonly api?: string;
  readonly subscriber?: string;
  readonly call?: string;
  readonly protocol?: string;
  readonly since?: string;
  readonly for?: string;
  readonly once?: boolean;
  readonly ladder?: boolean;
  readonly json?: boolean;
  readonly pcap?: string;
  readonly hep?: string;
}

const PROTOCOLS = ['sip', 'diameter', 'rtp'] as const;
/** Functions get their columns in the order of a registration. */
const COLUMNS = ['p-cscf', 'i-cscf', 's-cscf', 'hss', 'as'];

export function configure(command: Command): void {
  withApi(command)
    .option('--subscriber <who>', 'whole stories of one: IMSI, number, name or identity')
    .option('--call <id>', 'the whole story of a Call-ID, ICID or Session-Id')
    .option('--protocol <name>', `only messages of ${PROTOCOLS.join(', ')}`)
    .option('--since <when>', 'also what is remembered since then: 30s, 5m, 2h, or a time in UTC')
    .option('--once', 'show what is remembered, then end')
    .option('--for <seconds>', 'end after so long')
    .option('--ladder', 'the ladder as it happens, in a terminal too')
    .option('--json', 'a JSON document a line')
    .option('--pcap <file>', 'also write a capture for Wireshark')
    .option('--hep <host:port>', 'also send copies to a HEPv3 collector')
    .addHelpText(
      'after',
      `
In a terminal: arrows and Enter walk from the list to the ladder to the message, q goes back and at
last ends, / filters, s saves a capture, F1 tells the rest. Secrets are masked everywhere.
${API_HELP}

Examples:
  carillon trace
  carillon trace --subscriber alice --ladder
  carillon trace --once --since 5m --pcap last.pcapng
  carillon trace --hep 127.0.0.1:9060 > /dev/null
  carillon trace --json | jq -r .summary`,
    )
    .action(reporting(trace));
}

async function trace(options: TraceOptions): Promise<void> {
  const query = queryOf(options);
  const collector = options.hep === undefined ? undefined : addressOf(options.hep);
  const api = new ApiClient(options);
  await api.network();
  const end = endSignal(options.for);
  const isPlain =
    options.ladder || options.json || options.once || options.pcap || collector !== undefined;
  if (!isPlain && process.stdout.isTTY && process.stdin.isTTY) {
    const { stdin: input, stdout: output, env: environment } = process;
    return runTui(traceOver(api), query, { input, output, environment, save }, end);
  }
  const sinks = [
    options.json ? jsonSink() : ladderSink(),
    ...(options.pcap === undefined ? [] : [pcapSink(options.pcap)]),
    ...(collector === undefined ? [] : [hepSinkTo(collector)]),
  ];
  try {
    await feed(api, query, options.once === true, end, event => {
      for (const sink of sinks) sink.add(event);
    });
  } finally {
    for (const sink of sinks) await sink.end();
  }
}

async function feed(
  api: ApiClient,
  query: TraceQuery,
  once: boolean,
  end: AbortSignal,
  add: (event: TraceEvent) => void,
): Promise<void> {
  const source = traceOver(api);
  if (once) {
    for (const event of await source.list(query)) add(event);
    return;
  }
  for await (const event of source.stream(query, end)) {
    if (event.kind !== 'missed') add(event);
    else process.stderr.write(`carillon: ${event.count} events missed; the network is faster\n`);
  }
}

// ------------------------------------------------------------------------------------ sinks

interface Sink {
  add(event: TraceEvent): void;
  end(): Promise<void> | void;
}

function ladderSink(): Sink {
  const style = terminalStyle(process.stdout, process.env);
  const ladder = new Ladder(style, line => process.stdout.write(`${line}\n`), COLUMNS);
  return { add: event => ladder.add(event), end() {} };
}

function jsonSink(): Sink {
  return { add: event => void process.stdout.write(`${jsonLine(event)}\n`), end() {} };
}

function pcapSink(path: string): Sink {
  const file = createWriteStream(path);
  let failure: Error | undefined;
  file.on('error', error => {
    failure = error;
  });
  const stream = new PcapngStream(octets => file.write(octets));
  let messages = 0;
  return {
    add(event) {
      if (failure !== undefined) throw new CommandFailed(`--pcap ${path}: ${failure.message}`);
      if (event.kind === 'message') messages++;
      stream.add(event);
    },
    async end() {
      stream.end();
      file.end();
      await finished(file).catch(error => {
        throw new CommandFailed(`--pcap ${path}: ${error.message}`);
      });
      process.stderr.write(`carillon: ${messages} messages written to ${path}\n`);
    },
  };
}

function hepSinkTo(collector: { host: string; port: number }): Sink {
  const sink = hepSink(collector);
  return { add: event => sink.add(event), end: () => sink.close() };
}

/** Never over a file that is there. */
async function save(capture: Uint8Array): Promise<string> {
  for (let n = 1; ; n++) {
    const path = `carillon-${n}.pcapng`;
    if (existsSync(path)) continue;
    await writeFile(path, capture, { flag: 'wx' });
    return path;
  }
}

// ------------------------------------------------------------------------------------ options

function queryOf(options: TraceOptions): TraceQuery {
  const { subscriber, call, since } = options;
  const protocol = PROTOCOLS.find(one => one === options.protocol);
  if (options.protocol !== undefined && protocol === undefined) {
    throw new UsageError(`--protocol ${options.protocol}: write one of ${PROTOCOLS.join(', ')}`);
  }
  return {
    ...(subscriber === undefined ? {} : { subscriber }),
    ...(call === undefined ? {} : { call }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(since === undefined ? {} : { since: instantOf(since) }),
  };
}

const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

function instantOf(text: string): number {
  const ago = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text);
  if (ago !== null) return Date.now() - Number(ago[1]) * UNITS[ago[2] as keyof typeof UNITS];
  const isTime = /^\d{4}-\d\d-\d\d/.test(text);
  const instant = isTime
    ? Date.parse(/[Zz]|[+-]\d\d:\d\d$/.test(text) ? text : `${text}Z`)
    : Number.NaN;
  if (!Number.isNaN(instant)) return instant;
  throw new UsageError(
    `--since ${text}: write 30s, 5m, 2h, or a time such as 2026-01-31T12:00:00Z`,
  );
}

function addressOf(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:\s]+)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65_535) {
    throw new UsageError(`--hep ${text}: write HOST:PORT, such as 127.0.0.1:9060`);
  }
  return { host: match[1] ?? match[2]!, port };
}
