// `carillon flow NAME`: runs one flow on a network of its own and shows the ladder as it happens,
// with the reasons, and a verdict per step.

import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { UsageError } from '#kernel/errors';
import { INSTANCE } from '#networks/compose';
import type { NetworkSettings } from '#networks/schema';
import type { Flow, FlowResult, Verdict } from '../flows/flow.ts';
import { FLOWS } from '../flows/flows.ts';
import { runFlow } from '../flows/run-flow.ts';
import { eventToJson } from '../trace/json.ts';
import { Ladder, terminalStyle } from '../trace/ladder.ts';
import { pcapngOf } from '../trace/pcapng.ts';

interface FlowOptions {
  readonly break?: string;
  readonly links: string;
  readonly simulate?: boolean;
  readonly seed: string;
  readonly pcap?: string;
  readonly json?: boolean;
}

const LINKS = ['wire', 'local', 'checked'] as const;

export function configure(command: Command): void {
  command
    .argument('<name>', `${FLOWS.map(({ name }) => name).join(', ')}; or list`)
    .option(
      '--break <fault>',
      'make one thing go wrong: wrong-key, drop=MAA, down=hss, drop=SAR@deregister …',
    )
    .option('--links <kind>', `how functions meet: ${LINKS.join(', ')}`, 'wire')
    .option('--simulate', 'in simulated time, with no socket')
    .option('--seed <n>', 'what simulated chance is made from', '1')
    .option('--pcap <file>', 'write what crossed as pcapng, for Wireshark')
    .option('--json', 'print one JSON document instead of the ladder')
    .addHelpText(
      'after',
      `
Examples:
  carillon flow list
  carillon flow registration
  carillon flow call --pcap call.pcapng
  carillon flow registration --break wrong-key      exit 1, naming the step that failed and why
  carillon flow call --simulate --seed 7 --links checked`,
    )
    .action(flow);
}

async function flow(name: string, options: FlowOptions): Promise<void> {
  if (name === 'list') return list(options.json === true);
  const chosen = FLOWS.find(one => one.name === name);
  if (chosen === undefined) {
    throw new UsageError(
      `flow ${name}: there is no such flow; write ${FLOWS.map(one => one.name).join(', ')} or list`,
    );
  }
  const links = LINKS.find(kind => kind === options.links);
  if (links === undefined)
    throw new UsageError(`flow: --links ${options.links}: write ${LINKS.join(', ')}`);
  const seed = options.simulate ? seedOf(options.seed) : undefined;

  const print = options.json ? () => {} : (line: string) => void process.stdout.write(`${line}\n`);
  const ladder = new Ladder(terminalStyle(process.stdout, process.env), print, [
    ...chosen.phones,
    ...['pcscf', 'icscf', 'scscf', 'hss', 'as'].map(key => INSTANCE[key as keyof typeof INSTANCE]),
  ]);
  const begun = performance.now();
  const result = await runFlow(chosen, {
    links: links as NetworkSettings['links'],
    ...(seed !== undefined && { seed }),
    ...(options.break !== undefined && { break: options.break }),
    onEvent: event => ladder.add(event),
    onVerdict: verdict => print(verdictLine(verdict)),
  });
  if (options.pcap !== undefined) writeFileSync(options.pcap, pcapngOf(result.events));
  if (options.json) process.stdout.write(`${JSON.stringify(documentOf(result), null, 2)}\n`);
  else print(summary(chosen, result, performance.now() - begun, options.pcap));
  process.exitCode = result.held ? 0 : 1;
}

function seedOf(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`flow: --seed ${text}: write a number`);
  return Number(text);
}

function list(asJson: boolean): void {
  if (asJson) {
    const flows = FLOWS.map(({ name, summary, steps }) => ({
      name,
      summary,
      steps: steps.map(({ id, title, clause, breaks }) => ({ id, title, clause, breaks })),
    }));
    process.stdout.write(`${JSON.stringify(flows, null, 2)}\n`);
    return;
  }
  for (const { name, summary, steps } of FLOWS) {
    process.stdout.write(`${name}: ${summary}\n`);
    for (const { id, title, breaks } of steps) {
      process.stdout.write(
        `  ${id.padEnd(22)} ${title}\n${' '.repeat(25)}--break ${breaks.join(' | ')}\n`,
      );
    }
  }
}

const verdictLine = ({ held, step, clause, because }: Verdict): string =>
  `${held ? '✔' : '✖'} ${step}  (${clause})${because === undefined ? '' : `\n  because ${because}`}`;

function summary(flow: Flow, result: FlowResult, took: number, pcap: string | undefined): string {
  const messages = result.events.filter(event => event.kind === 'message').length;
  const written = pcap === undefined ? '' : `; written to ${pcap}`;
  const failed = result.steps.find(step => !step.held);
  const verdict =
    failed === undefined
      ? `flow ${flow.name}: all ${flow.steps.length} steps held`
      : `flow ${flow.name} failed at step ${failed.id}: ${failed.because}`;
  return `\n${verdict} (${messages} messages, ${(took / 1000).toFixed(1)} s${written})`;
}

function documentOf(result: FlowResult): object {
  const { flow: name, held, steps, events } = result;
  return { flow: name, held, steps, events: events.map(event => eventToJson(event)) };
}
