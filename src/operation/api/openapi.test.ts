import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { seconds } from '#kernel/time';
import { testNetwork } from './testing/network.ts';

// biome-ignore lint/suspicious/noExplicitAny: a document looked through by paths
type Document = any;

function* nodesOf(node: unknown): Generator<Record<string, unknown>> {
  if (typeof node !== 'object' || node === null) return;
  if (!Array.isArray(node)) yield node as Record<string, unknown>;
  for (const member of Object.values(node)) yield* nodesOf(member);
}

test('the description is OpenAPI 3.1 whose every reference leads somewhere', async t => {
  const { ask } = await testNetwork(t);
  const { body: api } = (await ask('GET', '/api/v1/openapi.json')) as { body: Document };
  assert.equal(api.openapi, '3.1.0');
  const ids = new Set<string>();
  for (const [path, methods] of Object.entries<Document>(api.paths)) {
    for (const operation of Object.values<Document>(methods)) {
      assert.ok(!ids.has(operation.operationId), operation.operationId);
      ids.add(operation.operationId);
      assert.ok(operation.summary.length > 0);
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1]);
      const described = (operation.parameters ?? []).filter((one: Document) => one.in === 'path');
      assert.deepEqual(
        described.map((one: Document) => one.name),
        named,
        path,
      );
      assert.ok(operation.responses.default);
    }
  }
  assert.ok(ids.size >= 18, `${ids.size}`);
  for (const node of nodesOf(api)) {
    if (typeof node.$ref !== 'string') continue;
    const name = node.$ref.replace('#/components/schemas/', '');
    assert.ok(api.components.schemas[name], node.$ref);
  }
  for (const node of nodesOf(api.components.schemas)) {
    if (node.type === 'object') assert.ok('description' in node || 'properties' in node);
  }
});

test('answers are what the description says', async t => {
  const { ask, phone } = await testNetwork(t);
  const { body: api } = (await ask('GET', '/api/v1/openapi.json')) as { body: Document };
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema(api, 'api');
  const alice = await phone('alice');
  await phone('bob', { calls: { answering: 'automatic', ringing: seconds(0) } });
  const call = await alice.call('bob');
  await call.answered;
  const erin = { imsi: '001010000000009', name: 'erin', password: 'x' };
  const asked: [string, string, string, object?][] = [
    ['POST', '/api/v1/subscribers', '/api/v1/subscribers', erin],
    ['POST', '/api/v1/subscribers', '/api/v1/subscribers', erin],
    ['POST', '/api/v1/subscribers', '/api/v1/subscribers', { imsi: 1 }],
    ['GET', '/api/v1/subscribers', '/api/v1/subscribers'],
    ['GET', '/api/v1/subscribers/{imsi}', '/api/v1/subscribers/001010000000001'],
    ['GET', '/api/v1/subscribers/{imsi}', '/api/v1/subscribers/001010000000999'],
    [
      'PATCH',
      '/api/v1/subscribers/{imsi}',
      '/api/v1/subscribers/001010000000001',
      { services: 'sms' },
    ],
    ['GET', '/api/v1/registrations', '/api/v1/registrations'],
    ['GET', '/api/v1/calls', '/api/v1/calls'],
    ['GET', '/api/v1/cdrs', '/api/v1/cdrs'],
    ['GET', '/api/v1/peers', '/api/v1/peers'],
    ['GET', '/api/v1/network', '/api/v1/network'],
    ['GET', '/health', '/health'],
    ['GET', '/api/v1/trace', '/api/v1/trace?limit=1000'],
    ['DELETE', '/api/v1/registrations/{impu}', '/api/v1/registrations/bob'],
    ['DELETE', '/api/v1/subscribers/{imsi}', '/api/v1/subscribers/001010000000009'],
  ];
  for (const [method, template, path, body] of asked) {
    const answer = await ask(method, path, body);
    const { responses } = api.paths[template][method.toLowerCase()];
    const described = responses[answer.status] ?? responses.default;
    const type = answer.headers.get('content-type')!.split(';')[0]!;
    const { schema } = described.content[type];
    const place = schema.$ref?.replace('#', 'api#');
    const fits = ajv.compile(place === undefined ? schema : { $ref: place });
    assert.ok(
      fits(answer.body),
      `${method} ${path} ${answer.status}: ${ajv.errorsText(fits.errors)} ${answer.text.slice(0, 400)}`,
    );
  }
});
