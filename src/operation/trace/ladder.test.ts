import assert from 'node:assert/strict';
import test from 'node:test';
import { ms, seconds } from '#kernel/time';
import type { Traced } from '#kernel/trace';
import { Ladder, type LadderStyle, ladderLines, offsetText, terminalStyle } from './ladder.ts';
import { call, registration, Scenario, sipRequest, sipResponse } from './testing/scenario.ts';

const style = (width: number, more: Partial<LadderStyle> = {}): LadderStyle => ({
  width,
  colour: false,
  ascii: false,
  ...more,
});

const GM = { from: 'alice', to: 'p-cscf', point: 'Gm', link: 'udp' } as const;

test('a ladder has a column per function, an arrow per message and the reasons', () => {
  const lines = ladderLines(registration().events, style(124));
  assert.deepEqual(lines, [
    '                  alice               p-cscf               i-cscf                 hss                s-cscf',
    '                    │                    │                    │                    │                    │',
    '                    │ REGISTER (loss)    │                    │                    │                    │',
    '  +0.000            │───────────────✗    │                    │                    │                    │              Gm',
    '  +0.501            │───── REGISTER ────▶│                    │                    │                    │              Gm',
    '  +0.502            │                    │───── REGISTER ────▶│                    │                    │              Mw',
    '  +0.503            │                    │                    │─────── UAR ───────▶│                    │              Cx',
    '  +0.504            │                    │                    │◀── UAA SUCCESS ────│                    │              Cx',
    '                    │                    │                    ◆ select: sip:scscf.ims.mnc001.mcc001.3gppnetwork.org',
    '                    │                    │                    │ because the HSS names no S-CSCF and this one has every',
    '                    │                    │                    │ mandatory capability [TS 24.229 §5.3.1.2]',
    '  +0.505            │                    │                    │─────────────── REGISTER ───────────────▶│              Mw',
    '  +0.506            │                    │                    │                    │◀────── MAR ────────│              Cx',
    '  +0.507            │                    │                    │                    │─── MAA SUCCESS ───▶│              Cx',
    '  +0.508            │                    │                    │◀────────── 401 Unauthorized ────────────│              Mw',
    '  +0.509            │                    │◀ 401 Unauthorized ─│                    │                    │              Mw',
    '                    │                    ◆ keys: no security association',
    '                    │                    │ because scscf.aka.requireSecurityAssociation is false',
    '  +0.510            │◀ 401 Unauthorized ─│                    │                    │                    │              Gm',
  ]);
});

test('no line is longer than the terminal is wide, at any width', () => {
  const { events } = call(registration());
  for (let width = 30; width <= 200; width += 7) {
    for (const line of ladderLines(events, style(width))) {
      assert.ok(Array.from(line).length <= width, `${width}: ${line}`);
    }
  }
});

test('where there is no room for columns the ladder is a list', () => {
  const lines = ladderLines(registration().events, style(60));
  assert.deepEqual(lines.slice(0, 8), [
    '  +0.000  alice → p-cscf      REGISTER (loss)  Gm',
    '  +0.501  alice → p-cscf      REGISTER  Gm',
    '  +0.502  p-cscf → i-cscf     REGISTER  Mw',
    '  +0.503  i-cscf → hss        UAR  Cx',
    '  +0.504  hss → i-cscf        UAA DIAMETER_SUCCESS  Cx',
    '            ◆ i-cscf.select:',
    '              sip:scscf.ims.mnc001.mcc001.3gppnetwork.org',
    '              because the HSS names no S-CSCF and this one',
  ]);
});

test('ASCII terminals get the same columns', () => {
  const { events } = call(registration());
  const lines = ladderLines(events, style(110, { ascii: true }));
  assert.ok(lines.every(line => /^[ -~]*$/.test(line)));
  const lengths = (of: string[]) => of.map(line => Array.from(line).length);
  assert.deepEqual(lengths(lines), lengths(ladderLines(events, style(110))));
  assert.match(lines[4]!, /\|-+ REGISTER -+>\|/);
});

test('colours say what a message is, and are nothing but colours', () => {
  const { events } = call(registration());
  const coloured = ladderLines(events, style(110, { colour: true }));
  const bare = coloured.map(line => line.replace(/\u001b\[\d*m/g, '').trimEnd());
  assert.deepEqual(bare, ladderLines(events, style(110)));
  const whole = coloured.join('\n');
  assert.match(whole, /\u001b\[36m─+ INVITE ─+▶/); // a request
  assert.match(whole, /\u001b\[32m◀─+ 200 OK ─+/); // a success
  assert.match(whole, /\u001b\[31m─+✗/); // lost
});

test('a datagram that comes again says so', () => {
  const scenario = new Scenario();
  const register = sipRequest('REGISTER');
  scenario.sip(GM, register);
  scenario.pass(ms(500)).sip(GM, register);
  scenario.sip(GM, sipRequest('REGISTER', { cseq: 2 }));
  const lines = ladderLines(scenario.events, style(80)).map(line => line.trim());
  assert.deepEqual(
    lines.slice(2).map(line => / [A-Z]+( \(again\))? /.exec(line)![0].trim()),
    ['REGISTER', 'REGISTER (again)', 'REGISTER'],
  );
});

test('while streaming, whoever appears gets a column from then on', () => {
  const printed: string[] = [];
  const ladder = new Ladder(style(100), line => printed.push(line), ['alice', 'p-cscf']);
  const scenario = new Scenario();
  ladder.add(scenario.sip(GM, sipRequest('INVITE')));
  assert.equal(printed.length, 3);
  ladder.add(scenario.sip({ from: 'p-cscf', to: 's-cscf', point: 'Mw' }, sipRequest('INVITE')));
  ladder.add(scenario.sip({ from: 's-cscf', to: 'as', point: 'ISC' }, sipRequest('INVITE')));
  ladder.add(scenario.sip({ ...GM, from: 's-cscf', to: 'bob' }, sipRequest('INVITE')));
  const headers = printed
    .filter(line => line.includes('alice'))
    .map(line => line.trim().split(/ +/));
  assert.deepEqual(headers, [
    ['alice', 'p-cscf'],
    ['alice', 'p-cscf', 's-cscf'],
    ['alice', 'p-cscf', 's-cscf', 'as'],
    ['alice', 'p-cscf', 's-cscf', 'as', 'bob'],
  ]);
});

test('the names come again in a long stream', () => {
  const printed: string[] = [];
  const ladder = new Ladder(style(100), line => printed.push(line));
  const scenario = new Scenario();
  for (let at = 0; at < 130; at++) {
    ladder.add(scenario.sip(GM, sipRequest('MESSAGE', { callId: `call ${at}` })));
  }
  assert.equal(printed.filter(line => line.includes('alice')).length, 3);
});

test('a peer’s text cannot move the cursor or turn the line around', () => {
  const scenario = new Scenario();
  const reason = '200 \u001b[2J\u202eOK';
  scenario.sip({ ...GM, from: 'p-cscf', to: 'alice' }, sipResponse(reason, 'INVITE'));
  const evil: Traced = {
    summary: () => '200 \u001b[2J\u202e\u0007OK\n',
    encode: () => new Uint8Array(),
    masked: () => new Uint8Array(),
    keys: () => ({}),
  };
  scenario.message({ ...GM, from: '\u001b[31mevil' }, 'sip', evil);
  scenario.decide('p-cscf', 'p-cscf.x', { chose: '\u001b[2J', because: '\u009b2J' });
  for (const width of [120, 40]) {
    const text = ladderLines(scenario.events, style(width)).join('');
    assert.doesNotMatch(text, /[\u0000-\u001f\u007f-\u009f\u202e]/);
    assert.ok(width < 120 || text.includes('200 ·[2J··OK·'));
  }
});

test('offsets are read in seconds, then minutes, then hours', () => {
  assert.equal(offsetText(ms(1.5)), '+0.002');
  assert.equal(offsetText(seconds(99)), '+99.000');
  assert.equal(offsetText(seconds(100)), '+1:40.0');
  assert.equal(offsetText(seconds(3725)), '+1:02:05');
  assert.equal(offsetText(-5), '+0.000');
});

test('the terminal says what it can show', () => {
  const tty = { isTTY: true, columns: 90 };
  assert.deepEqual(terminalStyle(tty, { LANG: 'en_GB.UTF-8', TERM: 'xterm' }), {
    width: 90,
    colour: true,
    ascii: false,
  });
  assert.equal(terminalStyle(tty, { NO_COLOR: '1' }).colour, false);
  assert.equal(terminalStyle(tty, { LC_ALL: 'C' }).ascii, true);
  assert.equal(terminalStyle({}, {}).colour, false);
  assert.equal(terminalStyle({}, { COLUMNS: '77' }).width, 77);
});
