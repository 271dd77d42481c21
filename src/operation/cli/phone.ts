// The settings of the emulated phone of `carillon ue`: whose it is, how he proves himself, where his P-CSCF is.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { opcFrom } from '#aka/milenage';
import type { SubscriberView } from '#functions/hss/hss';
import type { Password, SimCard, UeSettings } from '#functions/ue/config';
import { UsageError } from '#kernel/errors';
import { homeDomain } from '#networks/network-file';
import type { NetworkSettings, SubscriberSettings } from '#networks/schema';
import { isSipUri, parseUri } from '#sip/uri';
import { addressText } from '../api/peers.ts';
import type { NetworkInfo } from '../api/schemas.ts';
import { ApiClient, Unreachable } from './api-client.ts';
import { CommandFailed } from './failure.ts';
import { readSettings } from './settings.ts';

export interface ProofOptions {
  readonly api?: string;
  readonly file?: string;
  readonly imsi?: string;
  readonly k?: string;
  readonly opc?: string;
  readonly op?: string;
  readonly password?: string;
  readonly username?: string;
  readonly impu?: string;
  readonly home?: string;
  readonly proxy?: string;
  readonly bind?: string;
  readonly with?: string;
  readonly ca?: string;
  readonly insecure?: boolean;
}

export interface PhoneSettings {
  readonly ue: UeSettings;
  /** 'SIM 001010000000001' or 'the password of alice@…'. */
  readonly proof: string;
}

/** Throws a UsageError or CommandFailed that says what is missing. */
export async function phoneSettings(name: string, options: ProofOptions): Promise<PhoneSettings> {
  const settings = readSettings(options.file);
  const api = new ApiClient(options);
  const network = await networkAt(api, options);
  const home = options.home ?? network?.home ?? homeDomain(settings);
  const record = network === undefined ? undefined : await recordOf(api, name);
  const seed = seedOf(settings, name);
  const credentials = credentialsOf(name, options, { home, record, seed });
  const impu = options.impu ?? impuOf(name, credentials, { home, record, seed });
  const pcscf = options.proxy === undefined ? gmOf(network, settings) : proxyUri(options.proxy);
  const tls = {
    ...(options.ca === undefined ? {} : { ca: fileText('--ca', options.ca) }),
    ...(options.insecure ? { rejectUnauthorized: false } : {}),
  };
  return {
    ue: {
      home,
      credentials,
      pcscf,
      address: options.bind ?? (await localAddressTowards(pcscf)),
      ...(impu === undefined ? {} : { impu }),
      ...(Object.keys(tls).length === 0 ? {} : { tls }),
    },
    proof:
      credentials.kind === 'sim'
        ? `SIM ${credentials.imsi}`
        : `the password of ${credentials.username}`,
  };
}

/** The running network; undefined where none answers and the options do without. */
async function networkAt(api: ApiClient, options: ProofOptions): Promise<NetworkInfo | undefined> {
  try {
    return await api.network();
  } catch (error) {
    if (!(error instanceof Unreachable) || options.proxy !== undefined) {
      if (error instanceof Unreachable) return undefined;
      throw error;
    }
    throw new CommandFailed(
      `${error.message}: start a network by carillon up, or name a P-CSCF by --proxy HOST:PORT`,
    );
  }
}

interface Known {
  readonly home: string;
  /** What the running network knows of him: all but secrets. */
  readonly record: SubscriberView | undefined;
  /** What the network file says of him. */
  readonly seed: SubscriberSettings | undefined;
}

async function recordOf(api: ApiClient, name: string): Promise<SubscriberView | undefined> {
  type Page = { readonly subscribers: readonly SubscriberView[] };
  const query = new URLSearchParams({ find: name });
  try {
    return (await api.json<Page>('GET', `/api/v1/subscribers?${query}`)).subscribers[0];
  } catch {
    return undefined; // its HSS runs elsewhere
  }
}

function seedOf(settings: NetworkSettings, name: string): SubscriberSettings | undefined {
  const number = name.replace(/^\+/, '');
  return settings.subscribers.find(
    one => one.name === name || one.imsi === name || one.msisdn === number,
  );
}

