// What an AVP is on the wire and what a command or a grouped AVP holds, declared once: parser,
// serializer and static types all follow from these. RFC 6733 §4.

import type { Keys } from '#kernel/trace';
import type { Writer } from './writer.ts';

/**
 * How a value of one data format (RFC 6733 §4.2–§4.4) becomes octets and back. `T` is what reading
 * gives, `I` what writing takes.
 */
export interface DataType<out T, in I = T> {
  /** The format's name: 'Unsigned32', 'UTF8String', 'Grouped'. */
  readonly format: string;
  write(value: I, to: Writer): void;
  /** The data is `octets[start, end)`. Throws a DiameterError that says what is wrong with it. */
  read(octets: Buffer, start: number, end: number): T;
  /** What reading back what was written gives, without doing either: local links live on it. */
  settle(value: I): T;
  /** What a grouped AVP holds. */
  readonly members?: Members;
  /** The names of an enumerated AVP. */
  readonly names?: Readonly<Record<string, number>>;
}

export interface AvpDefinition<out T = unknown, in I = T> {
  readonly kind: 'avp';
  /** The spec's spelling: 'SIP-Auth-Data-Item'. */
  readonly name: string;
  readonly code: number;
  /** 0 where the AVP has no Vendor-Id. */
  readonly vendor: number;
  readonly type: DataType<T, I>;
  /** The M flag we send. */
  readonly mandatory: boolean;
  /** Keys, expected responses and password hashes: overwritten in everything a person sees. */
  readonly secret: boolean;
  /** Which of a story's keys its value is, for the trace. */
  readonly joins: keyof Keys | undefined;
  /** 'TS 29.229 §6.3.2' */
  readonly spec: string;
}

/** Any definition, whatever its value. */
export type AnyAvp = AvpDefinition<unknown, never>;

export interface Optional<D extends AnyAvp = AnyAvp> {
  readonly kind: 'optional';
  readonly avp: D;
}

export interface Many<D extends AnyAvp = AnyAvp> {
  readonly kind: 'many';
  readonly avp: D;
  readonly min: number;
  readonly max: number;
}

/** Bare is exactly one. */
export type Member = AnyAvp | Optional | Many;
export type Members = Readonly<Record<string, Member>>;

/** Zero or one: `[ AVP ]` in the spec's grammar. */
export function optional<D extends AnyAvp>(avp: D): Optional<D> {
  return { kind: 'optional', avp };
}

/** The most AVPs of one kind in one place, where the spec sets no bound of its own. */
export const MAX_REPEATED = 1_000;

/** `* [ AVP ]`, or `min*max` as the spec's grammar has it. */
export function many<D extends AnyAvp>(
  avp: D,
  bounds: { readonly min?: number; readonly max?: number } = {},
): Many<D> {
  return { kind: 'many', avp, min: bounds.min ?? 0, max: bounds.max ?? MAX_REPEATED };
}

export type ValueOf<D extends AnyAvp> = D extends AvpDefinition<infer T, never> ? T : never;
export type InputValueOf<D extends AnyAvp> = D extends AvpDefinition<unknown, infer I> ? I : never;

type Flat<T> = { [K in keyof T]: T[K] };

/** What reading gives: `many` is always an array, perhaps an empty one. */
export type ValuesOf<M extends Members> = Flat<
  {
    readonly [K in keyof M as M[K] extends Optional ? never : K]: M[K] extends Many<infer D>
      ? readonly ValueOf<D>[]
      : M[K] extends AnyAvp
        ? ValueOf<M[K]>
        : never;
  } & {
    readonly [K in keyof M as M[K] extends Optional ? K : never]?:
      | (M[K] extends Optional<infer D> ? ValueOf<D> : never)
      | undefined;
  }
>;

/** What writing takes: `many` may be left out. */
export type InputOf<M extends Members> = Flat<
  {
    readonly [K in keyof M as M[K] extends AnyAvp ? K : never]: M[K] extends AnyAvp
      ? InputValueOf<M[K]>
      : never;
  } & {
    readonly [K in keyof M as M[K] extends AnyAvp ? never : K]?:
      | (M[K] extends Optional<infer D>
          ? InputValueOf<D>
          : M[K] extends Many<infer D>
            ? readonly InputValueOf<D>[]
            : never)
      | undefined;
  }
>;
