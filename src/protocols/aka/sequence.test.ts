import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DELTA,
  type Domain,
  type HeSequence,
  indOf,
  MAX_SEQ,
  nextSqn,
  SequenceArray,
  seqOf,
  sqnFrom,
  sqnOctets,
  sqnOf,
  startingAt,
} from './sequence.ts';

/** A subscriber's counter at the authentication centre. */
class Centre {
  state: HeSequence = startingAt(0);

  next(name = 's-cscf', domain: Domain = 'ims'): number {
    const next = nextSqn(this.state, domain, name)!;
    this.state = next.state;
    return next.sqn;
  }
}

test('an SQN is SEQ followed by five bits of IND, in six octets', () => {
  const sqn = sqnOf(0x7f_ffff_ffff, 0x15);
  assert.equal(seqOf(sqn), 0x7f_ffff_ffff);
  assert.equal(indOf(sqn), 0x15);
  assert.equal(Buffer.from(sqnOctets(sqn)).toString('hex'), '0ffffffffff5');
  assert.equal(sqnFrom(sqnOctets(sqn)), sqn);
  assert.equal(sqnFrom(sqnOctets(2 ** 48 - 1)), 2 ** 48 - 1);
  assert.throws(() => sqnOctets(2 ** 48), /not of 48 bits/);
});

test('each vector has the next SEQ, whoever asks', () => {
  const centre = new Centre();
  const seqs = ['a', 'b', 'a', 'c'].map(name => seqOf(centre.next(name)));
  assert.deepEqual(seqs, [1, 2, 3, 4]);
});

test('a provisioned SQN is where counting goes on', () => {
  const next = nextSqn(startingAt(sqnOf(1000, 3)), 'ims', 's-cscf')!;
  assert.equal(seqOf(next.sqn), 1001);
});

test('IMS and EPS requesters never share an IND, nor do two requesters of one domain', () => {
  const centre = new Centre();
  const ind = new Map<string, number>();
  for (const domain of ['ims', 'eps'] as const) {
    for (let n = 0; n < 16; n++) {
      ind.set(`${domain} ${n}`, indOf(centre.next(`node${n}`, domain)));
    }
  }
  assert.equal(new Set(ind.values()).size, 32);
  assert.equal(indOf(centre.next('node7', 'ims')), ind.get('ims 7'));
  assert.equal(indOf(centre.next('node7', 'eps')), ind.get('eps 7'));
});

test('a seventeenth requester of a domain takes the IND of the one that asked longest ago', () => {
  const centre = new Centre();
  const first = indOf(centre.next('node0'));
  const second = indOf(centre.next('node1'));
  for (let n = 2; n < 16; n++) centre.next(`node${n}`);
  centre.next('node0');
  assert.equal(indOf(centre.next('another')), second);
  assert.equal(indOf(centre.next('node0')), first);
  assert.ok(centre.state.requesters.length <= 32);
});

test('when SEQ is used up there are no more vectors', () => {
  assert.equal(nextSqn({ seq: MAX_SEQ, requesters: [] }, 'ims', 'x'), undefined);
});

test('the card takes each SQN once', () => {
  const card = new SequenceArray();
  const centre = new Centre();
  const sqn = centre.next();
  assert.equal(card.accept(sqn), true);
  assert.equal(card.accept(sqn), false);
  assert.equal(card.accept(centre.next()), true);
});

test('vectors of different requesters may be used out of order, of one requester not', () => {
  const card = new SequenceArray();
  const centre = new Centre();
  const [ims1, eps, ims2] = [centre.next(), centre.next('mme', 'eps'), centre.next()];
  assert.equal(card.accept(ims2), true);
  assert.equal(card.accept(eps), true, 'another IND has a place of its own');
  assert.equal(card.accept(ims1), false, 'the same IND has moved past it');
});

test('the card does not follow a jump of more than delta, and takes one of exactly delta', () => {
  assert.equal(new SequenceArray().accept(sqnOf(DELTA, 0)), true);
  assert.equal(new SequenceArray().accept(sqnOf(DELTA + 1, 0)), false);
  const card = new SequenceArray();
  card.accept(sqnOf(10, 4));
  assert.equal(card.accept(sqnOf(DELTA + 10, 9)), true, 'counted from the highest of any IND');
});

test('with an age limit a SEQ too far behind is refused though its IND never saw it', () => {
  const limits = { delta: DELTA, age: 100 };
  const card = new SequenceArray(undefined, limits);
  card.accept(sqnOf(1000, 0));
  assert.equal(card.accept(sqnOf(899, 1)), false);
  assert.equal(card.accept(sqnOf(900, 1)), true);
});

test('the highest SQN is the one with the highest SEQ, and the array survives a power cycle', () => {
  const card = new SequenceArray();
  card.accept(sqnOf(5, 31));
  card.accept(sqnOf(7, 2));
  assert.equal(card.highest, sqnOf(7, 2));
  const again = new SequenceArray(card.toJson());
  assert.equal(again.highest, sqnOf(7, 2));
  assert.equal(again.accept(sqnOf(5, 31)), false);
});
