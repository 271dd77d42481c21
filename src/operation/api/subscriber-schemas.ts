// What the API says of subscribers and their registrations.

import { type TProperties, Type } from '@sinclair/typebox';
import { FIELDS } from '#functions/hss/subscriber';
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

// ---------------------------------------------------------------------------------- subscribers

/** Fields whose values are never told back. */
export const SECRETS: ReadonlySet<string> = new Set(
  FIELDS.filter(({ secret }) => secret).map(({ name }) => name),
);

const State = oneOf(
  ['registered', 'unregistered', 'not registered'],
  'unregistered: an S-CSCF keeps the profile for services of a user who is away',
);

const Identities = object(undefined, 'the identities that follow from the record', {
  impis: list(
    object(undefined, 'a private identity', {
      impi: text('IMPI'),
      scheme: oneOf(['Digest-AKAv1-MD5', 'SIP Digest'], 'how it proves itself'),
      sets: optional(
        texts('implicit registration sets it may register, the unnamed one empty; absent: all'),
      ),
    }),
    'private identities',
  ),
  impus: list(
    object(undefined, 'a public identity', {
      impu: text('IMPU'),
      barred: flag('good for registering, never shown or called'),
      set: optional(text('implicit registration set; absent: the unnamed one')),
      alias: optional(text('alias group')),
      profile: optional(text('service profile; absent: that of the record')),
      display: optional(text('display name')),
      contacts: optional(whole('devices registered with it at once, at most')),
      wildcarded: optional(flag('stands for what its expression matches')),
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
  algorithm: optional(text('where it is not Milenage: tuak, with its parameters')),
  profile: optional(text('service profile of identities that name none')),
  capabilities: optional(texts('what his S-CSCF must and should be able to')),
  secrets: list(
    oneOf(['k', 'opc', 'op', 'password', 'impis'], 'the name of a field'),
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
