// Declares an application: its AVPs, its commands and its results.

import type { Keys } from '#kernel/trace';
import type { AvpDefinition, DataType, InputOf, Members, ValuesOf } from './definition.ts';
import { register, registerCommand } from './dictionary.ts';
import type { BaseResult } from './results.ts';

/**
 * A result by its spec name, Result-Code and Experimental-Result alike. A code that no table here
 * knows is `RESULT_<code>` or `RESULT_<vendor>_<code>`.
 */
export type Result<R extends string = never> = BaseResult | R | UnknownResult;
export type UnknownResult = `RESULT_${number}` | `RESULT_${number}_${number}`;

export interface AvpOptions {
  /** The M flag we send; true unless the spec's table says otherwise. */
  readonly mandatory?: boolean;
  readonly secret?: boolean;
  /** 0 for AVPs that the application takes from the IETF. Default: the application's vendor. */
  readonly vendor?: number;
  readonly joins?: keyof Keys;
}

export interface Command<
  Q extends Members = Members,
  A extends Members = Members,
  R extends string = string,
> {
  /** Without -Request or -Answer: 'Multimedia-Auth'. */
  readonly name: string;
  /** 'MA'; the request is 'MAR', the answer 'MAA'. */
  readonly abbreviation: string;
  readonly code: number;
  readonly application: Application<R>;
  readonly spec: string;
  readonly request: Q;
  readonly answer: A;
  /** Agents may forward it (the P flag). Base commands stay between two peers. */
  readonly proxiable: boolean;
  /** What the ladder shows after the request's name. */
  readonly about: ((request: ValuesOf<Q>) => string | undefined) | undefined;
}

/** Any command. */
// biome-ignore lint/suspicious/noExplicitAny: members are both read and written; only any is above all
export type AnyCommand = Command<any, any, string>;

/** What a handler of the command is given. */
export type RequestOf<C> = C extends Command<infer Q, infer _, infer __> ? ValuesOf<Q> : never;
/** What a call of the command is given; `many` may be left out. */
export type RequestInput<C> = C extends Command<infer Q, infer _, infer __> ? InputOf<Q> : never;

export interface AnswerCommon<R extends string> {
  readonly result: Result<R>;
  /** Error-Message: for people, never to be acted on. */
  readonly errorMessage?: string | undefined;
}

/** What a call of the command gives. */
export type AnswerOf<C> =
  C extends Command<infer _, infer A, infer R> ? AnswerCommon<R> & Partial<ValuesOf<A>> : never;
/** What a handler of the command answers. */
export type AnswerInput<C> =
  C extends Command<infer _, infer A, infer R> ? AnswerCommon<R> & InputOf<A> : never;

export interface Application<R extends string = string> {
  /** The reference point: 'Cx'. */
  readonly name: string;
  readonly id: number;
  /** 0 for IETF applications: no Vendor-Specific-Application-Id then. */
  readonly vendor: number;
  readonly spec: string;
  /** Experimental results of the application's vendor: their numbers by name. */
  readonly results: Readonly<Record<string, number>>;
  readonly resultNames: readonly R[];

  avp<T, I>(
    name: string,
    code: number,
    type: DataType<T, I>,
    clause: string,
    options?: AvpOptions,
  ): AvpDefinition<T, I>;

  command<const Q extends Members, const A extends Members>(
    name: string,
    code: number,
    clause: string,
    grammar: {
      readonly request: Q;
      readonly answer: A;
      readonly proxiable?: boolean;
      readonly about?: (request: ValuesOf<Q>) => string | undefined;
    },
  ): Command<Q, A, R>;
}

export function application<R extends string = never>(what: {
  readonly name: string;
  readonly id: number;
  readonly vendor: number;
  readonly spec: string;
  readonly results?: Readonly<Record<R, number>>;
}): Application<R> {
  const self: Application<R> = {
    name: what.name,
    id: what.id,
    vendor: what.vendor,
    spec: what.spec,
    results: what.results ?? {},
    resultNames: Object.keys(what.results ?? {}) as R[],

    avp(name, code, type, clause, options = {}) {
      const definition = {
        kind: 'avp',
        name,
        code,
        vendor: options.vendor ?? what.vendor,
        type,
        mandatory: options.mandatory ?? true,
        secret: options.secret ?? false,
        joins: options.joins,
        spec: specOf(what.spec, clause),
      } as const;
      register(definition);
      return definition;
    },

    command(name, code, clause, grammar) {
      const command = {
        name,
        abbreviation: name.replace(/(^|-)(\w)[^-]*/g, '$2').toUpperCase(),
        code,
        application: self,
        spec: specOf(what.spec, clause),
        request: grammar.request,
        answer: grammar.answer,
        proxiable: grammar.proxiable ?? true,
        about: grammar.about,
      };
      registerCommand(command as AnyCommand);
      return command;
    },
  };
  return self;
}

/** A clause of the application's own spec, or another spec with its clause. */
function specOf(spec: string, clause: string): string {
  return clause.startsWith('§') ? `${spec} ${clause}` : clause;
}
