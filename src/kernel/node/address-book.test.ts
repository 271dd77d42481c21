import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressBook } from './address-book.ts';

const at = (host: string, port: number) => ({ host, port });

test('an address belongs to its instance until it is given back', () => {
  const book = new AddressBook();
  const release = book.claim('p-cscf', 'udp', at('127.0.0.1', 5060));
  assert.equal(book.ownerOf(at('127.0.0.1', 5060)), 'p-cscf');
  assert.equal(book.ownerOf(at('127.0.0.1', 5060), 'udp'), 'p-cscf');
  assert.equal(book.ownerOf(at('127.0.0.1', 5061)), undefined);
  assert.equal(book.ownerOf(at('127.0.0.2', 5060)), undefined);
  release();
  release();
  assert.equal(book.ownerOf(at('127.0.0.1', 5060)), undefined);
});

test('a UDP and a TCP port of one number may belong to two instances', () => {
  const book = new AddressBook();
  book.claim('alice', 'udp', at('::1', 40_000));
  book.claim('bob', 'tcp', at('::1', 40_000));
  assert.equal(book.ownerOf(at('::1', 40_000), 'udp'), 'alice');
  assert.equal(book.ownerOf(at('::1', 40_000), 'wss'), 'bob');
});

test('who has all addresses of the machine bound has each of them, and no foreign one', () => {
  const book = new AddressBook();
  const release = book.claim('p-cscf', 'tcp', at('0.0.0.0', 5060));
  book.claim('other', 'tcp', at('127.0.0.9', 5060));
  assert.equal(book.ownerOf(at('127.0.0.1', 5060), 'tcp'), 'p-cscf');
  assert.equal(book.ownerOf(at('127.0.0.9', 5060), 'tcp'), 'other');
  assert.equal(book.ownerOf(at('0.0.0.0', 5060), 'tcp'), 'p-cscf');
  assert.equal(book.ownerOf(at('192.0.2.1', 5060), 'tcp'), undefined);
  assert.equal(book.ownerOf(at('::1', 5060), 'tcp'), undefined);
  release();
  assert.equal(book.ownerOf(at('127.0.0.1', 5060), 'tcp'), undefined);
});
