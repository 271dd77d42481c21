import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { vectors } from '../../../test/vectors.ts';
import { Avp } from './avp.ts';
import { FailedAvp, ProductName, SessionId } from './base.ts';
import { decode, MAX_AVPS, MAX_MESSAGE_LENGTH, MalformedMessage } from './codec.ts';
import { readRequest } from './command.ts';
import { ServerAssignment, SipAuthDataItem, SipAuthorization, UserAuthorization } from './cx.ts';
import type { AvpDefinition, Members } from './definition.ts';
import { allAvps, lookup } from './dictionary.ts';
import { AuthenticationInfo } from './eps-vectors.ts';
import { DiameterError } from './errors.ts';
import { DiameterStreamReader } from './framing.ts';
import { Collector, planOf, settleMembers, type Values } from './group.ts';
import { FLAG } from './header.ts';
import { DiameterMessage } from './message.ts';
import { survive } from './testing/laws.ts';
import { messages } from './testing/messages.ts';

interface Vector {
  readonly name?: string;
  readonly hex: string;
  readonly expect?: string;
  readonly message?: string;
}

const load = (path: string): readonly Vector[] => JSON.parse(readFileSync(vectors(path), 'utf8'));

const captured = readdirSync(vectors('pcap_extracted'))
  .filter(file => file.endsWith('.diameter.json'))
  .sort()
  .flatMap(file => load(`pcap_extracted/${file}`));

const published = load('hex/diameter.json');

/** What we do not take, with the reason. */
const NOT_TAKEN: Readonly<Record<string, string>> = {
  'Dissect grouped AVP': 'one AVP within a stray octet of SCTP, no message',
};

test('every published message decodes, and encodes to the same octets', () => {
  let count = 0;
  for (const { hex, name = '', expect } of published) {
    const octets = Buffer.from(hex, 'hex');
    if (expect !== 'accept' || name in NOT_TAKEN) {
      // the malformed ones end before their length says
      assert.throws(() => decode(octets), DiameterError, name);
      continue;
    }
    count++;
    const message = decode(octets);
    assert.equal(message.with({}).encode().toString('hex'), hex, name);
  }
  assert.equal(count, published.filter(({ expect }) => expect === 'accept').length - 1);
});

test('every captured message decodes, and encodes to the same octets', () => {
  assert.equal(captured.length, 153);
  for (const { hex } of captured) {
    const message = decode(Buffer.from(hex, 'hex'));
    assert.equal(message.with({}).encode().toString('hex'), hex);
  }
});

