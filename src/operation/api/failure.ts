// What went wrong, as the problem document that tells it: our own Problems, requests that do not fit
// their schema, bodies that cannot be read, and our own mistakes, which only the log tells in full.

import type { ErrorObject } from 'ajv';
import type { FastifyReply } from 'fastify';
import { Unavailable, UsageError } from '#kernel/errors';
import type { NetworkInProcess } from '../run-network.ts';
import { type Fault, PROBLEM_MEDIA_TYPE, Problem } from './problem.ts';
import { SECRETS } from './subscriber-schemas.ts';

interface HttpError extends Error {
  readonly statusCode?: number;
  readonly validation?: readonly ErrorObject[];
  readonly validationContext?: string;
}

export function problemOf(thrown: unknown, running: NetworkInProcess): Problem {
  if (thrown instanceof Problem) return thrown;
  const error = thrown as HttpError;
  if (error.validation !== undefined) return unfit(error.validation, error.validationContext);
  const { statusCode } = error;
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new Problem(statusCode, { type: 'invalid-request', detail: error.message });
  }
  if (error instanceof Unavailable) {
    return new Problem(503, { detail: error.message, headers: { 'retry-after': '5' } });
  }
  if (error instanceof UsageError) return new Problem(422, { detail: error.message });
  running.log.error('request of the API failed', { error: error.stack ?? String(error) });
  return new Problem(500, { detail: 'our own mistake; the log tells more' });
}

export function answerProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .code(problem.status)
    .headers({ ...problem.headers, 'content-type': `${PROBLEM_MEDIA_TYPE}; charset=utf-8` })
    .send(JSON.stringify(problem.document));
}

function unfit(errors: readonly ErrorObject[], context = 'body'): Problem {
  const part = context === 'params' ? 'path' : context === 'querystring' ? 'query' : 'body';
  const faults = errors.map(error => faultOf(error, part));
  return new Problem(400, {
    type: 'invalid-request',
    detail: faults
      .map(({ field, message }) => (field === '' ? message : `${field}: ${message}`))
      .join('; '),
    errors: faults,
  });
}

function faultOf(error: ErrorObject, part: Fault['in']): Fault {
  const { instancePath, keyword, params, parentSchema, data, message = 'does not fit' } = error;
  const field = instancePath.slice(1).replaceAll('/', '.');
  const inside = (name: unknown): string => (field === '' ? String(name) : `${field}.${name}`);
  const right = (parentSchema as { description?: string } | undefined)?.description;
  const known = (): string =>
    Object.keys((parentSchema as { properties?: object }).properties ?? {}).join(', ') || 'nothing';
  switch (keyword) {
    case 'additionalProperties':
      return {
        in: part,
        field: inside(params.additionalProperty),
        message: `unknown; allowed here: ${known()}`,
      };
    case 'required': {
      const name = String(params.missingProperty);
      return { in: part, field: inside(name), message: `missing${expected(parentSchema, name)}` };
    }
    case 'enum':
      return {
        in: part,
        field,
        value: data,
        message: `write one of ${(params.allowedValues as unknown[]).join(', ')}`,
      };
    default: {
      // A list of secrets has its items below its name.
      const value = SECRETS.has(field.split('.')[0]!) ? {} : { value: data };
      const hint = right === undefined ? '' : ` (${right})`;
      return { in: part, field, ...value, message: `${message}${hint}` };
    }
  }
}

function expected(parentSchema: unknown, name: string): string {
  const { properties = {} } = parentSchema as {
    properties?: Readonly<Record<string, { description?: string }>>;
  };
  const description = properties[name]?.description;
  return description === undefined ? '' : `; it is ${description}`;
}
