// What parsing and writing a message costs: µs each for an INVITE of 6 Via and 4 Record-Route, and
// for what a proxy does to it. `node bench/micro/sip-parse.ts [iterations]`

import {
  CallId,
  Contact,
  CSeq,
  From,
  MaxForwards,
  nameAddr,
  RecordRoute,
  Route,
  To,
  Via,
} from '#sip/headers';
import { prepend, removeFirst, response, type SipRequest, set, toTag } from '#sip/message';
import { normalise } from '#sip/normalise';
import { parseMessage } from '#sip/parse';
import { SipStreamReader } from '#sip/stream-reader';
import { sipUri } from '#sip/uri';

const sdp = [
  'v=0',
  'o=- 3724394400 3724394405 IN IP4 192.0.2.1',
  's=-',
  'c=IN IP4 192.0.2.1',
  'b=AS:41',
  't=0 0',
  'm=audio 49170 RTP/AVP 104 102 96',
  'a=rtpmap:104 AMR-WB/16000/1',
  'a=fmtp:104 mode-change-capability=2;max-red=0',
  'a=rtpmap:102 AMR/8000/1',
  'a=rtpmap:96 telephone-event/16000',
  'a=curr:qos local none',
  'a=curr:qos remote none',
  'a=des:qos mandatory local sendrecv',
  'a=des:qos optional remote sendrecv',
  'a=sendrecv',
  '',
].join('\r\n');

const hop = (n: number): string => `hop${n}.ims.mnc001.mcc001.3gppnetwork.org`;

export const invite = Buffer.from(
  [
    'INVITE sip:+15550100002@ims.mnc001.mcc001.3gppnetwork.org;user=phone SIP/2.0',
    ...[1, 2, 3, 4, 5].map(
      n => `Via: SIP/2.0/TCP ${hop(n)}:5060;branch=z9hG4bK776asdhds${n}f0a9;rport=5060`,
    ),
    'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKnashds8;rport=5060;received=198.51.100.7',
    ...[1, 2, 3, 4].map(n => `Record-Route: <sip:mo@${hop(n)}:6060;lr;did=52c.7b1${n}>`),
    'Route: <sip:icscf.ims.mnc001.mcc001.3gppnetwork.org;lr>',
    'Max-Forwards: 65',
    'From: "Alice" <sip:+15550100001@ims.mnc001.mcc001.3gppnetwork.org>;tag=a73kszlfl',
    'To: <sip:+15550100002@ims.mnc001.mcc001.3gppnetwork.org;user=phone>',
    'Call-ID: 3848276298220188511@192.0.2.1',
    'CSeq: 314159 INVITE',
    'Contact: <sip:+15550100001@192.0.2.1:5060>;+sip.instance="<urn:gsma:imei:35622410-483840-0>";+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel"',
    'P-Asserted-Identity: <sip:+15550100001@ims.mnc001.mcc001.3gppnetwork.org>, <tel:+15550100001>',
    'P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=001010001000019b',
    'P-Charging-Vector: icid-value="4956537F0000019E6200003D";orig-ioi=ims.mnc001.mcc001.3gppnetwork.org',
    'Accept-Contact: *;+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel"',
    'Allow: INVITE, ACK, OPTIONS, CANCEL, BYE, UPDATE, INFO, REFER, NOTIFY, MESSAGE, PRACK',
    'Supported: 100rel, precondition, timer, gruu',
    'Session-Expires: 1800;refresher=uac',
    'Min-SE: 90',
    'User-Agent: Example IMS 6.0',
    'Content-Type: application/sdp',
    `Content-Length: ${sdp.length}`,
    '',
    sdp,
  ].join('\r\n'),
  'latin1',
);

function read(message: SipRequest): number {
  return (
    message.all(Via).length + (message.get(From)?.params.size ?? 0) + message.get(CSeq)!.sequence
  );
}

const ours = nameAddr(sipUri({ host: hop(9), port: 6060, params: { lr: null } }));
const via = {
  protocol: 'SIP/2.0',
  transport: 'TCP',
  host: hop(9),
  port: 6060,
  params: new Map([['branch', 'z9hG4bK0123456789abcdef']]),
};

const parse = (): SipRequest => parseMessage(invite) as SipRequest;

function forwarded(message: SipRequest): SipRequest {
  message.get(Route);
  return message.with(
    removeFirst(Route),
    set(MaxForwards, message.get(MaxForwards)! - 1),
    prepend(RecordRoute, ours),
    prepend(Via, via),
  );
}

const parsed = parse();

const tasks: Readonly<Record<string, () => unknown>> = {
  'parse, lazily': parse,
  'parse, then read 6 Via, From, CSeq': () => read(parse()),
  'parse, then read every routing header': () => {
    const message = parse();
    for (const def of [Via, RecordRoute, Route, From, To, Contact, CSeq, CallId, MaxForwards]) {
      message.all(def as typeof Via);
    }
  },
  'parse and normalise': () => normalise(parse()),
  'out of a stream': () => new SipStreamReader().push(invite),
  'write, nothing changed': () => parse().encode(),
  'forward: 4 edits': () => forwarded(parsed),
  'forward and write': () => forwarded(parsed).encode(),
  'parse, forward and write: one hop on the wire': () => forwarded(parse()).encode(),
  'answer 180 and write': () => response(parsed, 180, toTag('8a8sdg87')).encode(),
};

if (import.meta.main) {
  const iterations = Number(process.argv[2] ?? 100_000);
  console.log(`INVITE of ${invite.length} octets, ${iterations} times`);
  for (const [name, task] of Object.entries(tasks)) {
    for (let i = 0; i < iterations / 5; i++) task();
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 5; round++) {
      const start = process.hrtime.bigint();
      for (let i = 0; i < iterations / 5; i++) task();
      best = Math.min(best, Number(process.hrtime.bigint() - start) / (iterations / 5) / 1000);
    }
    console.log(`${best.toFixed(2).padStart(8)} µs  ${name}`);
  }
}
