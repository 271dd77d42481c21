// What we send, seen by somebody else: tshark dissects every command with no malformed field and no
// expert warning or error.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AnyCommand } from './application.ts';
import { CapabilitiesExchange, DeviceWatchdog, DisconnectPeer } from './base.ts';
import { ourCapabilities } from './capabilities.ts';
import {
  Cx,
  FEATURES,
  LocationInfo,
  MultimediaAuth,
  PushProfile,
  RegistrationTermination,
  ServerAssignment,
  UserAuthorization,
  VENDOR_3GPP,
} from './cx.ts';
import { type ImsSubscription, userDataXml } from './cx-user-data.ts';
import type { Values } from './group.ts';
import { FLAG } from './header.ts';
import { Envelope } from './make.ts';
import { DiameterMessage } from './message.ts';

const REALM = 'ims.example';
const impi = 'alice@ims.example';
const impu = 'sip:+15550100001@ims.example';
const server = 'sip:scscf.ims.example:6060';
const features = [{ vendor: VENDOR_3GPP, listId: 1, list: FEATURES.SiFC | FEATURES.AliasInd }];
const subscription: ImsSubscription = {
  impi,
  serviceProfiles: [
    {
      publicIdentities: [{ identity: impu, barred: false, kind: 'IMPU', displayName: 'Alïce' }],
      filterCriteria: [
        {
          priority: 0,
          triggerPoint: {
            form: 'CNF',
            groups: [[{ negated: false, kind: 'sipHeader', header: 'From', content: '<.*&"' }]],
          },
          applicationServer: {
            serverName: 'sip:as.ims.example',
            defaultHandling: 'SESSION_CONTINUED',
            includeRegisterRequest: true,
            includeRegisterResponse: false,
          },
        },
      ],
      sharedFilterCriteria: [3],
    },
  ],
};
const auth = {
  itemNumber: 1,
  scheme: 'Digest-AKAv1-MD5',
  authenticate: Buffer.alloc(32, 1),
  authorization: Buffer.alloc(8, 2),
  confidentialityKey: Buffer.alloc(16, 3),
  integrityKey: Buffer.alloc(16, 4),
};
const digest = { realm: REALM, algorithm: 'MD5', qop: 'auth', ha1: 'a'.repeat(32) };
const chargingInformation = { primaryCollection: 'aaa://ccf.ims.example:3868;transport=tcp' };
const userData = userDataXml(subscription);
const restored = { path: '<sip:pcscf.ims.example;lr>', contact: '<sip:alice@192.0.2.7>' };

/** A request and an answer of each command, with all that it may carry. */
const commands: readonly (readonly [
  AnyCommand,
  request: Values,
  result: string,
  answer: Values,
])[] = [
  [
    UserAuthorization,
    { impi, impu, visitedNetwork: REALM, type: 'REGISTRATION', flags: 1, features },
    'DIAMETER_FIRST_REGISTRATION',
    { server, capabilities: { mandatory: [1, 2], optional: [3], servers: [server] }, features },
  ],
  [
    MultimediaAuth,
    { impi, impu, auth, vectors: 2, server, features },
    'DIAMETER_SUCCESS',
    { impi, impu, vectors: 2, auth: [auth, { scheme: 'SIP Digest', digest }], features },
  ],
  [
    ServerAssignment,
    {
      impi,
      impus: [impu, 'tel:+15550100001'],
      server,
      type: 'REGISTRATION',
      userDataAlreadyAvailable: 'USER_DATA_NOT_AVAILABLE',
      multipleRegistration: 'NOT_MULTIPLE_REGISTRATION',
      priority: 'PRIORITY-2',
      restorationInfo: { impi, restorationInfo: [{ ...restored, initialCSeq: 7, callId: 'x' }] },
      features,
    },
    'DIAMETER_SUCCESS',
    {
      impi,
      userData,
      chargingInformation,
      associated: { impis: [impi, 'other@ims.example'] },
      looseRoute: 'LOOSE_ROUTE_NOT_REQUIRED',
      associatedRegistered: { impis: [impi] },
      features,
    },
  ],
  [
    LocationInfo,
    { originating: 'ORIGINATING', impu, type: 'REGISTRATION_AND_CAPABILITIES', features },
    'DIAMETER_ERROR_IDENTITY_NOT_REGISTERED',
    { features },
  ],
  [
    RegistrationTermination,
    {
      impi,
      associated: { impis: ['other@ims.example'] },
      impus: [impu],
      reason: { code: 'NEW_SERVER_ASSIGNED', info: 'moved' },
    },
    'DIAMETER_SUCCESS',
    { associated: { impis: [impi] }, emergencyRegistrations: [{ impi, impu }] },
  ],
  [PushProfile, { impi, userData, chargingInformation, auth, features }, 'RESULT_5012', {}],
];

