// The P-CSCF's subscription to the registration state of its users: so it learns what the network
// takes away (TS 24.229 §5.2.3, §5.2.5.2; RFC 3680).

import type { Timer } from '#kernel/host';
import { type Duration, type Instant, seconds } from '#kernel/time';
import type { ServerTransaction } from '#sip/endpoint';
import { SipError } from '#sip/error';
import { type NameAddr, nameAddr, PAssertedIdentity } from '#sip/headers';
import { type SipRequest, set } from '#sip/message';
import { parseReginfo, type Reginfo } from '#sip/reginfo';
import { parseUri, sipUri } from '#sip/uri';
import { type Subscription, UserAgent } from '#sip/user-agent';
import type { Binding } from './bindings.ts';
import { chargingVector, newIcid } from './charging.ts';
import type { PCscf } from './p-cscf.ts';

/** How much longer than the registration the subscription lasts; §5.2.3 wants it longer. */
const BEYOND: Duration = seconds(600);

/** How many subscriptions are made anew per second after a restart. */
const ANEW_PER_SECOND = 100;

interface Watched {
  readonly subscription: Subscription;
  /** The subscribers that hold this identity: a card and a password may register the same. */
  readonly impis: Set<string>;
}

export class RegEventSubscriptions {
  readonly #pcscf: PCscf;
  readonly #ua: UserAgent;
  /** One for each default public identity: it tells of its whole implicit set. */
  readonly #byImpu = new Map<string, Watched>();
  #anew: Timer | undefined;

  constructor(pcscf: PCscf) {
    this.#pcscf = pcscf;
    this.#ua = new UserAgent(pcscf.sip, pcscf.host, {
      contact: this.#self,
      from: this.#self,
      attach: false,
    });
  }

  get size(): number {
    return this.#byImpu.size;
  }

  /** The subscriptions of a former process died with it: its users are watched again, by and by. */
  start(): void {
    this.#watchAgain([...this.#pcscf.bindings.all()].values());
  }

  stop(): void {
    this.#anew?.cancel();
    this.#ua.stop();
  }

  /** Takes a NOTIFY, or any other request, of a subscription of ours; false where it is not one. */
  receives(tx: ServerTransaction): boolean {
    if (!this.#ua.owns(tx.request)) return false;
    void this.#ua.receive(tx);
    return true;
  }

  /** Watches whoever has registered, if nobody of his identities is watched already. */
  follow(binding: Binding, now: Instant): void {
    const impu = binding.impus[0];
    if (impu === undefined || binding.expires <= now) return;
    const watched = this.#byImpu.get(impu);
    if (watched !== undefined) {
      watched.impis.add(binding.impi);
      return;
    }
    const { config, host, sip } = this.#pcscf;
    const subscription = this.#ua.subscribe({
      uri: parseUri(impu),
      event: { package: 'reg', params: new Map() },
      expires: binding.expires - now + BEYOND,
      target: { uri: parseUri(config.icscf), point: sip.point },
      edits: [
        set(PAssertedIdentity, this.#self),
        chargingVector(newIcid(host.random, config.name), config.name, config.visitedNetwork),
      ],
    });
    this.#byImpu.set(impu, { subscription, impis: new Set([binding.impi]) });
    subscription.onNotify = request => this.#notified(impu, request);
    subscription.onEnded = end => {
      if (this.#byImpu.get(impu)?.subscription === subscription) this.#byImpu.delete(impu);
      host.log.debug('reg-event ended', { impu, reason: end.reason });
    };
  }

  get #self(): NameAddr {
    const { name, mwPort } = this.#pcscf.config;
    return nameAddr(sipUri({ host: name, port: mwPort }));
  }

  #watchAgain(bindings: Iterator<Binding>): void {
    const { clock } = this.#pcscf.host;
    this.#anew = clock.after(seconds(1), () => {
      for (let count = 0; count < ANEW_PER_SECOND; count++) {
        const { done, value } = bindings.next();
        if (done) return;
        this.follow(value, clock.now());
      }
      this.#watchAgain(bindings);
    });
  }

  /** §5.2.5.2: what the network says is terminated may speak no more. */
  #notified(impu: string, request: SipRequest): void {
    const { registrations } = read(request.body);
    for (const { state, contacts, aor } of registrations) {
      if (state === 'terminated' && contacts.length === 0) {
        this.#forget(impu, request, `the S-CSCF reports ${aor} terminated`, () => true);
      }
      for (const { uri, event, state: each } of contacts) {
        if (state !== 'terminated' && each !== 'terminated') continue;
        const because = `the S-CSCF reports its registration ${event}`;
        this.#forget(impu, request, because, ({ contact }) => contact === uri);
      }
    }
  }

  #forget(
    impu: string,
    request: SipRequest,
    because: string,
    isMeant: (binding: Binding) => boolean,
  ): void {
    const { bindings, host } = this.#pcscf;
    for (const impi of this.#byImpu.get(impu)?.impis ?? []) {
      for (const binding of bindings.ofImpi(impi)) {
        if (!binding.impus.includes(impu) || !isMeant(binding)) continue;
        this.#pcscf.decide('p-cscf.deregistered', request, {
          chose: `forgot ${binding.contact}`,
          because,
          clause: 'TS 24.229 §5.2.5.2',
        });
        bindings.remove(binding).catch(error => {
          host.log.error('store failed', { error: String(error) });
        });
      }
    }
  }
}

/** Throws SipError 400, which answers the NOTIFY. */
function read(document: Uint8Array): Reginfo {
  try {
    return parseReginfo(Buffer.from(document).toString('utf8'));
  } catch (error) {
    throw new SipError(400, `registration state: ${String(error)}`, { clause: 'RFC 3680 §5' });
  }
}
