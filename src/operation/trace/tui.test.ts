import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import test from 'node:test';
import type { TraceEvent } from '#kernel/trace';
import { Ring } from './ring.ts';
import { eventStream } from './stream.ts';
import { call, registration } from './testing/scenario.ts';
import { runTui } from './tui.ts';
import { type Key, keysIn } from './tui-keys.ts';
import { pageOf, render, type Screen } from './tui-render.ts';
import { initialState, type TuiState } from './tui-state.ts';
import { type TuiEffect, update } from './tui-update.ts';

const SCREEN: Screen = { width: 100, height: 20, colour: false, ascii: false };
const { events } = call(registration());

/** The view after some events and keys, as a person would press them. */
function session(arrived: readonly TraceEvent[] = events, screen = SCREEN) {
  let [state] = update(initialState(), { kind: 'events', events: arrived });
  const effects: TuiEffect[] = [];
  const step = (next: [TuiState, ...TuiEffect[]] | readonly [TuiState, ...TuiEffect[]]) => {
    const [after, ...more] = next;
    state = after;
    effects.push(...more);
  };
  return {
    effects,
    press(...names: (Exclude<Key['name'], 'text'> | { type: string })[]) {
      for (const name of names) {
        const keys = typeof name === 'string' ? [{ name } as Key] : keysIn(name.type);
        for (const key of keys) step(update(state, { kind: 'key', key, page: pageOf(screen) }));
      }
      return this;
    },
    arrive(...more: TraceEvent[]) {
      step(update(state, { kind: 'events', events: more }));
      return this;
    },
    lines: () => render(state, screen),
    line: (start: string) => render(state, screen).find(line => line.startsWith(start)),
    get view() {
      return state.view;
    },
  };
}

test('keys are read as terminals send them, however many come at once', () => {
  const names = (input: string) =>
    keysIn(input).map(key => (key.name === 'text' ? key.text : key.name));
  assert.deepEqual(names('\u001b[A\u001bOB\u001b[5~x\r'), ['up', 'down', 'page up', 'x', 'enter']);
  assert.deepEqual(names('\u001bOP\u001b[11~\u001b[[A'), ['help', 'help', 'help']);
  assert.deepEqual(names('\u001b'), ['escape']);
  assert.deepEqual(names('\u001b[1;5Aé😀\u007f\u0003'), ['é', '😀', 'backspace', 'interrupt']);
  assert.deepEqual(names('\u0001\u0002'), []);
});

test('the list shows a line per story, the cursor on the latest', () => {
  const { lines } = session();
  assert.match(lines()[0]!, /Carillon trace {3}2 of 2 stories {3}live/);
  assert.match(lines()[2]!, /^ {3}12:00:00 {2}registration {2}alice {10,} 11 {2}401 Unauthorized$/);
  assert.match(lines()[3]!, /^▸ {2}12:00:00 {2}call {10}alice → bob {10,} 18 {2}ended$/);
  assert.equal(lines().length, SCREEN.height);
});

test('Enter leads from list to ladder to message, Escape back', () => {
  const at = session().press('up', 'enter');
  assert.equal(at.view, 'ladder');
  assert.match(at.lines()[0]!, /registration {3}alice {3}401 Unauthorized/);
  assert.match(at.line('▸')!, /REGISTER \(loss\)/);
  at.press('down', 'down', 'down', 'down', 'down');
  assert.match(at.line('▸')!, /◆ .*select/); // a decision has a cursor too
  at.press('enter');
  assert.equal(at.view, 'message');
  assert.ok(at.lines().some(line => line === 'clause   TS 24.229 §5.3.1.2'));
  at.press('right');
  assert.ok(at.lines().includes('Call-ID: reg-alice'));
  at.press('escape');
  assert.equal(at.view, 'ladder');
  at.press({ type: 'q' });
  assert.equal(at.view, 'list');
  at.press({ type: 'q' });
  assert.deepEqual(at.effects, [{ kind: 'quit' }]);
});

