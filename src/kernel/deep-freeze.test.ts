import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deepFreeze } from './deep-freeze.ts';

test('nothing that a frozen message reaches can be changed', () => {
  const message = { list: [{ name: 'a' }], params: new Map([['k', ['v']]]), tags: new Set(['t']) };
  deepFreeze(message);
  assert.throws(() => message.list.push({ name: 'b' }), TypeError);
  assert.throws(() => {
    message.list[0]!.name = 'b';
  }, TypeError);
  assert.throws(() => message.params.set('x', []), TypeError);
  assert.throws(() => message.params.delete('k'), TypeError);
  assert.throws(() => message.params.get('k')!.push('w'), TypeError);
  assert.throws(() => message.tags.add('u'), TypeError);
  assert.equal(message.params.get('k')![0], 'v');
});

test('a message whose class caches in a private field, holds octets or refers to itself freezes', () => {
  class Lazy {
    readonly octets = Buffer.from('abc');
    self: unknown = this;
    #parsed: string | undefined;
    get text(): string {
      this.#parsed ??= this.octets.toString();
      return this.#parsed;
    }
  }
  const message = deepFreeze(deepFreeze(new Lazy()));
  assert.equal(message.text, 'abc');
  assert.throws(() => {
    message.self = undefined;
  }, TypeError);
});
