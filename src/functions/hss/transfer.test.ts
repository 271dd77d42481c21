import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvRows } from './csv.ts';
import { alice, Bench, k, opc } from './hss.fixture.ts';
import { generateSubscribers, type Hss, type ImportOptions } from './hss.ts';

const lab = `imsi,msisdn,name,k,opc,op,amf,sqn,password,services
001010000000001,15550100001,alice,${k},${opc},,8000,000000000000,alice-secret,mmtel sms
001010000000002,15550100002,bob,${k},${opc},,8000,000000000000,bob-secret,mmtel sms
`;

class Importer {
  readonly bench = new Bench({ subscribers: [] });

  load(text: string, options: ImportOptions = {}) {
    return this.bench.settle(() => this.bench.hss.importCsv(() => [text], options));
  }

  /** The problems as `line column: message`. */
  async problems(text: string, options: ImportOptions = {}): Promise<string[]> {
    const { problems } = await this.load(text, options);
    return problems.map(({ line, column, message }) => `${line} ${column ?? '-'}: ${message}`);
  }

  count(): Promise<number> {
    return this.bench.settle(() => this.bench.hss.count());
  }
}

const exported = async (bench: Bench, hss: Hss, withSecrets = false): Promise<string> => {
  let text = '';
  await bench.settle(async () => {
    for await (const piece of hss.exportCsv({ withSecrets })) text += piece;
  });
  return text;
};

test('the lab file of the interface is taken as it stands', async () => {
  const importer = new Importer();
  const report = await importer.load(lab);
  assert.deepEqual(report, {
    lines: 2,
    added: 2,
    updated: 0,
    problems: [],
    more: 0,
    applied: true,
  });
  const alice = await importer.bench.settle(() => importer.bench.hss.find('alice'));
  assert.deepEqual(alice?.services, ['mmtel', 'sms']);
  assert.equal(alice?.identities.impis.length, 2);
});

test('columns may stand in any order, with spreadsheet habits', async () => {
  const importer = new Importer();
  const file =
    '\ufeffName,PASSWORD,imsi,msisdn\r\nalice," pass,""word""",001010000000001,15550100001\r\n\r\n,,,\r\n';
  assert.deepEqual(await importer.problems(file), []);
  assert.equal(
    (await importer.bench.settle(() => importer.bench.hss.find('alice')))?.msisdn,
    '15550100001',
  );
});

test('a file in pieces of any size gives the same rows', async () => {
  const rows = async (size: number) => {
    const pieces = lab.match(new RegExp(`[\\s\\S]{1,${size}}`, 'g'))!;
    const found = [];
    for await (const row of csvRows(pieces)) found.push(row);
    return found;
  };
  const whole = await rows(10_000);
  for (const size of [1, 2, 7, 64]) assert.deepEqual(await rows(size), whole);
});

test('unknown columns are refused by name, a missing imsi column and doubles too', async () => {
  const importer = new Importer();
  assert.match(
    (await importer.problems('imsi,colour\n'))[0]!,
    /^1 colour: unknown column; the columns are imsi, msisdn/,
  );
  assert.match((await importer.problems('msisdn,name\n'))[0]!, /^1 imsi: missing/);
  assert.deepEqual(await importer.problems('imsi,name,name\n'), ['1 name: stands there twice']);
  assert.match((await importer.problems(''))[0]!, /^1 -: nothing in it/);
});

test('every bad line is told with line, column and reason, and nothing is applied', async () => {
  const importer = new Importer();
  const file = `imsi,msisdn,name,password
001010000000001,15550100001,alice,x
001010000000002,+15550100002,b b,x
001010000000003,15550100003
001010000000001,15550100004,dave,x
001010000000005,15550100005,alice,x
001010000000006,15550100006,frank,
`;
  const problems = await importer.problems(file);
  assert.match(problems[0]!, /^3 msisdn: "\+15550100002" is not .*without \+/);
  assert.match(problems[1]!, /^3 name: "b b" is not/);
  assert.equal(problems[2], '4 -: 2 values; the header line has 4 columns');
  assert.deepEqual(
    problems.filter(problem => problem.startsWith('5 ')),
    [
      '5 imsi: 001010000000001 stands on line 2 already',
      `5 imsi: sip:001010000000001@ims.mnc001.mcc001.3gppnetwork.org stands on line 2 already`,
    ],
  );
  assert.ok(problems.some(problem => /^6 name: alice@.* stands on line 2 already/.test(problem)));
  assert.ok(problems.some(problem => /^7 k: neither k .* nor password/.test(problem)));
  assert.equal(await importer.count(), 0);
});

test('with skipBad the good lines are applied and the bad ones told', async () => {
  const importer = new Importer();
  const file = 'imsi,name,password\n001010000000001,alice,x\nx,bob,x\n001010000000003,carol,x\n';
  const report = await importer.load(file, { skipBad: true });
  assert.deepEqual(
    [report.added, report.problems.length, report.lines, report.applied],
    [2, 1, 3, true],
  );
  assert.equal(await importer.count(), 2);
});

