// What the answer to a REGISTER tells the UE and the P-CSCF. TS 24.229 §5.4.1.2.2F, RFC 3608,
// RFC 3327 §5.3, RFC 5626 §6, RFC 5627 §3.

import { rspauth } from '#sip/digest';
import {
  AuthenticationInfo,
  Contact,
  nameAddr,
  PAssociatedUri,
  Path,
  PChargingFunctionAddresses,
  Require,
  RetryAfter,
  ServiceRoute,
  Supported,
} from '#sip/headers';
import { type Edit, type SipRequest, set } from '#sip/message';
import { withParams } from '#sip/params';
import { octetText } from '#sip/text';
import { parseUri } from '#sip/uri';
import type { Proof } from './authentication.ts';
import type { Binding } from './binding.ts';
import { contactOf } from './contacts.ts';
import type { User } from './credentials.ts';
import { publicGruu } from './gruu.ts';
import type { Profile } from './profile.ts';
import type { RegistrationSet } from './registrar.ts';
import type { SCscf } from './s-cscf.ts';

export const retryLater: Edit = set(RetryAfter, { seconds: 30, params: new Map() });

export const retryAfter = (status: number): readonly Edit[] => (status === 503 ? [retryLater] : []);

/** What a 200 to REGISTER tells: §5.4.1.2.2F */
export function okHeaders(
  scscf: SCscf,
  request: SipRequest,
  set_: RegistrationSet,
  user: User,
): readonly Edit[] {
  const { profile, bindings } = set_;
  const now = scscf.host.clock.now();
  const withGruu = request.all(Supported).some(tag => tag.toLowerCase() === 'gruu');
  const contacts = bindings.map(binding => {
    const gruu = withGruu ? publicGruu(profile, binding) : undefined;
    const contact = contactOf(binding, now, gruu);
    // RFC 5627 §5.1: both kinds, or neither
    const temporary = gruu === undefined ? undefined : scscf.temporaryGruus.make(binding);
    if (temporary === undefined) return contact;
    return { ...contact, params: withParams(contact.params, { 'temp-gruu': temporary }) };
  });
  const identities = profile.shown.map(impu =>
    nameAddr(parseUri(impu), undefined, displayNameOf(profile, impu)),
  );
  const edits: Edit[] = [
    set(Path, ...request.all(Path)),
    set(Contact, ...contacts),
    set(ServiceRoute, nameAddr(scscf.originatingRoute)),
    set(PAssociatedUri, ...identities),
  ];
  if (bindings.some(each => each.impi === user.impi && usesOutbound(each, request))) {
    edits.push(set(Require, 'outbound')); // RFC 5626 §6
  }
  if (profile.charging !== undefined) edits.push(set(PChargingFunctionAddresses, profile.charging));
  return edits;
}

/** A person's text as the octets of a message. */
function displayNameOf(profile: Profile, impu: string): string | undefined {
  const name = profile.find(impu)?.displayName;
  return name === undefined ? undefined : octetText(name);
}

/** RFC 5626 §6: the flow was kept by the edge proxy, which said so by `ob` in its Path. */
function usesOutbound(binding: Binding, request: SipRequest): boolean {
  if (binding.regId === undefined || binding.instance === undefined) return false;
  const first = request.all(Path).at(-1);
  return first !== undefined && 'params' in first.uri && first.uri.params.has('ob');
}

/** The registrar proves itself, too: RFC 7616 §3.5, §5.4.1.2.2F for SIP digest. */
export function serverProof(proof: Proof, user: User): readonly Edit[] {
  const { answer } = user;
  if (proof.kind !== 'answer' || answer === undefined || !('ha1' in proof.secret)) return [];
  const { params } = answer;
  if (params.get('qop')?.toLowerCase() !== 'auth') return [];
  const [nc, cnonce] = [params.get('nc') ?? '', params.get('cnonce') ?? ''];
  const proven = rspauth({
    ha1: proof.secret.ha1,
    algorithm: proof.secret.algorithm,
    method: 'REGISTER',
    uri: params.get('uri') ?? '',
    nonce: proof.challenge.nonce,
    qop: 'auth',
    nc,
    cnonce,
  });
  const values = new Map([
    ['qop', 'auth'],
    ['rspauth', proven],
    ['cnonce', cnonce],
    ['nc', nc],
  ]);
  return [set(AuthenticationInfo, { scheme: '', params: values })];
}
