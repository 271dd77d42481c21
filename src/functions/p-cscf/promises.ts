// What a 200 to a REGISTER promises the UE is kept before the UE reads it. TS 24.229 §5.2.2.1

import { seconds } from '#kernel/time';
import type { ServerTransaction } from '#sip/endpoint';
import { Contact, contactExpires, Expires, PAssociatedUri, ServiceRoute, To } from '#sip/headers';
import { required } from '#sip/identities';
import type { SipResponse } from '#sip/message';
import { copied } from '#sip/text';
import { impuOf, sameUri, type Uri, uriText } from '#sip/uri';
import type { Binding } from './bindings.ts';
import type { PCscf } from './p-cscf.ts';

export async function keepWhatIsPromised(
  pcscf: PCscf,
  tx: ServerTransaction,
  impi: string,
  response: SipResponse,
): Promise<undefined> {
  if (response.status < 200 || response.status > 299) return;
  const { bindings } = pcscf;
  const promised = confirmed(response);
  for (const binding of asked(tx, impi, response, promised)) {
    await bindings.put(binding);
    pcscf.onBinding(binding, tx.now);
  }
  // The 200 lists every contact that stands (RFC 3261 §10.3 step 8): others of these identities are gone.
  for (const held of about(bindings.ofImpi(impi), identitiesOf(tx, response).map(impuOf))) {
    if (!promised.some(({ text }) => text === held.contact)) await bindings.remove(held);
  }
}

interface Confirmed {
  readonly uri: Uri;
  readonly text: string;
  readonly regId: string | undefined;
  /** Seconds. */
  readonly expires: number;
}

/** The contacts that a 200 says stand. */
function confirmed(response: SipResponse): readonly Confirmed[] {
  const whole = response.get(Expires) ?? 0;
  return response.all(Contact).flatMap(contact => {
    const expires = contactExpires(contact) ?? whole;
    if (contact.uri.scheme === '*' || expires <= 0) return [];
    const regId = contact.params.get('reg-id') ?? undefined;
    return [{ uri: contact.uri, text: copied(uriText(contact.uri)), regId, expires }];
  });
}

/** The bindings of this very REGISTER, as the 200 confirms them. */
function asked(
  tx: ServerTransaction,
  impi: string,
  response: SipResponse,
  promised: readonly Confirmed[],
): readonly Binding[] {
  const identities = identitiesOf(tx, response);
  const base = {
    impi: copied(impi),
    flow: tx.flow.id,
    associated: response.has(PAssociatedUri)
      ? response.all(PAssociatedUri).map(each => copied(PAssociatedUri.format(each)))
      : identities.map(uri => copied(`<${uriText(uri)}>`)),
    impus: identities.map(uri => copied(impuOf(uri))),
    serviceRoute: response.all(ServiceRoute).map(value => copied(ServiceRoute.format(value))),
  };
  return tx.request.all(Contact).flatMap(contact => {
    if (contact.uri.scheme === '*') return [];
    const regId = contact.params.get('reg-id') ?? undefined;
    const stands = promised.find(each => each.regId === regId && sameUri(each.uri, contact.uri));
    if (stands === undefined) return [];
    return [
      {
        ...base,
        contact: stands.text,
        ...(regId !== undefined && { regId: copied(regId) }),
        expires: tx.now + seconds(stands.expires),
      },
    ];
  });
}

/** Those the network associates; a 200 without any speaks of the one registered. */
function identitiesOf(tx: ServerTransaction, response: SipResponse): readonly Uri[] {
  const associated = response.all(PAssociatedUri);
  return (associated.length > 0 ? associated : [required(tx.request, To)]).map(({ uri }) => uri);
}

/**
 * Those of the bindings that a REGISTER of these identities is about. It may name a barred identity,
 * which is associated with nothing: then it is about all of the subscriber's.
 */
function about(held: readonly Binding[], impus: readonly string[]): readonly Binding[] {
  const his = held.filter(binding => impus.some(impu => binding.impus.includes(impu)));
  return his.length > 0 ? his : held;
}
