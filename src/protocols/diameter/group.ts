// AVPs in a row, matched with what a command or a grouped AVP may hold: how often, in what type.
// RFC 6733 §3.2 (cardinalities), §4.4 (groups), §7.1.5 (what to answer).

import { assert } from '#kernel/errors';
import { Avp, MANDATORY, MAX_AVP_LENGTH, VENDOR_SPECIFIC, writeAvp } from './avp.ts';
import type { AnyAvp, AvpDefinition, Member, Members } from './definition.ts';
import { avpKey, lookup } from './dictionary.ts';
import { DiameterError, inAvp } from './errors.ts';
import type { Writer } from './writer.ts';

/** AVPs side by side in one message or one group, at most. */
export const MAX_AVPS = 4_096;

interface Slot {
  readonly key: string;
  readonly avp: AvpDefinition<unknown>;
  readonly many: boolean;
  readonly min: number;
  readonly max: number;
}

export interface Plan {
  readonly slots: readonly Slot[];
  readonly byKey: ReadonlyMap<number, Slot>;
}

const plans = new WeakMap<Members, Plan>();

/** The members in the form that reading and writing want; made once. */
export function planOf(members: Members): Plan {
  let plan = plans.get(members);
  if (plan === undefined) {
    const slots = Object.entries(members).map(([key, member]) => slotOf(key, member));
    plan = {
      slots,
      byKey: new Map(slots.map(slot => [avpKey(slot.avp.vendor, slot.avp.code), slot])),
    };
    assert(plan.byKey.size === slots.length, `one AVP under two keys: ${Object.keys(members)}`);
    plans.set(members, plan);
  }
  return plan;
}

function slotOf(key: string, member: Member): Slot {
  switch (member.kind) {
    case 'avp':
      return { key, avp: known(member), many: false, min: 1, max: 1 };
    case 'optional':
      return { key, avp: known(member.avp), many: false, min: 0, max: 1 };
    case 'many':
      return { key, avp: known(member.avp), many: true, min: member.min, max: member.max };
  }
}

const known = (avp: AnyAvp): AvpDefinition<unknown> => avp as unknown as AvpDefinition<unknown>;

export type Values = Record<string, unknown>;

/** Takes problems with elements that may be absent, so that the rest stays usable. */
export type OnProblem = (problem: DiameterError) => void;

/**
 * Collects values from AVPs offered one by one; unknown ones are told by `false`. `lenient` keeps
 * the rest of an answer usable when an element of it is not.
 */
export class Collector {
  readonly values: Values = {};
  readonly #plan: Plan;
  readonly #lenient: OnProblem | undefined;

  constructor(plan: Plan, lenient?: OnProblem) {
    this.#plan = plan;
    this.#lenient = lenient;
    for (const slot of plan.slots) if (slot.many) this.values[slot.key] = [];
  }

  slot(vendor: number, code: number): Slot | undefined {
    const slot = this.#plan.byKey.get(avpKey(vendor, code));
    return slot !== undefined && slot.avp.code === code ? slot : undefined;
  }

  /** `read` gives the value, `whole` the AVP for the Failed-AVP of an answer. */
  take(slot: Slot, read: () => unknown, whole: () => Avp): void {
    try {
      this.#put(slot, read, whole);
    } catch (error) {
      if (!(error instanceof DiameterError)) throw error;
      const located = error.failedAvp === undefined ? inAvp(error, whole()) : error;
      if (this.#lenient === undefined || slot.min > 0) throw located;
      this.#lenient(located);
    }
  }

  #put(slot: Slot, read: () => unknown, whole: () => Avp): void {
    const { key } = slot;
    if (slot.many) {
      const list = this.values[key] as unknown[];
      if (list.length >= slot.max) throw tooMany(slot, whole());
      list.push(read());
    } else {
      if (this.values[key] !== undefined) throw tooMany(slot, whole());
      this.values[key] = read();
    }
  }

  /** What may not lack is there, or it throws DIAMETER_MISSING_AVP. */
  finish(): Values {
    for (const slot of this.#plan.slots) {
      if (slot.min === 0) continue;
      const value = this.values[slot.key];
      const count = slot.many ? (value as unknown[]).length : value === undefined ? 0 : 1;
      if (count < slot.min) throw missing(slot.avp);
    }
    return this.values;
  }
}

function tooMany(slot: Slot, extra: Avp): DiameterError {
  return new DiameterError(
    'DIAMETER_AVP_OCCURS_TOO_MANY_TIMES',
    `${slot.avp.name} more than ${slot.max} times`,
    { clause: 'RFC 6733 §7.1.5', failedAvp: extra },
  );
}

/** The Failed-AVP of what is missing: its header, and zeros as long as its format wants. §7.5 */
export function missing(avp: AnyAvp): DiameterError {
  const flags = (avp.vendor === 0 ? 0 : VENDOR_SPECIFIC) | MANDATORY;
  return new DiameterError('DIAMETER_MISSING_AVP', `${avp.name} is missing`, {
    clause: avp.spec,
    failedAvp: Avp.raw(avp.code, avp.vendor, flags, new Uint8Array(minimumLength(avp))),
  });
}

const MINIMUM: Readonly<Record<string, number>> = {
  Unsigned32: 4,
  Integer32: 4,
  Enumerated: 4,
  Time: 4,
  Unsigned64: 8,
  Integer64: 8,
  Address: 6,
};

