import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Authorization, Contact, Expires, nameAddr, To } from './headers.ts';
import { impiOf, isDeregistration, required } from './identities.ts';
import { type Edit, remove, set } from './message.ts';
import { someRequest } from './testing/requests.ts';
import { parseUri } from './uri.ts';

const home = 'ims.example';
const register = (to: string, ...edits: Edit[]) =>
  someRequest('REGISTER', `sip:${home}`, set(To, nameAddr(parseUri(to))), ...edits);
const digest = (params: Readonly<Record<string, string>>, scheme = 'Digest') => ({
  scheme,
  params: new Map(Object.entries(params)),
});

describe('the private identity of a REGISTER', () => {
  for (const [what, impi, ...credentials] of [
    [
      'is the username',
      'alice-1@ims.example',
      digest({ username: 'alice-1@ims.example', realm: home }),
    ],
    ['is the username, with the home domain', 'alice@ims.example', digest({ username: 'alice' })],
    ['is of the public one without credentials', '+1555@ims.example'],
    [
      'is of the public one with credentials for others',
      '+1555@ims.example',
      digest({ username: 'x', realm: 'other.example' }),
    ],
    [
      'is of the public one with credentials of another kind',
      '+1555@ims.example',
      digest({ username: 'x' }, 'Basic'),
    ],
    [
      'is that of our realm among several',
      'alice@ims.example',
      digest({ username: 'x', realm: 'other' }),
      digest({ username: 'alice', realm: 'IMS.example' }),
    ],
  ] as const) {
    test(what, () => {
      const request = register('sip:+1-555@ims.example', set(Authorization, ...credentials));
      assert.equal(impiOf(request, home), impi);
    });
  }

  test('is none of a number alone: 400', () => {
    assert.throws(() => impiOf(register('tel:+1555'), home), { status: 400 });
  });
});

describe('a REGISTER', () => {
  const contacts = (...expires: (string | undefined)[]) =>
    set(
      Contact,
      ...expires.map((each, n) =>
        nameAddr(parseUri(`sip:a@192.0.2.${n}`), each === undefined ? {} : { expires: each }),
      ),
    );
  for (const [what, expected, ...edits] of [
    ['with Expires: 0', true, contacts(undefined), set(Expires, 0)],
    ['whose contacts all expire', true, contacts('0', '0'), set(Expires, 60)],
    ['of which one contact stays', false, contacts('0', '60'), set(Expires, 0)],
    ['without times', false, contacts(undefined)],
    ['without contacts', false, remove(Contact), set(Expires, 0)],
  ] as const) {
    test(`${what} ends registrations: ${expected}`, () => {
      assert.equal(isDeregistration(register('sip:a@ims.example', ...edits)), expected);
    });
  }
});

test('a header that must be there and is not is named', () => {
  assert.throws(() => required(someRequest('REGISTER', 'sip:a@b', remove(To)), To), {
    status: 400,
    message: /To is missing/,
  });
});
