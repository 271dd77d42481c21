// The P-CSCF's subscription to the registration state of its users: so it learns what the network
// takes away (TS 24.229 §5.2.3, §5.2.5.2; RFC 3680).

import { type Duration, type Instant, seconds } from '#kernel/time';
import type { ServerTransaction } from '#sip/endpoint';
import { nameAddr, PAssertedIdentity } from '#sip/headers';
import { type SipRequest, set } from '#sip/message';
import { parseReginfo } from '#sip/reginfo';
import { parseUri, sipUri } from '#sip/uri';
import { type Subscription, UserAgent } from '#sip/user-agent';
import type { Binding } from './bindings.ts';
import { chargingVector, newIcid } from './charging.ts';
import type { PCscf } from './p-cscf.ts';

/** How much longer than the registration the subscription lasts; §5.2.3 wants it longer. */
const BEYOND: Duration = seconds(600);

export class RegEventSubscriptions {
  readonly #pcscf: PCscf;
  readonly #ua: UserAgent;
  /** One for each default public identity: it tells of its whole implicit set. */
  readonly #byImpu = new Map<string, Subscription>();

  constructor(pcscf: PCscf) {
    this.#pcscf = pcscf;
    const { name, mwPort } = pcscf.config;
    const self = nameAddr(sipUri({ host: name, port: mwPort }));
    this.#ua = new UserAgent(pcscf.sip, pcscf.host, {
      contact: self,
      from: self,
      attach: false,
    });
  }

  get size(): number {
    return this.#byImpu.size;
  }

  stop(): void {
    this.#ua.stop();
  }

  /** Takes a NOTIFY, or any other request, of a subscription of ours; false where it is not one. */
  receives(tx: ServerTransaction): boolean {
    if (!this.#ua.owns(tx.request)) return false;
    this.#ua.receive(tx);
    return true;
  }

  /** Subscribes for a user who has just registered, and forgets one who is gone. */
  follow(binding: Binding, now: Instant): void {
    const impu = binding.impus[0];
    if (impu === undefined) return;
    const standing = this.#byImpu.get(impu);
    if (binding.expires <= now || standing !== undefined) return;

    const { config, host, sip } = this.#pcscf;
    const self = nameAddr(sipUri({ host: config.name, port: config.mwPort }));
    const subscription = this.#ua.subscribe({
      uri: parseUri(impu),
      event: { package: 'reg', params: new Map() },
      expires: binding.expires - now + BEYOND,
      target: { uri: parseUri(config.icscf), point: sip.point },
      edits: [
        set(PAssertedIdentity, self),
        chargingVector(newIcid(host.random, config.name), config.name, config.visitedNetwork),
      ],
    });
    this.#byImpu.set(impu, subscription);
    subscription.onNotify = request => this.#notified(impu, request);
    subscription.onEnded = end => {
      if (this.#byImpu.get(impu) === subscription) this.#byImpu.delete(impu);
      host.log.debug('reg-event ended', { impu, reason: end.reason });
    };
  }

  /** §5.2.5.2: what the network says is terminated may speak no more. */
  #notified(impu: string, request: SipRequest): void {
    const { bindings, host } = this.#pcscf;
    const { registrations } = parseReginfo(Buffer.from(request.body).toString('utf8'));
    const ended = registrations.flatMap(({ state, contacts }) =>
      contacts.filter(contact => state === 'terminated' || contact.state === 'terminated'),
    );
    for (const { uri, event } of ended) {
      const gone = bindings.ofImpu(impu).filter(binding => binding.contact === uri);
      for (const binding of gone) {
        this.#pcscf.decide('p-cscf.deregistered', request, {
          chose: `forgot ${uri}`,
          because: `the S-CSCF reports its registration ${event}`,
          clause: 'TS 24.229 §5.2.5.2',
        });
        bindings.remove(binding).catch(error => {
          host.log.error('store failed', { error: String(error) });
        });
      }
    }
  }
}
