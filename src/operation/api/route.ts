// One declaration per operation of the API: it validates the request, serves it, types its handler and
// is what the description (openapi.json) is made from.

import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { type Static, type TObject, type TSchema, Type } from '@sinclair/typebox';

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** An answer by its status. */
export interface Described {
  readonly description: string;
  readonly schema?: TSchema;
  /** Default application/json. */
  readonly type?: string;
}

/** A request whose parts fit their schemas. */
export interface Asked<P extends TObject, Q extends TObject, B extends TSchema> {
  readonly params: Static<P>;
  readonly query: Static<Q>;
  /** Parsed JSON; of a file, a stream of octets. */
  readonly body: Static<B>;
  readonly headers: IncomingHttpHeaders;
  /** Aborted when the one who asked is gone, or the server closes. */
  readonly signal: AbortSignal;
}

export type Answer =
  | {
      readonly status?: number;
      readonly body: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | {
      readonly status?: number;
      readonly type: string;
      /** Sent as fast as the other side reads. */
      readonly pieces: AsyncIterable<string | Uint8Array>;
      /** Sent between pieces now and then, so that whoever is gone is noticed. */
      readonly heartbeat?: string;
      readonly headers?: Readonly<Record<string, string>>;
    };

export interface Operation<P extends TObject, Q extends TObject, B extends TSchema> {
  readonly method: Method;
  /** With `{name}` for what `params` describes. */
  readonly path: string;
  /** The name programs generated from the description call it by. */
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** The media type of a body that is a file. */
  readonly file?: string;
  readonly answers: Readonly<Record<number, Described>>;
  readonly serve: (asked: Asked<P, Q, B>) => Answer | Promise<Answer>;
}

export type AnyOperation = Operation<TObject, TObject, TSchema>;

export function operation<
  P extends TObject = TObject<Record<never, never>>,
  Q extends TObject = TObject<Record<never, never>>,
  B extends TSchema = TSchema,
>(declared: Operation<P, Q, B>): AnyOperation {
  return declared as unknown as AnyOperation;
}

/** The body of an operation that takes a file. */
export const fileBody = (description: string) =>
  Type.Unsafe<Readable>({ type: 'string', description });
