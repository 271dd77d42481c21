// The API of a running network, as the commands use it.

import { readFileSync } from 'node:fs';
import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { UsageError } from '#kernel/errors';
import type { ProblemDocument } from '../api/problem.ts';
import type { NetworkInfo } from '../api/schemas.ts';
import { CommandFailed } from './failure.ts';

export const DEFAULT_API = 'http://127.0.0.1:8080';

export interface ApiOptions {
  readonly api?: string;
}

/** The option that all commands have which talk to a running network. */
export function withApi(command: Command): Command {
  return command.option(
    '--api <url>',
    `the running network (default: CARILLON_API, else ${DEFAULT_API})`,
  );
}

/** How far any command that asks a running network is told in its help. */
export const API_HELP = `
A network with a token wants it in CARILLON_TOKEN; one with a certificate of its own, that
certificate's file in CARILLON_CA.`;

/** The API refused. */
export class ApiRefusal extends CommandFailed {
  readonly status: number;
  readonly problem: ProblemDocument | undefined;

  constructor(status: number, problem: ProblemDocument | undefined, fallback: string) {
    super(problem?.detail ?? problem?.title ?? fallback);
    this.status = status;
    this.problem = problem;
  }
}

/** Nothing answers there, or nothing that is a Carillon. */
export class Unreachable extends CommandFailed {}

/** Something answers there, under a certificate that nobody here vouches for. */
export class Untrusted extends Unreachable {}

interface Sent {
  readonly body?: string | AsyncIterable<string | Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Milliseconds until the answer has begun. Default none. */
  readonly timeout?: number;
}

export class ApiClient {
  readonly url: string;
  readonly #base: URL;
  readonly #options: RequestOptions & { ca?: string };

  constructor({ api }: ApiOptions) {
    const { CARILLON_API, CARILLON_TOKEN, CARILLON_CA } = process.env;
    const where = api === undefined ? 'CARILLON_API' : '--api';
    this.#base = urlOf(where, api ?? CARILLON_API ?? DEFAULT_API);
    this.url = this.#base.href.replace(/\/$/, '');
    this.#options = {
      agent: false,
      headers: {
        ...(CARILLON_TOKEN === undefined ? {} : { authorization: `Bearer ${CARILLON_TOKEN}` }),
      },
      ...(CARILLON_CA === undefined ? {} : { ca: textOf(CARILLON_CA) }),
    };
  }

  /** The network that answers there. Throws Unreachable, or an ApiRefusal. */
  async network(): Promise<NetworkInfo> {
    const info = await this.json<Partial<NetworkInfo>>('GET', '/api/v1/network', undefined, 3000);
    if (typeof info.home === 'string' && Array.isArray(info.functions)) return info as NetworkInfo;
    throw new Unreachable(`what answers at ${this.url} is no Carillon`);
  }

  /** Throws an ApiRefusal where the answer is no success. */
  async json<T>(method: string, path: string, body?: unknown, timeout?: number): Promise<T> {
    const response = await this.send(method, path, {
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      ...(timeout === undefined ? {} : { timeout }),
    });
    const text = await textFrom(response);
    try {
      return (text === '' ? undefined : JSON.parse(text)) as T;
    } catch {
      throw new Unreachable(`what answers at ${this.url} is no Carillon`);
    }
  }

  /** The answer as it begins; its body is to be read. Throws like `json`. */
  async send(method: string, path: string, sent: Sent = {}): Promise<IncomingMessage> {
    const response = await this.#request(method, path, sent);
    const { statusCode = 0, statusMessage = '' } = response;
    if (statusCode >= 200 && statusCode < 300) return response;
    const problem = problemFrom(await textFrom(response));
    if (statusCode === 401) {
      throw new CommandFailed(
        `the network at ${this.url} wants its token: put it in CARILLON_TOKEN`,
      );
    }
    throw new ApiRefusal(statusCode, problem, `${this.url} answers ${statusCode} ${statusMessage}`);
  }

  #request(method: string, path: string, sent: Sent): Promise<IncomingMessage> {
    const url = new URL(path, this.#base);
    const request = url.protocol === 'https:' ? requestHttps : requestHttp;
    return new Promise((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException): void => {
        if (sent.signal?.aborted) reject(error);
        else if (CERTIFICATE.has(error.code ?? ''))
          reject(
            new Untrusted(
              `the certificate of ${this.url} is not trusted here (${error.code}): put its file in CARILLON_CA`,
            ),
          );
        else reject(new Unreachable(`nothing answers at ${this.url} (${reasonOf(error)})`));
      };
      const outgoing = request(url, {
        ...this.#options,
        method,
        headers: { ...this.#options.headers, ...sent.headers },
        ...(sent.signal === undefined ? {} : { signal: sent.signal }),
      });
      const timer =
        sent.timeout === undefined
          ? undefined
          : setTimeout(() => outgoing.destroy(new Error('no answer in time')), sent.timeout);
      outgoing.on('error', failed).on('response', response => {
        clearTimeout(timer);
        resolve(response);
      });
      outgoing.on('close', () => clearTimeout(timer));
      const { body } = sent;
      if (body === undefined || typeof body === 'string') outgoing.end(body);
      // A refusal may come while the body is still under way: then the answer says more than the pipe.
      else pipeline(body, outgoing).catch(() => {});
    });
  }
}

function urlOf(where: string, text: string): URL {
  try {
    const url = new URL(text);
    if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  } catch {
    // told below
  }
  throw new UsageError(`${where} ${text}: write a URL such as ${DEFAULT_API}`);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`CARILLON_CA: ${(error as Error).message}`);
  }
}

/** How a certificate that nobody here vouches for is refused. */
const CERTIFICATE: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

function reasonOf(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'refused';
    case 'ENOTFOUND':
      return 'no such host';
    default:
      return error.message || error.code || 'failed';
  }
}

async function textFrom(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) text += chunk as string;
  return text;
}

function problemFrom(text: string): ProblemDocument | undefined {
  try {
    const document: unknown = JSON.parse(text);
    const isProblem = typeof document === 'object' && document !== null && 'title' in document;
    return isProblem ? (document as ProblemDocument) : undefined;
  } catch {
    return undefined;
  }
}
