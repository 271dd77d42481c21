import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Identities, identitiesOf } from './identities.ts';
import {
  changed,
  inputOf,
  RecordError,
  type Subscriber,
  type SubscriberInput,
  subscriberFrom,
} from './subscriber.ts';

const home = 'ims.mnc001.mcc001.3gppnetwork.org';
const rules = { services: ['mmtel', 'sms', 'screening'] };
const k = '465b5ce8b199b49faa5f0a2ee238a6bc';
const opc = 'cd63cb71954a9f4e48a5994e37a02baf';
const imsi = '001010000000001';
const alice: SubscriberInput = {
  imsi,
  msisdn: '15550100001',
  name: 'alice',
  k,
  opc,
  password: 'alice-secret',
};

const problemsOf = (make: () => Subscriber): string[] => {
  try {
    make();
  } catch (error) {
    assert.ok(error instanceof RecordError, String(error));
    return error.problems.map(problem => `${problem.field}: ${problem.message}`);
  }
  return assert.fail('accepted');
};
const wrong = (changes: object): string[] =>
  problemsOf(() => subscriberFrom({ ...alice, ...changes }, rules));

const identities = (input: SubscriberInput): Identities =>
  identitiesOf(subscriberFrom(input, rules), home);

test('a record of the lab is complete with its defaults', () => {
  assert.deepEqual(subscriberFrom(alice, rules), {
    imsi,
    msisdn: '15550100001',
    name: 'alice',
    k,
    opc,
    op: undefined,
    amf: '8000',
    sqn: '000000000000',
    password: 'alice-secret',
    services: ['mmtel', 'sms'],
    impi: undefined,
    impus: undefined,
    digest: undefined,
    suspended: false,
    algorithm: 'milenage',
    impis: undefined,
    profile: undefined,
    capabilities: undefined,
  });
});

test('OPc is computed from OP and K (TS 35.208 set 1)', () => {
  const { opc: _, ...rest } = alice;
  const op = 'cdc202d5123e20f62b6d676ac72cb318';
  assert.equal(subscriberFrom({ ...rest, op }, rules).opc, opc);
});

test('a SIM and a password give two IMPIs, four IMPUs and one default', () => {
  assert.deepEqual(identities(alice), {
    impis: [
      { impi: `${imsi}@${home}`, scheme: 'Digest-AKAv1-MD5' },
      { impi: `alice@${home}`, scheme: 'SIP Digest' },
    ],
    impus: [
      { impu: `sip:+15550100001@${home}`, barred: false },
      { impu: 'tel:+15550100001', barred: false },
      { impu: `sip:alice@${home}`, barred: false },
      { impu: `sip:${imsi}@${home}`, barred: true },
    ],
  });
});

test('a password without a name gives the IMPI <imsi>.digest', () => {
  const { impis } = identities({ imsi, msisdn: '15550100001', password: 'x' });
  assert.deepEqual(impis, [{ impi: `${imsi}.digest@${home}`, scheme: 'SIP Digest' }]);
});

test('identities of its own replace the derived ones', () => {
  const line = {
    imsi,
    password: 'x',
    impi: 'trunk@pbx.example',
    impus: 'sip:Desk@PBX.example tel:+1-555-0177',
  };
  assert.deepEqual(identities(line), {
    impis: [{ impi: 'trunk@pbx.example', scheme: 'SIP Digest' }],
    impus: [
      { impu: 'sip:Desk@pbx.example', barred: false },
      { impu: 'tel:+15550177', barred: false },
    ],
  });
});