test('headers are read as tshark reads them', () => {
  for (const { hex, message = '', expect } of published) {
    const [, code, flags, application, hopByHop, endToEnd] =
      /\((\d+)\) flags=([RPET-]{4}) appl=[^(]*\((\d+)\) h2h=(\w+) e2e=(\w+)/.exec(message) ?? [];
    if (code === undefined || expect !== 'accept') continue;
    const read = decode(Buffer.from(hex, 'hex'));
    const letters = Object.values(FLAG).map((flag, at) => (read.flags & flag ? 'RPET'[at] : '-'));
    assert.deepEqual(
      [read.code, letters.join(''), read.application, read.hopByHop, read.endToEnd],
      [
        Number(code),
        flags,
        Number(application),
        Number.parseInt(hopByHop as string, 16),
        Number.parseInt(endToEnd as string, 16),
      ],
    );
  }
});

const cx = captured.map(({ hex }) => decode(Buffer.from(hex, 'hex')));
const first = (summary: string) => cx.find(message => message.summary() === summary);

test('the captured Cx messages are read by their commands', () => {
  const uar = readRequest(UserAuthorization, first('UAR') as DiameterMessage);
  assert.deepEqual(uar, {
    impi: '001011234567893@ims.mnc001.mcc001.3gppnetwork.org',
    impu: 'sip:001011234567893@ims.mnc001.mcc001.3gppnetwork.org',
    visitedNetwork: 'ims.mnc001.mcc001.3gppnetwork.org',
    features: [],
  });
  const maa = first('MAA DIAMETER_SUCCESS') as DiameterMessage;
  const [item] = maa.all(SipAuthDataItem);
  assert.equal(item?.scheme, 'Digest-AKAv1-MD5');
  assert.equal(item?.authenticate?.length, 32);
  assert.equal(item?.authorization?.length, 8);
  assert.equal(item?.confidentialityKey?.length, 16);
  const sar = readRequest(ServerAssignment, first('SAR REGISTRATION') as DiameterMessage);
  assert.equal(sar.userDataAlreadyAvailable, 'USER_DATA_NOT_AVAILABLE');
  assert.deepEqual(sar.impus, [uar.impu]);
  assert.equal(first('UAA DIAMETER_SUBSEQUENT_REGISTRATION')?.isRequest, false);
});

/** AVPs of the vectors whose values are wrong, and how. */
const WRONG: readonly string[] = [
  '321R Destination-Realm: not a domain name', // empty
  '272A DIAMETER_SUCCESS Supported-Features: Vendor-Id is missing', // Open5GS on Gx
  '272R Supported-Features: Vendor-Id is missing',
];
/** AVPs of the vectors that hold the same members in another order than ours. */
const REORDERED: readonly string[] = ['Vendor-Specific-Application-Id'];

test('every AVP of the vectors that we declare is written as it was read', () => {
  const wrong = new Set<string>();
  const reordered = new Set<string>();
  let count = 0;
  for (const { hex, expect = 'accept', name = '' } of [...published, ...captured]) {
    if (expect !== 'accept' || name in NOT_TAKEN) continue;
    const message = decode(Buffer.from(hex, 'hex'));
    for (const avp of message.avps) {
      const definition = lookup(avp.vendor, avp.code) as AvpDefinition<unknown> | undefined;
      if (definition === undefined) continue;
      try {
        const written = Avp.of(definition, avp.as(definition));
        if (!written.data.equals(avp.data)) reordered.add(definition.name);
        const again = Avp.raw(avp.code, avp.vendor, avp.flags, written.data);
        assert.deepEqual(again.as(definition), avp.as(definition));
        count++;
      } catch (error) {
        if (!(error instanceof DiameterError)) throw error;
        wrong.add(`${message.summary()} ${definition.name}: ${error.message}`);
      }
    }
  }
  assert.ok(count > 1000, `${count} AVPs`);
  assert.deepEqual([...reordered], REORDERED);
  assert.deepEqual([...wrong].sort(), [...WRONG].sort());
});

// ------------------------------------------------------------------ the laws

const runs = { numRuns: 300, seed: 2 };

test('what is made is read back with the values it was made of', () => {
  fc.assert(
    fc.property(messages, ({ message, command, values }) => {
      const members = message.isRequest ? command.request : command.answer;
      const read = decode(message.encode());
      assert.deepEqual(
        readValues(members, read),
        settleMembers(members, values),
        'and a local link gives the same without encoding',
      );
      assert.deepEqual(readValues(members, message), settleMembers(members, values));
    }),
    runs,
  );
});

function readValues(members: Members, message: DiameterMessage): Values {
  const collector = new Collector(planOf(members));
  for (const avp of message.avps) {
    const slot = collector.slot(avp.vendor, avp.code);
    if (slot !== undefined)
      collector.take(
        slot,
        () => avp.as(slot.avp),
        () => avp,
      );
  }
  return collector.finish();
}

test('what decodes encodes to the same octets, whether its AVPs were looked at or not', () => {
  fc.assert(
    fc.property(messages, ({ message }) => {
      const octets = message.encode();
      const decoded = decode(octets);
      assert.ok(decoded.encode().equals(octets));
      assert.ok(
        decoded.with({ hopByHop: 1 }).with({ hopByHop: message.hopByHop }).encode().equals(octets),
      );
    }),
    runs,
  );
});

test('no octets make decoding, reading, describing or masking throw anything of its own', () => {
  fc.assert(
    fc.property(
      messages,
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 8 }),
      ({ message }, changes) => {
        const octets = Buffer.from(message.encode());
        for (const [at, value] of changes) octets[at % octets.length] = value;
        survive(octets);
      },
    ),
    { numRuns: 2000, seed: 2 },
  );
});

test('a stream gives the same messages in whatever pieces it comes', () => {
  const stream = Buffer.concat(captured.slice(0, 40).map(({ hex }) => Buffer.from(hex, 'hex')));
  const read = (pieces: readonly number[]): string[] => {
    const reader = new DiameterStreamReader();
    const seen: string[] = [];
    let at = 0;
    for (let index = 0; at < stream.length; index++) {
      const end = at + (pieces[index % pieces.length] as number);
      const piece = Buffer.from(stream.subarray(at, end)); // its octets may be used again after
      reader.push(piece, message => seen.push(message.encode().toString('hex')));
      piece.fill(0);
      at = end;
    }
    return seen;
  };
  const whole = read([stream.length]);
  assert.equal(whole.length, 40);
  assert.deepEqual(read([1]), whole);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }), pieces =>
      assert.deepEqual(read(pieces), whole),
    ),
    { numRuns: 30, seed: 2 },
  );
});

// ------------------------------------------------------------------ limits

const header = { flags: FLAG.request, code: 1, application: 0, hopByHop: 1, endToEnd: 2 };

test('the number of AVPs is bounded', () => {
  const of = (count: number) =>
    new DiameterMessage(header, Array(count).fill(Avp.raw(9999, 0, 0, Buffer.alloc(0)))).encode();
  assert.equal(decode(of(MAX_AVPS)).avps.length, MAX_AVPS);
  assert.throws(() => decode(of(MAX_AVPS + 1)), MalformedMessage);
});

