// Page-mode messages between users. RFC 3428, TS 24.247 §6.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message, Ue } from '#functions/ue/ue';
import { inLab } from '../support/lab.ts';

function inbox(phone: Ue): Message[] {
  const messages: Message[] = [];
  phone.onMessage = message => messages.push(message);
  return messages;
}

test('a message reaches a registered user, with the identity the network vouches for', () =>
  inLab({}, async lab => {
    const [alice, bob] = await lab.registered('alice', 'bob');
    const messages = inbox(bob);
    assert.equal((await alice.message('bob', 'Grüße ☎')).kind, 'delivered');
    assert.deepEqual(
      messages.map(({ from, text }) => [from.uri, from.asserted, text]),
      [[lab.impu('alice'), true, 'Grüße ☎']],
    );
  }));

test('a message to a number reaches its user; to somebody not registered 480, to nobody 404', () =>
  inLab({}, async lab => {
    const [alice, bob] = await lab.registered('alice', 'bob');
    const messages = inbox(bob);
    assert.equal((await alice.message(lab.number('bob'), 'by number')).kind, 'delivered');
    assert.equal(messages.length, 1);
    const away = await alice.message('carol', 'hello');
    assert.deepEqual([away.kind, 'status' in away && away.status], ['refused', 480]);
    const nobody = await alice.message('nobody', 'hello');
    assert.deepEqual([nobody.kind, 'status' in nobody && nobody.status], ['refused', 404]);
  }));

test('a lossy network delivers a message once, however often it is repeated', () =>
  inLab({ links: { loss: 0.3, duplication: 0.3 } }, async lab => {
    const [alice, bob] = await lab.registered('alice', 'bob');
    const messages = inbox(bob);
    for (let n = 1; n <= 10; n++) await alice.message('bob', `message ${n}`);
    const seen = messages.map(({ text }) => text);
    assert.deepEqual(seen, [...new Set(seen)]);
    assert.ok(seen.length >= 9, `${seen.length} of 10 arrived`);
    await lab.assertNothingLeft();
  }));
