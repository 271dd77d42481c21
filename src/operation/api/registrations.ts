// Who is registered: the HSS knows of whom, the S-CSCF by which devices.

import { Type } from '@sinclair/typebox';
import type { RegistrationView } from '#functions/hss/hss';
import type { RegistrationStatus } from '#functions/s-cscf/s-cscf';
import { type ApiContext, iso, needed } from './context.ts';
import { Problem } from './problem.ts';
import { type AnyOperation, operation } from './route.ts';
import { limit, object, text } from './schema-parts.ts';
import { DeregisteredSchema, RegistrationPage } from './subscriber-schemas.ts';

const tag = 'registrations';

export function registrationOperations(context: ApiContext): readonly AnyOperation[] {
  const { network } = context.running;
  return [
    operation({
      method: 'GET',
      path: '/api/v1/registrations',
      id: 'listRegistrations',
      tag,
      summary: 'Who is registered, and by which devices',
      query: object(undefined, 'which', {
        after: Type.Optional(text('`next` of the page before', { maxLength: 256 })),
        limit: limit(1000, 100, 'registrations'),
      }),
      answers: { 200: { description: 'A page', schema: RegistrationPage } },
      async serve({ query: { after, limit = 100 } }) {
        const { hss, scscf } = network.functions;
        const page = after === undefined ? { limit } : { after, limit };
        if (hss !== undefined) {
          const rows = await hss.registrations(page);
          const registrations = rows.map(row =>
            seenByHss(row, scscf?.registration(row.impus[0] ?? '')),
          );
          return { body: { registrations, ...next(rows.length, limit, keyOf(rows.at(-1))) } };
        }
        const all = needed(context, 'scscf').registrations();
        const sorted = all.toSorted((a, b) => (a.impu < b.impu ? -1 : 1));
        const rows = sorted.filter(row => after === undefined || row.impu > after).slice(0, limit);
        const registrations = rows.map(seenBySCscf);
        return { body: { registrations, ...next(rows.length, limit, rows.at(-1)?.impu) } };
      },
    }),
    operation({
      method: 'DELETE',
      path: '/api/v1/registrations/{impu}',
      id: 'endRegistration',
      tag,
      summary: 'End a registration from the network’s side',
      description:
        'Network-initiated de-registration of the implicit registration set that the identity belongs ' +
        'to (RTR from the HSS, TS 29.228 §6.1.3). Devices learn of it by the registration-state event.',
      params: object(undefined, 'whose', {
        impu: text('a public identity, percent-encoded, or a private one for that device alone', {
          minLength: 1,
          maxLength: 512,
        }),
      }),
      answers: {
        200: { description: 'Ended', schema: DeregisteredSchema },
        404: { description: 'Nothing of the kind is registered' },
      },
      async serve({ params: { impu } }) {
        const { hss } = network.functions;
        const pushed =
          hss === undefined
            ? (await needed(context, 'scscf').deregister(impu)) && []
            : await hss.deregister(impu);
        if (pushed === undefined || pushed === false) {
          throw new Problem(404, { detail: `${impu} is not registered` });
        }
        return { body: { pushed } };
      },
    }),
  ];
}

const next = (found: number, limit: number, last: string | undefined) =>
  found < limit || last === undefined ? {} : { next: last };

/** The HSS keeps its rows by IMSI, and those of services by their identity. */
const keyOf = (row: RegistrationView | undefined): string | undefined =>
  row === undefined ? undefined : (row.imsi ?? `psi ${row.impus[0]}`);

function seenByHss(row: RegistrationView, known: RegistrationStatus | undefined) {
  const { imsi, impus, state, server, impis, pending } = row;
  return {
    ...(imsi === undefined ? {} : { imsi }),
    impus,
    state,
    ...(server === undefined ? {} : { server }),
    impis,
    pending,
    contacts: known === undefined ? [] : contactsOf(known),
  };
}

function seenBySCscf(known: RegistrationStatus) {
  const { impus, impis } = known;
  return { impus, state: 'registered', impis, pending: [], contacts: contactsOf(known) };
}

const contactsOf = ({ contacts }: RegistrationStatus) =>
  contacts.map(({ since, expires, userAgent, ...contact }) => ({
    ...contact,
    since: iso(since),
    expires: iso(expires),
    ...(userAgent === undefined ? {} : { userAgent }),
  }));
