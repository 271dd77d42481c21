import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import './cx.ts';
import './eps-vectors.ts';
import { allAvps, allCommands, lookup, lookupCommand } from './dictionary.ts';

test('definitions are found by their codes', () => {
  for (const avp of allAvps()) assert.equal(lookup(avp.vendor, avp.code), avp);
  for (const command of allCommands()) {
    assert.equal(lookupCommand(command.application.id, command.code), command);
  }
  assert.equal(lookup(10415, 1), undefined);
  assert.equal(lookup(0xffffffff, 1), undefined);
});

test('every definition names its clause', () => {
  for (const { spec, name } of [...allAvps(), ...allCommands()]) {
    assert.match(spec, /^(TS|RFC|ETSI ES) [\d.]+( \d+)? §[\d.]+$/, name);
  }
});

test('commands are abbreviated as the specifications do', () => {
  const names = allCommands().map(({ abbreviation }) => abbreviation);
  assert.deepEqual(names.sort(), ['CE', 'DP', 'DW', 'LI', 'MA', 'PP', 'RT', 'SA', 'UA']);
});

// ------------------------------------------------------------------ the second opinion

const FOLDER = '/usr/share/wireshark/diameter';

interface Row {
  readonly name: string;
  readonly format: string;
  readonly members: readonly string[];
  readonly values: ReadonlyMap<number, string>;
}

/** Wireshark's dictionary by vendor and code. */
function dictionary(): ReadonlyMap<string, Row> {
  const rows = new Map<string, Row>();
  const vendors: Readonly<Record<string, number>> = { TGPP: 10415, ETSI: 13019 };
  for (const file of ['dictionary.xml', 'TGPP.xml', 'sip.xml', 'nasreq.xml', 'etsie2e4.xml']) {
    const text = readFileSync(join(FOLDER, file), 'utf8').replace(/<!--[\s\S]*?-->/g, '');
    for (const [, head = '', body = ''] of text.matchAll(/<avp\s([^>]*?[^/])>([\s\S]*?)<\/avp>/g)) {
      const attribute = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(head)?.[1];
      const vendor = attribute('vendor-id');
      const number = vendor === undefined ? 0 : vendors[vendor];
      if (number === undefined) continue;
      const format =
        /type-name="(\w+)"/.exec(body)?.[1] ?? (/<grouped/.test(body) ? 'Grouped' : '');
      const members = [...body.matchAll(/<gavp name="([^"]+)"/g)].map(found => found[1] as string);
      const values = [...body.matchAll(/<enum name="([^"]+)" code="(\d+)"/g)].map(
        ([, name = '', code]) => [Number(code), name] as const,
      );
      const row = { name: attribute('name') ?? '', format, members, values: new Map(values) };
      const key = `${number}:${attribute('code')}`;
      if (!rows.has(key)) rows.set(key, row);
    }
  }
  return rows;
}

/** What Wireshark calls otherwise. */
const RENAMED: Readonly<Record<string, string>> = {
  'Digest-QoP': 'Digest-Qop',
  'SIP-Auth-Data-Item': '3GPP-SIP-Auth-Data-Item',
  'SIP-Authenticate': '3GPP-SIP-Authenticate',
  'SIP-Authentication-Scheme': '3GPP-SIP-Authentication-Scheme',
  'SIP-Authorization': '3GPP-SIP-Authorization',
  'SIP-Item-Number': '3GPP-SIP-Item-Number',
  'SIP-Number-Auth-Items': '3GPP-SIP-Number-Auth-Items',
  'User-Data': 'Cx-User-Data',
  'Wildcarded-Public-Identity': 'Wildcarded-PSI', // its name before Release 8
};

/** Names of values that are no names in code as the specification has them. */
const RENAMED_VALUES: Readonly<Record<string, string>> = { REMOVE_S_CSCF: 'REMOVE_S-CSCF' };

/** Where Wireshark and the specification differ, the specification. */
const OURS: ReadonlySet<string> = new Set([
  'Authorization-Lifetime', // Unsigned32 in RFC 6733, there Integer32
  'Redirect-Host-Usage', // names in words there
]);

/** Later than the dictionary of Debian 12. */
const LATER = [
  'Alternate-Digest-Algorithm',
  'Alternate-Digest-HA1',
  'Failed-PCSCF',
  'P-CSCF-Subscription-Info',
  'PCSCF-FQDN',
  'PCSCF-IP-Address',
  'RTR-Flags',
  'Registration-Time-Out',
];

/** Formats that Wireshark names otherwise. */
const SAME_FORMAT: Readonly<Record<string, readonly string[]>> = {
  OctetString: ['OctetStringOrUTF8', 'IPAddress'],
  Address: ['IPAddress'],
  Unsigned32: ['AppId', 'VendorId', 'Enumerated'],
};

const missing = existsSync(FOLDER) ? false : 'Debian package libwireshark-data';

test('codes, names and formats are those of the dictionary of Wireshark', { skip: missing }, () => {
  const rows = dictionary();
  const differing: string[] = [];
  const unknown: string[] = [];
  for (const { vendor, code, name, type } of allAvps()) {
    if (OURS.has(name)) continue;
    const row = rows.get(`${vendor}:${code}`);
    if (row === undefined) {
      unknown.push(name);
      continue;
    }
    const format = type.format === row.format || SAME_FORMAT[type.format]?.includes(row.format);
    if ((RENAMED[name] ?? name) !== row.name || !format) {
      differing.push(`${vendor}:${code} ${name} ${type.format}, there ${row.name} ${row.format}`);
    }
    for (const [value, number] of Object.entries(type.names ?? {})) {
      if (row.values.get(number) !== (RENAMED_VALUES[value] ?? value)) {
        differing.push(`${name} ${number} ${value}, there ${row.values.get(number)}`);
      }
    }
  }
  assert.deepEqual(differing, []);
  // a newer Wireshark knows them, so that this is at most what is missing
  assert.deepEqual(
    unknown.filter(name => !LATER.includes(name)),
    [],
  );
});
