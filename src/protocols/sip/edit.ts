// Edits: how one message is made from another. An edit works on a draft, which shares every field
// it does not touch with the message it began as.

import {
  endOfValue,
  fieldOf,
  fieldsOf,
  type HeaderDef,
  type HeaderField,
  headerKey,
  headerNamed,
} from './header.ts';
import { To } from './headers/addressing.ts';
import { ContentLength, ContentType } from './headers/content.ts';
import { copied, trimmed, unfolded } from './text.ts';
import type { Uri } from './uri.ts';

export type Edit = (draft: Draft) => void;

/** A message being made. Only edits see one. */
export interface Draft {
  readonly headers: HeaderField[];
  body: Uint8Array;
  /** Set on requests only. */
  uri: Uri | undefined;
  /** Set on responses only. */
  reason: string | undefined;
}

const NO_OCTETS = new Uint8Array(0);

/** Replaces every line of the header; where it stood, or at the end. No values remove it. */
export function set<T>(def: HeaderDef<T>, ...values: readonly T[]): Edit {
  return draft => replaceAll(draft, def.key, values.length === 0 ? [] : fieldsOf(def, values));
}

/** Adds values after the last of the same header, or at the end. */
export function add<T>(def: HeaderDef<T>, ...values: readonly T[]): Edit {
  return draft => {
    if (values.length === 0) return;
    const last = draft.headers.findLastIndex(field => field.key === def.key);
    draft.headers.splice(last < 0 ? draft.headers.length : last + 1, 0, ...fieldsOf(def, values));
  };
}

/** Makes `values`, in this order, the topmost of the header. Via comes first of all headers. */
export function prepend<T>(def: HeaderDef<T>, ...values: readonly T[]): Edit {
  return draft => {
    if (values.length === 0) return;
    let at = draft.headers.findIndex(field => field.key === def.key);
    if (at < 0)
      at = def.key === 'via' ? 0 : draft.headers.findLastIndex(field => field.key === 'via') + 1;
    draft.headers.splice(at, 0, ...fieldsOf(def, values));
  };
}

/** Removes every line of the header, in whatever spelling. */
export function remove(header: HeaderDef<unknown> | string): Edit {
  const key = typeof header === 'string' ? headerKey(header) : header.key;
  return draft => replaceAll(draft, key, []);
}

/** Removes the topmost value; what follows it in the same line stays octet for octet. */
export function removeFirst(def: HeaderDef<unknown>): Edit {
  return draft => replaceFirstValue(draft, def, undefined);
}

/** Replaces the topmost value; adds one where there is none. */
export function replaceFirst<T>(def: HeaderDef<T>, value: T): Edit {
  return draft => replaceFirstValue(draft, def as HeaderDef<unknown>, def.format(value));
}

/** A header line by name, known or not: replaces all lines of that name. */
export function raw(name: string, value: string): Edit {
  return draft => replaceAll(draft, headerKey(name), [fieldOf(name, value)]);
}

/** Another line of that name after the last, or at the end. */
export function addRaw(name: string, value: string): Edit {
  return draft => {
    const key = headerKey(name);
    const last = draft.headers.findLastIndex(field => field.key === key);
    draft.headers.splice(last < 0 ? draft.headers.length : last + 1, 0, fieldOf(name, value));
  };
}

/** Lines of another message, as they are: shared, not copied. */
export function fields(...lines: readonly HeaderField[]): Edit {
  return draft => {
    draft.headers.push(...lines);
  };
}

/** Has no effect on responses. */
export function requestUri(uri: Uri): Edit {
  return draft => {
    if (draft.uri !== undefined) draft.uri = uri;
  };
}

/** Has no effect on requests. The text is octets: `octetText` makes them of a person's text. */
export function reasonPhrase(text: string): Edit {
  return draft => {
    if (draft.reason !== undefined) draft.reason = text;
  };
}

/** The body and its Content-Type and Content-Length. A string is written as UTF-8. */
export function body(contentType: string, octets: Uint8Array | string): Edit {
  return draft => {
    const bytes = typeof octets === 'string' ? Buffer.from(octets, 'utf8') : octets;
    draft.body = bytes;
    replaceAll(draft, ContentType.key, [fieldOf(ContentType.name, contentType)]);
    replaceAll(draft, ContentLength.key, [fieldOf(ContentLength.name, String(bytes.length))]);
  };
}

const ABOUT_BODY = new Set([
  'content-type',
  'content-encoding',
  'content-disposition',
  'content-language',
  'mime-version',
]);

/** No body, and none of the headers that describe one. */
export function noBody(): Edit {
  return draft => {
    draft.body = NO_OCTETS;
    const rest = draft.headers.filter(field => !ABOUT_BODY.has(field.key));
    draft.headers.splice(0, draft.headers.length, ...rest);
    if (rest.some(field => field.key === ContentLength.key)) {
      replaceAll(draft, ContentLength.key, [fieldOf(ContentLength.name, '0')]);
    }
  };
}

/** Adds `tag` to To where To has none: RFC 3261 §8.2.6.2. */
export function toTag(tag: string): Edit {
  return draft => {
    const at = draft.headers.findIndex(field => field.key === To.key);
    if (at < 0) return;
    const field = draft.headers[at]!;
    if (!hasTag(field)) draft.headers[at] = fieldOf(To.name, `${field.value};tag=${tag}`, To);
  };
}

function hasTag(field: HeaderField): boolean {
  try {
    return field.values(To)[0]!.params.has('tag');
  } catch {
    return /;\s*tag\s*=/i.test(field.value); // a To we refuse: it is answered all the same
  }
}

function replaceAll(draft: Draft, key: string, replacement: readonly HeaderField[]): void {
  const { headers } = draft;
  const first = headers.findIndex(field => field.key === key);
  if (first < 0) {
    headers.push(...replacement);
    return;
  }
  let count = 1;
  while (headers[first + count]?.key === key) count++;
  headers.splice(first, count, ...replacement);
  for (let i = headers.length - 1; i >= first + replacement.length; i--) {
    if (headers[i]!.key === key) headers.splice(i, 1);
  }
}

function replaceFirstValue(draft: Draft, def: HeaderDef<unknown>, text: string | undefined): void {
  const { headers } = draft;
  // lines that hold no value (`Route:`) are passed over, and dropped
  for (let at = headers.findIndex(field => field.key === def.key); at >= 0; ) {
    const value = headers[at]!.value;
    const rest = def.shape === 'list' ? restOfList(value) : '';
    if (rest === undefined) {
      headers.splice(at, 1);
      at = headers.findIndex(field => field.key === def.key);
      continue;
    }
    const parts = text === undefined ? [] : [text];
    if (rest !== '') parts.push(rest);
    if (parts.length === 0) headers.splice(at, 1);
    else headers[at] = fieldOf(def.name, parts.join(', '), def);
    return;
  }
  if (text !== undefined) {
    const index = def.key === 'via' ? 0 : headers.length;
    headers.splice(index, 0, fieldOf(def.name, text, def));
  }
}

/** What follows the first value of a list; undefined where there is no value at all. */
function restOfList(text: string): string | undefined {
  for (let at = 0; at < text.length; ) {
    const end = endOfValue(text, at);
    if (trimmed(text.slice(at, end)) === '') at = end + 1;
    else return trimmed(text.slice(end + 1));
  }
  return undefined;
}

/** A copy of a line that pins no message: for what outlives a transaction. */
export function detached(field: HeaderField): HeaderField {
  const name = headerNamed(field.key)?.name ?? field.name;
  return fieldOf(copied(name), copied(unfolded(field.value)));
}