test('a message without text is shown in hexadecimal, secrets masked', () => {
  const maa = events.findIndex(
    event => event.kind === 'message' && event.message.summary().startsWith('MAA'),
  );
  const at = session(events, { ...SCREEN, height: 60 }).press('up', 'enter');
  for (let down = 0; down < maa; down++) at.press('down');
  at.press('enter');
  const lines = at.lines();
  assert.match(lines[1]!, /^MAA DIAMETER_SUCCESS$/);
  assert.match(lines[3]!, /^0000 {2}01 00 01 c0 40 00 01 2f/);
  assert.ok(!lines.join('').includes('cd cd cd cd'));
});

test('a field-by-field view is used where the message has one', () => {
  const [first] = events;
  assert.ok(first?.kind === 'message');
  const message = {
    ...first.message,
    summary: () => 'MAR',
    keys: () => ({}),
    dissect: () => ['Session-Id: x', '  nested: 1'],
  };
  const at = session([{ ...first, protocol: 'diameter', message: message as never }]).press(
    'enter',
    'enter',
  );
  assert.deepEqual(at.lines().slice(1, 5), ['MAR', 'never arrived: loss', '', 'Session-Id: x']);
  assert.equal(at.lines()[5], '  nested: 1');
});

test('the filter is typed after a slash; every word must occur somewhere', () => {
  const at = session().press({ type: '/BOB ended' });
  assert.equal(at.line('/'), '/BOB ended_');
  assert.match(at.lines()[0]!, /1 of 2 stories/);
  at.press('backspace', 'enter');
  assert.match(at.lines()[0]!, /1 of 2 stories {3}filter: BOB ende/);
  at.press('escape');
  assert.match(at.lines()[0]!, /2 of 2 stories {3}live/);
  at.press({ type: '/diameter' }, 'enter');
  assert.match(at.lines()[2]!, /registration/);
  at.press({ type: '/x' }, 'escape');
  assert.match(at.lines()[0]!, /2 of 2/);
  at.press({ type: '/nobody' }, 'enter', 'enter', 'down'); // nothing to enter
  assert.equal(at.view, 'list');
});

test('marked stories are seen in one ladder, in the order of their events', () => {
  const at = session(events, { ...SCREEN, height: 60 }).press('up', { type: '  ' }, 'enter');
  assert.match(at.lines()[0]!, /2 stories together/);
  const offsets = at
    .lines()
    .map(line => /\+(\d+\.\d+) /.exec(line)?.[1])
    .filter(offset => offset !== undefined);
  assert.equal(offsets.length, 29);
  assert.deepEqual(
    offsets,
    offsets.toSorted((a, b) => Number(a) - Number(b)),
  );
  at.press('escape', 'escape');
  assert.ok(!at.lines().some(line => line.startsWith(' *')));
});

test('decisions can be left out of the ladder', () => {
  const at = session().press('up', 'enter');
  assert.ok(at.lines().some(line => line.includes('◆')));
  at.press({ type: 'd' });
  assert.ok(!at.lines().some(line => line.includes('◆')));
});

test('saving takes what is looked at, with the decisions', () => {
  const at = session().press({ type: 's' }, 'up', 'enter', { type: 'ds' });
  assert.deepEqual(
    at.effects.map(effect => effect.kind === 'save' && effect.events.length),
    [events.length, 13],
  );
});

test('while paused nothing moves, and nothing is lost', () => {
  const at = session(events.slice(0, 13))
    .press({ type: 'p' })
    .arrive(...events.slice(13));
  assert.match(at.lines()[0]!, /1 of 1 stories {3}paused, 18 events wait/);
  at.press({ type: 'p' });
  assert.match(at.lines()[0]!, /2 of 2 stories {3}live/);
});

