// The call flow between two IMS users: preconditions, ringing, speech both ways, hold, hang-up.
// TS 24.229 §5.1.3, §5.1.4, §5.4.3; TS 24.228's flows by other means; RFC 3312, RFC 3262, RFC 3311.

import { seconds } from '#kernel/time';
import { sleep } from '#kernel/wait';
import { PAssertedIdentity, PCalledPartyId, RecordRoute, Require } from '#sip/headers';
import type { SipMessage } from '#sip/message';
import { impuOf } from '#sip/uri';
import type { Flow } from './flow.ts';

/** What each side says: tones no network makes by itself. */
const ALICE_SAYS = 440;
const BOB_SAYS = 620;

export const call: Flow = {
  name: 'call',
  summary: 'alice calls bob by his number; both hear each other; hold and resume; bob hangs up',
  phones: ['alice', 'bob'],
  steps: [
    {
      id: 'register',
      title: 'both phones register',
      clause: 'TS 24.229 §5.1.1.2',
      breaks: ['wrong-key', 'drop=MAA', 'down=hss'],
      async run(stage) {
        for (const name of ['alice', 'bob']) {
          stage.start(name, stage.phone(name).register());
          await stage.finished(name, 'registered');
        }
      },
    },
    {
      id: 'invite',
      title: "alice's INVITE reaches the P-CSCF, which asserts her identity",
      clause: 'TS 24.229 §5.1.3.1, §5.2.6.3',
      breaks: ['drop=INVITE', 'down=scscf@invite'],
      async run(stage) {
        await stage.dial({ phone: 'alice', tone: ALICE_SAYS }, { phone: 'bob', tone: BOB_SAYS });
        await stage.crossed({ from: 'alice', to: 'p-cscf', message: 'INVITE' });
        const { message } = await stage.crossed({
          from: 'p-cscf',
          to: 's-cscf',
          message: 'INVITE',
        });
        const asserted = (message as SipMessage)
          .all(PAssertedIdentity)
          .map(({ uri }) => impuOf(uri));
        const expected = `sip:${stage.number('alice')}@${stage.network.home}`;
        stage.check(
          asserted.includes(expected),
          `the P-CSCF asserted ${asserted.join(', ') || 'nobody'}`,
        );
        stage.check(
          (message as SipMessage).has(RecordRoute),
          'the P-CSCF did not record its route',
        );
      },
    },
    {
      id: 'locate',
      title:
        'the S-CSCF of alice sends it to the home network of bob, whose I-CSCF finds his S-CSCF',
      clause: 'TS 24.229 §5.4.3.2, §5.3.2.1, TS 29.228 §6.1.4',
      breaks: ['down=icscf@locate', 'drop=LIR', 'drop=LIA@locate'],
      async run(stage) {
        await stage.crossed({ from: 's-cscf', to: 'i-cscf', message: 'INVITE' });
        await stage.crossed({ from: 'i-cscf', to: 'hss', message: 'LIR' });
        await stage.crossed({ from: 'hss', to: 'i-cscf', message: 'LIA DIAMETER_SUCCESS' });
        await stage.crossed({ from: 'i-cscf', to: 's-cscf', message: 'INVITE' });
      },
    },
    {
      id: 'terminate',
      title: "bob's S-CSCF sends it to the contact he registered, over his P-CSCF",
      clause: 'TS 24.229 §5.4.3.3, §5.2.6.4',
      breaks: ['down=pcscf@terminate'],
      async run(stage) {
        const { message } = await stage.crossed({
          from: 's-cscf',
          to: 'p-cscf',
          message: 'INVITE',
        });
        stage.check(
          (message as SipMessage).has(PCalledPartyId),
          'the S-CSCF named no P-Called-Party-ID',
        );
        await stage.crossed({ from: 'p-cscf', to: 'bob', message: 'INVITE' });
      },
    },
    {
      id: 'progress',
      title: 'bob answers the offer with 183, reliably, while resources are reserved',
      clause: 'TS 24.229 §5.1.4.1, RFC 3262, RFC 3312',
      breaks: ['drop=183', 'drop=PRACK'],
      async run(stage) {
        await stage.crossed({ from: 'bob', to: 'p-cscf', message: '183' });
        const { message } = await stage.crossed({ from: 'p-cscf', to: 'alice', message: '183' });
        stage.check(
          (message as SipMessage).all(Require).includes('100rel'),
          'the 183 is not reliable',
        );
        await stage.crossed({ from: 'alice', to: 'p-cscf', message: 'PRACK' });
        await stage.crossed({ from: 'p-cscf', to: 'bob', message: 'PRACK' });
      },
    },
    {
      id: 'reserved',
      title: 'alice reports her resources reserved by UPDATE, and bob his in the answer',
      clause: 'TS 24.229 §5.1.3.1, RFC 3311',
      breaks: ['drop=UPDATE'],
      async run(stage) {
        await stage.crossed({ from: 'alice', to: 'p-cscf', message: 'UPDATE' });
        await stage.crossed({ from: 'p-cscf', to: 'bob', message: 'UPDATE' });
      },
    },
    {
      id: 'ringing',
      title: 'bob rings, and alice hears of it',
      clause: 'TS 24.229 §5.1.4.1',
      breaks: ['drop=180'],
      async run(stage) {
        await stage.crossed({ from: 'bob', to: 'p-cscf', message: '180' });
        await stage.crossed({ from: 'p-cscf', to: 'alice', message: '180' });
      },
    },
    {
      id: 'answer',
      title: 'bob answers; the ACK completes the call',
      clause: 'TS 24.229 §5.1.4, RFC 3261 §13',
      breaks: ['busy', 'no-answer', 'drop=ACK'],
      async run(stage) {
        await stage.crossed({ from: 'alice', to: 'p-cscf', message: 'ACK' });
        await stage.crossed({ from: 'p-cscf', to: 'bob', message: 'ACK' });
        await stage.finished('alice', 'answered');
        stage.check(
          stage.function('scscf').calls().length === 1,
          'the S-CSCF does not list the call',
        );
      },
    },
    {
      id: 'speech',
      title: 'each hears what the other says',
      clause: 'RFC 3550, RFC 3551',
      breaks: ['silent'],
      async run(stage) {
        await stage.hears('alice', BOB_SAYS);
        await stage.hears('bob', ALICE_SAYS);
      },
    },
    {
      id: 'hold',
      title: 'alice holds: bob is told to listen no more, and hears nothing',
      clause: 'TS 24.610 §4.5.2.1',
      breaks: ['drop=INVITE@hold', 'down=scscf@hold'],
      async run(stage) {
        stage.start('alice', stage.call('alice').hold());
        await stage.finished('alice', 'done');
        stage.check(stage.call('bob').held, 'bob was not told that he is held');
      },
    },
    {
      id: 'resume',
      title: 'alice resumes, and they hear each other again',
      clause: 'TS 24.610 §4.5.2.1',
      breaks: ['drop=INVITE@resume'],
      async run(stage) {
        stage.start('alice', stage.call('alice').resume());
        await stage.finished('alice', 'done');
        stage.check(!stage.call('bob').held, 'bob still thinks he is held');
        await sleep(stage.clock, seconds(1));
        await stage.hears('bob', ALICE_SAYS);
      },
    },
    {
      id: 'bye',
      title: 'bob hangs up, and nobody holds anything of the call any more',
      clause: 'TS 24.229 §5.1.5, RFC 3261 §15',
      breaks: ['drop=BYE'],
      async run(stage) {
        const bob = stage.call('bob');
        void bob.hangup();
        await stage.crossed({ from: 'bob', to: 'p-cscf', message: 'BYE' });
        await stage.crossed({ from: 'p-cscf', to: 'alice', message: 'BYE' });
        await stage.holds(() => stage.phone('alice').calls.length === 0, 'alice still has a call');
        await stage.holds(() => stage.phone('bob').calls.length === 0, 'bob still has a call');
        await stage.holds(
          () => stage.function('scscf').calls().length === 0,
          'the S-CSCF still lists the call',
        );
      },
    },
  ],
};
