// The figures as a table that a terminal and a Markdown file show alike.

import type { Measured } from './driver.ts';
import type { BenchReport, Scenario, SystemResult } from './run.ts';

/** CPU is of all processes of the system, user and system time; SIPp's is apart. */
export function tablesOf(report: BenchReport, scenarios: readonly Scenario[]): string {
  const { machine, seconds, date, systems } = report;
  const blocks = [...new Set(systems.map(({ system }) => system.authentication))].map(name => {
    const rows = systems.filter(({ system }) => system.authentication === name);
    return `${name}\n\n${table(
      headings(rows, scenarios),
      rows.map(row => cells(row, scenarios)),
    )}`;
  });
  const about = systems.map(({ system: { name, authentication, about } }) =>
    name.startsWith('carillon') ? `${name} (${authentication}): ${about}` : `${name}: ${about}`,
  );
  return [
    `${date.slice(0, 10)}; ${machine.cores} cores, ${machine.model}; runs of ${seconds} s`,
    'CPU: seconds per 1000 at the rate given, and where it was searched for, at the highest sustained rate.',
    ...blocks,
    [...new Set(about)].map(line => `- ${line}`).join('\n'),
  ].join('\n\n');
}

function headings(rows: readonly SystemResult[], scenarios: readonly Scenario[]): string[] {
  return [
    'system',
    ...scenarios.flatMap(name => {
      const rate = rows.find(({ fixed }) => fixed[name] !== undefined)?.fixed[name]?.rate;
      return [`${name} CPU${rate === undefined ? '' : ` at ${rate}/s`}`, `${name} highest/s`];
    }),
    'octets per registered',
    'MB empty',
    'ready s',
  ];
}

function cells(row: SystemResult, scenarios: readonly Scenario[]): string[] {
  return [
    row.system.name,
    ...scenarios.flatMap(name => [cpu(row.fixed[name]), highest(row.highest[name])]),
    row.octetsPerSubscriber?.toLocaleString('en') ?? '',
    row.megabytesEmpty?.toFixed(0) ?? '',
    row.secondsToReady.toFixed(2),
  ];
}

/** A figure of runs that failed, or that others on the machine disturbed, says so. */
function cpu(measured: Measured | undefined): string {
  const figure = measured?.sut_cpu_per_1000;
  if (measured === undefined || figure === null || figure === undefined) return '';
  const failed = measured.passed * 2 < measured.of ? ' (failed)' : '';
  const disturbed = measured.other_share > 0.15 ? ' (disturbed)' : '';
  return `${figure.toFixed(2)}${failed}${disturbed}`;
}

const highest = (measured: (Measured & { readonly max_rate: number }) | undefined): string =>
  measured === undefined ? '' : `${measured.max_rate} (${cpu(measured)})`;

function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map(row => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map(width => '-'.repeat(width)).join(' | ')} |`;
  return [line(headings), rule, ...rows.map(line)].join('\n');
}
