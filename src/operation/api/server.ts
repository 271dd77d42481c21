// The API of a running network: its operations over HTTP, guarded, with their description and pages.

import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { Ajv } from 'ajv';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { AddressError } from '#kernel/errors';
import { portOwner } from '#kernel/node/port-owner';
import type { NetworkSettings } from '#networks/schema';
import type { NetworkInProcess } from '../run-network.ts';
import { Access, checkExposure, exposureOf } from './access.ts';
import { callOperations } from './calls.ts';
import { consoleCertificate } from './certificate.ts';
import type { ApiContext } from './context.ts';
import { answerProblem, problemOf } from './failure.ts';
import { Metrics } from './metrics.ts';
import { networkOperations } from './network.ts';
import { describeApi } from './openapi.ts';
import { FILES, OPEN_FILES, PAGE_HEADERS, signInPage, statusPage } from './pages.ts';
import { peerOperations } from './peers.ts';
import { Problem } from './problem.ts';
import { registrationOperations } from './registrations.ts';
import type { Answer, AnyOperation } from './route.ts';
import { SipTunnel } from './sip-tunnel.ts';
import { subscriberFileOperations } from './subscriber-files.ts';
import { subscriberOperations } from './subscribers.ts';
import { traceOperations } from './trace.ts';

export interface Api {
  /** Where it is to be found, without a slash at the end. */
  readonly url: string;
  close(): Promise<void>;
}

/** Octets of a JSON body. */
const LARGEST_BODY = 256 * 1024;
/** A request must have come in within this, a file of a million lines included. */
const SLOWEST_REQUEST = 600_000;
const HEARTBEAT = 15_000;

const { version } = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
) as { version: string };

/**
 * Serves until closed. Rejects with a UsageError where it would stand open to other machines, and
 * with an AddressError where its port is taken.
 */
export async function serveApi(running: NetworkInProcess, settings: NetworkSettings): Promise<Api> {
  const exposure = exposureOf(settings);
  checkExposure(exposure);
  const access = new Access(exposure);
  const https = consoleCertificate(settings, running.data);

  const app = fastify({
    ...(https === undefined ? {} : { https }),
    bodyLimit: LARGEST_BODY,
    requestTimeout: SLOWEST_REQUEST,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 512 },
  }) as unknown as FastifyInstance;
  const context: ApiContext = { running, version, metrics: new Metrics(running, version) };
  const operations = operationsOf(context);
  const closing = new AbortController();

  app.setErrorHandler((error, _request, reply) => answerProblem(reply, problemOf(error, running)));
  app.setNotFoundHandler((request, reply) =>
    answerProblem(reply, unknownPath(operations, request)),
  );
  app.addContentTypeParser('text/csv', (_request, payload, done) => done(null, payload));
  validateStrictly(app);
  guard(app, access);
  for (const one of operations) register(app, one, closing.signal);
  pages(app, context, describeApi(operations, version));

  const tunnel = new SipTunnel(
    () =>
      running.network.listening.find(one => one.point === 'Gm' && one.protocol === 'ws')?.address,
  );
  app.server.on('upgrade', (request, socket, head) => tunnel.upgrade(request, socket, head));
  const address = await listen(app, exposure.bind, settings.console.port).catch(error => {
    context.metrics.stop();
    throw error;
  });
  return {
    url: urlOf(https === undefined ? 'http' : 'https', address),
    async close() {
      closing.abort();
      tunnel.close();
      context.metrics.stop();
      await app.close();
    },
  };
}

export function operationsOf(context: ApiContext): readonly AnyOperation[] {
  return [
    ...subscriberOperations(context),
    ...subscriberFileOperations(context),
    ...registrationOperations(context),
    ...callOperations(context),
    ...traceOperations(context),
    ...peerOperations(context),
    ...networkOperations(context),
  ];
}

/** Numbers and truth values are text in a query; in a body they are what they are. */
function validateStrictly(app: FastifyInstance): void {
  const options = { strict: false, allErrors: true, verbose: true, validateFormats: false };
  const body = new Ajv(options);
  const other = new Ajv({ ...options, coerceTypes: true });
  app.setValidatorCompiler(({ schema, httpPart }) =>
    (httpPart === 'body' ? body : other).compile(schema as object),
  );
}

