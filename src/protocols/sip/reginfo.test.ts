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
          displayName: undefined,
          pubGruu: 'sip:alice@ims.example;gr=urn:uuid:1',
          tempGruu: undefined,
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
