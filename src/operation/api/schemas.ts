// What the API says of things: the schemas that describe its answers and validate its requests. Each
// with a title is a component of its own in the description.

import { type Static, type TObject, type TProperties, type TSchema, Type } from '@sinclair/typebox';
import { FIELDS } from '#functions/hss/subscriber';

/** An object with these members and no others. */
export function object<T extends TProperties>(
  title: string | undefined,
  description: string,
  properties: T,
): TObject<T> {
  return Type.Object(properties, {
    ...(title === undefined ? {} : { title }),
    description,
    additionalProperties: false,
  });
}

export const text = (description: string, rest: object = {}) =>
  Type.String({ description, ...rest });
const number = (description: string) => Type.Number({ description });
const whole = (description: string) => Type.Integer({ description, minimum: 0 });
const flag = (description: string) => Type.Boolean({ description });
const list = <T extends TSchema>(items: T, description: string) =>
  Type.Array(items, { description });
const texts = (description: string) => list(Type.String(), description);
const oneOf = <const T extends readonly string[]>(values: T, description: string) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values], description });
const time = (description: string) => text(`${description}, ISO 8601`, { format: 'date-time' });
const optional = Type.Optional;

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

// ---------------------------------------------------------------------------------- subscribers

const State = oneOf(
  ['registered', 'unregistered', 'not registered'],
  'unregistered: an S-CSCF keeps the profile for services of a user who is away',
);

const Identities = object(undefined, 'the identities that follow from the record', {
  impis: list(
    object(undefined, 'a private identity', {
      impi: text('IMPI'),
      scheme: oneOf(['Digest-AKAv1-MD5', 'SIP Digest'], 'how it proves itself'),
    }),
    'private identities',
  ),
  impus: list(
    object(undefined, 'a public identity', {
      impu: text('IMPU'),
      barred: flag('good for registering, never shown or called'),
    }),
    'public identities, the default one first',
  ),
});

const recordFields = {
  imsi: text('15 digits'),
  msisdn: optional(text('telephone number: digits, country code first, without +')),
  name: optional(text('user part of a SIP identity')),
  amf: text('authentication management field, 4 hexadecimal digits'),
  sqn: text('the sequence number handed out last, 12 hexadecimal digits'),
  services: texts('services he has'),
  impi: optional(text('replaces the derived private identities')),
  impus: optional(texts('replace the derived public identities')),
  digest: optional(texts('digest algorithms offered to him, instead of those of the network')),
  suspended: flag('known, but not allowed to register'),
  secrets: list(
    oneOf(['k', 'opc', 'op', 'password'], 'the name of a field'),
    'which secrets the record holds; no answer of the API has their values',
  ),
  identities: Identities,
  registration: object(undefined, 'where the subscription stands', {
    state: State,
    server: optional(text('SIP URI of the S-CSCF assigned')),
    impis: texts('private identities that are registered'),
  }),
};

export const SubscriberSchema = object(
  'Subscriber',
  'One record per subscriber, from which everything the network knows of him follows',
  recordFields,
);

const Pushed = object('Pushed', 'What an S-CSCF was told, and what it said', {
  command: oneOf(['RTR', 'PPR'], 'Registration-Termination or Push-Profile'),
  to: text('Diameter identity of the S-CSCF'),
  impis: texts('private identities concerned'),
  result: text('the result of its answer, as Diameter spells it'),
  outcome: oneOf(['done', 'undelivered', 'refused'], 'undelivered: the S-CSCF is away'),
});
export const PushedList = list(Pushed, 'what S-CSCFs were told of the change, and what they said');

export const ChangedSchema = object('ChangedSubscriber', 'The record as it is now', {
  ...recordFields,
  pushed: PushedList,
});

export const SubscriberPage = object('SubscriberPage', 'Some of the subscribers', {
  subscribers: list(SubscriberSchema, 'in the order of their IMSI'),
  total: whole('subscribers altogether'),
  next: optional(text('give it as `after` to get the next page; absent on the last')),
});

/** A record's fields as they are given. Whether they fit together the HSS says, all at once. */
function inputFields(isChange: boolean): TProperties {
  const properties: TProperties = {};
  for (const { name, right, list: isList, secret } of FIELDS) {
    if (isChange && name === 'imsi') continue;
    const nothing = isChange ? '; null or an empty text takes it away' : '';
    const description = `${right}${secret ? '; never shown again' : ''}${nothing}`;
    const schema = Type.Unsafe<unknown>(
      name === 'suspended'
        ? { type: ['boolean', 'string', 'null'], description: 'true or false' }
        : isList
          ? {
              type: ['array', 'string', 'null'],
              items: { type: 'string' },
              description: `${description}; a list, or a text with spaces between`,
            }
          : { type: name === 'imsi' ? 'string' : ['string', 'null'], description },
    );
    properties[name] = name === 'imsi' ? schema : optional(schema);
  }
  return properties;
}

export const NewSubscriber = object(
  'NewSubscriber',
  'A record to add: at least an IMSI and either a password, or k with opc or op',
  inputFields(false),
);
export const SubscriberChanges = object(
  'SubscriberChanges',
  'The fields to change; the others stay',
  inputFields(true),
);

export const ImportReportSchema = object('ImportReport', 'What became of a file', {
  lines: whole('lines with a record on them'),
  added: whole('records that are new'),
  updated: whole('records that were changed'),
  applied: flag('false: nothing of the file was applied'),
  problems: list(
    object(undefined, 'a line that cannot be taken', {
      line: whole('from 1, the header line included'),
      column: optional(text('its name; absent where it is the whole line')),
      message: text('what is wrong, and what would be right'),
    }),
    'bad lines, the first thousand',
  ),
  more: whole('problems beyond those listed'),
});

// ---------------------------------------------------------------------------------- registrations

export const RegistrationSchema = object(
  'Registration',
  'A subscription that is registered, kept as unregistered, or authenticating',
  {
    imsi: optional(text('absent for a public service identity')),
    impus: texts('the implicit registration set, the default identity first, barred ones left out'),
    state: State,
    server: optional(text('SIP URI of the S-CSCF assigned')),
    impis: texts('private identities that are registered'),
    pending: texts('private identities that were challenged and did not answer yet'),
    contacts: list(
      object(undefined, 'a device', {
        uri: text('Contact URI'),
        impi: text('by which private identity'),
        path: texts('URIs of the way to it, the nearest to the S-CSCF first'),
        q: number('preference, 0 to 1'),
        since: time('registered since'),
        expires: time('until'),
        userAgent: optional(text('as the device calls itself')),
        protection: text('how the P-CSCF marked it (TS 24.229 §7.2A.2 integrity-protected)'),
      }),
      'devices by which he can be reached; known where the S-CSCF is of this process',
    ),
  },
);
export const RegistrationPage = object('RegistrationPage', 'Some of the registrations', {
  registrations: list(RegistrationSchema, 'in the order of their IMSI'),
  next: optional(text('give it as `after` to get the next page; absent on the last')),
});
export const DeregisteredSchema = object('Deregistered', 'What was done', { pushed: PushedList });

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
export const limit = (most: number, preset: number, what: string) =>
  optional(
    Type.Integer({ description: `${what}, at most`, minimum: 1, maximum: most, default: preset }),
  );

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
