// What is checked once, where a message enters from a peer that is not trusted (Gm, trunks, Ici),
// before anything is passed through unparsed. RFC 3261 §7.3, §8.1.1, §20; RFC 4475.

import { SipError } from './error.ts';
import { fieldOf, type HeaderDef, type HeaderField } from './header.ts';
import { Contact, From, To } from './headers/addressing.ts';
import { ContentLength } from './headers/content.ts';
import { CallId, CSeq } from './headers/dialog.ts';
import { MaxForwards, RecordRoute, Route } from './headers/routing.ts';
import { Via } from './headers/via.ts';
import { type Received, type SipMessage, SipRequest, SipResponse } from './message.ts';

const MANDATORY = [Via, From, To, CallId, CSeq] as const;

/**
 * The same message, with folding undone, or the SipError that refuses it: bare CR or LF, white space
 * before a colon, a single-instance header twice, a mandatory one missing, a malformed value where
 * routing depends on it, a CSeq of another method.
 */
export function normalise<M extends SipMessage>(message: M): M;
export function normalise(message: SipMessage): SipMessage {
  try {
    return check(message);
  } catch (error) {
    if (!(error instanceof SipError) || !(message instanceof SipRequest)) throw error;
    const isAnswerable = MANDATORY.every(def => message.has(def as HeaderDef<unknown>));
    throw isAnswerable && error.request === undefined ? error.with({ request: message }) : error;
  }
}

function check(message: SipMessage): SipMessage {
  if (message.received()?.bareLf) refuse('a line ends with LF alone', 'RFC 3261 §7');
  const nul = message.received()?.text.indexOf('\0') ?? -1;
  if (nul >= 0) checkNul(message.received()!.text, nul);
  let folded = false;
  const seen = new Set<string>();
  for (const field of message.headers) {
    const { text, start, valueAt, end } = field;
    const beforeColon = text.charCodeAt(valueAt - 2);
    if (beforeColon === 0x20 || beforeColon === 0x09)
      refuse('white space before a colon', 'RFC 3261 §7.3.1');
    if (hasLineEnd(text, start, end)) {
      folded = true;
      checkFolds(text, start, end);
    }
    if (field.def?.shape === 'single') {
      if (seen.has(field.key)) {
        throw new SipError(400, `${field.name} stands twice`, {
          header: field.name,
          clause: 'RFC 3261 §7.3.1',
        });
      }
      seen.add(field.key);
    }
  }

  for (const def of MANDATORY) {
    if (message.get(def as HeaderDef<unknown>) === undefined) {
      throw new SipError(400, `${def.name} is missing`, {
        header: def.name,
        clause: 'RFC 3261 §8.1.1',
      });
    }
  }
  message.all(Via);
  message.all(Contact);
  message.all(Route);
  message.all(RecordRoute);
  message.get(MaxForwards);
  message.get(ContentLength);
  if (message instanceof SipRequest && message.get(CSeq)!.method !== message.method) {
    throw new SipError(400, 'CSeq names another method', {
      header: 'CSeq',
      clause: 'RFC 3261 §8.1.1.5',
    });
  }
  return folded ? unfold(message) : message;
}

function refuse(message: string, clause: string): never {
  throw new SipError(400, message, { clause });
}

/** Only as a quoted-pair: a peer in C would read the line as ending there. */
function checkNul(text: string, at: number): void {
  for (; at >= 0; at = text.indexOf('\0', at + 1)) {
    if (text.charCodeAt(at - 1) !== 0x5c) refuse('a NUL that is not escaped', 'RFC 3261 §25.1');
  }
}

/** Folded, or with a bare CR: a CR in the window. The next one otherwise is the line's own end. */
function hasLineEnd(text: string, start: number, end: number): boolean {
  const at = text.indexOf('\r', start);
  return at >= 0 && at < end;
}

/** Every CR must be followed by LF, and the pair by white space: else it is no fold. */
function checkFolds(text: string, start: number, end: number): void {
  for (let i = start; i < end; i++) {
    if (text.charCodeAt(i) !== 0x0d) continue;
    if (text.charCodeAt(i + 1) !== 0x0a || i + 1 >= end) refuse('CR without LF', 'RFC 3261 §25.1');
  }
}

function unfold(message: SipMessage): SipMessage {
  const headers = message.headers.map(field =>
    hasLineEnd(field.text, field.start, field.end) ? unfoldField(field) : field,
  );
  const received = message.received();
  const start: Received | undefined =
    received === undefined ? undefined : { ...received, octets: undefined };
  return message instanceof SipRequest
    ? new SipRequest(message.method, message.uri, headers, message.body, start)
    : new SipResponse(
        (message as SipResponse).status,
        (message as SipResponse).reason,
        headers,
        message.body,
        start,
      );
}

function unfoldField(field: HeaderField): HeaderField {
  return fieldOf(field.name, field.value, field.def);
}
