import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { XmlError } from '#kernel/xml';
import { vectors } from '../../../test/vectors.ts';
import { parseReginfo, type Reginfo, reginfoText } from './reginfo.ts';

const info: Reginfo = {
  version: 3,
  state: 'full',
  registrations: [
    {
      aor: 'sip:+15550100001@ims.example',
      id: 'a1',
      state: 'active',
      contacts: [
        {
          id: 'c1',
          state: 'terminated',
          event: 'probation',
          uri: 'sip:alice@192.0.2.1:5060;transport=tcp',
          expires: 0,
          retryAfter: 30,
          callId: 'x&y',
          cseq: 7,
          q: 0.5,
          durationRegistered: 120,
          displayName: undefined,
          pubGruu: 'sip:alice@ims.example;gr=urn:uuid:1',
          tempGruu: 'sip:tgruu.7hs==@ims.example;gr',
          tempGruuFirstCseq: 3,
          params: new Map([['+sip.instance', '"<urn:uuid:1>"']]),
        },
      ],
    },
    { aor: 'tel:+15550100001', id: 'a2', state: 'init', contacts: [] },
  ],
};

test('what is written is read', () => {
  assert.deepEqual(parseReginfo(reginfoText(info)), info);
});

test('what is no reginfo is refused', () => {
  for (const [from, to] of [
    ['version="3"', 'version="x"'],
    ['state="full"', 'state="whole"'],
    ['event="probation"', 'event="gone"'],
    ['aor="tel:+15550100001"', ''],
    ['urn:ietf:params:xml:ns:reginfo', 'urn:other'],
  ] as const) {
    const text = reginfoText(info);
    assert.ok(text.includes(from), from);
    assert.throws(() => parseReginfo(text.replace(from, to)), XmlError, from);
  }
});

test('the documents of real networks are read', () => {
  let count = 0;
  const root = vectors('sip/handset');
  for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!/NOTIFY/.test(file)) continue;
    const message = readFileSync(`${root}/${file}`, 'utf8');
    if (!/reginfo\+xml/i.test(message)) continue;
    const { registrations } = parseReginfo(message.slice(message.indexOf('\r\n\r\n') + 4).trim());
    assert.ok(registrations.length > 0 && registrations[0]!.contacts.length > 0, file);
    count++;
  }
  assert.ok(count > 0);
});

test('a contact of a real handset has its preference and its unknown parameters', () => {
  const path = 'sip/handset/open5gs_ipsec_reg/020_NOTIFY.sip';
  const message = readFileSync(vectors(path), 'utf8');
  const { version, state, registrations } = parseReginfo(
    message.slice(message.indexOf('\r\n\r\n') + 4),
  );
  assert.equal(version, 2);
  assert.equal(state, 'full');
  const contact = registrations[0]!.contacts[0]!;
  assert.equal(contact.q, 1);
  assert.equal(contact.expires, 3599);
  assert.equal(contact.uri, 'sip:192.168.101.5:6300;alias=192.168.101.5~6301~2');
  assert.equal(contact.params?.get('+sip.instance'), '"<urn:gsma:imei:35622410-483840-0>"');
  assert.equal(contact.params?.get('+g.3gpp.smsip'), '');
});

test('elements and attributes of other extensions are passed over', () => {
  const text = reginfoText(info)
    .replace('<contact ', '<contact x:y="z" xmlns:x="urn:x" ')
    .replace('<uri>', '<x:pub-gruu xmlns:x="urn:x" uri="sip:evil@h"/><uri>');
  assert.deepEqual(parseReginfo(text), info);
});

test('a document of more registrations or contacts than any network has is refused', () => {
  const contact = info.registrations[0]!.contacts[0]!;
  const many = Array.from({ length: 1025 }, () => contact);
  const registration = { ...info.registrations[0]!, contacts: many };
  assert.throws(
    () => parseReginfo(reginfoText({ ...info, registrations: [registration] })),
    XmlError,
  );
  const registrations = Array.from({ length: 257 }, () => info.registrations[1]!);
  assert.throws(() => parseReginfo(reginfoText({ ...info, registrations })), XmlError);
});
