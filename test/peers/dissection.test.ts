// Wireshark's dissectors over everything we say: the files our trace writes, and what truly crosses
// the loopback interface. Nothing malformed, no expert warning or error, no port told what it carries.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { MessageEvent, TraceEvent } from '#kernel/trace';
import { FLOWS } from '#operation/flows/flows';
import { runFlow } from '#operation/flows/run-flow';
import { pcapngOf } from '#operation/trace/pcapng';
import { Child } from './support/child.ts';
import { folderOf, Lab } from './support/lab.ts';
import { needs } from './support/needs.ts';
import { dissect, type Frame, PACKAGE } from './support/tshark.ts';

const without = needs('tshark', PACKAGE);

/** Notes we accept, each with its reason. Wireshark grades them below a warning. */
const ACCEPTED_NOTES: readonly RegExp[] = [
  // The kernel's TCP, when a busy machine lets it wait for an acknowledgement; nothing of ours.
  /^This frame is a \(suspected\) (fast |spurious )?retransmission/,
  /^Duplicate ACK/,
];

/** What Wireshark says where the capture, not the traffic, lacks something. */
const LOST_BY_CAPTURE = /^(Previous segment\(s\) not captured|ACKed segment that wasn't captured)/;

function assertClean(frames: readonly Frame[]): void {
  for (const { number, info, isMalformed, remarks } of frames) {
    const where = `frame ${number} (${info})`;
    assert.ok(!isMalformed, `${where} is malformed`);
    for (const { severity, message } of remarks) {
      const isAccepted =
        severity === 'comment' ||
        severity === 'chat' ||
        (severity === 'note' && ACCEPTED_NOTES.some(accepted => accepted.test(message)));
      assert.ok(isAccepted, `${where}: ${severity}: ${message}`);
    }
  }
}

/** ICMP quotes what it could not deliver: that is no message once more. */
const quotes = ({ layers }: Frame): boolean => layers.includes('icmp');

function count(frames: readonly Frame[], protocol: keyof Frame['messages']): number {
  return frames.reduce((sum, frame) => sum + (quotes(frame) ? 0 : frame.messages[protocol]), 0);
}

const said = (events: readonly TraceEvent[], protocol: string): number =>
  events.filter(event => event.kind === 'message' && event.protocol === protocol).length;

describe('what the trace exports', { skip: without }, () => {
  for (const flow of FLOWS) {
    for (const links of ['local', 'wire'] as const) {
      test(`of flow ${flow.name} over ${links} links, every message is dissected`, async t => {
        const { held, events } = await runFlow(flow, { links });
        assert.ok(held);
        const file = join(folderOf(t), 'flow.pcapng');
        writeFileSync(file, pcapngOf(events));
        const frames = await dissect(file);
        assertClean(frames);
        for (const protocol of ['sip', 'diameter'] as const) {
          assert.ok(said(events, protocol) > 10, `the flow says hardly any ${protocol}`);
          assert.equal(count(frames, protocol), said(events, protocol), protocol);
        }
        // What is no message of ours is the TCP around it.
        const rest = frames.filter(({ messages: { sip, diameter } }) => sip + diameter === 0);
        assert.ok(rest.every(({ layers }) => layers.at(-1) === 'tcp'));
      });
    }
  }
});

test('a message with a wrong length in it would be seen', { skip: without }, async t => {
  const { events } = await runFlow(FLOWS[0]!, { seed: 1, break: 'drop=UAA' });
  const sound = events.find(
    (event): event is MessageEvent => event.kind === 'message' && event.protocol === 'diameter',
  );
  assert.ok(sound);
  const octets = Buffer.from(sound.message.masked());
  octets[27] = octets[27]! + 64; // the length of its first AVP (RFC 6733 §4.1)
  const message = {
    summary: () => sound.message.summary(),
    keys: () => sound.message.keys(),
    encode: () => octets,
    masked: () => octets,
  };
  const file = join(folderOf(t), 'broken.pcapng');
  writeFileSync(file, pcapngOf([{ ...sound, message }]));
  const frames = await dissect(file);
  assert.throws(() => assertClean(frames));
});

describe('what crosses the loopback interface', { skip: without }, () => {
  test('of a call over wire links, every packet is dissected', async t => {
    let seen = await capturedCall(t);
    for (let again = 0; again < 2 && isIncomplete(seen?.frames); again++)
      seen = await capturedCall(t);
    if (seen === undefined) return;
    const { frames, events } = seen;
    assertClean(frames);
    assert.equal(count(frames, 'sip'), said(events, 'sip'));
    assert.ok(count(frames, 'diameter') >= 20, 'hardly any Diameter was seen');
    assert.ok(count(frames, 'rtp') > 20, 'no RTP was seen');
    const unknown = frames.filter(({ layers }) => layers.at(-1) === 'data');
    assert.deepEqual(
      unknown.map(({ number, info }) => `${number} ${info}`),
      [],
    );
  });
});

const isIncomplete = (frames: readonly Frame[] | undefined): boolean =>
  frames?.some(({ remarks }) => remarks.some(({ message }) => LOST_BY_CAPTURE.test(message))) ??
  false;

/** Calls over real sockets under tshark's eyes; undefined, and the test skipped, where it may not look. */
async function capturedCall(
  t: TestContext,
): Promise<{ frames: readonly Frame[]; events: readonly TraceEvent[] } | undefined> {
  // Addresses of their own and the registered ports, as interface.md has it for two networks.
  const at = { pcscf: '127.0.47.1', icscf: '127.0.47.2', scscf: '127.0.47.3', hss: '127.0.47.4' };
  const lab = await Lab.start(t, {
    ports: 'own',
    settings: [
      'links=wire',
      'bind=127.0.47.5',
      ...Object.entries(at).map(([name, address]) => `${name}.bind=${address}`),
      ...['icscf.port', 'scscf.port', 'as.port'].map(name => `${name}=5060`),
    ],
  });
  const file = join(lab.folder, 'loopback.pcapng');
  const capture = new Child('tshark', [
    ...['-i', 'lo', '-B', '16', '-f', 'net 127.0.47.0/24', '-w', file],
  ]);
  lab.defer(() => capture.stop());
  const started = await Promise.race([
    capture.until(/Capture started/).then(() => true),
    capture.ended.then(() => false),
  ]);
  if (!started) {
    t.skip(`this user may not capture: ${capture.output}`);
    return undefined;
  }
  const alice = await lab.phone('alice');
  const bob = await lab.phone('bob');
  bob.onIncoming = call => void call.answer();
  const call = await alice.call('+15550100002', { say: { tone: 440 } });
  assert.equal((await call.answered).kind, 'answered');
  const echoed = await alice.call('echo', { say: { tone: 620 } });
  assert.equal((await echoed.answered).kind, 'answered');
  await lab.holds(() => echoed.heardTone(620) > 0.5, 'alice does not hear herself');
  await call.hangup();
  await echoed.hangup();
  assert.equal((await alice.message('bob', 'wires can carry this')).kind, 'delivered');
  assert.equal((await alice.deregister()).kind, 'deregistered');
  await new Promise(resolve => setTimeout(resolve, 300)); // what was sent last reaches the file
  await capture.stop();
  const { events } = lab;
  await lab.stop();
  return { frames: await dissect(file), events };
}
