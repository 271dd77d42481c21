import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { days } from '../time.ts';
import * as der from './der.ts';
import { keptSelfSigned, selfSigned } from './self-signed.ts';

const now = Date.UTC(2030, 5, 1);
const names = ['pcscf.ims.example', '127.0.0.1', '::1', '2001:db8::5:0:1'];

test('the certificate is good for its names and addresses and for no other', () => {
  const { key, cert } = selfSigned({ names, now });
  const certificate = new X509Certificate(cert);
  assert.equal(certificate.subject, 'CN=pcscf.ims.example');
  assert.equal(certificate.issuer, certificate.subject);
  assert.equal(certificate.checkHost('pcscf.ims.example'), 'pcscf.ims.example');
  assert.equal(certificate.checkHost('scscf.ims.example'), undefined);
  for (const address of names.slice(1)) assert.ok(certificate.checkIP(address), address);
  assert.equal(certificate.checkIP('127.0.0.2'), undefined);
  assert.equal(certificate.ca, false);
  assert.ok(certificate.verify(certificate.publicKey));
  assert.match(key, /BEGIN PRIVATE KEY/);
});

test('it is good from a day before to the end of its lifetime, in either form of time', () => {
  for (const [from, lifetime] of [
    [now, days(825)],
    [Date.UTC(2049, 11, 1), days(100)],
  ] as const) {
    const certificate = new X509Certificate(selfSigned({ names, now: from, lifetime }).cert);
    assert.equal(Date.parse(certificate.validFrom), from - days(1));
    assert.equal(Date.parse(certificate.validTo), from + lifetime);
  }
});

test('every certificate has a serial number of its own', () => {
  const serials = [1, 2].map(
    () => new X509Certificate(selfSigned({ names, now }).cert).serialNumber,
  );
  assert.notEqual(serials[0], serials[1]);
});

test('a kept certificate is used again until it runs out or lacks a name', t => {
  const directory = mkdtempSync(join(tmpdir(), 'carillon-tls-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const first = keptSelfSigned(directory, { names, now });
  assert.equal(statSync(join(directory, 'tls-key.pem')).mode & 0o077, 0);
  assert.deepEqual(keptSelfSigned(directory, { names: [...names].reverse(), now }), first);
  const wider = keptSelfSigned(directory, { names: [...names, 'other.example'], now });
  assert.notDeepEqual(wider, first);
  assert.deepEqual(keptSelfSigned(directory, { names, now }), wider);
  const later = keptSelfSigned(directory, { names, now: now + days(824) });
  assert.notDeepEqual(later, wider);
});

test('lengths and numbers are written as DER has them', () => {
  const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex');
  assert.equal(hex(der.integer(Buffer.from([0, 0, 1]))), '020101');
  assert.equal(hex(der.integer(Buffer.from([0]))), '020100');
  assert.equal(hex(der.integer(Buffer.from([0x80]))), '02020080');
  assert.equal(hex(der.objectIdentifier('1.2.840.10045.4.3.2')), '06082a8648ce3d040302');
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 70_000 }), length => {
      const octets = der.octetString(Buffer.alloc(length));
      const head = octets.length - length;
      assert.equal(head, length < 128 ? 2 : length < 256 ? 3 : length < 65_536 ? 4 : 5);
      const said = head === 2 ? octets[1]! : octets.readUIntBE(2, head - 2);
      assert.equal(said, length);
    }),
  );
});
