// Subscribers as files: CSV in, checked whole before anything of it is applied, and CSV out.

import { Type } from '@sinclair/typebox';
import type { Hss, ImportOptions, ImportReport } from '#functions/hss/hss';
import { Spool, TooLarge } from '../spool.ts';
import { type ApiContext, needed } from './context.ts';
import { Problem } from './problem.ts';
import { type AnyOperation, fileBody, operation } from './route.ts';
import { object } from './schema-parts.ts';
import { ImportReportSchema } from './subscriber-schemas.ts';

/** A few million records. */
const LARGEST = 1024 * 1024 * 1024;
const CSV = 'text/csv';
const LINES = 'application/x-ndjson';
const tag = 'subscribers';

export function subscriberFileOperations(context: ApiContext): readonly AnyOperation[] {
  const hss = (): Hss => needed(context, 'hss');
  return [
    operation({
      method: 'GET',
      path: '/api/v1/subscribers.csv',
      id: 'exportSubscribers',
      tag,
      summary: 'All subscribers as CSV, without secrets',
      answers: { 200: { description: 'A header line, then a record a line', type: CSV } },
      serve: () => ({
        type: `${CSV}; charset=utf-8`,
        pieces: hss().exportCsv(),
        headers: { 'content-disposition': 'attachment; filename="subscribers.csv"' },
      }),
    }),
    operation({
      method: 'POST',
      path: '/api/v1/subscribers.csv',
      id: 'importSubscribers',
      tag,
      summary: 'Add subscribers from CSV',
      description:
        'A header line names the columns, in any order. Every line is checked first; where one is bad, ' +
        'nothing is applied unless `skipBad`. With `Accept: application/x-ndjson` the answer is one JSON ' +
        'document a line: how far it is, and at last `{"report": …}`.',
      query: object(undefined, 'how', {
        skipBad: Type.Optional(
          Type.Boolean({ description: 'apply the good lines, leave the bad ones out' }),
        ),
        update: Type.Optional(
          Type.Boolean({
            description: 'lines whose IMSI is known change the record instead of being bad',
          }),
        ),
      }),
      file: CSV,
      body: fileBody('CSV in UTF-8'),
      answers: {
        200: { description: 'Applied', schema: ImportReportSchema },
        413: { description: 'The file is larger than 1 GiB' },
        422: { description: 'Lines are bad and nothing was applied; the errors name them' },
      },
      async serve({ query, body, headers, signal }) {
        const hss = needed(context, 'hss');
        const spool = await received(body);
        signal.throwIfAborted();
        const options: ImportOptions = {
          skipBad: query.skipBad === true,
          existing: query.update === true ? 'update' : 'refuse',
        };
        if (headers.accept?.includes(LINES)) {
          return { type: LINES, pieces: told(hss, spool, options) };
        }
        try {
          const report = await hss.importCsv(() => spool.read(), options);
          if (!report.applied) throw badLines(report);
          return { body: report };
        } finally {
          await spool.close();
        }
      },
    }),
  ];
}

async function received(body: AsyncIterable<unknown>): Promise<Spool> {
  try {
    return await Spool.of(body, LARGEST);
  } catch (error) {
    throw error instanceof TooLarge ? new Problem(413, { detail: error.message }) : error;
  }
}

function badLines({ problems, more }: ImportReport): Problem {
  const count = problems.length + more;
  return new Problem(422, {
    type: 'invalid-file',
    detail: `${count} problem${count === 1 ? '' : 's'}; nothing of the file was applied`,
    errors: problems.map(({ line, column, message }) => ({
      in: 'file',
      field: column ?? '',
      line,
      message,
    })),
  });
}

/** Runs the import and tells how far it is, a line at a time. */
async function* told(hss: Hss, spool: Spool, options: ImportOptions): AsyncGenerator<string> {
  let latest: object | undefined;
  let wake = (): void => {};
  const onProgress: ImportOptions['onProgress'] = progress => {
    latest = progress;
    wake();
  };
  let end: object | undefined;
  void hss
    .importCsv(() => spool.read(), { ...options, onProgress })
    .then(
      report => ({ report }),
      (error: Error) => ({ error: error.message }),
    )
    .then(async result => {
      await spool.close();
      end = result;
      wake();
    });
  while (end === undefined) {
    await new Promise<void>(resolve => {
      wake = resolve;
      if (end !== undefined || latest !== undefined) resolve();
    });
    if (latest !== undefined) yield `${JSON.stringify({ progress: latest })}\n`;
    latest = undefined;
  }
  yield `${JSON.stringify(end)}\n`;
}
