// GRUUs: one identity on one device. Public ones here, what both kinds mean. RFC 5627 §3.1.1 and §5.1,
// TS 24.229 §5.4.7A.

import { impuOf, isSipUri, parseUri, sipUri, type Uri, uriText } from '#sip/uri';
import { type Binding, flowsByDevice } from './binding.ts';
import { isHome } from './numbers.ts';
import type { Profile } from './profile.ts';
import type { SCscf } from './s-cscf.ts';
import { isTemporaryGruu } from './temporary-gruu.ts';

/** For the identity that was registered, or the default where that is barred or no SIP URI. */
export function publicGruu(profile: Profile, binding: Binding): string | undefined {
  const instance = urnOf(binding);
  if (instance === undefined) return undefined;
  const registered = profile.find(binding.impu);
  const impu =
    registered !== undefined && !registered.barred && binding.impu.startsWith('sip:')
      ? binding.impu
      : profile.shown.find(shown => shown.startsWith('sip:'));
  if (impu === undefined) return undefined;
  const uri = parseUri(impu);
  if (!isSipUri(uri)) return undefined;
  return uriText(sipUri({ user: uri.user, host: uri.host, params: { gr: instance } }));
}

/** `+sip.instance="<urn:uuid:…>"` without its brackets, where it may stand in a URI as it is. */
function urnOf(binding: Binding): string | undefined {
  const urn = /^<(urn:[A-Za-z0-9:.-]{1,200})>$/.exec(binding.instance ?? '')?.[1];
  return urn;
}

/** The registered device that a GRUU of ours means: the flow to reach it by. */
export function deviceOf(scscf: SCscf, uri: Uri): Binding | undefined {
  if (!isSipUri(uri) || !uri.params.has('gr') || !isHome(uri.host, scscf.config)) return undefined;
  const temporary = scscf.temporaryGruus.read(uri);
  if (temporary !== undefined) {
    const known = scscf.registrar.ofImpu(temporary.impu)?.bindings ?? [];
    return flowsByDevice(known.filter(binding => temporary.means(binding)))[0]?.[0];
  }
  const bindings = scscf.registrar.ofImpu(impuOf(uri))?.bindings ?? [];
  return flowsByDevice(ofGruu(uri, bindings))[0]?.[0];
}

/**
 * What a temporary GRUU of ours stands for, as the public one, by which the rest of the network finds
 * the device; undefined where it stands for nothing any more. Any other URI is itself.
 */
export function revealed(scscf: SCscf, uri: Uri): Uri | undefined {
  if (!isTemporaryGruu(uri) || !isHome(uri.host, scscf.config)) return uri;
  const binding = deviceOf(scscf, uri);
  const set = binding === undefined ? undefined : scscf.registrar.ofImpu(binding.impu);
  const gruu = set === undefined ? undefined : publicGruu(set.profile, binding!);
  return gruu === undefined ? undefined : parseUri(gruu);
}

/** The bindings that a Request-URI with `gr` means; all of them where it has none. */
export function ofGruu(uri: Uri, bindings: readonly Binding[]): readonly Binding[] {
  const gr = isSipUri(uri) ? uri.params.get('gr') : undefined;
  if (gr === undefined) return bindings;
  return bindings.filter(binding => gr !== null && urnOf(binding) === gr);
}
