// A little network's trace, made of real messages: what the tests of the sinks look at.

import { Avp } from '#diameter/avp';
import * as base from '#diameter/base';
import { avpsOf } from '#diameter/command';
import { Cx, MultimediaAuth, UserAuthorization } from '#diameter/cx';
import { DiameterMessage } from '#diameter/message';
import type { Address, LinkProtocol } from '#kernel/host';
import { ms } from '#kernel/time';
import type { DecisionEvent, Keys, MessageEvent, Traced, TraceEvent } from '#kernel/trace';
import { parseMessage } from '#sip/parse';

export const HOME = 'ims.mnc001.mcc001.3gppnetwork.org';
const START = Date.UTC(2026, 0, 1, 12);

/** Addresses on one machine, as the lab has them. */
const SOCKETS: Readonly<Record<string, Address>> = {
  alice: { host: '127.0.0.1', port: 40_001 },
  bob: { host: '127.0.0.1', port: 40_002 },
  'p-cscf': { host: '127.0.0.1', port: 5060 },
  'i-cscf': { host: '127.0.0.1', port: 4060 },
  's-cscf': { host: '127.0.0.1', port: 6060 },
  hss: { host: '127.0.0.1', port: 3868 },
};

export interface Hop {
  readonly from: string;
  readonly to: string;
  readonly point: string;
  readonly link?: LinkProtocol;
  readonly lost?: string;
}

/** Collects events, a millisecond apart unless told otherwise. */
export class Scenario {
  readonly events: TraceEvent[] = [];
  now = START;
  readonly #sockets: Readonly<Record<string, Address>>;

  constructor(sockets: Readonly<Record<string, Address>> = SOCKETS) {
    this.#sockets = sockets;
  }

  pass(duration: number): this {
    this.now += duration;
    return this;
  }

  message(hop: Hop, protocol: MessageEvent['protocol'], message: Traced): MessageEvent {
    this.now += ms(1);
    const { from, to, point, link = 'local', lost } = hop;
    const event: MessageEvent = {
      kind: 'message',
      sequence: this.events.length + 1,
      time: this.now,
      from,
      to,
      point,
      protocol,
      link,
      source: this.#sockets[from] ?? { host: '127.0.0.1', port: 5099 },
      destination: this.#sockets[to] ?? { host: '127.0.0.1', port: 5099 },
      message,
      ...(lost === undefined ? {} : { lost }),
    };
    this.events.push(event);
    return event;
  }

  sip(hop: Hop, text: string): MessageEvent {
    return this.message(hop, 'sip', parseMessage(Buffer.from(text)));
  }

  diameter(hop: Hop, message: DiameterMessage): MessageEvent {
    return this.message({ ...hop, point: 'Cx' }, 'diameter', message);
  }

  decide(
    at: string,
    decision: string,
    what: { chose: string; because: string; clause?: string; keys?: Keys },
  ): DecisionEvent {
    const event: DecisionEvent = {
      kind: 'decision',
      sequence: this.events.length + 1,
      time: this.now,
      at,
      decision,
      keys: {},
      ...what,
    };
    this.events.push(event);
    return event;
  }
}

