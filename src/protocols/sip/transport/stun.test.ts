import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bindingResponse, isStun } from './stun.ts';

// RFC 5769 §2.1 transaction id and addresses of §2.2 and §2.3
const id = Buffer.from('b7e7a701bc34d686fa87dfae', 'hex');
const request = Buffer.concat([Buffer.from('000100002112a442', 'hex'), id]);

test('the IPv4 address of RFC 5769 is masked as there', () => {
  assert.ok(isStun(request));
  const answer = bindingResponse(request, { host: '192.0.2.1', port: 32853 });
  assert.equal(
    Buffer.from(answer!).toString('hex'),
    `0101000c2112a442${id.toString('hex')}002000080001a147e112a643`,
  );
});

test('the IPv6 address of RFC 5769 is masked as there', () => {
  const from = { host: '2001:db8:1234:5678:11:2233:4455:6677', port: 32853 };
  const answer = Buffer.from(bindingResponse(request, from)!).toString('hex');
  assert.ok(answer.endsWith('002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9'));
});

test('abbreviated and mapped IPv6 addresses are whole inside', () => {
  const unmasked = (host: string): string => {
    const answer = bindingResponse(request, { host, port: 1 })!;
    const octets = Array.from(answer.subarray(28), (octet, i) => octet ^ answer[4 + i]!);
    return Buffer.from(octets).toString('hex');
  };
  assert.equal(unmasked('::1'), `${'0'.repeat(31)}1`);
  assert.equal(unmasked('fe80::1%eth0'), `fe80${'0'.repeat(27)}1`);
  assert.equal(unmasked('::ffff:192.0.2.1'), '00000000000000000000ffffc0000201');
});

test('SIP is no STUN, and other STUN gets no answer', () => {
  assert.ok(!isStun(Buffer.from('OPTIONS sip:x SIP/2.0\r\n\r\n')));
  assert.ok(!isStun(request.subarray(0, 19)));
  const indication = Buffer.from(request);
  indication[1] = 0x11;
  assert.equal(bindingResponse(indication, { host: '192.0.2.1', port: 1 }), undefined);
});