function guard(app: FastifyInstance, access: Access): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    const path = request.url.split('?')[0]!;
    if (OPEN_FILES.has(path) || path === '/sign-in') return access.checkOrigin(request.headers);
    try {
      access.check(request.headers);
    } catch (error) {
      const isPage = request.method === 'GET' && request.headers.accept?.includes('text/html');
      if (!isPage || !(error instanceof Problem) || error.status !== 401) throw error;
      return reply
        .code(401)
        .headers({ ...PAGE_HEADERS, 'content-type': 'text/html; charset=utf-8' })
        .send(signInPage(false));
    }
  });
  if (!access.needsToken) return;
  const form = 'application/x-www-form-urlencoded';
  app.addContentTypeParser(form, { parseAs: 'string', bodyLimit: 4096 }, (_request, text, done) =>
    done(null, new URLSearchParams(text as string)),
  );
  app.post('/sign-in', async (request, reply) => {
    const token = request.body instanceof URLSearchParams ? request.body.get('token') : undefined;
    const cookie = access.signIn(token ?? '');
    if (cookie !== undefined)
      return reply.code(303).headers({ location: '/', 'set-cookie': cookie }).send();
    const headers = { ...PAGE_HEADERS, 'content-type': 'text/html; charset=utf-8' };
    return reply.code(401).headers(headers).send(signInPage(true));
  });
}

function register(app: FastifyInstance, one: AnyOperation, closing: AbortSignal): void {
  const { method, params, query, body, file, answers } = one;
  app.route({
    method,
    // What never ends has no head to be asked for alone.
    exposeHeadRoute: answers[200]?.type !== 'text/event-stream',
    url: one.path.replace(/\{(\w+)\}/g, ':$1'),
    schema: {
      ...(params === undefined ? {} : { params }),
      querystring: query ?? { type: 'object', additionalProperties: false },
      ...(body === undefined || file !== undefined ? {} : { body }),
    },
    async handler(request, reply) {
      if (file !== undefined && !request.headers['content-type']?.startsWith(file)) {
        throw new Problem(415, { detail: `the body must be ${file}` });
      }
      const answer = await one.serve({
        params: request.params as never,
        query: request.query as never,
        body: request.body as never,
        headers: request.headers,
        signal: AbortSignal.any([closing, goneSignal(reply)]),
      });
      return send(reply, answer);
    },
  });
}

/** Aborted when the one who asked is gone, and when the answer is through. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  reply.code(answer.status ?? 200).headers(answer.headers ?? {});
  if ('body' in answer) {
    if (answer.body === undefined) return reply.send();
    const text = JSON.stringify(answer.body);
    return reply.header('content-type', 'application/json; charset=utf-8').send(text);
  }
  const { type, pieces, heartbeat } = answer;
  if (heartbeat !== undefined) {
    const beat = setInterval(() => {
      if (reply.raw.headersSent && !reply.raw.writableNeedDrain) reply.raw.write(heartbeat);
    }, HEARTBEAT);
    reply.raw.once('close', () => clearInterval(beat));
  }
  return reply.header('content-type', type).send(Readable.from(pieces, { objectMode: false }));
}

function pages(app: FastifyInstance, context: ApiContext, description: object): void {
  const html = { ...PAGE_HEADERS, 'content-type': 'text/html; charset=utf-8' };
  app.get('/', async (_request, reply) => reply.headers(html).send(await statusPage(context)));
  app.get('/api/v1', (_request, reply) => reply.redirect('/api/v1/'));
  app.get('/api/v1/openapi.json', (_request, reply) => {
    void reply.header('content-type', 'application/json; charset=utf-8');
    return reply.send(JSON.stringify(description));
  });
  for (const [path, { type, text }] of Object.entries(FILES)) {
    app.get(path, (_request, reply) =>
      reply.headers({ ...PAGE_HEADERS, 'content-type': type }).send(text()),
    );
  }
}

function unknownPath(operations: readonly AnyOperation[], request: FastifyRequest): Problem {
  const path = request.url.split('?')[0]!;
  const fits = operations.filter(one =>
    new RegExp(`^${one.path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`).test(path),
  );
  if (fits.length === 0) {
    return new Problem(404, { detail: `there is nothing at ${path}; see /api/v1/openapi.json` });
  }
  const allow = fits.map(({ method }) => method).join(', ');
  return new Problem(405, { detail: `${path} takes ${allow}`, headers: { allow } });
}

async function listen(app: FastifyInstance, host: string, port: number): Promise<AddressInfo> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EADDRNOTAVAIL' && code !== 'EACCES') throw error;
    if (code !== 'EADDRINUSE') throw new AddressError('unavailable', { host, port }, message);
    const owner = await portOwner('tcp', { host, port });
    const who = owner === undefined ? 'another process' : `process ${owner.pid} (${owner.name})`;
    throw new AddressError('in use', { host, port }, `held by ${who}`);
  }
  return app.server.address() as AddressInfo;
}

function urlOf(scheme: 'http' | 'https', { address, port }: AddressInfo): string {
  const isAny = address === '0.0.0.0' || address === '::';
  const host = isAny ? 'localhost' : address.includes(':') ? `[${address}]` : address;
  return `${scheme}://${host}:${port}`;
}
