// Arbitrary messages: of declared commands with values that fit, and of AVPs that nobody declared.

import fc from 'fast-check';
import type { AnyCommand } from '../application.ts';
import { Avp } from '../avp.ts';
import { avpsOf } from '../command.ts';
import type { AnyAvp, Member, Members } from '../definition.ts';
import { allCommands } from '../dictionary.ts';
import type { Values } from '../group.ts';
import { DiameterMessage } from '../message.ts';

const u32 = fc.nat({ max: 0xffffffff });
const octets = fc.uint8Array({ maxLength: 40 });
const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const domain = fc.stringMatching(/^[a-z0-9.-]{1,30}$/);

/** A value that `type` can write. */
function valueFor(avp: AnyAvp): fc.Arbitrary<unknown> {
  const { type } = avp;
  if (type.members !== undefined && Object.keys(type.members).length > 0) {
    return valuesOf(type.members);
  }
  if (type.names !== undefined) return fc.constantFrom(...Object.keys(type.names));
  switch (type.format) {
    case 'Unsigned32':
      return u32;
    case 'Time':
      return fc.nat({ max: 4_000_000_000 }).map(seconds => seconds * 1000);
    case 'Unsigned64':
      return fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
    case 'UTF8String':
    case 'DiameterURI':
      return text;
    case 'DiameterIdentity':
      return domain;
    case 'Address':
      return fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^\d{1,15}$/));
    case 'Grouped':
      return fc.array(unknownAvp, { maxLength: 2 });
    default:
      return isText(avp) ? fc.stringMatching(/^[ -~]{0,20}$/) : octets;
  }
}

/** An OctetString that code sees as text: told by what reading it gives. */
const isText = (avp: AnyAvp): boolean => typeof avp.type.read(Buffer.alloc(0), 0, 0) === 'string';

export function valuesOf(members: Members): fc.Arbitrary<Values> {
  const fields = Object.entries(members).map(([key, member]) => [key, ofMember(member)] as const);
  return fc.record(Object.fromEntries(fields)) as fc.Arbitrary<Values>;
}

function ofMember(member: Member): fc.Arbitrary<unknown> {
  if (member.kind === 'avp') return valueFor(member);
  const one = valueFor(member.avp);
  if (member.kind === 'optional') return fc.option(one, { nil: undefined, freq: 1 });
  const { min, max } = member;
  return fc.array(one, { minLength: min, maxLength: Math.min(max, min + 2) });
}

export const unknownAvp: fc.Arbitrary<Avp> = fc
  .record({
    code: u32,
    vendor: fc.oneof(fc.constant(0), fc.nat({ max: 0xffffffff })),
    flags: fc.nat({ max: 0x7f }),
    data: octets,
  })
  .map(({ code, vendor, flags, data }) =>
    Avp.raw(code, vendor, vendor === 0 ? flags : flags | 0x80, data),
  );

const header = fc.record({ hopByHop: u32, endToEnd: u32, flags: fc.nat({ max: 0xff }) });

/** Requests and answers of every declared command, with some AVPs that nobody knows. */
export const messages: fc.Arbitrary<{
  readonly message: DiameterMessage;
  readonly command: AnyCommand;
  readonly values: Values;
}> = fc
  .constantFrom(...allCommands())
  .chain(command =>
    fc
      .tuple(fc.constantFrom('request', 'answer'), header)
      .chain(([side, ids]) =>
        fc
          .tuple(valuesOf(command[side as 'request']), fc.array(unknownAvp, { maxLength: 3 }))
          .map(([values, unknown]) => ({ command, side, ids, values, unknown })),
      ),
  )
  .map(({ command, side, ids, values, unknown }) => {
    const flags = side === 'request' ? ids.flags | 0x80 : ids.flags & 0x7f;
    const avps = [...avpsOf(command[side as 'request'], values), ...unknown];
    const { code, application } = command;
    const head = { ...ids, flags, code, application: application.id };
    return { message: new DiameterMessage(head, avps), command, values };
  });
