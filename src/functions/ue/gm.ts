// The UE's end of Gm: its SIP endpoint, its contact address, the way to the P-CSCF, and what every
// request of a UE carries. TS 24.229 §5.1.1.2.1, §5.1.2A.1.

import { AddressError, UsageError } from '#kernel/errors';
import type { Address, Host } from '#kernel/host';
import { SipEndpoint } from '#sip/endpoint';
import type { Flow, Target } from '#sip/flow';
import {
  Allow,
  Contact,
  MaxForwards,
  type NameAddr,
  nameAddr,
  PAccessNetworkInfo,
  Supported,
  UserAgent,
} from '#sip/headers';
import { type Edit, request, type SipRequest, set } from '#sip/message';
import { withParams } from '#sip/params';
import { octetText } from '#sip/text';
import { escapedUser, isSipUri, parseUri, type SipUri, sipUri, type Uri } from '#sip/uri';
import type { UeConfig } from './config.ts';

/** MMTel, TS 24.173 §5.1, as RFC 3840 §9 has feature tag values written. */
export const mmtel = 'urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel';

export const allowed = [
  'INVITE',
  'ACK',
  'CANCEL',
  'BYE',
  'PRACK',
  'UPDATE',
  'OPTIONS',
  'MESSAGE',
  'NOTIFY',
] as const;

/** Times a pair of UDP and TCP ports of the same number is looked for. */
const maxPortAttempts = 16;

export class Gm {
  readonly host: Host;
  readonly config: UeConfig;
  readonly endpoint: SipEndpoint;
  readonly pcscf: SipUri;
  /** The flow the registration stands on: everything goes over it (TS 24.229 §5.1.1.5). */
  flow: Flow | undefined;
  /** Service-Route of the registration, RFC 3608. */
  serviceRoute: readonly NameAddr[] = [];
  /** Our device as the home network names it: RFC 5627 §3.1.1. */
  gruu: SipUri | undefined;
  /** The same for one who withholds his identity: RFC 5627 §3.1.2. */
  temporaryGruu: SipUri | undefined;
  /** Calls under way whose caller withholds his identity: a public GRUU would tell it. */
  withholding = 0;
  /** The first hop keeps our flow, the registrar says: RFC 5626 §4.2.1. */
  outbound = false;
  /** RFC 5626 §4.2: tried unless the network said 439. */
  triesOutbound: boolean;
  /** The identity that calls are made with: P-Preferred-Identity and From. */
  identity: Uri;
  /** The identity that REGISTER is for. */
  readonly identityToRegister: Uri;
  #local: Address | undefined;
  #invalidHost: string | undefined;

  constructor(config: UeConfig, host: Host) {
    const pcscf = parseUri(config.pcscf);
    if (!isSipUri(pcscf)) throw new UsageError(`pcscf: '${config.pcscf}' is not a SIP URI`);
    this.host = host;
    this.config = config;
    this.pcscf = pcscf;
    this.triesOutbound = config.outbound;
    this.identityToRegister = parseUri(config.impu);
    this.identity = this.identityToRegister;
    this.endpoint = new SipEndpoint(host, {
      point: 'Gm',
      name: config.address,
      ...config.timers,
      ...(config.tls === undefined ? {} : { tls: config.tls }),
      ...(config.webSocket === undefined ? {} : { webSocket: config.webSocket }),
    });
  }

  /** Opens the UE's ports; rejects with an AddressError. */
  async start(): Promise<void> {
    if (this.#transport === 'udp' || this.#transport === 'tcp') {
      this.#local = await this.#listen();
    } else {
      // Nobody can connect to it: requests come back over its own connection (RFC 7118 §5.1).
      this.#invalidHost = `${this.host.random.hex(6)}.invalid`;
    }
  }

  /** The Contact URI. */
  get contactUri(): SipUri {
    const transport = this.#transport;
    return sipUri({
      user: escapedUser(this.host.name),
      host: this.#invalidHost ?? this.config.address,
      port: this.#local?.port,
      params: { transport: transport === 'udp' ? undefined : transport },
    });
  }

