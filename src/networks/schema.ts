// The network file: what it may say, and what each setting is when it says nothing. This one
// declaration validates files, fills defaults, types the code and is published as JSON Schema
// (docs/network.schema.json). Durations are whole seconds unless the name says otherwise.

import { type Static, type TObject, type TProperties, type TSchema, Type } from '@sinclair/typebox';
import { hssProvisioning, seedSubscriber } from './hss-schema.ts';

/** An object that refuses unknown keys and is filled with its members' defaults when absent. */
function section<T extends TProperties>(description: string, properties: T): TObject<T> {
  return Type.Object(properties, { description, additionalProperties: false, default: {} });
}

const text = (description: string, rest: object = {}) => Type.String({ description, ...rest });
const flag = (description: string, preset: boolean) =>
  Type.Boolean({ description, default: preset });
const port = (description: string, preset: number) =>
  Type.Integer({
    description: `${description}; 0 takes any free port`,
    minimum: 0,
    maximum: 65535,
    default: preset,
  });
const secondsOf = (description: string, preset: number, minimum = 1, maximum = 31_536_000) =>
  Type.Integer({ description: `${description}, in seconds`, minimum, maximum, default: preset });
const count = (description: string, preset: number, maximum = 100_000_000) =>
  Type.Integer({ description, minimum: 1, maximum, default: preset });
const oneOf = <T extends string>(description: string, values: readonly T[], preset: T) =>
  Type.Unsafe<T>({ type: 'string', enum: [...values], description, default: preset });
const bind = Type.Optional(
  text("the IP address to bind, instead of the network's `bind`", { minLength: 2 }),
);
const listen = (what: string) =>
  flag(
    `whether ${what} also listens on the wire for functions of other processes and makers`,
    false,
  );

const DIGEST_ALGORITHMS = ['MD5', 'SHA-256'] as const;
const AKA_ALGORITHMS = ['AKAv1-MD5', 'AKAv2-MD5', 'AKAv2-SHA-256'] as const;

const tls = Type.Optional(
  Type.Object(
    {
      key: text('file of the private key, PEM'),
      cert: text('file of the certificate chain, PEM'),
    },
    {
      description: 'the certificate to show; without it a self-signed one is made at start',
      additionalProperties: false,
    },
  ),
);

