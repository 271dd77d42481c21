import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WwwAuthenticate } from './headers.ts';
import { type SipMessage, type SipRequest, set } from './message.ts';
import { parseMessage } from './parse.ts';

const message = (lines: readonly string[], content = ''): SipRequest =>
  parseMessage(
    Buffer.from(
      ['REGISTER sip:h SIP/2.0', ...lines, `Content-Length: ${content.length}`, '', content].join(
        '\r\n',
      ),
      'latin1',
    ),
  ) as SipRequest;
const masked = (what: SipMessage): string => Buffer.from(what.masked()).toString('latin1');

test('digest answers, CK and IK are overwritten at equal length, and nothing else', () => {
  const lines = [
    'Authorization: Digest username="a@h",response="0123456789abcdef",nonce="n",RESPONSE = "x",nc=00000001',
    'Proxy-Authorization: Digest response=abcdef, uri="sip:h"',
    'WWW-Authenticate: Digest realm="ck=", nonce="response=\\"1\\"", ck="00112233",ik="44556677"',
    'Authentication-Info: rspauth="aabb", nextnonce="n"',
    'X-Other: response="not a secret"',
  ];
  const what = message(lines);
  const expected = Buffer.from(what.encode())
    .toString('latin1')
    .replace('0123456789abcdef', '****************')
    .replace('RESPONSE = "x"', 'RESPONSE = "*"')
    .replace('=abcdef,', '=******,')
    .replace('00112233', '********')
    .replace('44556677', '********')
    .replace('aabb', '****');
  assert.equal(masked(what), expected);
});

test('secrets are found in folded lines and in every spelling of the header', () => {
  const what = message([
    'AUTHORIZATION :\r\n Digest username="a",\r\n\tresponse=\r\n "beef"',
    'X: y',
  ]);
  assert.equal(masked(what), Buffer.from(what.encode()).toString('latin1').replace('beef', '****'));
});

test('credentials of another scheme are secret as a whole', () => {
  const what = message(['Authorization: Bearer abc.def', 'Authorization: Basic YTpi']);
  assert.match(masked(what), /Bearer \*{7}\r\nAuthorization: Basic \*{4}\r\n/);
});

test('what does not parse is masked from where it stops making sense', () => {
  assert.match(
    masked(message(['Authorization: Digest response="never ends'])),
    /response="\*{10}\r\n/,
  );
  assert.match(
    masked(message(['Authorization: Digest uri="a", @@ response="x"'])),
    /uri="a", \*{15}\r\n/,
  );
  assert.match(
    masked(message(['Authorization: Digest response="a\\"b", x="y"'])),
    /response="\*{4}", x="y"/,
  );
});

test('SRTP keys of an SDP body are overwritten', () => {
  const sdp =
    'v=0\r\nk=clear:secret\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNf/==|2^20|1:4;inline:QUJD KDR=1\r\na=x:inline:no\r\n';
  const what = message(['Content-Type: application/sdp'], sdp);
  const expected = sdp
    .replace('clear:secret', '************')
    .replace('WVNf/==', '*******')
    .replace('QUJD', '****');
  assert.ok(masked(what).endsWith(`\r\n\r\n${expected}`), masked(what));
  assert.equal(masked(message(['Content-Type: text/plain'], sdp)).slice(-sdp.length), sdp);
});

test('a message without secrets is not copied, one with is not changed', () => {
  const plain = message(['X: y']);
  assert.equal(plain.masked(), plain.encode());
  const what = message(['X: y']).with(
    set(WwwAuthenticate, { scheme: 'Digest', params: new Map([['ck', 'aa']]) }),
  );
  assert.match(masked(what), /ck="\*\*"/);
  assert.match(Buffer.from(what.encode()).toString(), /ck="aa"/);
});