test('a record that is there already is refused, or updated where asked', async () => {
  const importer = new Importer();
  await importer.load(lab);
  assert.match(
    (await importer.problems(lab))[0]!,
    /^2 imsi: 001010000000001 is a subscriber already/,
  );
  const change = 'imsi,name\n001010000000001,alison\n';
  const report = await importer.load(change, { existing: 'update' });
  assert.deepEqual([report.updated, report.added], [1, 0]);
  const view = await importer.bench.settle(() => importer.bench.hss.find('alison'));
  assert.equal(view?.msisdn, '15550100001', 'columns that are not in the file stay');
  assert.match(
    (await importer.problems('imsi,name\n001010000000002,alison\n', { existing: 'update' }))[0]!,
    /^2 name: .* belongs to/,
  );
});

test('export leaves secrets out, and with them restores the whole', async () => {
  const importer = new Importer();
  await importer.load(lab);
  const { bench } = importer;
  const shown = await exported(bench, bench.hss);
  assert.match(
    shown,
    /^imsi,msisdn,name,amf,sqn,services,impi,impus,digest,suspended,algorithm,profile,capabilities\n001010000000001,15550100001,alice,8000,000000000000,mmtel sms,,,,,,,\n/,
  );
  assert.doesNotMatch(shown, /465b5c|cd63cb|secret/);
  const whole = await exported(bench, bench.hss, true);
  const other = new Importer();
  assert.deepEqual(await other.problems(whole), []);
  assert.equal(await exported(other.bench, other.bench.hss, true), whole);
});

test('every field survives export and import', async () => {
  const importer = new Importer();
  const { bench } = importer;
  await bench.settle(() =>
    bench.hss.add({
      imsi: '001010000000009',
      op: '0123456789abcdef0123456789abcdef',
      k,
      amf: 'b9b9',
      sqn: '00000000abcd',
      services: 'none',
      impi: 'line@pbx.example',
      impus: ['sip:line@pbx.example', 'tel:+15550177'],
      digest: ['SHA-256', 'MD5'],
      suspended: true,
    }),
  );
  await bench.settle(() =>
    bench.hss.add({
      imsi: '001010000000008',
      msisdn: '15550100008',
      k: k + k,
      op: 'ab'.repeat(32),
      algorithm: 'tuak-128-2',
      impus: [
        'derived',
        'sip:desk@pbx.example;set=desk;alias=d;display=The%20Desk%3B;contacts=3',
        'sip:+1555010!.*!@pbx.example;set=desk;barred',
      ],
      impis: [
        `second@pbx.example;k=${k};opc=${k};sets=desk,default`,
        'third@pbx.example;password=with%20space%3B',
      ],
      capabilities: ['7', 'optional:9', 'server:sip:scscf2.example:6060'],
    }),
  );
  await bench.settle(() => bench.hss.add({ ...alice, password: 'a,"b" ü ' }));
  const whole = await exported(bench, bench.hss, true);
  const other = new Importer();
  assert.deepEqual(await other.problems(whole), []);
  assert.equal(await exported(other.bench, other.bench.hss, true), whole);
});

test('secrets are not exported while the network runs', async () => {
  const bench = await new Bench().start();
  assert.throws(
    () => bench.hss.exportCsv({ withSecrets: true }),
    /only from the data directory of a stopped/,
  );
  await bench.stop();
});

test('a line longer than any record, or a quote left open, ends the reading with its line', async () => {
  const importer = new Importer();
  assert.match(
    (await importer.problems(`imsi,name\n1,${'x'.repeat(20_000)}\n`))[0]!,
    /^2 -: longer than/,
  );
  assert.match(
    (await importer.problems('imsi,name\n1,"x\n2,y\n'))[0]!,
    /^2 -: a quote is left open/,
  );
});

test('thousands of lines are imported with progress, and all problems counted', async () => {
  const importer = new Importer();
  const header = 'imsi,msisdn,password\n';
  const file = [
    ...generateSubscribers({
      count: 6000,
      imsi: '001010000100000',
      msisdn: '15550200000',
      password: 'x',
    }),
  ];
  const seen: string[] = [];
  const report = await importer.load(
    header + file.map(({ imsi, msisdn, password }) => `${imsi},${msisdn},${password}\n`).join(''),
    { onProgress: ({ pass, lines }) => seen.push(`${pass} ${lines}`) },
  );
  assert.equal(report.added, 6000);
  assert.deepEqual(seen, ['check 5000', 'check 6000', 'apply 5000', 'apply 6000']);
  const bad = await importer.load(header + 'x,1,y\n'.repeat(1500), { skipBad: true });
  assert.equal(bad.problems.length, 1000);
  assert.equal(bad.problems.length + bad.more, 3000);
});

test('generated subscribers are numbered with their leading zeros', () => {
  const made = [...generateSubscribers({ count: 2, imsi: '001019999', msisdn: '199', k, opc })];
  assert.deepEqual(made, [
    { imsi: '001019999', msisdn: '199', k, opc },
    { imsi: '001020000', msisdn: '200', k, opc },
  ]);
  assert.throws(() => [...generateSubscribers({ count: 2, imsi: '999' })], /one digit more/);
  assert.throws(() => [...generateSubscribers({ count: 1, imsi: 'x' })], /"x" is not a number/);
});