test('a message is bounded, and its length is what its header says', () => {
  const long = new DiameterMessage(header, [Avp.of(ProductName, 'x'.repeat(MAX_MESSAGE_LENGTH))]);
  assert.throws(() => decode(long.encode()), /message of \d+ octets/);
  const octets = new DiameterMessage(header, []).encode();
  assert.throws(() => decode(octets.subarray(0, 19)), DiameterError);
  assert.throws(() => decode(Buffer.concat([octets, octets])), /not one whole message/);
});

test('a malformed message tells what could be read, so that it can be answered', () => {
  const octets = Buffer.from(new DiameterMessage(header, [Avp.of(SessionId, 'abcd')]).encode());
  const broken = Buffer.concat([octets, Buffer.from([0, 0, 1, 8, 0x40, 0, 0, 99])]);
  broken.writeUIntBE(broken.length, 1, 3);
  assert.throws(
    () => decode(broken),
    (error: unknown) =>
      error instanceof MalformedMessage &&
      error.result === 'DIAMETER_INVALID_AVP_LENGTH' &&
      error.received.hopByHop === 1 &&
      error.received.avps[0]?.as(SessionId) === 'abcd' &&
      error.received.encode().equals(broken) &&
      error.failedAvp?.code === 264,
  );
});

test('groups within groups do not exhaust the stack', () => {
  let avp = Avp.of(ProductName, 'x');
  for (let depth = 0; depth < 20_000; depth++) avp = Avp.raw(FailedAvp.code, 0, 0, avp.data);
  survive(new DiameterMessage(header, [avp]).encode());
});

// ------------------------------------------------------------------ secrets

test('secrets are overwritten at equal length, wherever they stand', () => {
  const secret = Buffer.from('TOP-SECRET-OCTET');
  const item = {
    authorization: secret,
    confidentialityKey: secret,
    integrityKey: secret,
    authenticate: Buffer.from('public-rand-autn'),
    digest: { realm: 'r', qop: 'auth', ha1: secret.toString(), alternateHa1: secret.toString() },
  };
  const eUtran = {
    rand: secret.subarray(0, 0),
    xres: secret,
    autn: Buffer.alloc(1),
    kasme: secret,
  };
  const avps = [
    Avp.of(SessionId, 'a;b;c'),
    Avp.of(SipAuthDataItem, item),
    Avp.of(FailedAvp, [Avp.of(SipAuthDataItem, item), Avp.of(SipAuthorization, secret)]),
    Avp.of(AuthenticationInfo, { eUtran: [eUtran] }),
  ];
  const message = new DiameterMessage({ ...header, flags: 0 }, avps);
  const masked = message.masked();
  assert.equal(masked.length, message.encode().length);
  assert.ok(message.encode().includes(secret), 'the message itself is as it was');
  assert.ok(!masked.includes(secret));
  const [shown] = decode(masked).all(SipAuthDataItem);
  assert.equal(Buffer.from(shown?.integrityKey ?? []).toString(), '*'.repeat(16));
  assert.equal(Buffer.from(shown?.authenticate ?? []).toString(), 'public-rand-autn');
});

test('what cannot be told apart is overwritten too', () => {
  const secret = Buffer.from('TOP-SECRET-OCTET');
  const item = Avp.of(SipAuthDataItem, { confidentialityKey: secret, integrityKey: secret }).data;
  const broken = Buffer.from(item);
  broken.writeUIntBE(0xffff, 5, 3); // the first member's length
  const avp = Avp.raw(SipAuthDataItem.code, SipAuthDataItem.vendor, 0xc0, broken);
  assert.ok(!new DiameterMessage(header, [avp]).masked().includes(secret));
});

test('the keys of the captured MAA are in no masked message, and nothing else is gone', () => {
  const maa = first('MAA DIAMETER_SUCCESS') as DiameterMessage;
  const masked = decode(maa.masked());
  for (const [at, avp] of maa.avps.entries()) {
    if (!avp.is(SipAuthDataItem)) assert.deepEqual(masked.avps[at]?.data, avp.data);
  }
  const [item] = maa.all(SipAuthDataItem);
  for (const key of [item?.authorization, item?.confidentialityKey, item?.integrityKey]) {
    assert.ok(key !== undefined && !maa.masked().includes(Buffer.from(key)));
  }
});

test('every AVP that 3GPP calls a key or an expected response is declared secret', () => {
  const names = allAvps()
    .filter(({ secret }) => secret)
    .map(({ name }) => name);
  assert.deepEqual(names.sort(), [
    'Alternate-Digest-HA1',
    'Confidentiality-Key',
    'Digest-HA1',
    'Integrity-Key',
    'KASME',
    'Kc',
    'SIP-Authorization',
    'SRES',
    'XRES',
  ]);
});
