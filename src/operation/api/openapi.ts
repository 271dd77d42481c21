// The API's description, OpenAPI 3.1, from the declarations that serve it.

import type { TObject, TSchema } from '@sinclair/typebox';
import { PROBLEM_MEDIA_TYPE, PROBLEM_TYPES } from './problem.ts';
import type { AnyOperation, Described } from './route.ts';
import { ProblemSchema } from './schemas.ts';

type Json = Record<string, unknown>;

export function describeApi(operations: readonly AnyOperation[], version: string): Json {
  const components: Json = {};
  const paths: Record<string, Json> = {};
  for (const one of operations) {
    paths[one.path] = {
      ...paths[one.path],
      [one.method.toLowerCase()]: operationOf(one, components),
    };
  }
  const types = Object.entries(PROBLEM_TYPES).map(([type, title]) => `\`${type}\` (${title})`);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Carillon',
      version,
      summary: 'Subscribers, registrations, calls, peers and the trace of one network',
      description:
        'Errors are problem documents (RFC 9457); their types are `about:blank` and ' +
        `\`urn:carillon:problem:\` followed by ${types.join(', ')}.`,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{}, { token: [] }],
    tags: [...new Set(operations.map(({ tag }) => tag))].map(name => ({ name })),
    paths,
    components: {
      schemas: components,
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'The setting console.token, where it is set',
        },
      },
    },
  };
}

function operationOf(one: AnyOperation, components: Json): Json {
  const { id, tag, summary, description, params, query, answers } = one;
  const parameters = [
    ...parametersOf('path', params, components),
    ...parametersOf('query', query, components),
  ];
  const responses: Json = {};
  for (const [status, answer] of Object.entries(answers)) {
    responses[status] = responseOf(Number(status), answer, components);
  }
  responses.default = responseOf(400, { description: 'A problem' }, components);
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...bodyOf(one, components),
    responses,
  };
}

function bodyOf({ body, file }: AnyOperation, components: Json): Json {
  if (body === undefined) return {};
  const type = file ?? 'application/json';
  return {
    requestBody: { required: true, content: { [type]: { schema: refer(body, components) } } },
  };
}

function parametersOf(
  place: 'path' | 'query',
  schema: TObject | undefined,
  components: Json,
): readonly Json[] {
  return Object.entries(schema?.properties ?? {}).map(([name, property]) => {
    const { description, ...rest } = property;
    return {
      name,
      in: place,
      required: place === 'path' || (schema?.required ?? []).includes(name),
      description,
      schema: refer(rest as TSchema, components),
    };
  });
}

function responseOf(status: number, answer: Described, components: Json): Json {
  const { description, schema, type } = answer;
  if (status >= 400 && schema === undefined) {
    const content = { [PROBLEM_MEDIA_TYPE]: { schema: refer(ProblemSchema, components) } };
    return { description, content };
  }
  if (schema === undefined && type === undefined) return { description };
  const content = schema === undefined ? { type: 'string' } : refer(schema, components);
  return { description, content: { [type ?? 'application/json']: { schema: content } } };
}

/** The schema as JSON, those with a title as references to components, which are filled in. */
function refer(schema: unknown, components: Json): unknown {
  if (Array.isArray(schema)) return schema.map(one => refer(one, components));
  if (typeof schema !== 'object' || schema === null) return schema;
  const { title } = schema as { title?: unknown };
  if (typeof title !== 'string') return membersOf(schema, components);
  if (!(title in components)) {
    components[title] = {}; // known before its members are looked at
    components[title] = membersOf(schema, components);
  }
  return { $ref: `#/components/schemas/${title}` };
}

const membersOf = (schema: object, components: Json): Json =>
  Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, refer(value, components)]));
