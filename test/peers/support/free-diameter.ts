// freeDiameter, as a peer and as a relay of ours, on 127.0.0.1.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificate } from '#kernel/node/self-signed';
import { Child } from './child.ts';
import { freePort } from './lab.ts';

export const PACKAGE = 'freediameter';

/** Certificates that one authority signs: freeDiameter takes no self-signed one but an authority's. */
export class Authority {
  readonly cert: string;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#openssl(
      'req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority',
    );
    this.cert = readFileSync(join(folder, 'ca.pem'), 'utf8');
  }

  certificateOf(name: string): Certificate {
    const file = (end: string): string => join(this.#folder, `${name}.${end}`);
    this.#openssl(
      `req -newkey rsa:2048 -nodes -keyout ${name}.key -out ${name}.csr -subj /CN=${name}`,
    );
    writeFileSync(file('ext'), `subjectAltName=DNS:${name}\n`);
    const by = '-CA ca.pem -CAkey ca.key -CAcreateserial -days 2';
    this.#openssl(`x509 -req -in ${name}.csr ${by} -extfile ${name}.ext -out ${name}.pem`);
    return { key: readFileSync(file('key'), 'utf8'), cert: readFileSync(file('pem'), 'utf8') };
  }

  #openssl(words: string): void {
    execFileSync('openssl', words.split(' '), { cwd: this.#folder, stdio: 'pipe' });
  }
}

export interface FreeDiameterOptions {
  /** Where it listens; default any free port. */
  readonly port?: number;
  /** A folder for its files, which goes with the test. */
  readonly folder: string;
  readonly identity: string;
  readonly realm: string;
  readonly certificate: Certificate;
  /** Of the authority whose certificates it believes; its own is one of them. */
  readonly authority: string;
  /** Who may be its peers, and where they listen; without a port they come by themselves. */
  readonly peers: readonly {
    readonly identity: string;
    readonly realm: string;
    readonly port?: number;
    readonly tls?: boolean;
  }[];
}

export class FreeDiameter {
  readonly child: Child;
  readonly port: number;
  /** TLS from the first octet. */
  readonly securePort: number;

  /** Resolves when it listens. */
  static async start(options: FreeDiameterOptions): Promise<FreeDiameter> {
    const { folder, identity, realm, certificate, authority, peers } = options;
    const port = options.port ?? (await freePort());
    const [securePort, nowhere] = [await freePort(), await freePort()];
    const file = (name: string, text: string): string => {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    };
    const [key, cert] = [
      file('fd-key.pem', certificate.key),
      file('fd-cert.pem', certificate.cert),
    ];
    const ca = file('fd-ca.pem', authority);
    const config = [
      `Identity = "${identity}";`,
      `Realm = "${realm}";`,
      `Port = ${port};`,
      `SecPort = ${securePort};`,
      'No_SCTP;',
      'No_IPv6;',
      'ListenOn = "127.0.0.1";',
      'TcTimer = 1;',
      'TwTimer = 6;',
      'AppServThreads = 1;',
      'TLS_DH_Bits = 1024;',
      `TLS_Cred = "${cert}", "${key}";`,
      `TLS_CA = "${ca}";`,
      ...peers.map(peer => {
        const at = `ConnectTo = "127.0.0.1"; Port = ${peer.port ?? nowhere};`;
        return `ConnectPeer = "${peer.identity}" { ${at} Realm = "${peer.realm}"; ${peer.tls ? '' : 'No_TLS;'} };`;
      }),
    ];
    const path = file('freeDiameter.conf', `${config.join('\n')}\n`);
    const child = new Child('freeDiameterd', ['-c', path, '-d'], { cwd: folder });
    await child.until(/freeDiameterd daemon initialized|Core state: .* -> 3/i);
    return new FreeDiameter(child, port, securePort);
  }

  private constructor(child: Child, port: number, securePort: number) {
    this.child = child;
    this.port = port;
    this.securePort = securePort;
  }
}