function credentialsOf(name: string, options: ProofOptions, known: Known): SimCard | Password {
  const { seed, record } = known;
  const kind = options.with;
  if (kind !== undefined && kind !== 'sim' && kind !== 'password') {
    throw new UsageError(`--with ${kind}: write sim or password`);
  }
  const named =
    options.k !== undefined ? 'sim' : options.password !== undefined ? 'password' : undefined;
  // The lab's alice has a SIM; she of another network, whose record says so, may have none.
  const hasSim = record === undefined || record.secrets.includes('k');
  const seeded =
    seed?.k !== undefined && hasSim ? 'sim' : seed?.password !== undefined ? 'password' : undefined;
  switch (kind ?? named ?? seeded) {
    case 'sim':
      return simOf(name, options, known);
    case 'password':
      return passwordOf(name, options, known);
    default:
      throw new CommandFailed(
        record === undefined
          ? `neither the network nor its file knows ${name}: give --password, or --imsi, --k and --opc`
          : `the network knows ${name}, but tells nobody his secrets: give --password, or --k and --opc`,
      );
  }
}

function simOf(name: string, options: ProofOptions, { record, seed }: Known): SimCard {
  const imsi = options.imsi ?? seed?.imsi ?? record?.imsi;
  if (imsi === undefined) throw new UsageError(`--imsi: missing, and nobody knows that of ${name}`);
  const k = octets('--k', options.k ?? seed?.k);
  if (options.op !== undefined) {
    return { kind: 'sim', imsi, k, opc: opcFrom(octets('--op', options.op), k) };
  }
  const given = options.opc ?? (options.k === undefined ? seed?.opc : undefined);
  if (given === undefined && options.k === undefined && seed?.op !== undefined) {
    return { kind: 'sim', imsi, k, opc: opcFrom(octets('op', seed.op), k) };
  }
  return { kind: 'sim', imsi, k, opc: octets('--opc', given ?? seed?.opc) };
}

function octets(option: string, hex: string | undefined): Uint8Array {
  if (hex === undefined) throw new UsageError(`${option}: missing; it is 32 hexadecimal digits`);
  if (!/^[0-9a-f]{32}$/i.test(hex)) {
    throw new UsageError(
      `${option}: a text of ${hex.length} characters is not 32 hexadecimal digits`,
    );
  }
  return Buffer.from(hex, 'hex');
}

function passwordOf(name: string, options: ProofOptions, { home, record, seed }: Known): Password {
  const password = options.password ?? seed?.password;
  if (password === undefined)
    throw new UsageError(`--password: missing, and nobody knows that of ${name}`);
  const known = record?.identities.impis.find(({ scheme }) => scheme === 'SIP Digest')?.impi;
  const user = seed?.name ?? name;
  const username = options.username ?? known ?? (user.includes('@') ? user : `${user}@${home}`);
  return { kind: 'password', username, password };
}

/** undefined where the phone derives it itself: from the IMSI of a SIM. */
function impuOf(
  name: string,
  credentials: SimCard | Password,
  { home, record, seed }: Known,
): string | undefined {
  if (credentials.kind === 'sim') return undefined;
  const user = seed?.name ?? record?.name;
  if (user !== undefined) return `sip:${user}@${home}`;
  return (
    record?.identities.impus[0]?.impu ?? `sip:${name.includes('@') ? name : `${name}@${home}`}`
  );
}

function gmOf(network: NetworkInfo | undefined, settings: NetworkSettings): string {
  const gm = network?.functions
    .flatMap(({ listening }) => listening)
    .find(({ point, protocol }) => point === 'Gm' && protocol === 'udp');
  if (network !== undefined && gm === undefined) {
    throw new CommandFailed(
      'the P-CSCF of this network runs in another process: name it by --proxy HOST:PORT',
    );
  }
  const { host, port } = gm ?? { host: settings.bind, port: settings.pcscf.udp };
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `sip:${addressText({ host: reached, port })}`;
}

function proxyUri(text: string): string {
  const uri = /^sips?:/i.test(text) ? text : `sip:${text}`;
  try {
    if (isSipUri(parseUri(uri))) return uri;
  } catch {
    // told below
  }
  throw new UsageError(
    `--proxy ${text}: write HOST:PORT or a SIP URI, such as sip:10.0.0.1:5060;transport=tcp`,
  );
}

/** The address of this machine from which the P-CSCF is reached. */
async function localAddressTowards(pcscf: string): Promise<string> {
  const uri = parseUri(pcscf);
  const host = isSipUri(uri) ? uri.host : '127.0.0.1';
  if (host.startsWith('127.')) return '127.0.0.1';
  if (host === '::1') return host;
  const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4');
  try {
    socket.connect(9, host); // sends nothing: the system chooses the way
    await once(socket, 'connect');
    return socket.address().address;
  } catch (error) {
    throw new CommandFailed(
      `no way leads to ${host}: ${(error as Error).message}; --bind names an address`,
    );
  } finally {
    socket.close();
  }
}

function fileText(option: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${option}: ${(error as Error).message}`);
  }
}
