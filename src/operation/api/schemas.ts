// What the API says of calls, peers, the trace, the network, and of requests that cannot be.

import { type Static, Type } from '@sinclair/typebox';
import {
  flag,
  list,
  number,
  object,
  oneOf,
  optional,
  text,
  texts,
  time,
  whole,
} from './schema-parts.ts';

// ---------------------------------------------------------------------------------- problems

const Fault = object('Fault', 'One thing that is wrong in a request', {
  in: oneOf(['path', 'query', 'body', 'header', 'file'], 'the part of the request'),
  field: text('the name of the field, or the column of a file'),
  value: optional(Type.Unknown({ description: 'what was given; left out where it is secret' })),
  message: text('what is wrong, and what would be right'),
  line: optional(whole('of a file, from 1')),
});

export const ProblemSchema = object('Problem', 'Why a request was refused (RFC 9457)', {
  type: text('a name of the kind of problem', { format: 'uri-reference' }),
  title: text('the kind of problem, for people'),
  status: Type.Integer({ description: 'the HTTP status' }),
  detail: optional(text('what is wrong with this request, and what would be right')),
  errors: optional(list(Fault, 'everything that is wrong')),
});

// ---------------------------------------------------------------------------------- calls

export const CallSchema = object('Call', 'A call that is set up, rings, or is talked in', {
  id: text('by which it can be released'),
  callId: text('Call-ID of the caller; the trace finds the whole story by it'),
  icid: optional(text('IMS charging identifier')),
  caller: text('public identity'),
  callee: text('public identity, or what was dialled'),
  state: oneOf(['setting up', 'ringing', 'answered'], 'how far it is'),
  since: time('INVITE'),
  answered: optional(time('answer')),
  served: list(
    object(undefined, 'a user', {
      impu: text('IMPU'),
      side: oneOf(['orig', 'term'], 'calls or is called'),
    }),
    'on whose behalf it passes the S-CSCF',
  ),
});
export const CallList = object('CallList', 'Calls at this moment', {
  calls: list(CallSchema, 'the oldest first'),
});

export const CdrList = object('CdrList', 'Charging data records', {
  cdrs: list(
    Type.Object({}, { description: 'a charging data record', additionalProperties: true }),
    'always empty for now, see note',
  ),
  note: text('why the list is empty: this network has no charging data function (CDF) yet'),
});

// ---------------------------------------------------------------------------------- peers

export const PeerSchema = object('Peer', 'Somebody a function of this process talks to', {
  at: text('the function whose peer it is'),
  protocol: oneOf(['diameter', 'sip'], 'what is spoken'),
  point: text('reference point'),
  name: text('Diameter identity, name of the function, or address'),
  realm: optional(text('Diameter realm')),
  state: oneOf(
    ['closed', 'connecting', 'open', 'suspect', 'closing'],
    'suspect: it did not answer the watchdog in time (RFC 3539)',
  ),
  link: optional(oneOf(['local', 'udp', 'tcp', 'tls', 'ws', 'wss'], 'local: inside this process')),
  remote: optional(text('its address')),
  applications: optional(texts('Diameter applications that both have')),
  pending: optional(whole('requests sent there that wait for an answer')),
});
export const PeerList = object('PeerList', 'Diameter peers, and SIP peers but UEs', {
  peers: list(PeerSchema, 'by function'),
  ues: whole('connections and datagram flows of UEs at the P-CSCF, which are not listed'),
});

// ---------------------------------------------------------------------------------- trace

const keys = object(undefined, 'what joins events into a story', {
  imsi: optional(text('IMSI')),
  impi: optional(text('IMPI')),
  impus: optional(texts('IMPUs')),
  callId: optional(text('Call-ID')),
  icid: optional(text('IMS charging identifier')),
  sessionId: optional(text('Diameter Session-Id')),
});
const address = object(undefined, 'an address', { host: text('IP address'), port: whole('port') });