interface SipParts {
  readonly user?: string;
  readonly to?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly method?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

export function sipRequest(method: string, parts: SipParts = {}): string {
  const target = method === 'REGISTER' ? `sip:${HOME}` : `sip:${parts.to ?? 'bob'}@${HOME}`;
  return sipText(`${method} ${target} SIP/2.0`, { method, ...parts });
}

export function sipResponse(status: string, method: string, parts: SipParts = {}): string {
  return sipText(`SIP/2.0 ${status}`, { method, ...parts });
}

function sipText(startLine: string, parts: SipParts): string {
  const {
    user = 'alice',
    method,
    callId = `reg-${user}`,
    cseq = 1,
    headers = [],
    body = '',
  } = parts;
  const to = parts.to ?? user;
  const lines = [
    startLine,
    `Via: SIP/2.0/UDP 127.0.0.1:40001;branch=z9hG4bK-${callId}-${cseq};rport`,
    'Max-Forwards: 70',
    `From: <sip:${user}@${HOME}>;tag=from-${callId}`,
    `To: <sip:${to}@${HOME}>`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    ...headers,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

let hopByHop = 1;

export function cxMessage(
  command: typeof UserAuthorization | typeof MultimediaAuth,
  isRequest: boolean,
  sessionId: string,
  values: Record<string, unknown>,
): DiameterMessage {
  const origin = isRequest ? 'icscf' : 'hss';
  const envelope = [
    Avp.of(base.SessionId, sessionId),
    Avp.of(base.VendorSpecificApplicationId, { vendor: [10415], auth: Cx.id }),
    ...(isRequest ? [] : [Avp.of(base.ResultCode, 2001)]),
    Avp.of(base.AuthSessionState, 'NO_STATE_MAINTAINED'),
    Avp.of(base.OriginHost, `${origin}.${HOME}`),
    Avp.of(base.OriginRealm, HOME),
    ...(isRequest ? [Avp.of(base.DestinationRealm, HOME)] : []),
  ];
  const members = isRequest ? command.request : command.answer;
  const avps = [...envelope, ...avpsOf(members, values)];
  const flags = isRequest ? 0xc0 : 0x40;
  const number = isRequest ? hopByHop++ : hopByHop - 1;
  const header = {
    flags,
    code: command.code,
    application: Cx.id,
    hopByHop: number,
    endToEnd: number,
  };
  return new DiameterMessage(header, avps);
}

const impi = (user: string) => `${user}@${HOME}`;
const impu = (user: string) => `sip:${user}@${HOME}`;

/** REGISTER, UAR, UAA, MAR, MAA, 401: the first half of a registration. */
export function registration(scenario = new Scenario(), user = 'alice'): Scenario {
  const gm = { from: user, to: 'p-cscf', point: 'Gm', link: 'udp' } as const;
  const back = { from: 'p-cscf', to: user, point: 'Gm', link: 'udp' } as const;
  const authorization =
    `Authorization: Digest username="${impi(user)}", realm="${HOME}", nonce="", ` +
    `uri="sip:${HOME}", response=""`;
  const register = sipRequest('REGISTER', { user, headers: [authorization] });
  const challenge = sipResponse('401 Unauthorized', 'REGISTER', {
    user,
    headers: [
      `WWW-Authenticate: Digest realm="${HOME}", nonce="AAAA", algorithm=AKAv1-MD5, qop="auth", ` +
        'ck="00112233445566778899aabbccddeeff", ik="00112233445566778899aabbccddeeff"',
    ],
  });
  const keys: Keys = { callId: `reg-${user}` };

  scenario.sip({ ...gm, lost: 'loss' }, register);
  scenario.pass(ms(500)).sip(gm, register);
  scenario.sip({ from: 'p-cscf', to: 'i-cscf', point: 'Mw' }, register);
  const uar = { impi: impi(user), impu: impu(user), visitedNetwork: HOME };
  const session = `icscf.${HOME};1;${user}`;
  const cx = { from: 'i-cscf', to: 'hss', point: 'Cx' };
  const fromHss = { from: 'hss', to: 'i-cscf', point: 'Cx' };
  scenario.diameter(cx, cxMessage(UserAuthorization, true, session, uar));
  scenario.diameter(fromHss, cxMessage(UserAuthorization, false, session, {}));
  scenario.decide('i-cscf', 'i-cscf.select', {
    chose: `sip:scscf.${HOME}`,
    because: 'the HSS names no S-CSCF and this one has every mandatory capability',
    clause: 'TS 24.229 §5.3.1.2',
    keys,
  });
  scenario.sip({ from: 'i-cscf', to: 's-cscf', point: 'Mw' }, register);
  const mar = {
    impi: impi(user),
    impu: impu(user),
    vectors: 1,
    auth: { scheme: 'Digest-AKAv1-MD5' },
    server: `sip:scscf.${HOME}`,
  };
  const maa = {
    impi: impi(user),
    auth: [
      {
        itemNumber: 1,
        scheme: 'Digest-AKAv1-MD5',
        authenticate: Buffer.alloc(32, 0xab),
        authorization: Buffer.alloc(8, 0xcd),
        confidentialityKey: Buffer.alloc(16, 0xef),
        integrityKey: Buffer.alloc(16, 0xef),
      },
    ],
  };
  const second = `scscf.${HOME};1;${user}`;
  scenario.diameter({ ...cx, from: 's-cscf' }, cxMessage(MultimediaAuth, true, second, mar));
  scenario.diameter({ ...fromHss, to: 's-cscf' }, cxMessage(MultimediaAuth, false, second, maa));
  scenario.sip({ from: 's-cscf', to: 'i-cscf', point: 'Mw' }, challenge);
  scenario.sip({ from: 'i-cscf', to: 'p-cscf', point: 'Mw' }, challenge);
  scenario.decide('p-cscf', 'p-cscf.keys', {
    chose: 'no security association',
    because: 'scscf.aka.requireSecurityAssociation is false',
    keys,
  });
  scenario.sip(back, challenge.replace(/, ck=.*"/, ''));
  return scenario;
}

const SDP = [
  'v=0',
  'o=alice 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 30000 RTP/AVP 8 0',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:0 PCMU/8000',
  '',
].join('\r\n');

/** Alice calls Bob, who answers and hangs up; everything through the S-CSCF alone. */
export function call(scenario = new Scenario(), callId = 'call-1'): Scenario {
  const parts = { to: 'bob', callId };
  const there = [
    { from: 'alice', to: 'p-cscf', point: 'Gm', link: 'tcp' },
    { from: 'p-cscf', to: 's-cscf', point: 'Mw' },
    { from: 's-cscf', to: 'bob', point: 'Gm', link: 'udp' },
  ] as const;
  const back = there.toReversed().map(hop => ({ ...hop, from: hop.to, to: hop.from }));
  const send = (hops: readonly Hop[], text: string) => {
    for (const hop of hops) scenario.sip(hop, text);
  };
  send(there, sipRequest('INVITE', { ...parts, body: SDP }));
  send(back, sipResponse('180 Ringing', 'INVITE', parts));
  scenario.pass(ms(4000));
  send(back, sipResponse('200 OK', 'INVITE', { ...parts, body: SDP }));
  send(there, sipRequest('ACK', parts));
  scenario.pass(ms(30_000));
  send(back, sipRequest('BYE', { ...parts, cseq: 2 }));
  send(there, sipResponse('200 OK', 'BYE', { ...parts, cseq: 2 }));
  return scenario;
}
