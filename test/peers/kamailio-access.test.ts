// Where phones come in: Kamailio's P-CSCF before our I-CSCF and S-CSCF, and ours before Kamailio's.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { freeUdpPort, Kamailio, PACKAGE, type Role } from './support/kamailio.ts';
import { freePort, Lab } from './support/lab.ts';
import { needs } from './support/needs.ts';
import { PACKAGE as SIPP, Sipp } from './support/sipp.ts';

const skip = needs('kamailio', PACKAGE) || needs('sipp', SIPP);
const options = { skip, timeout: 80_000 };

interface Phone {
  readonly user: string;
  readonly port: number;
}

/** Kamailio's P-CSCF before ours of the core. */
async function accessOfKamailio(t: TestContext) {
  const lab = await Lab.start(t, { settings: ['icscf.listen=true', 'scscf.listen=true'] });
  const at = (name: Role): string => {
    const one = lab.network.listening.find(
      listening => listening.function === name && listening.protocol === 'udp',
    );
    return `${one?.address.host}:${one?.address.port}`;
  };
  const others = { icscf: at('icscf'), scscf: at('scscf') };
  const { addresses } = await Kamailio.start(lab, { roles: ['pcscf'], others });
  return { lab, pcscf: addresses.pcscf };
}

/** Our P-CSCF and our HSS, and between them Kamailio's I-CSCF and S-CSCF. */
async function coreOfKamailio(t: TestContext) {
  const [icscf, mw] = [await freeUdpPort(), await freeUdpPort()];
  const lab = await Lab.start(t, {
    only: ['pcscf', 'hss'],
    ports: 'own',
    settings: [
      ...['pcscf.udp=0', 'pcscf.tcp=0', 'pcscf.tls=0', 'pcscf.ws=0', 'pcscf.wss=0'],
      ...['hss.listen=true', 'hss.port=0', 'hss.peers=["*"]'],
      ...[`icscf.port=${icscf}`, `pcscf.mw=${mw}`, 'pcscf.regEvent=false'],
    ],
  });
  await Kamailio.start(lab, {
    roles: ['scscf', 'icscf'],
    others: { icscf: `127.0.0.1:${icscf}`, pcscf: `127.0.0.1:${mw}` },
  });
  return { lab, pcscf: lab.gm('udp') };
}

const phoneOf = async (user: string): Promise<Phone> => ({ user, port: await freePort() });

function run(lab: Lab, to: string, { user, port }: Phone, scenario: string, peer = ''): Sipp {
  const impi = `${user}@${lab.home}`;
  const secret = `[authentication username=${impi} password=${user}-secret]`;
  return Sipp.start(lab, scenario, { port, to, fields: [user, secret, impi], keys: { peer } });
}

async function registerAndCall(lab: Lab, pcscf: string): Promise<void> {
  const [alice, bob] = [await phoneOf('alice'), await phoneOf('bob')];
  for (const phone of [alice, bob]) await run(lab, pcscf, phone, 'register').done();
  const answer = run(lab, pcscf, bob, 'answer');
  await run(lab, pcscf, alice, 'call', 'bob').done();
  await answer.done();
}

test('behind the P-CSCF of Kamailio phones register with our core and call', options, async t => {
  const { lab, pcscf } = await accessOfKamailio(t);
  await registerAndCall(lab, pcscf);
  assert.equal(lab.network.functions.scscf?.registrations().length, 2);
});

test('behind our P-CSCF phones register with the core of Kamailio and call', options, async t => {
  const { lab, pcscf } = await coreOfKamailio(t);
  await registerAndCall(lab, pcscf);
  assert.equal((await lab.network.functions.hss?.registrations())?.length, 2);
});
