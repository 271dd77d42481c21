import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { TraceEvent } from '#kernel/trace';
import { PcapngStream, pcapngOf } from './pcapng.ts';
import { call, registration, Scenario, sipRequest } from './testing/scenario.ts';

const isThere = spawnSync('tshark', ['--version']).status === 0;
if (!isThere && process.env.CI === 'true')
  throw new Error('tshark is missing: install the package tshark');
const withTshark = { skip: isThere ? false : 'install the package tshark' };

/** Runs a Wireshark tool over the capture: one line of its output per element. */
function ask(tool: 'tshark' | 'capinfos', capture: Uint8Array, args: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-pcapng-'));
  const file = join(folder, 'trace.pcapng');
  writeFileSync(file, capture);
  try {
    const path = tool === 'tshark' ? ['-r', file] : [file];
    const output = execFileSync(tool, [...args, ...path], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return output.split('\n').filter(line => line !== '');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Everything that Wireshark can check, checked. */
const CHECKS = [
  ...['ip.check_checksum', 'udp.check_checksum', 'tcp.check_checksum'].flatMap(name => [
    '-o',
    `${name}:TRUE`,
  ]),
  '-n',
];
const SUSPECT =
  '_ws.malformed || _ws.expert.severity >= 0x00400000 || ip.checksum.status == 0 || ' +
  'udp.checksum.status == 0 || tcp.checksum.status == 0 || _ws.unreassembled';

const fields = (...names: string[]) => [
  '-T',
  'fields',
  '-E',
  'separator=|',
  ...names.flatMap(name => ['-e', name]),
];

function assertClean(capture: Uint8Array): void {
  const suspects = ask('tshark', capture, [
    ...CHECKS,
    '-Y',
    SUSPECT,
    ...fields('frame.number', '_ws.col.Protocol', '_ws.expert.message', '_ws.col.Info'),
  ]);
  assert.deepEqual(suspects, []);
}

const everything = (): TraceEvent[] => call(registration()).events;

test('Wireshark dissects every message and finds nothing amiss', withTshark, () => {
  const events = everything();
  const capture = pcapngOf(events);
  assertClean(capture);
  const dissected = ask('tshark', capture, [
    ...CHECKS,
    '-Y',
    'sip || diameter',
    ...fields('sip.Method', 'sip.Status-Code', 'diameter.cmd.code'),
  ]);
  const messages = events.filter(event => event.kind === 'message');
  assert.equal(dissected.length, messages.length);
  assert.deepEqual(dissected.slice(0, 5), [
    'REGISTER||',
    'REGISTER||',
    'REGISTER||',
    '||300',
    '||300',
  ]);
});

test(
  'every function has its own address and name, its protocol the registered port',
  withTshark,
  () => {
    const capture = pcapngOf(everything());
    const lines = ask('tshark', capture, [
      ...['-o', 'nameres.network_name:TRUE', '-o', 'nameres.use_external_name_resolver:FALSE'],
      ...['-Y', 'sip || diameter'],
      ...fields('ip.src_host', 'ip.dst_host', 'udp.dstport', 'tcp.dstport', 'frame.interface_name'),
    ]);
    assert.equal(lines[0], 'alice|p-cscf|5060||Gm');
    assert.equal(lines[2], 'p-cscf|i-cscf||5060|Mw');
    assert.equal(lines[3], 'i-cscf|hss||3868|Cx');
    assert.match(lines[4]!, /^hss\|i-cscf\|\|49\d\d\d\|Cx$/);
    const addresses = ask('tshark', capture, ['-n', ...fields('ip.src')]);
    assert.deepEqual([...new Set(addresses)].sort(), [
      '10.0.0.101',
      '10.0.0.102',
      '10.0.0.11',
      '10.0.0.12',
      '10.0.0.13',
      '10.0.0.20',
    ]);
  },
);

test(
  'the comment tells the real socket, the loss and the decisions with their reasons',
  withTshark,
  () => {
    const capture = pcapngOf(registration().events);
    const comments = ask('tshark', capture, [
      '-Y',
      'frame.comment',
      ...fields('frame.comment'),
    ]).join('\n');
    assert.match(
      comments,
      /#1 Gm: alice to p-cscf, udp 127\.0\.0\.1:40001 to 127\.0\.0\.1:5060; never arrived: loss/,
    );
    assert.match(comments, /#3 Mw: p-cscf to i-cscf, link inside the process/);
    const select = comments.split('\n').find(line => line.includes('i-cscf.select'))!;
    assert.match(select, /#5 Cx: hss to i-cscf/); // taken on the answer of the HSS
    assert.match(select, /because the HSS names no S-CSCF .* \(TS 24\.229 §5\.3\.1\.2\)/);
  },
);

test('secrets are masked and everything still dissects', withTshark, () => {
  const capture = pcapngOf(registration().events);
  const hex = Buffer.from(capture).toString('latin1');
  assert.ok(!hex.includes('00112233445566778899aabbccddeeff'));
  assert.ok(!hex.includes('\xcd\xcd\xcd\xcd'));
  assert.ok(hex.includes('\xab\xab\xab\xab')); // RAND and AUTN are no secret
});

test('IPv6, large messages over TCP and UDP, and secured links dissect too', withTshark, () => {
  const scenario = new Scenario({
    alice: { host: '::1', port: 40_001 },
    'p-cscf': { host: '::1', port: 5061 },
    's-cscf': { host: '::1', port: 6060 },
  });
  const gm = { from: 'alice', to: 'p-cscf', point: 'Gm' } as const;
  const large = sipRequest('MESSAGE', { headers: [`Subject: ${'x'.repeat(45_000)}`] });
  scenario.sip({ ...gm, link: 'udp' }, large);
  scenario.sip({ ...gm, link: 'wss' }, large);
  scenario.sip({ ...gm, link: 'tls' }, large);
  scenario.sip({ from: 'p-cscf', to: 's-cscf', point: 'Mw' }, sipRequest('OPTIONS'));
  scenario.sip(
    { from: '[2001:db8::7]:5070', to: 'p-cscf', point: 'Gm', link: 'udp' },
    sipRequest('OPTIONS'),
  );
  const capture = pcapngOf(scenario.events);
  assertClean(capture);
  const dissected = ask('tshark', capture, [
    '-n',
    '-Y',
    'sip',
    ...fields('ipv6.src', 'sip.Method'),
  ]);
  assert.deepEqual(dissected.slice(0, 3), Array(3).fill('fd00:10::65|MESSAGE'));
  assert.equal(dissected.length, 5);
});

test(
  'capinfos reads times in microseconds, one interface per reference point, in order',
  withTshark,
  () => {
    const report = ask('capinfos', pcapngOf(everything()), ['-A']).join('\n');
    assert.match(report, /Strict time order:\s+True/);
    assert.match(report, /Number of interfaces in file:\s+3/);
    assert.match(report, /Name = Gm/);
    assert.match(report, /Time precision = microseconds/);
    assert.match(report, /First packet time:\s+2026-01-01 12:00:00\.001000/);
  },
);

test('a file written as events come holds the same packets', withTshark, () => {
  const events = everything();
  const pieces: Buffer[] = [];
  const stream = new PcapngStream(octets => pieces.push(octets));
  for (const event of events) stream.add(event);
  stream.end();
  const written = Buffer.concat(pieces);
  assertClean(written);
  const packets = (capture: Uint8Array) =>
    ask('tshark', capture, ['-n', ...fields('frame.time_epoch', 'frame.len', 'ip.id')]);
  assert.deepEqual(packets(written), packets(pcapngOf(events)));
  const comments = ask('tshark', written, ['-Y', 'frame.comment', ...fields('frame.comment')]);
  assert.match(comments.join('\n'), /#5 Cx.*i-cscf\.select/);
});

test('a file of no events is a file', withTshark, () => {
  assert.deepEqual(ask('tshark', pcapngOf([]), []), []);
});
