// The UE watches its own registration: TS 24.229 §5.1.1.3 and §5.1.1.7, RFC 3680. What the network
// does to it, it learns here.

import { seconds } from '#kernel/time';
import { XmlError } from '#kernel/xml';
import { SipError } from '#sip/error';
import { Accept, nameAddr, PPreferredIdentity } from '#sip/headers';
import { type SipRequest, set } from '#sip/message';
import { NO_PARAMS } from '#sip/params';
import { parseReginfo, type ReginfoContact, reginfoType } from '#sip/reginfo';
import { parseUri, sameUri } from '#sip/uri';
import type { Subscription, UserAgent } from '#sip/user-agent';
import type { Gm } from './gm.ts';
import type { Registration } from './registration.ts';

export class RegEvent {
  readonly #gm: Gm;
  readonly #ua: UserAgent;
  readonly #registration: Registration;
  #subscription: Subscription | undefined;
  /** The contact events of the network, for whoever wants to know. */
  onEvent: (event: ReginfoContact['event']) => void = () => {};

  constructor(gm: Gm, ua: UserAgent, registration: Registration) {
    this.#gm = gm;
    this.#ua = ua;
    this.#registration = registration;
  }

  /** Subscribes unless a subscription stands: §5.1.1.3. */
  follow(): void {
    if (this.#subscription !== undefined) return;
    const gm = this.#gm;
    const subscription = this.#ua.subscribe({
      uri: gm.identity,
      from: gm.from(),
      event: { package: 'reg', params: NO_PARAMS },
      expires: seconds(600_000),
      edits: [
        set(Accept, { type: reginfoType, params: NO_PARAMS }),
        set(PPreferredIdentity, nameAddr(gm.identity)),
      ],
    });
    this.#subscription = subscription;
    subscription.onNotify = request => this.#notified(request);
    subscription.onEnded = end => {
      if (this.#subscription === subscription) this.#subscription = undefined;
      gm.host.log.debug('reg event ended', { reason: end.reason });
    };
  }

  /** The registration is gone: nobody is asked about it any more. */
  forget(): void {
    const subscription = this.#subscription;
    this.#subscription = undefined;
    // Later, because the NOTIFY that tells of the end may be the one that ends the subscription.
    this.#gm.host.clock.soon(() => subscription?.stop());
  }

  stop(): void {
    this.#subscription?.stop();
    this.#subscription = undefined;
  }

  get active(): boolean {
    return this.#subscription?.state === 'active';
  }

  /** Throws a SipError 400 where the document cannot be read. */
  #notified(request: SipRequest): void {
    if (request.body.length === 0) return;
    const ours = this.#ours(request);
    if (ours === undefined) return;
    this.onEvent(ours.event);
    const left = seconds(ours.expires ?? 0);
    if (ours.state === 'active') {
      if (ours.event === 'shortened') this.#registration.networkChanged('shortened', left);
      return;
    }
    switch (ours.event) {
      case 'deactivated':
      case 'rejected':
      case 'expired':
      case 'unregistered':
        this.#registration.networkChanged(ours.event, 0);
        break;
      case 'probation':
        this.#registration.networkChanged('probation', seconds(ours.retryAfter ?? 0));
    }
  }

  /** What the document says of our contact, under the identity we use. */
  #ours(request: SipRequest): ReginfoContact | undefined {
    const { registered } = this.#registration;
    if (registered === undefined) return undefined;
    try {
      const text = Buffer.from(request.body).toString('utf8');
      const contact = parseUri(registered.contact);
      for (const registration of parseReginfo(text).registrations) {
        const found = registration.contacts.find(each => sameUri(parseUri(each.uri), contact));
        if (found !== undefined) return found;
      }
      return undefined;
    } catch (error) {
      if (!(error instanceof XmlError)) throw error;
      throw new SipError(400, `the registration state cannot be read: ${error.message}`);
    }
  }
}
