// Subscriber records as a terminal shows them.

import type { ImportReport, Pushed, SubscriberView } from '#functions/hss/hss';

/** A line of `subscriber list`. */
export function rowOf(subscriber: SubscriberView): string {
  const { imsi, msisdn, name, services, suspended, registration } = subscriber;
  const state = suspended ? 'suspended' : registration.state;
  const number = msisdn === undefined ? '' : `+${msisdn}`;
  return [
    imsi.padEnd(16),
    number.padEnd(17),
    (name ?? '').padEnd(16),
    state.padEnd(15),
    services.join(' '),
  ]
    .join('')
    .trimEnd();
}

export const HEADING = `${'IMSI'.padEnd(16)}${'number'.padEnd(17)}${'name'.padEnd(16)}${'state'.padEnd(15)}services`;

/** All of a record but its secrets. */
export function describe(subscriber: SubscriberView): string {
  const { imsi, msisdn, name, services, secrets, identities, registration } = subscriber;
  const { amf, sqn, digest, suspended } = subscriber;
  const lines: [string, string][] = [
    ['IMSI', imsi],
    ...(msisdn === undefined ? [] : [['number', `+${msisdn}`] as [string, string]]),
    ...(name === undefined ? [] : [['name', name] as [string, string]]),
    ['state', suspended ? `suspended, ${registration.state}` : registration.state],
    ...(registration.server === undefined
      ? []
      : [['S-CSCF', registration.server] as [string, string]]),
    ...identities.impis.map(({ impi, scheme }, at): [string, string] => [
      at === 0 ? 'IMPI' : '',
      `${impi}  ${scheme}${registration.impis.includes(impi) ? ', registered' : ''}`,
    ]),
    ...identities.impus.map(({ impu, barred }, at): [string, string] => [
      at === 0 ? 'IMPU' : '',
      `${impu}${barred ? '  barred' : ''}`,
    ]),
    ['services', services.join(' ') || 'none'],
    ...(digest === undefined ? [] : [['digest', digest.join(' ')] as [string, string]]),
    ['AMF, SQN', `${amf}, ${sqn}`],
    ['secrets', `${secrets.join(', ')} (kept, never shown)`],
  ];
  return lines.map(([label, value]) => `${label.padEnd(10)}${value}`).join('\n');
}

/** What S-CSCFs were told; nothing where nobody had to be. */
export function pushedText(pushed: readonly Pushed[]): readonly string[] {
  return pushed.map(({ command, to, result, outcome }) => {
    const what = command === 'RTR' ? 'told to end the registration' : 'given the new profile';
    return outcome === 'done'
      ? `${to} was ${what} (${command})`
      : `${to} was to be ${what} (${command}), but ${outcome === 'undelivered' ? 'is away' : `answered ${result}`}`;
  });
}

/** Every bad line, as compilers tell errors. */
export function problemLines(file: string, { problems, more }: ImportReport): readonly string[] {
  const lines = problems.map(({ line, column, message }) =>
    column === undefined ? `${file}:${line}: ${message}` : `${file}:${line}: ${column}: ${message}`,
  );
  if (more > 0) lines.push(`… and ${more} more`);
  return lines;
}

export function reportText(
  { lines, added, updated, applied, problems, more }: ImportReport,
  milliseconds: number,
): string {
  const bad = problems.length + more;
  const said = `${bad} problem${bad === 1 ? '' : 's'}`;
  if (!applied) return `${said}; nothing was applied (--skip-bad applies the good lines)`;
  const changed = updated > 0 ? `, ${updated} changed` : '';
  const left = bad > 0 ? `; lines left out for ${said}` : '';
  const time = `${(milliseconds / 1000).toFixed(1)} s`;
  return `${added} added${changed} of ${lines} lines in ${time}${left}`;
}
