// Where a UE would have its requests go, and where they do go: never beyond what the network chose.
// TS 24.229 §5.2.6.3.3, §5.2.6.3.5; RFC 3261 §16.12, §26.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CSeq, nameAddr, Path, Route, ServiceRoute } from '#sip/headers';
import { prepend, remove, requestUri, type SipRequest, set } from '#sip/message';
import { parseMessage } from '#sip/parse';
import { parseUri, uriText } from '#sip/uri';
import { inLab, type Lab, refusal, registers, ringing, seconds } from '../support/lab.ts';
import { Stranger } from '../support/stranger.ts';
import { requests } from '../support/tamper.ts';

const to = (...uris: string[]) => set(Route, ...uris.map(uri => nameAddr(parseUri(uri))));

/** How a UE may tamper with the Route of an initial request. */
const ROUTES: Readonly<Record<string, (lab: Lab, request: SipRequest) => SipRequest>> = {
  'leaves it out': (_, request) => request.with(remove(Route)),
  'goes past its S-CSCF, to the I-CSCF': ({ home }, request) =>
    request.with(to(`sip:icscf.${home}:4060;lr`)),
  'goes to the application server at once': ({ home }, request) =>
    request.with(to(`sip:screening@as.${home}:5090;lr`)),
  'would be served as somebody else': ({ home }, request) =>
    request.with(to(`sip:scscf.${home}:6060;lr;orig`)),
  'leads out of the network': (_, request) => request.with(to('sip:192.0.2.66;lr')),
  'adds a hop behind the S-CSCF': (_, request) =>
    request.with(set(Route, ...request.all(Route), nameAddr(parseUri('sip:192.0.2.66;lr')))),
  'sends a Path and a Service-Route of its own': (_, request) =>
    request.with(
      prepend(Path, nameAddr(parseUri('sip:192.0.2.66;lr'))),
      prepend(ServiceRoute, nameAddr(parseUri('sip:192.0.2.66;lr'))),
    ),
};

describe('an initial request whose UE', () => {
  for (const [what, tampered] of Object.entries(ROUTES)) {
    test(`${what} goes by the Service-Route all the same`, () =>
      inLab({}, async lab => {
        const alice = await lab.ue('alice', {
          tamper: requests('INVITE', request => tampered(lab, request)),
        });
        await registers(alice);
        const [bob] = await lab.registered('bob');
        const rings = ringing(bob);
        await alice.call('bob');
        await rings.call;
        const invite = lab.request('p-cscf', 's-cscf', 'INVITE');
        const route = invite.all(Route).map(({ uri }) => uriText(uri));
        assert.deepEqual(route, [`sip:orig@scscf.${lab.home}:6060;lr`]);
        assert.ok(!invite.has(Path) && !invite.has(ServiceRoute));
      }));
  }

  for (const what of ['leaves it out', 'leads out of the network'] as const) {
    test(`${what} is refused by pcscf.strictRoute: 400`, () =>
      inLab({ settings: ['pcscf.strictRoute=true'] }, async lab => {
        const tampered = ROUTES[what]!;
        const alice = await lab.ue('alice', {
          tamper: requests('INVITE', request => tampered(lab, request)),
        });
        await registers(alice);
        const [bob] = await lab.registered('bob');
        assert.equal(await refusal(alice, 'bob'), 400);
        const { out } = await lab.connect(bob, alice); // who keeps to it is served
        await out.hangup();
      }));
  }
});

/** How a UE may tamper with a request inside its dialog: all but what the dialog's Route says. */
const DIALOG: Readonly<Record<string, (lab: Lab, request: SipRequest) => SipRequest>> = {
  'has no Route': (_, request) => request.with(remove(Route)),
  'has a token that is forged': (_, request) =>
    request.with(
      set(
        Route,
        ...request.all(Route).map(value => {
          const text = uriText(value.uri);
          const forged = text.replace(
            /^sip:(...)(.)/,
            (_all, head, c) => `sip:${head}${c === 'A' ? 'B' : 'A'}`,
          );
          return nameAddr(parseUri(text.includes('dialog=') ? text : forged));
        }),
      ),
    ),
  'has a mark of the S-CSCF that is forged': (_, request) =>
    request.with(
      set(
        Route,
        ...request
          .all(Route)
          .map(({ uri }) =>
            nameAddr(parseUri(uriText(uri).replace(/dialog=orig\.\w/, 'dialog=orig.0'))),
          ),
      ),
    ),
  'has a Route that leads out of the network': (_, request) =>
    request.with(set(Route, request.get(Route)!, nameAddr(parseUri('sip:192.0.2.66;lr')))),
  'has a Route that leads past the S-CSCF, to the application server': ({ home }, request) =>
    request.with(
      set(Route, request.get(Route)!, nameAddr(parseUri(`sip:screening@as.${home}:5090;lr`))),
      requestUri(parseUri('sip:victim@192.0.2.66')),
    ),
  'has a Route that leads past the S-CSCF, to the I-CSCF': ({ home }, request) =>
    request.with(set(Route, request.get(Route)!, nameAddr(parseUri(`sip:icscf.${home}:4060;lr`)))),
  'has a Route that leads past the S-CSCF, to the HSS': ({ home }, request) =>
    request.with(set(Route, request.get(Route)!, nameAddr(parseUri(`sip:hss.${home}:3868;lr`)))),
};

describe('a request inside a dialog that', () => {
  for (const [what, tampered] of Object.entries(DIALOG)) {
    test(`${what} is refused, and leads nowhere`, () =>
      inLab({}, async lab => {
        const spy = await Stranger.come(lab);
        const alice = await lab.ue('alice', {
          tamper: requests('BYE', request => tampered(lab, request)),
        });
        await registers(alice);
        const [bob] = await lab.registered('bob');
        const { out, in: taken } = await lab.connect(alice, bob);
        void out.hangup();
        await lab.sleep(seconds(5));
        const answer = lab.sip('p-cscf', 'alice', '').at(-1)!;
        assert.equal(answer.get(CSeq)?.method, 'BYE');
        assert.match(answer.summary(), /^(403|481)/);
        assert.equal(taken.state, 'talking');
        for (const past of ['as', 'i-cscf', 'hss', 'mallory']) {
          assert.deepEqual(lab.sip('p-cscf', past, 'BYE'), []);
          assert.deepEqual(lab.sip('as', past, 'BYE'), []);
        }
        assert.deepEqual(spy.received, []);
      }));
  }

  test('comes from a source that never registered is refused: 403', () =>
    inLab({}, async lab => {
      const [alice, bob] = await lab.registered('alice', 'bob');
      const { out, in: taken } = await lab.connect(alice, bob);
      await lab.sleep(seconds(1));
      const ack = Buffer.from(lab.request('alice', 'p-cscf', 'ACK').encode()).toString('latin1');
      const bye = ack.replace(/^ACK/, 'BYE').replace(/CSeq: \d+ ACK/, 'CSeq: 99 BYE');
      const mallory = await Stranger.come(lab);
      assert.equal(await mallory.says(parseMessage(Buffer.from(bye, 'latin1')) as SipRequest), 403);
      assert.equal(taken.state, 'talking');
      await out.hangup();
    }));
});