test('a wrong value is named with its field and with what would be right', () => {
  assert.deepEqual(wrong({ imsi: '12ab' }), [
    'imsi: "12ab" is not 6 to 15 digits, such as 001010000000001',
  ]);
  assert.match(
    wrong({ msisdn: '+15550100001' })[0]!,
    /^msisdn: "\+15550100001" is not .*without \+/,
  );
  assert.match(wrong({ name: 'al ice' })[0]!, /^name: "al ice" is not up to 64 letters/);
  assert.match(wrong({ amf: '80' })[0]!, /^amf: "80" is not 4 hexadecimal digits/);
  assert.match(wrong({ sqn: 'x' })[0]!, /^sqn: "x" is not 12 hexadecimal digits/);
  assert.match(
    wrong({ services: 'mmtel fax' })[0]!,
    /"fax" is no service of this network; it has mmtel, sms, screening/,
  );
  assert.match(
    wrong({ impus: ['mailto:a@b'] })[0]!,
    /^impus: "mailto:a@b" is not a sip: or tel: URI/,
  );
  assert.match(wrong({ digest: 'SHA-1' })[0]!, /^digest: "SHA-1" is not MD5 or SHA-256/);
  assert.match(wrong({ suspended: 'maybe' })[0]!, /^suspended: "maybe" is not yes or no/);
  assert.match(wrong({ msisdn: 15550100001 })[0]!, /^msisdn: 15550100001 is not a text/);
  assert.match(
    wrong({ colour: 'red' })[0]!,
    /^colour: unknown; the fields are imsi, msisdn, name, k/,
  );
  assert.match(wrong({ imsi: '' })[0]!, /^imsi: missing/);
});

test('all problems of a record are told at once', () => {
  assert.equal(wrong({ imsi: 'x', k: 'y', amf: 'z' }).length, 3);
});

test('an error shows no secret', () => {
  for (const said of [
    wrong({ k: `${k}0` }),
    wrong({ password: 'top\u0000secret' }),
    wrong({ op: 'sesame' }),
  ]) {
    assert.doesNotMatch(said.join(), /465b5c|secret|sesame/);
  }
  assert.match(
    wrong({ k: `${k}0` })[0]!,
    /^k: a text of 33 characters is not 32 hexadecimal digits/,
  );
});

test('fields that contradict each other are refused', () => {
  assert.match(wrong({ op: opc })[0]!, /^op: given beside opc/);
  assert.match(wrong({ opc: undefined })[0]!, /^opc: missing; k needs either opc or op/);
  assert.match(wrong({ k: undefined })[0]!, /^k: missing; opc means nothing without it/);
  assert.match(wrong({ k: null, opc: null, password: null })[0]!, /^k: neither k .* nor password/);
  assert.match(wrong({ impi: 'a@b' })[0]!, /^impi: with k and password both/);
  assert.match(wrong({ name: imsi })[0]!, /^name: .* is the IMSI/);
  const unreachable = wrong({ msisdn: '', name: '', k: '', opc: '' });
  assert.match(unreachable[0]!, /^msisdn: neither msisdn nor name nor impus/);
});

test('a SIM without number and name has only its barred identity', () => {
  const { impus } = identities({ imsi, k, opc });
  assert.deepEqual(impus, [{ impu: `sip:${imsi}@${home}`, barred: true }]);
});

test('services may be none, and none is kept', () => {
  const none = subscriberFrom({ ...alice, services: 'none' }, rules);
  assert.deepEqual(none.services, []);
  assert.deepEqual(changed(none, { name: 'al' }, rules).services, []);
});

test('a change keeps what it does not name, and null takes away', () => {
  const before = subscriberFrom({ ...alice, sqn: '000000000100' }, rules);
  const after = changed(before, { msisdn: null, services: ['sms'] }, rules);
  assert.deepEqual(after, { ...before, msisdn: undefined, services: ['sms'] });
  assert.deepEqual(subscriberFrom(inputOf(before), rules), before);
});

test('another K starts the sequence anew unless an SQN comes with it', () => {
  const before = subscriberFrom({ ...alice, sqn: '000000000100' }, rules);
  assert.equal(changed(before, { k: '0'.repeat(32) }, rules).sqn, '000000000000');
  assert.equal(
    changed(before, { k: '0'.repeat(32), sqn: '00000000abcd' }, rules).sqn,
    '00000000abcd',
  );
  assert.equal(changed(before, { name: 'bob' }, rules).sqn, '000000000100');
});

test('a new K recomputes OPc where OP is known, and OPc or OP replace each other', () => {
  const { opc: _, ...rest } = alice;
  const before = subscriberFrom({ ...rest, op: 'cdc202d5123e20f62b6d676ac72cb318' }, rules);
  const newKey = changed(before, { k: '0'.repeat(32) }, rules);
  assert.notEqual(newKey.opc, before.opc);
  assert.equal(newKey.op, before.op);
  const byOpc = changed(before, { opc: '1'.repeat(32) }, rules);
  assert.deepEqual([byOpc.opc, byOpc.op], ['1'.repeat(32), undefined]);
  assert.equal(changed(byOpc, { op: before.op! }, rules).opc, opc);
});

