// What a network file says of the HSS's subscribers: their records, and what their profiles hold.

import { Type } from '@sinclair/typebox';

const text = (description: string, rest: object = {}) => Type.String({ description, ...rest });
const texts = (description: string) => Type.Array(Type.String(), { description });
const numbers = (description: string) => Type.Array(Type.Integer({ minimum: 0 }), { description });
const oneOf = <T extends string>(description: string, values: readonly T[], preset: T) =>
  Type.Unsafe<T>({ type: 'string', enum: [...values], description, default: preset });

const spt = Type.Object(
  {
    method: Type.Optional(text('SIP method')),
    registrationType: Type.Optional(
      Type.Array(
        Type.Union([Type.Literal('initial'), Type.Literal('re'), Type.Literal('de')], {
          description: 'with method REGISTER: which kinds of registration',
        }),
      ),
    ),
    sessionCase: Type.Optional(
      Type.Union(
        [
          Type.Literal('originating'),
          Type.Literal('terminating-registered'),
          Type.Literal('terminating-unregistered'),
          Type.Literal('originating-unregistered'),
          Type.Literal('originating-cdiv'),
        ],
        { description: 'TS 29.228 annex B SessionCase' },
      ),
    ),
    requestUri: Type.Optional(text('regular expression over the Request-URI')),
    header: Type.Optional(text('header name, a regular expression')),
    content: Type.Optional(text('with header or sdpLine: regular expression over its content')),
    sdpLine: Type.Optional(text('SDP line letter')),
    negated: Type.Optional(Type.Boolean({ description: 'true turns the condition round' })),
  },
  { additionalProperties: false, description: 'one service point trigger (TS 29.228 annex B)' },
);

const filterCriterion = Type.Object(
  {
    priority: Type.Integer({ minimum: 0, description: 'lower is asked first' }),
    service: Type.Optional(
      text('only for subscribers whose record names this service; without it for all'),
    ),
    any: Type.Optional(
      Type.Array(Type.Array(spt), { description: 'OR of ANDs (disjunctive normal form)' }),
    ),
    all: Type.Optional(
      Type.Array(Type.Array(spt), { description: 'AND of ORs (conjunctive normal form)' }),
    ),
    server: text('SIP URI of the application server'),
    defaultHandling: oneOf(
      'what the S-CSCF does when the server does not answer',
      ['continue', 'terminate'] as const,
      'continue',
    ),
    serviceInfo: Type.Optional(text('ServiceInfo passed to the server in third-party REGISTER')),
    profilePart: Type.Optional(
      Type.Union([Type.Literal('registered'), Type.Literal('unregistered')], {
        description: 'the part of the profile the criterion belongs to; without it both',
      }),
    ),
  },
  { additionalProperties: false, description: 'initial filter criterion' },
);

export const seedSubscriber = Type.Object(
  {
    imsi: text('15 digits', { pattern: '^[0-9]{6,15}$' }),
    msisdn: Type.Optional(text('digits, country code first, without +')),
    name: Type.Optional(text('user part of a sip: identity')),
    k: Type.Optional(text('32 hexadecimal digits, with tuak 32 or 64')),
    op: Type.Optional(text('32 hexadecimal digits, with tuak 64; either op or opc')),
    opc: Type.Optional(text('32 hexadecimal digits, with tuak 64; either op or opc')),
    amf: Type.Optional(text('4 hexadecimal digits')),
    sqn: Type.Optional(text('12 hexadecimal digits')),
    password: Type.Optional(text('for SIP digest')),
    services: Type.Optional(Type.Array(Type.String())),
    impi: Type.Optional(text('replaces the derived private identity')),
    impus: Type.Optional(
      Type.Array(Type.String(), {
        description:
          'replace the derived ones; each may have ;set= ;alias= ;profile= ;display= ;contacts= ;barred, and the word derived stands for the derived ones',
      }),
    ),
    digest: Type.Optional(
      Type.Array(Type.String(), { description: 'digest algorithms offered to him, best first' }),
    ),
    suspended: Type.Optional(Type.Boolean({ description: 'known, but not allowed to register' })),
    algorithm: Type.Optional(
      text('milenage, tuak, or such as tuak-128-2 (bits of RES, iterations)'),
    ),
    impis: Type.Optional(
      Type.Array(Type.String(), {
        description:
          'private identities of more devices, each with ;password= or with ;k= and ;opc=',
      }),
    ),
    profile: Type.Optional(text('service profile of identities that name none')),
    capabilities: Type.Optional(
      Type.Array(Type.String(), {
        description: 'what his S-CSCF must (7) and should (optional:7) be able to, or server:URI',
      }),
    ),
  },
  { additionalProperties: false, description: 'a subscriber the network is born with' },
);

const criteria = (description: string) => Type.Array(filterCriterion, { description });

const serviceProfile = Type.Object(
  {
    services: Type.Optional(texts("services, instead of those of the subscriber's record")),
    filterCriteria: Type.Optional(criteria("in the place of the network's filter criteria")),
    sharedFilterCriteria: Type.Optional(numbers('shared sets of filter criteria, by number')),
    mediaProfile: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Subscribed Media Profile Identifier' }),
    ),
    icsis: Type.Optional(texts('IMS communication services that may be used; without it any')),
  },
  { additionalProperties: false, description: 'a service profile (TS 29.228 annex B.2.1)' },
);

const psi = Type.Object(
  {
    identity: text('SIP or tel URI; wildcarded as sip:chat-!.*!@example.org'),
    server: text('SIP URI of the application server that hosts it'),
    route: oneOf(
      'over an S-CSCF, or from the I-CSCF straight to the server',
      ['s-cscf', 'as'] as const,
      's-cscf',
    ),
    active: Type.Boolean({ description: 'false: as if it did not exist', default: true }),
  },
  { additionalProperties: false, description: 'a public service identity (TS 23.228 §5.4.12)' },
);

/** Members of the HSS's section; each left out is as the HSS has it. */
export const hssProvisioning = {
  filterCriteria: Type.Optional(criteria('initial filter criteria of every subscriber')),
  sharedFilterCriteria: Type.Optional(
    Type.Array(
      Type.Object(
        {
          id: Type.Integer({ minimum: 0, description: 'SharedIFCSetID' }),
          filterCriteria: criteria('what is in the set'),
        },
        { additionalProperties: false, description: 'a shared set of filter criteria' },
      ),
      { description: 'sets of filter criteria that HSS and S-CSCF know by number (feature SiFC)' },
    ),
  ),
  profiles: Type.Optional(
    Type.Record(Type.String(), serviceProfile, {
      description: 'service profiles by the name that records and identities have them by',
    }),
  ),
  psis: Type.Optional(
    Type.Array(psi, {
      description: "public service identities, besides the lab's sip:echo@<home>",
    }),
  ),
  capabilities: Type.Optional(
    Type.Object(
      {
        mandatory: Type.Optional(numbers('what an S-CSCF must be able to')),
        optional: Type.Optional(numbers('what it should')),
        servers: Type.Optional(texts('S-CSCF names to prefer')),
      },
      {
        additionalProperties: false,
        description: 'what the I-CSCF chooses an S-CSCF by; records may have their own',
      },
    ),
  ),
  visitedNetworks: Type.Optional(
    texts('networks that subscribers may register from besides the home network; without it any'),
  ),
  keepServerName: Type.Optional(
    Type.Boolean({
      description: 'keep the S-CSCF of who goes, to serve him while he is away; default true',
    }),
  ),
};
