import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OwnUris } from './own-uris.ts';
import { parseUri } from './uri.ts';

const own = new OwnUris('PCSCF.home.example');
own.addAddress({ host: '127.0.0.1', port: 5060 });
own.addAddress({ host: '::1', port: 5061 });

for (const [uri, ours] of [
  ['sip:pcscf.home.example', true],
  ['sip:token@pcscf.HOME.example:4060;lr', true],
  ['sip:127.0.0.1;lr', true],
  ['sip:127.0.0.1:5060', true],
  ['sip:127.0.0.1:6060', false],
  ['sips:[::1];lr', true],
  ['sip:[::1];transport=TLS', true],
  ['sip:[::1]', false],
  ['sip:home.example', false],
  ['tel:+15550100001', false],
] as const) {
  test(`${uri} is ${ours ? 'ours' : 'not ours'}`, () => {
    assert.equal(own.has(parseUri(uri)), ours);
  });
}
