// Subscribers as CSV (RFC 4180): a header line with the record's fields in any order, a record a line.

import { FIELDS, type Field } from './subscriber.ts';

/** Where something is wrong in a file, and what would be right. */
export interface LineProblem {
  /** From 1, the header line included. */
  readonly line: number;
  /** The column's name, or undefined for the whole line. */
  readonly column: string | undefined;
  readonly message: string;
}

export interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

/** Characters of one line, at most: a record is far shorter, and a file may be anything. */
const MAX_LINE = 16_384;

/** A line longer than any record, or a quote that is never closed. */
export class CsvError extends Error {
  override readonly name = 'CsvError';
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** The lines of a text that comes in chunks of any size; empty ones are left out. */
export async function* csvRows(
  chunks: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<Row> {
  const reader = new RowReader();
  for await (const chunk of chunks) yield* reader.take(chunk);
  yield* reader.end();
}

class RowReader {
  #line = 1;
  /** Where the row being read began. */
  #from = 1;
  #cells: string[] = [];
  #cell = '';
  #length = 0;
  /** 'quote': a quote inside quotes, which ends them unless another follows. */
  #state: 'plain' | 'quoted' | 'quote' = 'plain';
  #isFirst = true;

  *take(chunk: string): Generator<Row> {
    // The byte order mark that spreadsheets put before UTF-8
    const text = this.#isFirst && chunk.startsWith('\ufeff') ? chunk.slice(1) : chunk;
    this.#isFirst = false;
    for (const character of text) {
      if (++this.#length > MAX_LINE) {
        const quoted = this.#state === 'quoted' ? '; is a quote left open?' : '';
        throw new CsvError(this.#from, `longer than ${MAX_LINE} characters${quoted}`);
      }
      if (character === '\n') this.#line++;
      if (this.#state === 'quoted') {
        if (character === '"') this.#state = 'quote';
        else this.#cell += character;
      } else if (character === '"' && (this.#state === 'quote' || this.#cell.trim() === '')) {
        this.#cell = this.#state === 'quote' ? `${this.#cell}"` : '';
        this.#state = 'quoted';
      } else if (character === ',') this.#endCell();
      else if (character === '\n') yield* this.#endRow();
      else if (character !== '\r') this.#cell += character;
    }
  }

  *end(): Generator<Row> {
    if (this.#state === 'quoted') throw new CsvError(this.#from, 'a quote is left open');
    yield* this.#endRow();
  }

  #endCell(): void {
    // Spaces count inside quotes only.
    this.#cells.push(this.#state === 'quote' ? this.#cell : this.#cell.trim());
    this.#cell = '';
    this.#state = 'plain';
  }

  *#endRow(): Generator<Row> {
    this.#endCell();
    const row: Row = { line: this.#from, cells: this.#cells };
    this.#cells = [];
    this.#length = 0;
    this.#from = this.#line;
    if (row.cells.some(cell => cell !== '')) yield row;
  }
}

/** Which field each column holds. */
export function readHeader(
  row: Row,
): { readonly fields: readonly Field[] } | { readonly problems: readonly LineProblem[] } {
  const names = row.cells.map(cell => cell.toLowerCase());
  const known = FIELDS.map(field => field.name).join(', ');
  const problems: LineProblem[] = [];
  const problem = (column: string | undefined, message: string): void =>
    void problems.push({ line: row.line, column, message });
  const fields = names.flatMap((name, at) => {
    const field = FIELDS.find(field => field.name === name);
    if (field === undefined) problem(row.cells[at], `unknown column; the columns are ${known}`);
    else if (names.indexOf(name) !== at) problem(name, 'stands there twice');
    return field === undefined ? [] : [field];
  });
  if (!names.includes('imsi'))
    problem('imsi', `missing; the header line names columns of ${known}`);
  return problems.length > 0 ? { problems } : { fields };
}

/** A row's values by field; an empty cell is null: the field has no value. */
export function readRow(
  row: Row,
  fields: readonly Field[],
):
  | { readonly values: Readonly<Record<string, string | null>> }
  | { readonly problem: LineProblem } {
  if (row.cells.length !== fields.length) {
    const message = `${row.cells.length} values; the header line has ${fields.length} columns`;
    return { problem: { line: row.line, column: undefined, message } };
  }
  const entries = fields.map(({ name }, at) => [name, row.cells[at] || null] as const);
  return { values: Object.fromEntries(entries) };
}

/** One line, with its end. */
export const csvLine = (values: readonly string[]): string => `${values.map(quoted).join(',')}\n`;

const quoted = (value: string): string =>
  /[",\r\n]|^\s|\s$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