function conversation(): readonly DiameterMessage[] {
  const envelope = new Envelope('scscf.ims.example', REALM);
  const self = {
    identity: 'scscf.ims.example',
    realm: REALM,
    vendorId: 0,
    productName: 'Carillon',
    originStateId: 1_700_000_000,
    applications: [Cx],
  };
  const origin = { originHost: self.identity, originRealm: REALM };
  const said: Values = { ...ourCapabilities(self, ['192.0.2.1', '2001:db8::1']) };
  const messages: DiameterMessage[] = [];
  let id = 0;
  const add = (
    command: AnyCommand,
    avps: DiameterMessage['avps'],
    result: string,
    values: Values,
  ) => {
    const flags = FLAG.request | (command.proxiable ? FLAG.proxiable : 0);
    const { code, application } = command;
    id++;
    const header = { flags, code, application: application.id, hopByHop: id, endToEnd: id };
    const request = new DiameterMessage(header, avps);
    messages.push(request, envelope.answer(request, command, result, values));
  };
  add(CapabilitiesExchange, envelope.base(CapabilitiesExchange, said), 'DIAMETER_SUCCESS', said);
  add(DeviceWatchdog, envelope.base(DeviceWatchdog, origin), 'DIAMETER_SUCCESS', origin);
  for (const [command, request, result, answer] of commands) {
    const to = {
      sessionId: `s;1;${id}`,
      destinationRealm: REALM,
      destinationHost: 'hss.ims.example',
    };
    add(command, envelope.request(command, request, to), result, answer);
  }
  const goodbye: Values = { ...origin, cause: 'REBOOTING' };
  add(DisconnectPeer, envelope.base(DisconnectPeer, goodbye), 'DIAMETER_SUCCESS', origin);
  return messages;
}

const has = (program: string) => spawnSync(program, ['--version']).status === 0;
const missing = has('tshark') && has('text2pcap') ? false : 'Debian package tshark';

test('tshark dissects every command without a complaint', { skip: missing }, () => {
  const messages = conversation();
  const dumps = [...messages, ...messages.map(message => message.masked())].map(message =>
    hexDump(Buffer.isBuffer(message) ? message : message.encode()),
  );
  const folder = mkdtempSync(join(tmpdir(), 'diameter-'));
  try {
    const pcap = join(folder, 'cx.pcap');
    const convert = ['-q', '-T', '3868,3868', '-', pcap];
    execFileSync('text2pcap', convert, { input: dumps.join('\n'), stdio: 'pipe' });
    const fields = ['diameter.cmd.code', 'diameter.applicationId', 'diameter.User-Name', '_ws.malformed', '_ws.expert.message']; // biome-ignore format: a list of field names
    const shown = execFileSync(
      'tshark',
      ['-r', pcap, '-T', 'fields', '-E', 'separator=|', ...fields.flatMap(field => ['-e', field])],
      { encoding: 'utf8', stdio: 'pipe' },
    );
    const lines = shown.trimEnd().split('\n');
    assert.equal(lines.length, 2 * messages.length);
    for (const [index, line] of lines.entries()) {
      const message = messages[index % messages.length] as DiameterMessage;
      const [code, application, , malformed, expert] = line.split('|');
      assert.deepEqual(
        [code, application, malformed, expert],
        [String(message.code), String(message.application), '', ''],
        message.summary(),
      );
    }
    assert.equal(lines[4]?.split('|')[2], impi);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** As text2pcap reads it: offset, then octets; offset 0 begins a packet. */
function hexDump(octets: Buffer): string {
  const lines: string[] = [];
  for (let at = 0; at < octets.length; at += 16) {
    const row = [...octets.subarray(at, at + 16)].map(octet => octet.toString(16).padStart(2, '0'));
    lines.push(`${at.toString(16).padStart(6, '0')} ${row.join(' ')}`);
  }
  return lines.join('\n');
}