export const NetworkSchema = Type.Object(
  {
    network: text("the network's name", { default: 'lab' }),
    plmn: section("the network's PLMN identity", {
      mcc: text('mobile country code', { pattern: '^[0-9]{3}$', default: '001' }),
      mnc: text('mobile network code', { pattern: '^[0-9]{2,3}$', default: '01' }),
    }),
    home: Type.Optional(
      text('home domain and Diameter realm; without it derived from the PLMN (TS 23.003 §13.2)'),
    ),
    country: section('how local numbers are completed', {
      code: text('country code put before national numbers', {
        pattern: '^[0-9]{1,3}$',
        default: '1',
      }),
    }),
    bind: text('the IP address all functions bind unless their own section says otherwise', {
      default: '127.0.0.1',
      minLength: 2,
    }),
    links: oneOf(
      'how functions of one process meet: message objects handed over, the same with every codec checked, or real sockets',
      ['local', 'checked', 'wire'] as const,
      'local',
    ),
    pcscf: section('P-CSCF', {
      bind,
      udp: port('SIP over UDP on Gm', 5060),
      tcp: port('SIP over TCP on Gm', 5060),
      tls: port('SIP over TLS on Gm', 5061),
      ws: port('SIP over WebSocket on Gm', 8088),
      wss: port('SIP over secure WebSocket on Gm', 8443),
      mw: port(
        'SIP over UDP and TCP for the core on Mw, opened where the functions are not of one process',
        5062,
      ),
      certificate: tls,
      advertise: Type.Optional(
        text('host name or address UEs reach the P-CSCF by, in Via and Record-Route'),
      ),
      towardsUe: oneOf(
        "where a request to a UE goes: over the flow its REGISTER came by, or to its Contact's host, for accesses without NAT",
        ['flow', 'contact'] as const,
        'flow',
      ),
      regEvent: flag(
        'subscribe to the registration state of every registered user (TS 24.229 §5.2.3)',
        true,
      ),
      strictRoute: flag(
        "refuse a UE's missing or foreign Route instead of replacing it by its Service-Route",
        false,
      ),
      visitedNetwork: Type.Optional(text('P-Visited-Network-ID; without it the home domain')),
    }),
    icscf: section('I-CSCF', {
      bind,
      listen: listen('the I-CSCF'),
      port: port('SIP over UDP and TCP on Mw', 4060),
    }),
    scscf: section('S-CSCF', {
      bind,
      listen: listen('the S-CSCF'),
      port: port('SIP over UDP and TCP on Mw and ISC', 6060),
      uri: Type.Optional(
        text('Server-Name on Cx and the URI others route to; without it sip:scscf.<home>:<port>'),
      ),
      capabilities: Type.Array(Type.Integer({ minimum: 0, maximum: 4_294_967_295 }), {
        description:
          'what the I-CSCF knows it can, where an HSS asks for capabilities (TS 29.228 §6.7)',
        default: [],
      }),
      digest: section('SIP digest', {
        algorithms: Type.Array(oneOf('digest algorithm', DIGEST_ALGORITHMS, 'MD5'), {
          description: 'one challenge each, in this order (RFC 8760)',
          minItems: 1,
          default: ['MD5'],
        }),
      }),
      aka: section('IMS AKA', {
        algorithms: Type.Array(oneOf('AKA algorithm', AKA_ALGORITHMS, 'AKAv1-MD5'), {
          description:
            'one challenge each, in this order (RFC 3310, RFC 4169); cards in phones know AKAv1-MD5',
          minItems: 1,
          maxItems: 3,
          uniqueItems: true,
          default: ['AKAv1-MD5'],
        }),
        requireSecurityAssociation: flag(
          'refuse AKA without an IPsec security association on Gm (TS 33.203); false is a deviation the trace names',
          false,
        ),
      }),
      numbers: section('where telephone numbers lead (TS 24.229 §5.4.3.2)', {
        enumSuffix: Type.Optional(
          text('DNS suffix under which ENUM is asked (RFC 6116), such as e164.arpa', {
            minLength: 1,
            maxLength: 200,
          }),
        ),
        enum: Type.Optional(
          Type.Array(
            Type.Object(
              {
                prefix: text('+ and the first digits', { pattern: '^\\+[0-9]{0,15}$' }),
                domain: text('whose users these are'),
              },
              { additionalProperties: false },
            ),
            {
              description:
                'what ENUM would say, the longest prefix first; without it every number is first asked for at home',
            },
          ),
        ),
        breakout: Type.Optional(text("SIP URI for numbers that are nobody's in an IMS: the BGCF")),
      }),
      registration: section('registrations', {
        expires: secondsOf('granted when the UE asks for nothing', 3600),
        minimum: secondsOf('the shortest granted; less is 423', 60),
        maximum: secondsOf('the longest granted', 604_800),
        awaitAuth: secondsOf('reg-await-auth timer (TS 24.229 table 7.8.1)', 240),
        contacts: count('bindings of one subscriber at once', 10, 1000),
      }),
    }),
    hss: section('HSS', {
      bind,
      listen: listen('the HSS'),
      port: port('Diameter over TCP', 3868),
      address: Type.Optional(
        text("host:port of an HSS elsewhere, which the CSCFs use instead of this network's own"),
      ),
      host: Type.Optional(text("that HSS's Diameter identity; without it hss.<home>")),
      agent: Type.Optional(
        text(
          'Diameter identity of the relay or proxy at that address, where it is not the HSS itself',
        ),
      ),
      peers: Type.Array(text('Diameter identity'), {
        description: "who may connect besides this network's own functions; * is anybody",
        default: [],
      }),
      ...hssProvisioning,
    }),
    as: section('application server', {
      bind,
      listen: listen('the application server'),
      port: port('SIP over UDP and TCP on ISC', 5090),
      rejected: Type.Union(
        [
          Type.Array(text('identity or regular expression')),
          Type.Record(Type.String(), Type.Array(text('identity or regular expression'))),
        ],
        {
          description:
            'call screening: the callers that subscribers of the service are not called by; a list for all of them, or one for each identity that is called (* for any)',
          default: [],
        },
      ),
      forward: Type.Record(Type.String(), Type.String(), {
        description: 'unconditional forwarding: identity that is called to target URI',
        default: {},
      }),
    }),
    rtp: section("media ports of the network's own media", {
      from: port('first', 30_000),
      to: port('last', 39_999),
    }),
    console: section('REST API, metrics and console', {
      bind,
      port: port('HTTP', 8080),
      token: Type.Optional(
        text('Authorization: Bearer; required where bound beyond loopback', { minLength: 16 }),
      ),
      tls: Type.Optional(
        Type.Union([Type.Literal('self-signed'), tls as TSchema], {
          description: 'required where bound beyond loopback',
        }),
      ),
    }),
    dns: section('how names that are not of this network are found (RFC 3263, RFC 6116)', {
      servers: Type.Array(text('`ip` or `ip:port` of a DNS server'), {
        description: 'servers to ask; without one those of the machine, with its hosts file',
        default: [],
      }),
      timeout: Type.Integer({
        description: 'how long one server is waited for before the next, in milliseconds',
        minimum: 50,
        maximum: 10_000,
        default: 1000,
      }),
    }),
    store: section('durable state', {
      kind: oneOf(
        'embedded database files, or memory that dies with the process',
        ['sqlite', 'memory'] as const,
        'sqlite',
      ),
      synchronous: oneOf(
        'what a commit survives: the process (normal) or the machine (full)',
        ['normal', 'full'] as const,
        'normal',
      ),
    }),
    trace: section('the ring of recent events', {
      enabled: flag('whether it records', true),
      events: count('events kept', 200_000),
      megabytes: count('octets kept, in megabytes', 128, 65_536),
    }),
    log: section('log lines', {
      level: oneOf(
        'the least that is written',
        ['debug', 'info', 'warn', 'error'] as const,
        'info',
      ),
    }),
    subscribers: Type.Array(seedSubscriber, {
      description: 'added when the data directory is new',
      default: [],
    }),
  },
  { additionalProperties: false, title: 'Carillon network file' },
);

export type NetworkSettings = Static<typeof NetworkSchema>;
export type SubscriberSettings = Static<typeof seedSubscriber>;