const minimumLength = (avp: AnyAvp): number => MINIMUM[avp.type.format] ?? 0;

// ------------------------------------------------------------------------------------ reading

/** Where one AVP lies, as the walk over its neighbours finds it. */
export interface Place {
  code: number;
  flags: number;
  vendor: number;
  start: number;
  data: number;
  dataEnd: number;
  /** Padding included; the last AVP may lack it. */
  end: number;
}

/**
 * Finds the AVP at `start`. Throws DIAMETER_INVALID_AVP_LENGTH with what RFC 6733 §7.1.5 wants as
 * Failed-AVP: the header, and the data where its length is that of its format.
 */
export function placeAt(octets: Buffer, start: number, end: number, place: Place): void {
  if (end - start < 8) throw truncated(octets, start, end);
  const code = octets.readUInt32BE(start);
  const word = octets.readUInt32BE(start + 4);
  const flags = word >>> 24;
  const length = word & MAX_AVP_LENGTH;
  const header = flags & VENDOR_SPECIFIC ? 12 : 8;
  if (length < header || start + length > end) throw truncated(octets, start, end);
  place.code = code;
  place.flags = flags;
  place.vendor = header === 12 ? octets.readUInt32BE(start + 8) : 0;
  place.start = start;
  place.data = start + header;
  place.dataEnd = start + length;
  place.end = Math.min(start + ((length + 3) & ~3), end);
}

export const newPlace = (): Place => ({
  code: 0,
  flags: 0,
  vendor: 0,
  start: 0,
  data: 0,
  dataEnd: 0,
  end: 0,
});

function truncated(octets: Buffer, start: number, end: number): DiameterError {
  const left = Buffer.alloc(12); // an incomplete header is filled up with zeros
  octets.copy(left, 0, start, Math.min(end, start + 12));
  const [code, flags] = [left.readUInt32BE(0), left[4] as number];
  const vendor = flags & VENDOR_SPECIFIC ? left.readUInt32BE(8) : 0;
  const definition = lookup(vendor, code);
  const data = new Uint8Array(definition === undefined ? 0 : minimumLength(definition));
  return new DiameterError(
    'DIAMETER_INVALID_AVP_LENGTH',
    `AVP ${definition?.name ?? code} does not end where its length says`,
    {
      offset: start,
      clause: 'RFC 6733 §4.1',
      failedAvp: Avp.raw(code, vendor, vendor === 0 ? flags & ~VENDOR_SPECIFIC : flags, data),
    },
  );
}

/** Reads `octets[start, end)` as AVPs of `members`. Throws a DiameterError. */
export function readMembers(members: Members, octets: Buffer, start: number, end: number): Values {
  const collector = new Collector(planOf(members));
  const place = newPlace();
  for (let at = start, count = 0; at < end; at = place.end) {
    if (++count > MAX_AVPS) throw tooManyAvps(at);
    placeAt(octets, at, end, place);
    const slot = collector.slot(place.vendor, place.code);
    const { code, flags, vendor, data, dataEnd, end: next } = place;
    const whole = () =>
      new Avp(code, flags, vendor, { octets, start: at, end: next, data, dataEnd }, undefined);
    if (slot !== undefined) {
      collector.take(slot, () => slot.avp.type.read(octets, data, dataEnd), whole);
    } else if (flags & MANDATORY && lookup(vendor, code) === undefined) {
      throw unsupported(whole());
    }
  }
  return collector.finish();
}

export function unsupported(avp: Avp): DiameterError {
  return new DiameterError(
    'DIAMETER_AVP_UNSUPPORTED',
    `AVP ${avp.code} of vendor ${avp.vendor} is mandatory and unknown`,
    { clause: 'RFC 6733 §4.1', failedAvp: avp },
  );
}

export const tooManyAvps = (offset: number): DiameterError =>
  new DiameterError('DIAMETER_RESOURCES_EXCEEDED', `more than ${MAX_AVPS} AVPs`, { offset });

// ------------------------------------------------------------------------------------ writing

/** Writes the values in the order of the declaration. */
export function writeMembers(members: Members, values: Values, to: Writer): void {
  for (const { key, avp, many } of planOf(members).slots) {
    const value = values[key];
    if (value === undefined) continue;
    if (many) for (const one of value as readonly unknown[]) writeAvp(to, avp, one);
    else writeAvp(to, avp, value);
  }
}

/** The values as reading them back would give them: nothing undefined, every `many` an array. */
export function settleMembers(members: Members, values: Values): Values {
  const settled: Values = {};
  for (const { key, avp, many, min } of planOf(members).slots) {
    const value = values[key];
    if (many) settled[key] = ((value ?? []) as unknown[]).map(one => avp.type.settle(one));
    else if (value !== undefined) settled[key] = avp.type.settle(value);
    else assert(min === 0, `${avp.name} is missing`);
  }
  return settled;
}

/** Every AVP of `octets[start, end)`, values unread. Throws a DiameterError. */
export function readAvps(octets: Buffer, start: number, end: number, into: Avp[] = []): Avp[] {
  const place = newPlace();
  for (let at = start; at < end; at = place.end) {
    if (into.length === MAX_AVPS) throw tooManyAvps(at);
    placeAt(octets, at, end, place);
    const { code, flags, vendor, data, dataEnd, end: next } = place;
    into.push(
      new Avp(code, flags, vendor, { octets, start: at, end: next, data, dataEnd }, undefined),
    );
  }
  return into;
}