const MessageSchema = object('Message', 'A message that crossed a reference point', {
  kind: Type.Literal('message'),
  sequence: whole('events are numbered from 1'),
  time: time('when'),
  from: text('function, or address of somebody else'),
  to: text('function, or address of somebody else'),
  point: text('reference point'),
  protocol: oneOf(['sip', 'diameter', 'rtp'], 'protocol'),
  link: oneOf(['local', 'udp', 'tcp', 'tls', 'ws', 'wss'], 'local: inside this process'),
  source: address,
  destination: address,
  summary: text('one line'),
  keys,
  text: optional(text('the message, secrets masked, where it is text')),
  octets: optional(text('the message, secrets masked, in base64')),
  lines: optional(texts('field by field, where the protocol is not text')),
  lost: optional(text('why it never arrived')),
});
const DecisionSchema = object('Decision', 'What a function decided, and why', {
  kind: Type.Literal('decision'),
  sequence: whole('events are numbered from 1'),
  time: time('when'),
  at: text('the function'),
  decision: text('what was decided about'),
  chose: text('what it decided'),
  because: text('why'),
  clause: optional(text('the clause that asks for it')),
  keys,
});
const EventSchema = Type.Union([MessageSchema, DecisionSchema], {
  title: 'Event',
  description: 'A message or a decision',
  discriminator: { propertyName: 'kind' },
});
export const TraceSchema = object('Trace', 'Events that are still remembered', {
  events: list(EventSchema, 'in their order'),
  dropped: whole('older events that are forgotten'),
  enabled: flag('false: nothing is recorded (setting trace.enabled)'),
});

export const MOST_EVENTS = 10_000;
export const traceQuery = {
  subscriber: optional(
    text('whole stories of him: an IMPU, IMPI, IMSI, number or name', {
      minLength: 1,
      maxLength: 256,
    }),
  ),
  call: optional(
    text('the whole story that a Call-ID, ICID or Session-Id belongs to', {
      minLength: 1,
      maxLength: 512,
    }),
  ),
  protocol: optional(
    oneOf(['sip', 'diameter', 'rtp'], 'only messages of this protocol, and decisions'),
  ),
  since: optional(
    text('only what happened then or later: ISO 8601 in UTC, such as 2026-01-31T12:00:00Z', {
      pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d(\\.\\d+)?)?Z$',
    }),
  ),
};

// ---------------------------------------------------------------------------------- network

const Listening = object(undefined, 'a socket', {
  point: text('reference point'),
  protocol: oneOf(['udp', 'tcp', 'tls', 'ws', 'wss'], 'transport'),
  host: text('IP address'),
  port: whole('port'),
});

export const FunctionSchema = object('Function', 'A network function', {
  name: text('as --only and the network file name it'),
  instance: text('as the trace names it'),
  here: flag('runs in this process'),
  serving: flag('does its work'),
  because: optional(text('why it does not serve')),
  listening: list(Listening, 'sockets it listens on'),
  load: Type.Record(Type.String(), Type.Number(), {
    description: 'transactions, registrations and the like at this moment',
  }),
});

export const NetworkInfo = object('Network', 'The network, and how it is doing', {
  name: text('of the network file'),
  version: text('of Carillon'),
  home: text('home domain and Diameter realm'),
  plmn: object(undefined, 'PLMN identity', {
    mcc: text('mobile country code'),
    mnc: text('mobile network code'),
  }),
  started: time('when'),
  pid: whole('process'),
  data: optional(text('data directory; absent where all is in memory')),
  functions: list(FunctionSchema, 'network functions'),
  referencePoints: list(
    object('ReferencePoint', 'A reference point', {
      point: text('its name'),
      between: texts('its ends'),
      protocol: text('what is spoken'),
      link: oneOf(
        ['local', 'checked', 'wire'],
        'message objects handed over, the same with every codec checked, or sockets',
      ),
    }),
    'reference points in use',
  ),
  load: object(undefined, 'of the process', {
    cpu: number('share of one processor, since the start'),
    memory: whole('resident octets'),
    eventLoopDelay: number('milliseconds that the slowest hundredth of the turns was late'),
    eventLoopUtilization: number('share of the time that the loop was busy, since the start'),
    traceEvents: whole('events remembered'),
    traceOctets: whole('what they hold, estimated'),
  }),
});
export type NetworkInfo = Static<typeof NetworkInfo>;

export const HealthSchema = object('Health', 'Whether every function serves', {
  status: oneOf(['serving', 'not serving'], 'altogether'),
  functions: list(
    object(undefined, 'a function', {
      name: text('as the trace names it'),
      serving: flag('does its work'),
      because: optional(text('why not')),
    }),
    'the functions of this process',
  ),
});
export type Health = Static<typeof HealthSchema>;
