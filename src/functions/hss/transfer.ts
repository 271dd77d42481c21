// Import and export of records. Every line is checked before the first is applied; what is wrong is
// told with line, column and reason.

import { UsageError } from '#kernel/errors';
import { CsvError, csvLine, csvRows, type LineProblem, readHeader, readRow } from './csv.ts';
import type { HssParts } from './cx.ts';
import { type Entry, uniqueKeys } from './database.ts';
import type { Provisioning } from './provisioning.ts';
import {
  changed,
  FIELDS,
  type Field,
  RecordError,
  type SubscriberInput,
  subscriberFrom,
} from './subscriber.ts';
import { currentSqn } from './view.ts';

export interface ImportOptions {
  /** Apply the good lines and leave the bad ones out. Default: nothing if a line is bad. */
  readonly skipBad?: boolean;
  /**
   * What becomes of a line whose IMSI is known: it is bad, or its columns replace the record's.
   * Default 'refuse'.
   */
  readonly existing?: 'refuse' | 'update';
  /** Called now and then with the lines gone through, in either pass. */
  readonly onProgress?: (progress: { pass: 'check' | 'apply'; lines: number }) => void;
}

export interface ImportReport {
  /** Lines with a record on them. */
  readonly lines: number;
  readonly added: number;
  readonly updated: number;
  /** The first thousand; `more` counts the others. */
  readonly problems: readonly LineProblem[];
  readonly more: number;
  /** Whether anything was applied, or could have been. */
  readonly applied: boolean;
}

/** A file that can be read from its start more than once. */
export type CsvSource = () => AsyncIterable<string> | Iterable<string>;

const MAX_PROBLEMS = 1000;
const BATCH = 500;
const PROGRESS = 5000;
/** Lines after which others have their turn: an import does not hold up the network. */
const BREATH = 100;

export async function importCsv(
  hss: HssParts,
  provisioning: Provisioning,
  source: CsvSource,
  options: ImportOptions = {},
): Promise<ImportReport> {
  return new Import(hss, provisioning, source, options).run();
}

/** One line, read: a new record, or changes to a known one. */
type Line =
  | { readonly line: number; readonly kind: 'new'; readonly entry: Entry }
  | {
      readonly line: number;
      readonly kind: 'known';
      readonly values: Values;
      readonly entry: Entry;
    };
type Values = Readonly<Record<string, string | null>>;

class Import {
  readonly #hss: HssParts;
  readonly #provisioning: Provisioning;
  readonly #source: CsvSource;
  readonly #options: ImportOptions;
  readonly #problems: LineProblem[] = [];
  readonly #bad = new Set<number>();
  #more = 0;
  #lines = 0;
  /** The state of the records that the check holds for, our own batches included. */
  #checkedAt = 0;
  #added = 0;
  #updated = 0;

  constructor(
    hss: HssParts,
    provisioning: Provisioning,
    source: CsvSource,
    options: ImportOptions,
  ) {
    this.#hss = hss;
    this.#provisioning = provisioning;
    this.#source = source;
    this.#options = options;
  }

