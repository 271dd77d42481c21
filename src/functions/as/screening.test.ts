import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UsageError } from '#kernel/errors';
import { MaxForwards, nameAddr, PAssertedIdentity, RecordRoute, Route } from '#sip/headers';
import { remove, set } from '#sip/message';
import { parseUri, uriText } from '#sip/uri';
import { As } from './as.ts';
import { asConfig } from './config.ts';
import { alice, Bench, bob, carol, home, odi } from './testing/bench.ts';

const list = (entries: Readonly<Record<string, readonly string[]>>) => ({
  rejected: new Map(Object.entries(entries)),
});

async function outcome(bench: Bench, from: string, to = bob): Promise<number> {
  const out = bench.call('screening', { from, to });
  let status = 200;
  out.onEnded = end => {
    status = end.status ?? 200;
  };
  await bench.sim.runUntil(() => out.state === 'confirmed' || out.state === 'ended');
  return status;
}

test('a caller on the list of everybody is declined, others go on as they came', async () => {
  const bench = await new Bench(list({ '*': [alice] })).start();
  assert.equal(await outcome(bench, alice), 603);
  assert.equal(bench.received.length, 0);
  assert.equal(await outcome(bench, carol), 200);
  const [invite] = bench.received;
  assert.deepEqual(
    invite!.all(Route).map(({ uri }) => uriText(uri)),
    [odi],
  );
  assert.equal(uriText(invite!.uri), bob);
  assert.equal(invite!.has(RecordRoute), false);
  assert.equal(invite!.get(MaxForwards), 69);
});

describe('a list of one who is called', () => {
  test('concerns nobody else', async () => {
    const bench = await new Bench(list({ [bob]: [alice], [carol]: [bob] })).start();
    assert.equal(await outcome(bench, alice, bob), 603);
    assert.equal(await outcome(bench, alice, carol), 200);
    assert.equal(await outcome(bench, bob, carol), 603);
    assert.match(bench.decisions()[0]!.because, /alice@.* is on the list of callers sip:bob@/);
  });

  test('is found by his number in either spelling, and finds a caller so', async () => {
    const settings = list({ 'tel:+15550100002': [`sip:+15550100001@${home}`] });
    const bench = await new Bench(settings).start();
    const called = `sip:+15550100002@${home};user=phone`;
    assert.equal(await outcome(bench, 'tel:+15550100001', called), 603);
    assert.equal(await outcome(bench, 'tel:+15550100009', called), 200);
  });
});

test('an expression stands for many callers, without regard to case', async () => {
  const bench = await new Bench(list({ '*': ['^tel:\\+1900', '@SPAM\\.example$'] })).start();
  assert.equal(await outcome(bench, 'tel:+19005550100'), 603);
  assert.equal(await outcome(bench, 'sip:offers@spam.example'), 603);
  assert.equal(await outcome(bench, 'tel:+15550100001'), 200);
  const endless = `sip:${'a'.repeat(400)}@spam.example`;
  assert.equal(await outcome(bench, endless), 200); // longer than any identity we look at
});

test('any of the identities a caller is vouched for by counts; a nameless caller is let through', async () => {
  const bench = await new Bench(list({ '*': ['tel:+15550100001'] })).start();
  const both = [alice, 'tel:+15550100001'].map(uri => nameAddr(parseUri(uri)));
  const out = bench.call('screening', { edits: [set(PAssertedIdentity, ...both)] });
  await bench.until(out, 'ended');
  const nameless = bench.call('screening', { edits: [remove(PAssertedIdentity)] });
  await bench.until(nameless, 'confirmed');
});

test('a list that says nothing is a mistake, named at once', () => {
  const host = new Bench().sim.host('as');
  for (const rejected of [new Map([['*', ['(']]]), new Map([['bob', [alice]]])]) {
    assert.throws(() => new As(asConfig({ home, rejected }), host), UsageError);
  }
});
