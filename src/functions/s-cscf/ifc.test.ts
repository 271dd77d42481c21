// The cases of a foreign S-CSCF, see ../shared/vectors/INDEX.md: service profile, session case,
// registration state and message; does the criterion trigger?

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  type InitialFilterCriterion,
  parseServiceProfile,
  type SessionCase,
} from '#diameter/cx-user-data';
import { ProtocolError } from '#kernel/errors';
import { parseXml } from '#kernel/xml';
import type { SipRequest } from '#sip/message';
import { parseMessage } from '#sip/parse';
import { vectors } from '../../../test/vectors.ts';
import { nextMatch, registrationType } from './ifc.ts';

interface Case {
  readonly name: string;
  readonly service_profile: string;
  readonly registered: boolean;
  readonly session_case: 'originating' | 'terminating' | 'originating_cdiv';
  readonly initial_registration?: boolean;
  readonly message: string;
  readonly expect_match: boolean;
}

/** Cases that we answer otherwise, and why. One that passes by surprise fails. */
const otherwise: Readonly<Record<string, string>> = {};

const cases = JSON.parse(readFileSync(vectors('ims/ifc.json'), 'utf8')) as readonly Case[];
// Its Content-Length is less than its body, which their parser did not look at.
const usual = withLength(readFileSync(vectors('ims/ifc_default_message.sip'), 'latin1'));

function withLength(text: string): Buffer {
  const length = text.length - text.indexOf('\r\n\r\n') - 4;
  return Buffer.from(text.replace(/Content-Length: \d+/, `Content-Length: ${length}`), 'latin1');
}

function sessionCase(of: Case): SessionCase {
  const when = of.registered ? 'REGISTERED' : 'UNREGISTERED';
  if (of.session_case === 'originating_cdiv') return 'ORIGINATING_CDIV';
  return of.session_case === 'originating' ? `ORIGINATING_${when}` : `TERMINATING_${when}`;
}

function triggers(of: Case): boolean {
  const octets = of.message === 'default' ? usual : Buffer.from(of.message, 'latin1');
  const request = parseMessage(octets) as SipRequest;
  const profile = of.service_profile.replace('<ServiceProfile>', `<ServiceProfile>${identity}`);
  let criteria: readonly InitialFilterCriterion[];
  try {
    criteria = parseServiceProfile(parseXml(profile)).filterCriteria;
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error));
    return false; // a profile that is none triggers nothing
  }
  const registration =
    request.method === 'REGISTER'
      ? registrationType(request, of.initial_registration === true)
      : undefined;
  const circumstances = {
    sessionCase: request.method === 'REGISTER' ? undefined : sessionCase(of),
    registered: of.registered,
    registration,
  };
  return nextMatch(criteria, 0, request, circumstances) !== undefined;
}

const identity = '<PublicIdentity><Identity>sip:5755550033@homedomain</Identity></PublicIdentity>';

for (const each of cases) {
  const reason = otherwise[each.name];
  test(`${each.name} ${each.expect_match ? 'triggers' : 'does not trigger'}`, () => {
    const expected = reason === undefined ? each.expect_match : !each.expect_match;
    assert.equal(triggers(each), expected, reason);
  });
}