  async run(): Promise<ImportReport> {
    this.#checkedAt = this.#provisioning.changes;
    const hasHeader = await this.#check();
    const isGood = hasHeader && (this.#bad.size === 0 || this.#options.skipBad === true);
    if (isGood) await this.#apply();
    return {
      lines: this.#lines,
      added: this.#added,
      updated: this.#updated,
      problems: this.#problems,
      more: this.#more,
      applied: isGood,
    };
  }

  /** The first pass; false when not even the columns are known. */
  async #check(): Promise<boolean> {
    const isEmpty = (await this.#hss.database.count()) === 0;
    const seen = new Map<string, number>();
    return this.#eachLine('check', async line => {
      if (!isEmpty) {
        const { entry } = line;
        const conflicts =
          line.kind === 'new'
            ? await this.#provisioning.conflictsOfNew(entry)
            : await this.#provisioning.conflicts(entry);
        for (const { field, message } of conflicts) this.#problem(line.line, field, message);
      }
      for (const [key, field] of uniqueKeys(line.entry)) {
        const other = seen.get(key);
        if (other === undefined) seen.set(key, line.line);
        else
          this.#problem(
            line.line,
            field,
            `${key.replace(/^\S+ /, '')} stands on line ${other} already`,
          );
      }
    });
  }

  async #apply(): Promise<void> {
    let batch: Line[] = [];
    await this.#eachLine('apply', async line => {
      if (this.#bad.has(line.line)) return;
      if (line.kind === 'known') {
        await this.#provisioning.change(line.entry.subscriber.imsi, line.values);
        this.#updated++;
        return;
      }
      batch.push(line);
      if (batch.length < BATCH) return;
      await this.#add(batch);
      batch = [];
    });
    await this.#add(batch);
  }

  async #add(batch: readonly Line[]): Promise<void> {
    if (batch.length === 0) return;
    try {
      await this.#provisioning.addAll(
        batch.map(({ entry }) => entry),
        this.#checkedAt,
      );
      this.#added += batch.length;
      this.#checkedAt++;
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      // Somebody took an identity since the check: find out whose line it is.
      for (const { line, entry } of batch) await this.#addOne(line, entry);
    }
  }

  async #addOne(line: number, entry: Entry): Promise<void> {
    try {
      await this.#provisioning.addAll([entry]);
      this.#added++;
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      for (const { field, message } of error.problems) this.#problem(line, field, message);
    }
  }

  /** Reads the file; a line that cannot be a record is a problem in the first pass only. */
  async #eachLine(pass: 'check' | 'apply', take: (line: Line) => Promise<void>): Promise<boolean> {
    let fields: readonly Field[] | undefined;
    let lines = 0;
    try {
      for await (const row of csvRows(this.#source())) {
        if (fields === undefined) {
          const header = readHeader(row);
          if ('problems' in header) {
            for (const { line, column, message } of header.problems) {
              this.#problem(line, column, message);
            }
            return false;
          }
          fields = header.fields;
          continue;
        }
        lines++;
        if (lines % PROGRESS === 0) this.#options.onProgress?.({ pass, lines });
        if (lines % BREATH === 0) await this.#breathe();
        const read = readRow(row, fields);
        if ('problem' in read) {
          if (pass === 'check') this.#problem(row.line, undefined, read.problem.message);
          continue;
        }
        const line = await this.#read(pass, row.line, read.values);
        if (line !== undefined) await take(line);
      }
    } catch (error) {
      if (!(error instanceof CsvError)) throw error;
      this.#problem(error.line, undefined, error.message);
      return false;
    }
    this.#lines = lines;
    if (fields === undefined) {
      this.#problem(1, undefined, 'nothing in it; the first line names the columns');
      return false;
    }
    this.#options.onProgress?.({ pass, lines });
    return true;
  }

  #breathe(): Promise<void> {
    return new Promise(resolve => this.#hss.host.clock.soon(resolve));
  }

  async #read(pass: 'check' | 'apply', line: number, values: Values): Promise<Line | undefined> {
    const { database, config } = this.#hss;
    try {
      const known =
        this.#options.existing === 'update' && values.imsi != null
          ? await database.get(values.imsi)
          : undefined;
      if (known === undefined) {
        const entry = database.entryOf(subscriberFrom(values as SubscriberInput, config));
        return { line, kind: 'new', entry };
      }
      const { imsi: _, ...changes } = values;
      const entry = database.entryOf(changed(known.subscriber, changes, config));
      return { line, kind: 'known', values: changes, entry };
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      if (pass === 'check') {
        for (const { field, message } of error.problems) this.#problem(line, field, message);
      }
      return undefined;
    }
  }

  #problem(line: number, column: string | undefined, message: string): void {
    this.#bad.add(line);
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push({ line, column, message });
    else this.#more++;
  }
}

/**
 * All records as CSV text, in pieces. With secrets only where nobody but the operator of a stopped
 * network reads them: the caller sees to that.
 */
export async function* exportCsv(
  hss: HssParts,
  options: { readonly withSecrets?: boolean } = {},
): AsyncGenerator<string> {
  const fields = FIELDS.filter(({ secret }) => !secret || options.withSecrets === true);
  yield csvLine(fields.map(({ name }) => name));
  let after: string | undefined;
  for (;;) {
    const page = await hss.database.list({
      limit: BATCH,
      ...(after === undefined ? {} : { after }),
    });
    if (page.length === 0) return;
    let text = '';
    for (const entry of page) {
      const sqn = await currentSqn(hss, entry);
      text += csvLine(fields.map(field => (field.name === 'sqn' ? sqn : cellOf(entry, field))));
    }
    yield text;
    after = page.at(-1)!.subscriber.imsi;
  }
}

function cellOf({ subscriber }: Entry, field: Field): string {
  const value = subscriber[field.name];
  if (field.name === 'services' && subscriber.services.length === 0) return 'none';
  // Either OP or OPc: the other follows from it.
  if (field.name === 'opc' && subscriber.op !== undefined) return '';
  if (value === undefined || value === false || value === 'milenage') return '';
  if (value === true) return 'yes';
  return typeof value === 'string' ? value : value.join(' ');
}

export interface GenerateOptions {
  readonly count: number;
  /** The first IMSI and MSISDN; each next record has the next number. */
  readonly imsi: string;
  readonly msisdn?: string;
  /** Given to every record. */
  readonly k?: string;
  readonly opc?: string;
  readonly password?: string;
}

/** Records for load tests, numbered. Throws a UsageError when a number outgrows its digits. */
export function* generateSubscribers(options: GenerateOptions): Generator<SubscriberInput> {
  const { count, imsi, msisdn, ...same } = options;
  for (let n = 0; n < count; n++) {
    yield {
      ...same,
      imsi: numbered('imsi', imsi, n),
      ...(msisdn === undefined ? {} : { msisdn: numbered('msisdn', msisdn, n) }),
    };
  }
}

function numbered(field: string, first: string, n: number): string {
  if (!/^[0-9]+$/.test(first))
    throw new UsageError(`${field}: "${first}" is not a number to count from`);
  const text = String(BigInt(first) + BigInt(n)).padStart(first.length, '0');
  if (text.length > first.length) {
    throw new UsageError(`${field}: counting from ${first}, number ${n + 1} has one digit more`);
  }
  return text;
}
