// Whom a dialled number reaches: tel URIs, numbers in SIP URIs as softphones dial them, local digits.
// TS 24.229 §5.4.3.2, TS 23.003 §13.4, RFC 3966.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PCalledPartyId } from '#sip/headers';
import { inLab, refusal, ringing } from '../support/lab.ts';

const HOME = 'ims.mnc001.mcc001.3gppnetwork.org';

describe('bob is reached by', () => {
  for (const [what, target] of [
    ['his name', 'bob'],
    ['his number as a tel URI', 'tel:+15550100002'],
    ['a tel URI with visual separators', 'tel:+1-555-010-0002'],
    ['his number in a SIP URI with user=phone', `sip:+15550100002@${HOME};user=phone`],
    ['his number in a SIP URI without it', `sip:+15550100002@${HOME}`],
    ['national digits of the home network', `tel:5550100002;phone-context=${HOME}`],
    ['national digits in a SIP URI, as a softphone dials them', `sip:5550100002@${HOME}`],
    ['national digits with the trunk prefix', `sip:15550100002@${HOME}`],
    ['international digits', `sip:01115550100002@${HOME}`],
    ["digits of the caller's own area", `sip:0100002@${HOME}`],
    ['his name in capitals of the domain', `sip:bob@${HOME.toUpperCase()}`],
  ] as const) {
    test(what, () =>
      inLab({}, async lab => {
        const [alice, bob] = await lab.registered('alice', 'bob');
        const rings = ringing(bob);
        const call = await alice.call(target);
        void call.answered.then(outcome => rings.cancel(new Error(JSON.stringify(outcome))));
        await rings.call;
        assert.ok(lab.request('p-cscf', 'bob', 'INVITE').has(PCalledPartyId));
      }),
    );
  }
});

describe('nobody is reached by', () => {
  for (const [what, target, status] of [
    ['a number of no subscriber', '+15550107777', 404],
    ['a number of another country', '+442079460000', 404],
    ['digits that complete to no subscriber', '5550107777', 404],
    ['a service code', '*21#', 484],
  ] as const) {
    test(`${what}: ${status}`, () =>
      inLab({}, async lab => {
        const [alice] = await lab.registered('alice');
        assert.equal(await refusal(alice, target), status);
        await lab.assertNothingLeft();
      }));
  }
});