test('the cursor of a list at its end follows what is new; elsewhere it stays', () => {
  const following = session(events.slice(0, 13)).arrive(...events.slice(13));
  assert.match(following.line('▸')!, /call/);
  const staying = session()
    .press('up')
    .arrive(...call(undefined, 'another').events);
  assert.match(staying.line('▸')!, /registration/);
  staying.press('end');
  assert.match(staying.line('▸')!, /call/);
});

test('what was missed is said', () => {
  const [state] = update(initialState(), {
    kind: 'events',
    events: [{ kind: 'missed', count: 7 }, ...events],
  });
  assert.match(render(state, SCREEN)[0]!, /7 events missed/);
});

test('every view fills the screen exactly, whatever its size', () => {
  for (const width of [20, 40, 80, 133]) {
    for (const height of [3, 5, 24, 60]) {
      const screen = { ...SCREEN, width, height };
      const at = session(events, screen);
      const check = () => {
        assert.equal(at.lines().length, height, `${at.view} ${width}×${height}`);
        for (const line of at.lines()) assert.ok(Array.from(line).length <= width, line);
      };
      check();
      at.press('enter');
      check();
      at.press('end');
      assert.equal(
        at.lines().filter(line => line.startsWith('▸')).length >= (height > 4 ? 1 : 0),
        true,
      );
      at.press('enter', 'page down', 'end');
      check();
      at.press('help', 'page down');
      check();
    }
  }
});

test('a list of thousands is drawn in no time', () => {
  const many = Array.from({ length: 5000 }, (_, at) =>
    call(undefined, `call ${at}`).events.slice(0, 2),
  );
  const at = session(many.flat().map((event, sequence) => ({ ...event, sequence })));
  at.press({ type: '/alice' });
  const begun = performance.now();
  for (let draw = 0; draw < 5; draw++) at.lines();
  const took = (performance.now() - begun) / 5;
  assert.ok(took < 1000, `${took} ms`);
});

/** A terminal without one: keys in, everything written out. */
function terminal() {
  const input = new PassThrough();
  const output = Object.assign(new PassThrough(), { columns: 100, rows: 20, isTTY: true });
  let written = '';
  output.on('data', chunk => {
    written += chunk;
  });
  const saved: Uint8Array[] = [];
  return {
    input,
    saved,
    written: () => written,
    async until(text: string | RegExp) {
      while (written.search(text) === -1)
        await new Promise(resolve => output.once('data', resolve));
    },
    terminal: {
      input: input as never,
      output: output as never,
      environment: { LANG: 'C.UTF-8', NO_COLOR: '1' },
      async save(capture: Uint8Array) {
        saved.push(capture);
        return 'trace.pcapng';
      },
    },
  };
}

test('the driver shows what was and what comes, saves, and leaves the terminal as it was', async () => {
  const ring = new Ring();
  for (const event of events.slice(0, 13)) ring.record(event);
  const { input, terminal: on, until, written, saved } = terminal();
  const running = runTui(
    {
      list: async () => [...ring],
      stream: (_query, signal) => eventStream(ring, { signal }),
    },
    {},
    on,
  );
  await until('1 of 1 stories');
  for (const event of events.slice(13)) ring.record(event);
  await until('2 of 2 stories');
  input.write('s');
  await until('29 messages saved to trace.pcapng');
  input.write('\u0003');
  await running;
  assert.equal(saved.length, 1);
  assert.match(written(), /^\u001b\[\?1049h/);
  assert.match(written(), /\u001b\[\?1049l$/);
});

test('a network that is gone is said, and what was seen stays', async () => {
  const { input, terminal: on, until } = terminal();
  const source = {
    list: async () => events,
    // biome-ignore lint/correctness/useYield: it fails before it has anything
    async *stream() {
      await Promise.resolve();
      throw new Error('connection refused');
    },
  };
  const running = runTui(source, {}, on);
  await until('the network cannot be reached: connection refused');
  await until('2 of 2 stories');
  input.write('q');
  await running;
});
