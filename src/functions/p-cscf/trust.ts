// The trust boundary on Gm (TS 24.229 §5.2.6.3, RFC 3325 §5): what only the network may assert is
// taken out of what a UE sends, and what is the network's own is taken out of what it is sent.

import { PAssertedIdentity, Privacy } from '#sip/headers';
import {
  type Edit,
  remove,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '#sip/message';

/** Headers a UE has no business sending; §4.4 and §5.2.6.3. */
const NETWORK_ASSERTED = [
  'P-Asserted-Identity',
  'P-Charging-Vector',
  'P-Charging-Function-Addresses',
  'P-Visited-Network-ID',
  'P-Served-User',
  'P-Profile-Key',
  'P-User-Database',
  'P-Called-Party-ID',
  'P-Associated-URI',
  'P-Asserted-Service',
  'P-Private-Network-Indication',
  'Service-Route',
  'Path',
  'Restoration-Info',
  'Relayed-Charge',
  'Service-Interact-Info',
  'Response-Source',
  'Attestation-Info',
  'Origination-Id',
  'Additional-Identity',
  'Feature-Caps',
] as const;

/** What stays inside the trust domain; §5.2.6.4, and for where the other party is, §4.4.3. */
const NETWORK_PRIVATE = [
  'P-Access-Network-Info',
  'P-Charging-Vector',
  'P-Charging-Function-Addresses',
  'P-Served-User',
  'P-Profile-Key',
  'P-User-Database',
] as const;

const present = (message: SipMessage, names: readonly string[]): readonly string[] =>
  names.filter(name => message.has(name));

/** What must go from a message of a UE before the network sees it. */
export const untrusted = (message: SipMessage): readonly string[] => {
  const names = present(message, NETWORK_ASSERTED);
  return claimsNetwork(message) ? [...names, LOCATION] : names;
};

const LOCATION = 'P-Access-Network-Info';

/** Location that says it is the network's, which charging and emergency calls rely on. RFC 7315 §5.4 */
const claimsNetwork = (message: SipMessage): boolean =>
  message.has(LOCATION) &&
  message.raw(LOCATION).some(value => /;\s*network-provided\s*(?:[;,=]|$)/i.test(value));

/** The message without it. */
export function withoutUntrusted<M extends SipRequest | SipResponse>(message: M): M {
  return message.with(...untrusted(message).map(name => remove(name))) as M;
}

/** Takes out what a UE may not see, and who speaks where he wants that withheld (RFC 3325 §7). */
export function privateEdits(message: SipMessage): readonly Edit[] {
  const edits = present(message, NETWORK_PRIVATE).map(name => remove(name));
  if (message.get(Privacy)?.includes('id')) edits.push(remove(PAssertedIdentity));
  return edits;
}
