// Kamailio's CSCFs, run by the configurations of kamailio/, each a process of its own on 127.0.0.1.

import { createSocket } from 'node:dgram';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from './child.ts';
import { freePort, type Lab } from './lab.ts';

export const PACKAGE = 'kamailio kamailio-ims-modules kamailio-presence-modules';
const CONFIGURATIONS = join(import.meta.dirname, '../kamailio');

export type Role = 'pcscf' | 'icscf' | 'scscf';

export interface KamailioOptions {
  /** Which of them are Kamailio's. */
  readonly roles: readonly Role[];
  /** 'ip:port' of those that are not, or that are to be where somebody expects them. */
  readonly others?: Readonly<Partial<Record<Role, string>>>;
  /** How its S-CSCF names the scheme in MAR, and challenges. Default SIP digest. */
  readonly algorithm?: string;
}

/** Diameter identities of Kamailio's CSCFs: not those of ours, which run beside them. */
export const identityOf = (role: Role, home: string): string => `kamailio-${role}.${home}`;

export class Kamailio {
  /** 'ip:port' of every CSCF. */
  readonly addresses: Readonly<Record<Role, string>>;
  readonly children = new Map<Role, Child>();
  readonly #lab: Lab;
  readonly #run: string;

  /** Resolves when they answer OPTIONS and those with Cx have their HSS. */
  static async start(lab: Lab, options: KamailioOptions): Promise<Kamailio> {
    const addresses: Record<Role, string> = { pcscf: '', icscf: '', scscf: '', ...options.others };
    for (const role of options.roles) addresses[role] ||= `127.0.0.1:${await freeUdpPort()}`;
    const kamailio = new Kamailio(lab, addresses);
    for (const role of options.roles)
      await kamailio.#start(role, options.algorithm ?? '3GPP-Digest');
    for (const role of options.roles) {
      await lab.holds(
        () => answers(addresses[role]),
        () => `Kamailio's ${role} does not answer: ${kamailio.children.get(role)?.output}`,
      );
    }
    for (const role of options.roles.filter(role => role !== 'pcscf')) {
      await lab.holds(
        () => isConnected(lab, role),
        () => `Kamailio's ${role} has no Cx: ${kamailio.children.get(role)?.output}`,
      );
    }
    return kamailio;
  }

  private constructor(lab: Lab, addresses: Readonly<Record<Role, string>>) {
    this.#lab = lab;
    this.addresses = addresses;
    this.#run = join(lab.folder, 'kamailio');
    mkdirSync(join(this.#run, 'dbtext'), { recursive: true });
  }

  async #start(role: Role, algorithm: string): Promise<void> {
    const { home } = this.#lab;
    const run = this.#run;
    const cx = this.#lab.network.listening.find(({ point }) => point === 'Cx')?.address;
    const values: Readonly<Record<string, string>> = {
      HOME: home,
      RUN: run,
      PCSCF: this.addresses.pcscf,
      ICSCF: this.addresses.icscf,
      SCSCF: this.addresses.scscf,
      ALGORITHM: algorithm,
      SELF: identityOf(role, home),
      HSS_HOST: cx?.host ?? '',
      HSS_PORT: String(cx?.port ?? ''),
      ACCEPT: String(await freePort()),
    };
    const write = (from: string, to: string): void => {
      const text = configuration(from).replace('@COMMON@', () => configuration('common.cfg'));
      writeFileSync(
        join(run, to),
        text.replace(/@([A-Z_]+)@/g, (found, name: string) => values[name] ?? found),
      );
    };
    write('cdp.xml', `${role}.xml`);
    write(`${role}.cfg`, `${role}.cfg`);
    if (role === 'icscf') this.#tables(home);
    const files = ['-f', `${role}.cfg`, '-Y', run, '-w', run, '-P', join(run, `${role}.pid`)];
    const child = new Child('kamailio', ['-DD', '-E', '-m', '32', '-M', '8', ...files], {
      cwd: run,
    });
    this.children.set(role, child);
    this.#lab.defer(() => child.stop());
  }

  /** What its I-CSCF chooses S-CSCFs from. */
  #tables(home: string): void {
    const uri = `sip:${this.addresses.scscf}`.replaceAll(':', '\\:');
    const write = (name: string, columns: string, row: string): void =>
      writeFileSync(join(this.#run, 'dbtext', name), `${columns}\n${row}\n`);
    write('s_cscf', 'id(int) name(string) s_cscf_uri(string)', `1:scscf:${uri}`);
    write('s_cscf_capabilities', 'id(int) id_s_cscf(int) capability(int)', '1:1:0');
    write('nds_trusted_domains', 'id(int) trusted_domain(string)', `1:${home}`);
  }
}

const configuration = (name: string): string => readFileSync(join(CONFIGURATIONS, name), 'utf8');

const isConnected = (lab: Lab, role: Role): boolean =>
  lab.network.functions.hss
    ?.peers()
    .some(({ identity, state }) => identity === identityOf(role, lab.home) && state === 'open') ??
  false;

/** Whether something there answers OPTIONS. */
function answers(address: string): Promise<boolean> {
  const [host = '', port = ''] = address.split(':');
  const socket = createSocket('udp4');
  return new Promise(resolve => {
    const finish = (answered: boolean): void => {
      clearTimeout(timer);
      socket.close();
      resolve(answered);
    };
    const timer = setTimeout(finish, 300, false);
    socket.on('error', () => finish(false));
    socket.on('message', () => finish(true));
    socket.bind(0, '127.0.0.1', () => {
      const own = `127.0.0.1:${socket.address().port}`;
      const lines = [
        `OPTIONS sip:${address} SIP/2.0`,
        `Via: SIP/2.0/UDP ${own};branch=z9hG4bKprobe${own.slice(10)}`,
        'Max-Forwards: 5',
        `From: <sip:probe@${own}>;tag=1`,
        `To: <sip:${address}>`,
        `Call-ID: ${own}`,
        'CSeq: 1 OPTIONS',
        'Content-Length: 0',
      ];
      socket.send(`${lines.join('\r\n')}\r\n\r\n`, Number(port), host);
    });
  });
}

export function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.bind(0, '127.0.0.1', () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}
