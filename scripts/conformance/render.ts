// docs/conformance.md: a chapter per specification, a row per clause that the code names, and what
// is known to be missing.

import type { Citation } from './citations.ts';
import { chapterOrder, TITLES } from './titles.ts';

export interface Gap {
  readonly spec: string;
  /** Left out where it is about the document as a whole. */
  readonly clause?: string;
  /** `deviation`: done otherwise, on purpose. `partly`: the rest is as the specification says. */
  readonly state: 'not done' | 'partly' | 'deviation';
  readonly what: string;
  readonly why: string;
}

export interface Evidence {
  readonly code: ReadonlyMap<string, readonly Citation[]>;
  readonly proofs: ReadonlyMap<string, readonly Citation[]>;
  readonly testsOf: (path: string) => readonly string[];
  readonly gaps: readonly Gap[];
}

interface Row {
  readonly done: Map<string, { symbols: Set<string>; decisions: Set<string> }>;
  readonly proofs: Set<string>;
}

/** At most so many links in one cell. */
const MOST = 3;

export function conformance(evidence: Evidence): string {
  const chapters = collect(evidence);
  const names = [...new Set([...chapters.keys(), ...evidence.gaps.map(({ spec }) => spec)])];
  names.sort(chapterOrder);
  const clauses = [...chapters.values()].reduce((sum, rows) => sum + rows.size, 0);
  const held = [...chapters.values()]
    .flatMap(rows => [...rows.values()])
    .filter(({ proofs }) => proofs.size > 0).length;
  return `${[
    '# Conformance',
    '',
    '<!-- Made by scripts/generate-docs.ts from the code, the tests and docs/gaps.yaml. Do not edit. -->',
    '',
    'Which clause of which specification the code implements, and what proves it. A row stands for a',
    'clause that the code names; *decides* is the decision by which a trace gives that clause as its',
    'reason. A test in **bold** names the clause itself, the others exercise the file. What is missing,',
    'or done otherwise on purpose, is listed first in each chapter.',
    '',
    `${names.length} specifications, ${clauses} clauses, ${held} of them named by a test, ${evidence.gaps.length} known gaps and deviations.`,
    '',
    '| Specification | Clauses | Gaps |',
    '| --- | ---: | ---: |',
    ...names.map(name => {
      const gaps = evidence.gaps.filter(({ spec }) => spec === name).length;
      return `| [${titled(name)}](#${anchor(titled(name))}) | ${chapters.get(name)?.size ?? 0} | ${gaps || ''} |`;
    }),
    ...names.flatMap(name => chapter(name, chapters.get(name), evidence)),
  ].join('\n')}\n`;
}

function collect({ code, proofs }: Evidence): ReadonlyMap<string, Map<string, Row>> {
  const chapters = new Map<string, Map<string, Row>>();
  for (const [path, citations] of code) {
    for (const { document, clause, symbol, decision } of citations) {
      const rows = entry(chapters, document, () => new Map());
      const row = entry(rows, clause, () => ({ done: new Map(), proofs: new Set<string>() }));
      const file = entry(row.done, path, () => ({ symbols: new Set(), decisions: new Set() }));
      if (decision !== undefined) file.decisions.add(decision);
      else if (symbol !== undefined) file.symbols.add(symbol);
    }
  }
  for (const [path, citations] of proofs) {
    for (const { document, clause } of citations) {
      chapters.get(document)?.get(clause)?.proofs.add(path);
    }
  }
  return chapters;
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const kept = map.get(key) ?? make();
  map.set(key, kept);
  return kept;
}

function chapter(name: string, rows: Map<string, Row> | undefined, evidence: Evidence): string[] {
  const gaps = evidence.gaps.filter(({ spec }) => spec === name);
  const lines = ['', `## ${titled(name)}`];
  if (gaps.length > 0) {
    lines.push('', '| Clause | State | What | Why |', '| --- | --- | --- | --- |');
    for (const gap of [...gaps].sort((a, b) => byClause(a.clause ?? '', b.clause ?? ''))) {
      lines.push(`| ${gap.clause ?? 'all'} | **${gap.state}** | ${gap.what} | ${gap.why} |`);
    }
  }
  if (rows !== undefined) {
    lines.push('', '| Clause | Done in | Proved by |', '| --- | --- | --- |');
    for (const [clause, row] of [...rows].sort(([a], [b]) => byClause(a, b))) {
      lines.push(`| ${clause || 'throughout'} | ${done(row)} | ${proved(row, evidence)} |`);
    }
  }
  return lines;
}

function done(row: Row): string {
  const files = [...row.done].sort(([a], [b]) => a.localeCompare(b));
  const shown = files.slice(0, MOST).map(([path, { symbols, decisions }]) => {
    const names = [...symbols].sort().slice(0, MOST);
    const said = [...decisions].sort().slice(0, MOST);
    return [
      link(path),
      ...(names.length > 0 ? [names.map(one => `\`${one}\``).join(', ')] : []),
      ...(said.length > 0 ? [`decides ${said.map(one => `*${one}*`).join(', ')}`] : []),
    ].join(' ');
  });
  return more(shown, files.length);
}

function proved(row: Row, { testsOf }: Evidence): string {
  const naming = [...row.proofs].sort();
  const others = [...new Set([...row.done.keys()].sort().flatMap(path => testsOf(path)))].filter(
    path => !row.proofs.has(path),
  );
  const all = [...naming.map(path => `**${link(path)}**`), ...others.map(link)];
  return all.length === 0 ? '—' : more(all.slice(0, MOST), all.length);
}

const more = (shown: readonly string[], all: number): string =>
  shown.join('<br>') + (all > shown.length ? `<br>and ${all - shown.length} more` : '');

const link = (path: string): string =>
  `[${path.replace(/^src\/(protocols\/|functions\/)?/, '')}](../${path})`;

const titled = (name: string): string =>
  TITLES[name] === undefined ? name : `${name}: ${TITLES[name]}`;

/** As GitHub makes them. */
const anchor = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .replace(/\s/g, '-');

const byClause = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });
