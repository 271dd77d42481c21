import assert from 'node:assert/strict';
import test from 'node:test';
import { eventFromJson, eventToJson, instantOf, jsonLine, timeText } from './json.ts';
import { pcapngOf } from './pcapng.ts';
import { call, registration } from './testing/scenario.ts';

const { events } = call(registration());

test('what was written as JSON reads back as the same events, less the secrets', () => {
  const lines = events.map(jsonLine);
  assert.ok(lines.every(line => !line.includes('\n')));
  const back = lines.map(line => eventFromJson(JSON.parse(line)));
  assert.deepEqual(back.map(eventToJson), events.map(eventToJson));
  assert.deepEqual(pcapngOf(back), pcapngOf(events));
  assert.ok(!lines.join('').includes('00112233445566778899aabbccddeeff'));
});

test('text stands as text, other octets in base64', () => {
  const [register] = events;
  assert.ok(register?.kind === 'message');
  const json = eventToJson(register);
  assert.ok(json.kind === 'message');
  assert.match(json.text ?? '', /^REGISTER sip:/);
  assert.equal(json.summary, 'REGISTER');
  assert.equal(json.lost, 'loss');
  const uar = eventToJson(events.find(event => event.kind === 'message' && event.point === 'Cx')!);
  assert.ok(uar.kind === 'message');
  assert.match(uar.octets ?? '', /^AQAB/);
});

test('times are written to the microsecond and read back', () => {
  assert.equal(timeText(0.125), '1970-01-01T00:00:00.000125Z');
  const time = 1_767_225_600_000.25;
  assert.equal(timeText(time), '2026-01-01T00:00:00.000250Z');
  assert.equal(instantOf(timeText(time)), time);
  assert.equal(timeText(1_767_225_600_000 - 1 / 4096), '2026-01-01T00:00:00.000000Z');
  assert.equal(instantOf('2026-01-01T00:00:00Z'), 1_767_225_600_000);
});
