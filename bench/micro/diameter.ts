// What Diameter costs: CPU per message for making, writing, decoding and reading, and per whole call
// over local links and TCP. `node bench/micro/diameter.ts`

import { decode } from '#diameter/codec';
import { readAnswer, readEnvelope, readRequest } from '#diameter/command';
import { Cx, MultimediaAuth, ServerAssignment } from '#diameter/cx';
import { Envelope } from '#diameter/make';
import { DiameterMessage } from '#diameter/message';
import { DiameterNode } from '#diameter/node';
import { createProcess } from '#kernel/node/process';

const REALM = 'ims.mnc001.mcc001.3gppnetwork.org';
const impi = `001010000000001@${REALM}`;
const impu = `sip:+15550100001@${REALM}`;
const server = `sip:scscf.${REALM}:6060`;
const mar = { impi, impu, auth: { scheme: 'Digest-AKAv1-MD5' }, vectors: 1, server };
const item = {
  itemNumber: 1,
  scheme: 'Digest-AKAv1-MD5',
  authenticate: new Uint8Array(32),
  authorization: new Uint8Array(8),
  confidentialityKey: new Uint8Array(16),
  integrityKey: new Uint8Array(16),
};
const maa = { impi, impu, vectors: 1, auth: [item] };
const saa = { impi, userData: 'x'.repeat(3000), associated: { impis: [impi, impi] } };

const header = { flags: 0xc0, code: 303, application: Cx.id, hopByHop: 1, endToEnd: 2 };
const envelope = new Envelope(`scscf.${REALM}`, REALM);
const to = { sessionId: `scscf.${REALM};1700000000;123`, destinationRealm: REALM };
const makeMar = () => new DiameterMessage(header, envelope.request(MultimediaAuth, mar, to));
const made = makeMar();
const marOctets = Buffer.from(made.encode());
const answer = (command: typeof MultimediaAuth | typeof ServerAssignment, values: object) =>
  envelope.answer(made, command, 'DIAMETER_SUCCESS', { ...values });
const maaOctets = Buffer.from(answer(MultimediaAuth, maa).encode());
const saaOctets = Buffer.from(answer(ServerAssignment, saa).encode());
const ignore = () => {};

measure('MAR made and encoded', () => makeMar().encode());
measure('MAR decoded', () => decode(marOctets));
measure('MAR decoded and read', () => {
  const message = decode(marOctets);
  readEnvelope(message);
  readRequest(MultimediaAuth, message);
});
measure('MAR read from a local link', () => {
  readEnvelope(made);
  readRequest(MultimediaAuth, made);
});
measure('MAA made and encoded', () => answer(MultimediaAuth, maa).encode());
measure('MAA decoded and read', () => readAnswer(MultimediaAuth, decode(maaOctets), ignore));
measure('SAA of 3 kB made and encoded', () => answer(ServerAssignment, saa).encode());
measure('SAA of 3 kB decoded and read', () =>
  readAnswer(ServerAssignment, decode(saaOctets), ignore),
);
await calls('local');
await calls('tcp');

function measure(what: string, act: () => unknown): void {
  const count = 30_000;
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 6; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < count; i++) act();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / count);
  }
  console.log(`${what.padEnd(32)} ${best.toFixed(1)} µs`);
}

/** Whole calls, both ends in this process, twenty at a time. */
async function calls(links: 'local' | 'tcp'): Promise<void> {
  const lab = createProcess({
    log: { level: 'warn' },
    names: () => [{ protocol: 'local', name: 'diameter:hss' }],
  });
  const common = { realm: REALM, applications: [Cx] };
  const hss = new DiameterNode(lab.host('hss'), {
    ...common,
    identity: `hss.${REALM}`,
    allowedPeers: () => true,
  });
  hss.handle(MultimediaAuth, () => ({ result: 'DIAMETER_SUCCESS', ...maa }));
  hss.serveLocal('diameter:hss');
  const { port } = await hss.listen({ host: '127.0.0.1', port: 0 });
  const scscf = new DiameterNode(lab.host('s-cscf'), { ...common, identity: `scscf.${REALM}` });
  const endpoint = links === 'local' ? `hss.${REALM}` : `127.0.0.1:${port}`;
  scscf.connect({ realm: REALM, endpoints: [endpoint] });
  const ask = () => scscf.call(MultimediaAuth, mar, { destinationRealm: REALM });
  const count = 20_000;
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 4; round++) {
    const before = process.cpuUsage();
    let left = count;
    const worker = async () => {
      while (left-- > 0) await ask();
    };
    await Promise.all(Array.from({ length: 20 }, worker));
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / count);
  }
  console.log(`${`MAR and MAA, a call over ${links}`.padEnd(32)} ${best.toFixed(1)} µs`);
  await scscf.stop();
  await hss.stop();
  await lab.close();
}
