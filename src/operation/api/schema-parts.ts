// The words that the API's schemas are made of. An object with a title is a component of its own in the
// description.

import { type TObject, type TProperties, type TSchema, Type } from '@sinclair/typebox';

/** An object with these members and no others. */
export function object<T extends TProperties>(
  title: string | undefined,
  description: string,
  properties: T,
): TObject<T> {
  return Type.Object(properties, {
    ...(title === undefined ? {} : { title }),
    description,
    additionalProperties: false,
  });
}

export const text = (description: string, rest: object = {}) =>
  Type.String({ description, ...rest });
export const number = (description: string) => Type.Number({ description });
export const whole = (description: string) => Type.Integer({ description, minimum: 0 });
export const flag = (description: string) => Type.Boolean({ description });
export const list = <T extends TSchema>(items: T, description: string) =>
  Type.Array(items, { description });
export const texts = (description: string) => list(Type.String(), description);
export const oneOf = <const T extends readonly string[]>(values: T, description: string) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values], description });
export const time = (description: string) =>
  text(`${description}, ISO 8601`, { format: 'date-time' });
export const optional = Type.Optional;

export const limit = (most: number, preset: number, what: string) =>
  optional(
    Type.Integer({ description: `${what}, at most`, minimum: 1, maximum: most, default: preset }),
  );