  /**
   * The Contact value of what opens dialogs, with what the UE can (RFC 3840): the GRUU where there is
   * one (§5.1.2A.1.1), else the address, which asks by `ob` for our flow (RFC 5626 §4.3).
   */
  contact(): NameAddr {
    const { contactUri, withholding } = this;
    const address = this.outbound
      ? { ...contactUri, params: withParams(contactUri.params, { ob: null }) }
      : contactUri;
    if (withholding > 0)
      return nameAddr(this.temporaryGruu ?? address, { '+g.3gpp.icsi-ref': mmtel });
    return this.#contact(this.gruu ?? address);
  }

  #contact(uri: Uri, params: Readonly<Record<string, string>> = {}): NameAddr {
    return nameAddr(uri, {
      '+sip.instance': `<${this.config.instance}>`,
      '+g.3gpp.icsi-ref': mmtel,
      ...params,
    });
  }

  /** Where requests go: over the registration's flow, else where the P-CSCF is said to be. */
  get target(): Target {
    return this.flow !== undefined && !this.flow.closed
      ? { flow: this.flow }
      : { uri: this.pcscf, point: 'Gm' };
  }

  /** The P-CSCF and then the Service-Route: §5.1.2A.1.1. */
  get route(): readonly NameAddr[] {
    const pcscf = { ...this.pcscf, params: withParams(this.pcscf.params, { lr: null }) };
    return [nameAddr(pcscf), ...this.serviceRoute];
  }

  /** A REGISTER without what the procedure adds: §5.1.1.2.1. */
  register(...edits: readonly Edit[]): SipRequest {
    return request(
      'REGISTER',
      sipUri({ host: this.config.home }),
      set(MaxForwards, 70),
      ...edits,
      set(Contact, this.#contact(this.contactUri, this.triesOutbound ? { 'reg-id': '1' } : {})),
      ...this.edits('REGISTER', undefined),
      set(Allow, ...allowed),
      set(
        Supported,
        'path',
        ...(this.config.gruu ? ['gruu'] : []),
        ...(this.triesOutbound ? ['outbound'] : []),
      ),
    );
  }

  /** Who we are in From. */
  from(): NameAddr {
    const name = this.config.displayName;
    return nameAddr(this.identity, undefined, name === undefined ? undefined : octetText(name));
  }

  /** What every message of ours outside REGISTER carries: §5.1.2A.1.1, §5.1.2A.2. */
  edits(method: string, status: number | undefined): Edit[] {
    const { accessNetwork, userAgent } = this.config;
    const access = set(PAccessNetworkInfo, PAccessNetworkInfo.parse(accessNetwork));
    if (status !== undefined) return status > 100 ? [access] : [];
    if (method === 'ACK' || method === 'CANCEL') return [];
    return [access, set(UserAgent, userAgent)];
  }

  get #transport(): 'udp' | 'tcp' | 'tls' | 'ws' | 'wss' {
    const asked = this.pcscf.params.get('transport')?.toLowerCase() ?? 'udp';
    const secured = this.pcscf.scheme === 'sips';
    switch (asked) {
      case 'ws':
      case 'wss':
        return secured ? 'wss' : asked;
      case 'tls':
        return 'tls';
      case 'tcp':
        return secured ? 'tls' : 'tcp';
      case 'udp':
        return secured ? 'tls' : 'udp';
      default:
        throw new UsageError(`pcscf: transport '${asked}' is none of udp, tcp, tls, ws, wss`);
    }
  }

  /** UDP and TCP on one port, as §5.1.1.2.1 and RFC 3261 §18.1.1 have a UE listen. */
  async #listen(): Promise<Address> {
    for (let attempt = 1; ; attempt++) {
      const { address: host, port } = this.config;
      const local = await this.endpoint.listen('udp', { host, port });
      try {
        await this.endpoint.listen('tcp', local);
        return local;
      } catch (error) {
        const another = error instanceof AddressError && port === 0 && attempt < maxPortAttempts;
        if (!another) throw error;
        // The UDP port stays bound, unused, so that the next attempt gets another one.
      }
    }
  }
}
