// A registered contact, and what a registration set looks like at rest. RFC 3261 §10.3,
// RFC 3327 §5.3 (Path), RFC 3680 §4.7 (what watchers are told), TS 24.229 §5.4.1.

import type { Json } from '#kernel/host';
import type { Instant } from '#kernel/time';

export interface Binding {
  /** The contact's name towards watchers (RFC 3680 §5.1). */
  readonly id: string;
  /** +sip.instance and reg-id of the contact (RFC 5626 §4.1), where the UE gave them. */
  readonly instance?: string;
  readonly regId?: string;
  readonly impi: string;
  /** How the IMPI proves itself. A card is in one device; a password may be in several. */
  readonly scheme: 'AKA' | 'digest';
  /** The public identity in To of the REGISTER. */
  readonly impu: string;
  /** Contact URI, and its header parameters but `expires` and `q`. */
  readonly uri: string;
  readonly params: readonly (readonly [name: string, value: string | null])[];
  readonly displayName?: string;
  /** 0 to 1; 1 where the UE gave none (RFC 3261 §16.6 leaves it to us). */
  readonly q: number;
  /** URIs of the Path, the topmost first: the Route of what goes to the UE. */
  readonly path: readonly string[];
  readonly callId: string;
  readonly cseq: number;
  readonly since: Instant;
  readonly expires: Instant;
  readonly userAgent?: string;
  readonly visitedNetwork?: string;
  /** What the P-CSCF marked the REGISTER with (`integrity-protected`). */
  readonly protection: string;
}

/** Why a contact changed: the event attribute of RFC 3680 §5.3. */
export type ContactEvent =
  | 'registered'
  | 'created'
  | 'refreshed'
  | 'shortened'
  | 'expired'
  | 'deactivated'
  | 'probation'
  | 'unregistered'
  | 'rejected';

export interface ContactChange {
  readonly binding: Binding;
  readonly event: ContactEvent;
}

/** Contacts to try, those of the highest q first and side by side (RFC 3261 §16.6). */
export function byPreference(bindings: readonly Binding[]): readonly (readonly Binding[])[] {
  const groups = new Map<number, Binding[]>();
  for (const binding of bindings) {
    const group = groups.get(binding.q);
    if (group === undefined) groups.set(binding.q, [binding]);
    else group.push(binding);
  }
  return [...groups].sort(([a], [b]) => b - a).map(([, group]) => group);
}

/** The flows of each device, the latest first: only one is used at a time (RFC 5626 §5.3). */
export function flowsByDevice(bindings: readonly Binding[]): readonly (readonly Binding[])[] {
  const devices = new Map<string, Binding[]>();
  for (const binding of bindings) {
    const device =
      binding.instance === undefined ? binding.id : `${binding.impi} ${binding.instance}`;
    const flows = devices.get(device);
    if (flows === undefined) devices.set(device, [binding]);
    else flows.push(binding);
  }
  return [...devices.values()].map(flows => flows.reverse().sort((a, b) => b.expires - a.expires));
}

export const toJson = (binding: Binding): Json => binding as unknown as Json;
export const fromJson = (value: Json): Binding => value as unknown as Binding;
