// The registration flow, from power-on to de-registration: TS 24.229 §5.1.1 to §5.4.1, TS 23.228
// §5.2, TS 29.228 §6.1. Every step is what one function must do next.

import { Authorization, PAssociatedUri, ServiceRoute, WwwAuthenticate } from '#sip/headers';
import type { SipMessage } from '#sip/message';
import { impuOf } from '#sip/uri';
import type { Flow } from './flow.ts';

const header = (message: unknown, name: string): boolean => (message as SipMessage).has(name);

export const registration: Flow = {
  name: 'registration',
  summary:
    'a SIM registers, is seen by everybody who must know, renews, and is de-registered by both sides',
  phones: ['alice'],
  steps: [
    {
      id: 'register',
      title: 'the UE sends REGISTER to its P-CSCF, with its identities and where it is',
      clause: 'TS 24.229 §5.1.1.2',
      breaks: ['down=pcscf', 'drop=REGISTER'],
      async run(stage) {
        stage.start('alice', stage.phone('alice').register());
        const { message } = await stage.crossed({
          from: 'alice',
          to: 'p-cscf',
          message: 'REGISTER',
        });
        stage.check(header(message, 'Authorization'), 'the REGISTER names no private identity');
        stage.check(
          header(message, 'P-Access-Network-Info'),
          'the REGISTER does not say where the UE is',
        );
      },
    },
    {
      id: 'path',
      title: 'the P-CSCF adds Path, visited network and charging vector, and finds the I-CSCF',
      clause: 'TS 24.229 §5.2.2.1',
      breaks: ['down=icscf'],
      async run(stage) {
        const { message } = await stage.crossed({
          from: 'p-cscf',
          to: 'i-cscf',
          message: 'REGISTER',
        });
        for (const name of ['Path', 'P-Visited-Network-ID', 'P-Charging-Vector']) {
          stage.check(header(message, name), `the P-CSCF added no ${name}`);
        }
      },
    },
    {
      id: 'authorise',
      title: 'the I-CSCF asks the HSS whether the user may register, and where',
      clause: 'TS 29.228 §6.1.1',
      breaks: ['down=hss', 'drop=UAR', 'drop=UAA', 'unknown-user'],
      async run(stage) {
        await stage.crossed({ from: 'i-cscf', to: 'hss', message: 'UAR' });
        await stage.crossed({
          from: 'hss',
          to: 'i-cscf',
          message: 'UAA DIAMETER_FIRST_REGISTRATION',
        });
      },
    },
    {
      id: 'select',
      title: 'the I-CSCF selects an S-CSCF and sends it the REGISTER',
      clause: 'TS 24.229 §5.3.1.2',
      breaks: ['down=scscf'],
      async run(stage) {
        await stage.crossed({ from: 'i-cscf', to: 's-cscf', message: 'REGISTER' });
      },
    },
    {
      id: 'vectors',
      title: 'the S-CSCF fetches an authentication vector',
      clause: 'TS 29.228 §6.3',
      breaks: ['drop=MAR', 'drop=MAA'],
      async run(stage) {
        await stage.crossed({ from: 's-cscf', to: 'hss', message: 'MAR' });
        await stage.crossed({ from: 'hss', to: 's-cscf', message: 'MAA DIAMETER_SUCCESS' });
      },
    },
    {
      id: 'challenge',
      title: 'the challenge reaches the UE, and no key with it',
      clause: 'TS 24.229 §5.4.1.2.1, TS 33.203 §6.1.1',
      breaks: ['drop=401'],
      async run(stage) {
        await stage.crossed({ from: 's-cscf', to: 'i-cscf', message: '401' });
        await stage.crossed({ from: 'i-cscf', to: 'p-cscf', message: '401' });
        const { message } = await stage.crossed({ from: 'p-cscf', to: 'alice', message: '401' });
        const challenge = (message as SipMessage).get(WwwAuthenticate)?.params;
        stage.check(challenge?.get('algorithm') === 'AKAv1-MD5', 'the challenge is not AKAv1-MD5');
        stage.check(!challenge?.has('ck') && !challenge?.has('ik'), 'CK or IK left the network');
      },
    },
    {
      id: 'answer',
      title: 'the UE verifies the network and answers with RES',
      clause: 'TS 24.229 §5.1.1.5.1, RFC 3310',
      breaks: ['wrong-key'],
      async run(stage) {
        const { message } = await stage.crossed({
          from: 'alice',
          to: 'p-cscf',
          message: 'REGISTER',
        });
        const answer = (message as SipMessage).get(Authorization)?.params;
        stage.check(
          Boolean(answer?.get('response')),
          'the UE found AUTN was not made with its own K and answered with nothing',
        );
      },
    },
    {
      id: 'assign',
      title: 'the S-CSCF checks RES, tells the HSS, and receives the service profile',
      clause: 'TS 24.229 §5.4.1.2.2, TS 29.228 §6.1.2',
      breaks: ['drop=SAR', 'drop=SAA'],
      async run(stage) {
        await stage.crossed({ from: 's-cscf', to: 'hss', message: 'SAR REGISTRATION' });
        await stage.crossed({ from: 'hss', to: 's-cscf', message: 'SAA DIAMETER_SUCCESS' });
      },
    },
    {
      id: 'registered',
      title: 'the 200 reaches the UE, with Service-Route and the identities it may use',
      clause: 'TS 24.229 §5.4.1.2.2F',
      breaks: ['drop=200'],
      async run(stage) {
        await stage.crossed({ from: 's-cscf', to: 'i-cscf', message: '200' });
        await stage.crossed({ from: 'i-cscf', to: 'p-cscf', message: '200' });
        const { message } = await stage.crossed({ from: 'p-cscf', to: 'alice', message: '200' });
        const response = message as SipMessage;
        stage.check(response.has(ServiceRoute), 'the 200 has no Service-Route');
        const identities = response.all(PAssociatedUri).map(({ uri }) => impuOf(uri));
        stage.check(
          identities.length >= 2,
          `P-Associated-URI lists ${identities.join(', ') || 'nothing'}`,
        );
        const barred = `sip:${stage.imsi('alice')}@${stage.network.home}`;
        stage.check(!identities.includes(barred), `P-Associated-URI lists the barred ${barred}`);
        await stage.finished('alice', 'registered');
        const state = await stage.registrationAtHss('alice');
        stage.check(state === 'registered', `the HSS says ${state ?? 'nothing'} of the user`);
      },
    },
    {
      id: 'third-party',
      title: 'the application server learns of it by third-party REGISTER',
      clause: 'TS 24.229 §5.4.1.7',
      breaks: ['down=as'],
      async run(stage) {
        await stage.crossed({ from: 's-cscf', to: 'as', message: 'REGISTER' });
        await stage.crossed({ from: 'as', to: 's-cscf', message: '200' });
      },
    },
    {
      id: 'reg-event',
      title: 'UE and P-CSCF subscribe to the registration state and are notified of it',
      clause: 'TS 24.229 §5.1.1.3, §5.2.3, §5.4.2.1',
      breaks: ['drop=SUBSCRIBE', 'drop=NOTIFY'],
      async run(stage) {
        await stage.crossed({ from: 'p-cscf', to: 'i-cscf', message: 'SUBSCRIBE' });
        await stage.crossed({ from: 's-cscf', to: 'p-cscf', message: 'NOTIFY' });
        await stage.crossed({ from: 'alice', to: 'p-cscf', message: 'SUBSCRIBE' });
        await stage.crossed({ from: 'p-cscf', to: 'alice', message: 'NOTIFY' });
      },
    },
    {
      id: 'refresh',
      title: 'the registration is renewed before it lapses',
      clause: 'TS 24.229 §5.1.1.4, §5.4.1.2.2',
      breaks: ['drop=REGISTER@refresh', 'drop=UAA@refresh'],
      async run(stage) {
        stage.start('alice', stage.phone('alice').register());
        await stage.crossed({ from: 'alice', to: 'p-cscf', message: 'REGISTER' });
        await stage.crossed({
          from: 'hss',
          to: 'i-cscf',
          message: 'UAA DIAMETER_SUBSEQUENT_REGISTRATION',
        });
        await stage.finished('alice', 'registered');
      },
    },
    {
      id: 'push',
      title: 'a change of the profile is pushed to the S-CSCF',
      clause: 'TS 29.228 §6.6.1',
      breaks: ['drop=PPR@push', 'drop=PPA@push'],
      async run(stage) {
        const hss = stage.function('hss');
        void hss.patch(stage.imsi('alice'), { services: ['mmtel', 'forwarding'] });
        await stage.crossed({ from: 'hss', to: 's-cscf', message: 'PPR' });
        await stage.crossed({ from: 's-cscf', to: 'hss', message: 'PPA DIAMETER_SUCCESS' });
      },
    },
    {
      id: 'network-deregistration',
      title: 'the network ends the registration: S-CSCF, UE and P-CSCF hear of it',
      clause: 'TS 24.229 §5.4.1.5, TS 29.228 §6.1.3',
      breaks: [
        'drop=RTR@network-deregistration',
        'drop=RTA@network-deregistration',
        'drop=NOTIFY@network-deregistration',
      ],
      async run(stage) {
        void stage.function('hss').deregister(stage.imsi('alice'));
        await stage.crossed({ from: 'hss', to: 's-cscf', message: 'RTR' });
        await stage.crossed({ from: 's-cscf', to: 'hss', message: 'RTA DIAMETER_SUCCESS' });
        await stage.crossed({ from: 'p-cscf', to: 'alice', message: 'NOTIFY' });
        await stage.holds(
          () => stage.phone('alice').registered === undefined,
          'the UE still thinks it is registered',
        );
        await stage.holds(
          () => stage.function('scscf').registrations().length === 0,
          'the S-CSCF still holds the registration',
        );
      },
    },
    {
      id: 'again',
      title: 'the UE may register again',
      clause: 'TS 24.229 §5.1.1.2',
      breaks: ['drop=SAA@again'],
      async run(stage) {
        stage.start('alice', stage.phone('alice').register());
        await stage.crossed({ from: 's-cscf', to: 'hss', message: 'SAR REGISTRATION' });
        await stage.crossed({ from: 'hss', to: 's-cscf', message: 'SAA DIAMETER_SUCCESS' });
        await stage.finished('alice', 'registered');
      },
    },
    {
      id: 'deregister',
      title: 'the UE de-registers, and nobody holds the registration any more',
      clause: 'TS 24.229 §5.1.1.6, §5.4.1.4',
      breaks: ['drop=SAR@deregister'],
      async run(stage) {
        stage.start('alice', stage.phone('alice').deregister());
        await stage.crossed({ from: 's-cscf', to: 'hss', message: 'SAR USER_DEREGISTRATION' });
        await stage.crossed({ from: 'hss', to: 's-cscf', message: 'SAA DIAMETER_SUCCESS' });
        await stage.finished('alice', 'deregistered');
        await stage.holds(
          () => stage.function('scscf').registrations().length === 0,
          'the S-CSCF still holds the registration',
        );
        const state = await stage.registrationAtHss('alice');
        stage.check(state !== 'registered', 'the HSS still says registered');
      },
    },
  ],
};
