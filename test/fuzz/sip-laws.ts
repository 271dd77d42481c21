// The four laws of the SIP codec, asserted over any octets: what parses serializes; serializing
// twice gives the same octets; what it does not know passes through unchanged; no input makes it
// throw anything but its own error.

import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { SipError } from '#sip/error';
import { HeaderField, headerDefinitions } from '#sip/header';
import { MaxForwards, Route, Via } from '#sip/headers';
import { prepend, removeFirst, response, type SipMessage, SipRequest, set } from '#sip/message';
import { normalise } from '#sip/normalise';
import { parseMessage } from '#sip/parse';
import { SipStreamReader, type StreamItem } from '#sip/stream-reader';
import { impuOf, isSipUri, isTelUri, parseUri, sameUri, type Uri, uriText } from '#sip/uri';

/** What `make` gives; undefined where it throws SipError. Any other throw is a broken law. */
export function unlessRefused<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof SipError) {
      assert.ok(error.status >= 400 && error.status <= 699, `status ${error.status}`);
      return undefined;
    }
    throw error;
  }
}

const latin1 = (octets: Uint8Array): string => Buffer.from(octets).toString('latin1');

/** Returns what became of the octets; throws where a law is broken. */
export function assertLaws(octets: Uint8Array): 'refused' | 'parsed' | 'clean' {
  const before = latin1(octets);
  const refusal: { error?: SipError } = {};
  const message = unlessRefused(() => {
    try {
      return parseMessage(octets);
    } catch (error) {
      if (error instanceof SipError) refusal.error = error;
      throw error;
    }
  });
  if (message === undefined) {
    // what can be answered is answered with octets that parse
    const { error } = refusal;
    if (error?.request !== undefined) parseMessage(response(error.request, error.status).encode());
    return 'refused';
  }
  assertMessageLaws(message);
  const clean = unlessRefused(() => normalise(message));
  if (clean !== undefined) assertClean(clean);
  assert.equal(latin1(octets), before, 'reading wrote to the octets');
  return clean === undefined ? 'parsed' : 'clean';
}

/** Laws one, two and three. */
export function assertMessageLaws(message: SipMessage): void {
  const wire = message.encode();
  const again = parseMessage(wire);
  assert.equal(latin1(again.encode()), latin1(wire), 'written twice, it differs');
  assert.equal(again.kind, message.kind);
  assert.equal(latin1(again.body), latin1(message.body), 'the body changed');
  const lines = (of: SipMessage): string[] =>
    of.headers.map(field => `${field.key}:${field.value}`);
  assert.deepEqual(
    lines(again).slice(0, message.headers.length),
    lines(message),
    'a header changed',
  );

  const masked = message.masked();
  assert.equal(masked.length, wire.length);
  assert.deepEqual(
    lines(parseMessage(masked)).length,
    lines(again).length,
    'masking changed the structure',
  );
  message.keys();
  message.summary();

  assertValueLaws(message);
  if (message instanceof SipRequest) {
    assertUriLaws(message.uri);
    assertEdits(message);
  }
}

/** Every value that parses is written so that it parses to the same value. */
function assertValueLaws(message: SipMessage): void {
  for (const def of headerDefinitions()) {
    for (const field of message.headers) {
      if (field.key !== def.key) continue;
      const values = unlessRefused(() => field.values(def));
      for (const value of values ?? []) {
        const text = def.format(value);
        const line = `${def.name}: ${text}`;
        const made = new HeaderField(def.key, def, line, 0, def.name.length + 1, line.length);
        const back = made.values(def);
        assert.ok(
          back.length === 1 && isDeepStrictEqual(back[0], value),
          `${def.name}: ${JSON.stringify(field.value)} was written as ${JSON.stringify(text)}`,
        );
        if (typeof value === 'object' && value !== null && 'uri' in value)
          assertUriLaws(value.uri as Uri);
      }
    }
  }
}

export function assertUriLaws(uri: Uri): void {
  if (uri.scheme === '*') return;
  const again = parseUri(uriText(uri));
  assert.deepEqual(again, uri, uriText(uri));
  assert.ok(sameUri(uri, again) && sameUri(again, uri), `${uriText(uri)} differs from itself`);
  if (!isSipUri(uri) && !isTelUri(uri)) return;
  const impu = impuOf(uri);
  assert.equal(impuOf(parseUri(impu)), impu, `the identity of ${uriText(uri)} is not canonical`);
}

/** What a proxy does, and that it does nothing else. */
function assertEdits(message: SipRequest): void {
  const via = {
    protocol: 'SIP/2.0',
    transport: 'UDP',
    host: 'h',
    port: undefined,
    params: new Map(),
  };
  const edited = unlessRefused(() =>
    message.with(prepend(Via, via), set(MaxForwards, 5), removeFirst(Route)),
  );
  if (edited === undefined) return;
  const others = (of: SipMessage): string[] =>
    of.headers
      .filter(({ key }) => !['via', 'max-forwards', 'route', 'content-length'].includes(key))
      .map(field => field.line);
  assert.deepEqual(others(edited), others(message), 'an edit changed another header');
  const routes = unlessRefused(() => message.all(Route));
  if (routes !== undefined) assert.equal(edited.all(Route).length, Math.max(routes.length - 1, 0));
  const wire = parseMessage(edited.encode());
  assert.equal(wire.get(MaxForwards), 5);
  assert.equal(wire.get(Via)?.host, 'h');
  assert.equal(latin1(wire.body), latin1(message.body));
}

/** What passed the entry check has no line that another parser could read differently. */
function assertClean(message: SipMessage): void {
  const wire = latin1(message.encode());
  const head = wire.slice(0, wire.length - message.body.length);
  assert.ok(!/\r(?!\n)|(?<!\r)\n|\r\n[ \t]/.test(head), 'CR, LF or a fold passed the entry check');
  assert.ok(
    head
      .split('\r\n')
      .slice(1, -2)
      .every(line => /^[^\s:]+:/.test(line)),
    'a header name with white space passed',
  );
  assert.equal(
    unlessRefused(() => normalise(parseMessage(message.encode())))?.headers.length,
    parseMessage(message.encode()).headers.length,
  );
}

/** The items of a stream are the same in one piece and in pieces of the given sizes. */
export function assertChunking(stream: Uint8Array, sizes: () => number): void {
  const told = (items: readonly StreamItem[]): string[] =>
    items.map(item => {
      if (item.kind === 'message') return latin1(item.message.encode());
      return item.kind === 'error'
        ? `${item.error.status} ${item.error.message} ${item.fatal}`
        : item.kind;
    });
  const whole = told(new SipStreamReader().push(stream));
  const reader = new SipStreamReader();
  const parts: string[] = [];
  for (let at = 0; at < stream.length; ) {
    const size = Math.max(1, sizes());
    parts.push(...told(reader.push(stream.slice(at, at + size))));
    at += size;
  }
  assert.deepEqual(parts, whole, 'a stream reads differently in pieces');
}
