// Subscriber records: one shape for all that reads them, secrets never among it.

import { Type } from '@sinclair/typebox';
import { Clean } from '@sinclair/typebox/value';
import { type Hss, RecordError, type SubscriberView } from '#functions/hss/hss';
import type { SubscriberInput } from '#functions/hss/subscriber';
import { type ApiContext, needed } from './context.ts';
import { type Fault, Problem } from './problem.ts';
import { type AnyOperation, operation } from './route.ts';
import { limit, object, text } from './schema-parts.ts';
import {
  ChangedSchema,
  DeregisteredSchema,
  NewSubscriber,
  SECRETS,
  SubscriberChanges,
  SubscriberPage,
  SubscriberSchema,
} from './subscriber-schemas.ts';

const imsi = object(undefined, 'whose', {
  imsi: text('IMSI', { pattern: '^[0-9]{6,15}$' }),
});
const tag = 'subscribers';
const missing = { description: 'There is no such subscriber' };
const wrong = { description: 'The record cannot be; every problem is listed' };
const taken = { description: 'Another subscriber has one of the identities already' };

export function subscriberOperations(context: ApiContext): readonly AnyOperation[] {
  const hss = (): Hss => needed(context, 'hss');
  return [
    operation({
      method: 'GET',
      path: '/api/v1/subscribers',
      id: 'listSubscribers',
      tag,
      summary: 'List subscribers, page by page, or find one',
      query: object(undefined, 'which', {
        after: Type.Optional(text('`next` of the page before', { pattern: '^[0-9]{1,15}$' })),
        limit: limit(1000, 100, 'subscribers'),
        find: Type.Optional(
          text('only him: IMSI, number with or without +, name, IMPI or IMPU', {
            minLength: 1,
            maxLength: 256,
          }),
        ),
      }),
      answers: { 200: { description: 'A page', schema: SubscriberPage } },
      async serve({ query: { after, limit = 100, find } }) {
        const total = await hss().count();
        if (find !== undefined) {
          const found = await hss().find(find);
          return { body: { subscribers: found === undefined ? [] : [shown(found)], total } };
        }
        const page = after === undefined ? { limit } : { after, limit };
        const subscribers = await hss().list(page);
        const last = subscribers.length < limit ? undefined : subscribers.at(-1)?.imsi;
        return {
          body: {
            subscribers: subscribers.map(shown),
            total,
            ...(last === undefined ? {} : { next: last }),
          },
        };
      },
    }),
    operation({
      method: 'POST',
      path: '/api/v1/subscribers',
      id: 'addSubscriber',
      tag,
      summary: 'Add a subscriber',
      body: NewSubscriber,
      answers: {
        201: { description: 'Added', schema: SubscriberSchema },
        409: taken,
        422: wrong,
      },
      async serve({ body }) {
        const added = await refused(() => hss().add(body as unknown as SubscriberInput), body);
        const headers = { location: `/api/v1/subscribers/${added.imsi}` };
        return { status: 201, body: shown(added), headers };
      },
    }),
    operation({
      method: 'GET',
      path: '/api/v1/subscribers/{imsi}',
      id: 'getSubscriber',
      tag,
      summary: 'One subscriber',
      params: imsi,
      answers: { 200: { description: 'The record', schema: SubscriberSchema }, 404: missing },
      async serve({ params }) {
        return { body: shown((await hss().get(params.imsi)) ?? noSubscriber(params.imsi)) };
      },
    }),
    operation({
      method: 'PATCH',
      path: '/api/v1/subscribers/{imsi}',
      id: 'changeSubscriber',
      tag,
      summary: 'Change some fields of a record',
      description:
        'Takes effect at once: S-CSCFs concerned are told by PPR or RTR, and what they said is in the answer.',
      params: imsi,
      body: SubscriberChanges,
      answers: {
        200: { description: 'Changed', schema: ChangedSchema },
        404: missing,
        409: taken,
        422: wrong,
      },
      async serve({ params, body }) {
        const done = await refused(() => hss().patch(params.imsi, body), body);
        if (done === undefined) noSubscriber(params.imsi);
        return { body: { ...shown(done.subscriber), pushed: done.pushed } };
      },
    }),
    operation({
      method: 'DELETE',
      path: '/api/v1/subscribers/{imsi}',
      id: 'removeSubscriber',
      tag,
      summary: 'Remove a subscriber and end his registrations',
      params: imsi,
      answers: { 200: { description: 'Removed', schema: DeregisteredSchema }, 404: missing },
      async serve({ params }) {
        return { body: (await hss().remove(params.imsi)) ?? noSubscriber(params.imsi) };
      },
    }),
  ];
}

/** What the description says and nothing else, whatever a record may come to hold. */
const shown = (subscriber: SubscriberView): SubscriberView =>
  Clean(SubscriberSchema, structuredClone(subscriber)) as SubscriberView;

function noSubscriber(imsi: string): never {
  throw new Problem(404, { detail: `there is no subscriber with the IMSI ${imsi}` });
}

/** What the HSS refuses, as a problem that names fields and those values that may be named. */
async function refused<T>(work: () => Promise<T>, body: unknown): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    const given = body as Readonly<Record<string, unknown>>;
    const errors = error.problems.map(({ field, message }): Fault => {
      const isShown = given[field] !== undefined && !SECRETS.has(field);
      return { in: 'body', field, ...(isShown ? { value: given[field] } : {}), message };
    });
    const isTaken = error.problems.every(({ taken }) => taken === true);
    throw new Problem(isTaken ? 409 : 422, {
      type: isTaken ? 'identity-taken' : 'invalid-record',
      detail: errors.map(({ field, message }) => `${field}: ${message}`).join('; '),
      errors,
    });
  }
}