test('a record keeps its IMSI', () => {
  const before = subscriberFrom(alice, rules);
  assert.match(
    problemsOf(() => changed(before, { imsi: '001010000000002' }, rules))[0]!,
    /^imsi: .*keeps its IMSI/,
  );
});

test('identities with parameters are kept in one form, and what is wrong with them is said', () => {
  const { impus, impis } = subscriberFrom(
    {
      ...alice,
      impus: `derived sip:Desk@PBX.example;barred;contacts=2;set=desk sip:+1!.*!@pbx.example;set=desk`,
      impis: `b@x.example;password=%C3%BC;sets=default,desk`,
    },
    rules,
  );
  assert.deepEqual(impus, [
    'derived',
    'sip:Desk@pbx.example;barred;set=desk;contacts=2',
    'sip:+1!.*!@pbx.example;set=desk',
  ]);
  assert.deepEqual(impis, ['b@x.example;password=%C3%BC;sets=default,desk']);
  for (const [input, message] of [
    [
      { impus: 'sip:a@b;color=red' },
      /"sip:a@b;color=red" has a parameter ;color; it may have ;set=,/,
    ],
    [{ impus: 'sip:a@b;set=A' }, /has a ;set that is not up to 32 of a to z/],
    [{ impus: 'sip:a@b;set=a;set=b' }, /has ;set twice/],
    [{ impus: 'sip:a@b;barred=no' }, /has a ;barred that takes no value/],
    [{ impus: 'sip:a@b;contacts=0' }, /has a ;contacts that is not 1 to 999/],
    [{ impus: 'sip:a@b;display=%zz' }, /has a ;display= with a % that no two digits follow/],
    [{ impus: 'sip:a!.*!@b;set=x' }, /the implicit set "x" has wildcarded identities alone/],
    [{ impus: 'sip:a@b sip:a@b;set=x' }, /impus: "sip:a@b" stands there twice/],
    [
      { impus: 'sip:a@b;alias=g sip:c@b;alias=g;set=x' },
      /are aliases, but of another implicit set/,
    ],
    [
      { impus: 'sip:a@b;profile=gold' },
      /"gold" is no service profile of this network; it has none/,
    ],
    [{ profile: 'gold' }, /^profile: "gold" is no service profile/],
    [
      { impis: 'b@x.example;password=x;sets=y' },
      /impis: "b@x.example" is for the implicit set "y"/,
    ],
    [{ capabilities: 'seven' }, /"seven" is not numbers of S-CSCF capabilities/],
    [{ algorithm: 'xor' }, /"xor" is not milenage, tuak/],
    [
      { algorithm: 'tuak' },
      /opc: a text of 32 characters is not 64 hexadecimal digits, which TUAK/,
    ],
    [{ k: k + k }, /k: a text of 64 characters is not 32 hexadecimal digits, which Milenage/],
  ] as const) {
    assert.match(wrong(input).join(), message, JSON.stringify(input));
  }
});

test('an error about another private identity shows no secret', () => {
  for (const impis of [
    'b@x.example;password=hush;k=0',
    'b@x.example;k=hush',
    `b@x.example;k=${k}`,
    `b@x.example;k=${k};opc=${opc};algorithm=tuak`,
    'hush',
    'b@x.example',
    'b@x.example;password=hush b@x.example;password=hush2',
  ]) {
    const problems = wrong({ impis }).join();
    assert.match(problems, /^impis: /);
    assert.doesNotMatch(problems, /hush|465b|cd63/);
  }
});

test('OPc of TUAK is computed from TOP and K (TS 35.233 set 1)', () => {
  const { opc: _, ...rest } = alice;
  const { opc: topc } = subscriberFrom(
    { ...rest, k: 'ab'.repeat(16), op: '55'.repeat(32), algorithm: 'tuak' },
    rules,
  );
  assert.equal(topc, 'bd04d9530e87513c5d837ac2ad954623a8e2330c115305a73eb45d1f40cccbff');
});
