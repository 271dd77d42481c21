// What the API answers when it cannot do what was asked: problem documents, RFC 9457. Each names the
// field, the value and what would be right, unless the value is secret.

import { STATUS_CODES } from 'node:http';

/** One thing that is wrong in a request. */
export interface Fault {
  readonly in: 'path' | 'query' | 'body' | 'header' | 'file';
  /** The field's name, a path of names below the body's top, or a column of a file. */
  readonly field: string;
  readonly value?: unknown;
  /** What is wrong and what would be right. */
  readonly message: string;
  /** Of a file, from 1. */
  readonly line?: number;
}

export interface ProblemDocument {
  /** `about:blank` where the status says all there is to say (RFC 9457 §4.2.1). */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly errors?: readonly Fault[];
}

/** The kinds that a program may want to tell apart; the API's description lists them. */
export const PROBLEM_TYPES = {
  'invalid-request': 'The request does not fit the API',
  'invalid-record': 'The subscriber record cannot be',
  'identity-taken': 'Another subscriber has the identity already',
  'invalid-file': 'The file has lines that cannot be taken',
  'function-absent': 'The function that could answer does not run in this process',
} as const;
export type ProblemType = keyof typeof PROBLEM_TYPES;

export interface ProblemDetails {
  readonly type?: ProblemType;
  readonly detail: string;
  readonly errors?: readonly Fault[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown by whoever serves a request; becomes the answer. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly #details: ProblemDetails;

  constructor(status: number, details: ProblemDetails) {
    super(details.detail);
    this.status = status;
    this.headers = details.headers ?? {};
    this.#details = details;
  }

  get document(): ProblemDocument {
    const { type, detail, errors } = this.#details;
    return {
      type: type === undefined ? 'about:blank' : `urn:carillon:problem:${type}`,
      title: type === undefined ? titleOf(this.status) : PROBLEM_TYPES[type],
      status: this.status,
      detail,
      ...(errors === undefined ? {} : { errors }),
    };
  }
}

const titleOf = (status: number): string => STATUS_CODES[status] ?? 'Error';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';
