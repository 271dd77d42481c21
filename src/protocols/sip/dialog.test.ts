import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Dialog } from './dialog.ts';
import { SipError } from './error.ts';
import { Contact, CSeq, From, nameAddr, Route, To } from './headers.ts';
import { addRaw, raw, remove, response, set, toTag } from './message.ts';
import { someRequest } from './testing/requests.ts';
import { parseUri, uriText } from './uri.ts';

const routes = [
  addRaw('Record-Route', '<sip:p2.test;lr>, <sip:p1.test;lr>'),
  addRaw('Record-Route', '<sip:p0.test;lr>'),
];
const invite = someRequest('INVITE', 'sip:bob@home.test');
const ok = response(
  invite,
  200,
  toTag('b1'),
  ...routes,
  set(Contact, nameAddr(parseUri('sip:bob@phone.test'))),
);

test('the caller takes the route set in reverse, the callee as it came', () => {
  const uac = Dialog.fromUac(invite, ok);
  const uas = Dialog.fromUas(invite.with(...routes), 'b1');
  const texts = (dialog: Dialog) => dialog.routeSet.map(route => uriText(route.uri));
  assert.deepEqual(texts(uac), ['sip:p0.test;lr', 'sip:p1.test;lr', 'sip:p2.test;lr']);
  assert.deepEqual(texts(uas), ['sip:p2.test;lr', 'sip:p1.test;lr', 'sip:p0.test;lr']);
});

test('a request within the dialog has its tags, next number, route set and target', () => {
  const dialog = Dialog.fromUac(invite, ok);
  const bye = dialog.request('BYE');
  assert.equal(uriText(bye.uri), 'sip:bob@phone.test');
  assert.deepEqual(bye.get(CSeq), { sequence: 2, method: 'BYE' });
  assert.equal(bye.get(From)?.params.get('tag'), 'a1');
  assert.equal(bye.get(To)?.params.get('tag'), 'b1');
  assert.equal(bye.all(Route).length, 3);
  assert.deepEqual(dialog.target, { uri: parseUri('sip:p0.test;lr') });
  assert.equal(dialog.ack(1).get(CSeq)?.sequence, 1);
  assert.equal(dialog.request('INFO').get(CSeq)?.sequence, 3);
});

test('both ends of a dialog know each other by mirrored ids', () => {
  const uac = Dialog.fromUac(invite, ok);
  const uas = Dialog.fromUas(invite, 'b1');
  assert.equal(uac.id, `${uac.callId}\na1\nb1`);
  assert.equal(uas.id, `${uac.callId}\nb1\na1`);
  const bye = uas.request('BYE');
  assert.equal(bye.get(From)?.params.get('tag'), 'b1');
  assert.equal(uriText(bye.uri), 'sip:alice@client.test');
  assert.deepEqual(bye.get(CSeq), { sequence: 1, method: 'BYE' });
});

test('a first route without lr becomes the Request-URI, and the target the last Route', () => {
  const strict = response(
    invite,
    200,
    toTag('b1'),
    addRaw('Record-Route', '<sip:loose.test;lr>, <sip:strict.test>'),
    set(Contact, nameAddr(parseUri('sip:bob@phone.test'))),
  );
  const bye = Dialog.fromUac(invite, strict).request('BYE');
  assert.equal(uriText(bye.uri), 'sip:strict.test');
  assert.deepEqual(bye.raw('Route'), ['<sip:loose.test;lr>', '<sip:bob@phone.test>']);
});

test('an older sequence number is refused, a newer one noted', () => {
  const dialog = Dialog.fromUas(invite, 'b1');
  const numbered = (sequence: number) =>
    someRequest('INFO', 'sip:bob@phone.test', set(CSeq, { sequence, method: 'INFO' }));
  assert.equal(dialog.accepts(numbered(5)), true);
  assert.equal(dialog.accepts(numbered(5)), false);
  assert.equal(dialog.accepts(numbered(4)), false);
  assert.equal(dialog.accepts(numbered(6)), true);
});

test('the 2xx replaces what an early response said of the way', () => {
  const early = response(invite, 180, toTag('b1'), addRaw('Record-Route', '<sip:old.test;lr>'));
  const dialog = Dialog.fromUac(invite, early);
  assert.equal(dialog.state, 'early');
  assert.equal(uriText(dialog.remoteTarget), 'sip:bob@home.test');
  dialog.confirm(ok);
  assert.equal(dialog.state, 'confirmed');
  assert.equal(uriText(dialog.remoteTarget), 'sip:bob@phone.test');
  assert.equal(dialog.routeSet.length, 3);
});

test('a dialog comes back from what was stored of it', () => {
  const dialog = Dialog.fromUac(invite, ok);
  dialog.request('INFO');
  const again = Dialog.restore(JSON.parse(JSON.stringify(dialog.serialise())));
  assert.deepEqual(again.serialise(), dialog.serialise());
  assert.deepEqual(again.request('BYE').encode(), dialog.request('BYE').encode());
});

test('an INVITE without Contact begins no dialog', () => {
  const refused = (error: unknown) => error instanceof SipError && error.status === 400;
  assert.throws(() => Dialog.fromUas(invite.with(remove(Contact)), 'b1'), refused);
  assert.throws(() => Dialog.fromUas(invite.with(raw('Contact', '*')), 'b1'), refused);
});
