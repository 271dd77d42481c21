// Calls at this moment, and charging records of those before.

import { type ApiContext, iso, needed } from './context.ts';
import { Problem } from './problem.ts';
import { type AnyOperation, operation } from './route.ts';
import { object, text } from './schema-parts.ts';
import { CallList, CdrList } from './schemas.ts';

const tag = 'calls';

export function callOperations(context: ApiContext): readonly AnyOperation[] {
  const scscf = () => needed(context, 'scscf');
  return [
    operation({
      method: 'GET',
      path: '/api/v1/calls',
      id: 'listCalls',
      tag,
      summary: 'Calls at this moment',
      answers: { 200: { description: 'Calls', schema: CallList } },
      serve() {
        const calls = scscf()
          .calls()
          .map(({ icid, since, answered, ...call }) => ({
            ...call,
            ...(icid === undefined ? {} : { icid }),
            since: iso(since),
            ...(answered === undefined ? {} : { answered: iso(answered) }),
          }));
        return { body: { calls } };
      },
    }),
    operation({
      method: 'DELETE',
      path: '/api/v1/calls/{id}',
      id: 'releaseCall',
      tag,
      summary: 'End a call',
      description: 'The S-CSCF sends BYE to both ends, or CANCEL (TS 24.229 §5.4.5.1).',
      params: object(undefined, 'which', { id: text('`id` of the call', { maxLength: 64 }) }),
      answers: {
        204: { description: 'Being ended' },
        404: { description: 'There is no such call' },
      },
      serve({ params: { id } }) {
        if (!scscf().release(id)) throw new Problem(404, { detail: `there is no call ${id}` });
        return { status: 204, body: undefined };
      },
    }),
    operation({
      method: 'GET',
      path: '/api/v1/cdrs',
      id: 'listCdrs',
      tag,
      summary: 'Charging data records: none yet',
      description:
        'This network has no charging data function (CDF) yet, so nothing writes records and the list ' +
        'is empty. The trace tells what calls there were.',
      answers: { 200: { description: 'An empty list', schema: CdrList } },
      serve: () => ({
        body: { cdrs: [], note: 'this network has no charging data function (CDF) yet' },
      }),
    }),
  ];
}
