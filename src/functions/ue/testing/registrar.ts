// A registrar for the UE's tests: one endpoint that plays P-CSCF and S-CSCF in one, with the checks
// a real one makes. What it does to a REGISTER can be scripted.

import { resynchronise } from '#aka/auts';
import { milenage, type SubscriberKey } from '#aka/milenage';
import { type HeSequence, nextSqn, sqnOctets, startingAt } from '#aka/sequence';
import type { Host } from '#kernel/host';
import { challenge, verifyDigest } from '#sip/digest';
import { akaNonce, autsOf } from '#sip/digest-aka';
import { type ServerTransaction, SipEndpoint } from '#sip/endpoint';
import {
  Authorization,
  Contact,
  Expires,
  nameAddr,
  PAssociatedUri,
  ServiceRoute,
  WwwAuthenticate,
} from '#sip/headers';
import { type SipRequest, set } from '#sip/message';
import { withParams } from '#sip/params';
import { parseUri } from '#sip/uri';

export interface RegistrarSetting {
  readonly home: string;
  readonly identities: readonly string[];
  /** Seconds granted at most. */
  readonly grants: number;
  readonly sim?: SubscriberKey & { readonly sqn: number };
  readonly password?: string;
}

export class Registrar {
  readonly endpoint: SipEndpoint;
  /** Every REGISTER, in order. */
  readonly registers: SipRequest[] = [];
  /** Looks at each REGISTER first; true when it has answered. */
  script: (tx: ServerTransaction, count: number) => boolean = () => false;
  /** Gets every other request. */
  onRequest: (tx: ServerTransaction) => void = tx => tx.reply(404);
  readonly #setting: RegistrarSetting;
  readonly #host: Host;
  #sequence: HeSequence;
  /** What AKA challenge is open. */
  #pending: { rand: Uint8Array; xres: Uint8Array; nonce: string } | undefined;

  constructor(host: Host, setting: RegistrarSetting) {
    this.#host = host;
    this.#setting = setting;
    this.#sequence = startingAt(setting.sim?.sqn ?? 0);
    this.endpoint = new SipEndpoint(host, { point: 'Gm', name: setting.home });
    this.endpoint.onRequest = tx => {
      if (tx.request.method !== 'REGISTER') {
        this.onRequest(tx);
        return;
      }
      this.registers.push(tx.request);
      if (!this.script(tx, this.registers.length)) this.#register(tx);
    };
  }

  /** How many AKA vectors have been made. */
  get sqn(): number {
    return this.#sequence.seq;
  }

  challenge(tx: ServerTransaction): void {
    const { home, sim } = this.#setting;
    if (sim === undefined) {
      const nonce = this.#host.random.hex(8);
      tx.reply(401, set(WwwAuthenticate, challenge({ realm: home, nonce })));
      return;
    }
    const next = nextSqn(this.#sequence, 'ims', 'scscf')!;
    this.#sequence = next.state;
    const rand = this.#host.random.bytes(16);
    const amf = Uint8Array.of(0x80, 0);
    const vector = milenage({ ...sim, rand, sqn: sqnOctets(next.sqn), amf });
    const nonce = akaNonce(rand, vector.autn);
    this.#pending = { rand, xres: vector.res, nonce };
    const offered = challenge({ realm: home, nonce, algorithm: 'AKAv1-MD5', qop: [] });
    tx.reply(401, set(WwwAuthenticate, offered));
  }

  accept(tx: ServerTransaction): void {
    const { grants, identities, home } = this.#setting;
    const asked = tx.request.get(Expires) ?? grants;
    const granted = Math.min(asked, grants);
    const contact = tx.request.get(Contact)!;
    tx.reply(
      200,
      set(Contact, { ...contact, params: withParams(contact.params, { expires: granted }) }),
      set(PAssociatedUri, ...identities.map(identity => nameAddr(parseUri(identity)))),
      set(ServiceRoute, nameAddr(parseUri(`sip:orig@scscf.${home};lr`))),
    );
  }

  #register(tx: ServerTransaction): void {
    const verdict = this.#verdict(tx.request);
    if (verdict === 'accept') this.accept(tx);
    else if (verdict === 'challenge') this.challenge(tx);
    else tx.reply(403);
  }

  #verdict(request: SipRequest): 'accept' | 'challenge' | 'forbid' {
    const { sim, password } = this.#setting;
    const given = request.get(Authorization);
    const nonce = given?.params.get('nonce') ?? '';
    if (given === undefined || nonce === '') return 'challenge';
    if (sim === undefined) {
      const verdict = verifyDigest(given, { method: 'REGISTER', secret: password ?? '' });
      return verdict === 'right' ? 'accept' : 'challenge';
    }
    const pending = this.#pending;
    if (pending === undefined || nonce !== pending.nonce) return 'challenge';
    const auts = autsOf(given);
    if (auts !== undefined) {
      const outcome = resynchronise(sim, this.#sequence, pending.rand, auts);
      if (outcome.kind === 'mac failure') return 'forbid';
      if (outcome.kind === 'reset') this.#sequence = outcome.state;
      return 'challenge';
    }
    const verdict = verifyDigest(given, { method: 'REGISTER', secret: pending.xres });
    return verdict === 'right' ? 'accept' : 'challenge';
  }
}
