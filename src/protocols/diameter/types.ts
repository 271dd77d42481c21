// The data formats of AVPs. RFC 6733 §4.2 (basic), §4.3 (derived), §4.4 (grouped).

import { isUtf8 } from 'node:buffer';
import { assert } from '#kernel/errors';
import type { Instant } from '#kernel/time';
import { addressOctets, addressText } from './address.ts';
import type { Avp } from './avp.ts';
import type { DataType, InputOf, Members, ValuesOf } from './definition.ts';
import { DiameterError } from './errors.ts';
import { readAvps, readMembers, settleMembers, type Values, writeMembers } from './group.ts';

function expectLength(format: string, length: number, start: number, end: number): void {
  if (end - start !== length) {
    throw new DiameterError(
      'DIAMETER_INVALID_AVP_LENGTH',
      `${format} of ${end - start} octets, not ${length}`,
      { offset: start, clause: 'RFC 6733 §4.2' },
    );
  }
}

const invalid = (message: string, offset: number): DiameterError =>
  new DiameterError('DIAMETER_INVALID_AVP_VALUE', message, { offset, clause: 'RFC 6733 §4.3' });

const same = <T>(value: T): T => value;

/** Octets of the reader's own: keeping them keeps nothing else alive. */
export const octetString: DataType<Uint8Array> = {
  format: 'OctetString',
  write: (value, to) => to.bytes(value),
  read: (octets, start, end) => new Uint8Array(octets.subarray(start, end)),
  settle: value => new Uint8Array(value),
};

export const unsigned32: DataType<number> = {
  format: 'Unsigned32',
  write: (value, to) => to.u32(value),
  read(octets, start, end) {
    expectLength('Unsigned32', 4, start, end);
    return octets.readUInt32BE(start);
  },
  settle(value) {
    assert(value >>> 0 === value, `${value} is no Unsigned32`);
    return value;
  },
};

export const integer32: DataType<number> = {
  format: 'Integer32',
  write: (value, to) => to.u32(value >>> 0),
  read(octets, start, end) {
    expectLength('Integer32', 4, start, end);
    return octets.readInt32BE(start);
  },
  settle(value) {
    assert((value | 0) === value, `${value} is no Integer32`);
    return value;
  },
};

export const unsigned64: DataType<bigint> = {
  format: 'Unsigned64',
  write(value, to) {
    to.u32(Number(value >> 32n));
    to.u32(Number(value & 0xffff_ffffn));
  },
  read(octets, start, end) {
    expectLength('Unsigned64', 8, start, end);
    return octets.readBigUInt64BE(start);
  },
  settle(value) {
    assert(BigInt.asUintN(64, value) === value, `${value} is no Unsigned64`);
    return value;
  },
};

export const integer64: DataType<bigint> = {
  format: 'Integer64',
  write: (value, to) => unsigned64.write(BigInt.asUintN(64, value), to),
  read(octets, start, end) {
    expectLength('Integer64', 8, start, end);
    return octets.readBigInt64BE(start);
  },
  settle(value) {
    assert(BigInt.asIntN(64, value) === value, `${value} is no Integer64`);
    return value;
  },
};

export const utf8String: DataType<string> = {
  format: 'UTF8String',
  write: (value, to) => to.text(value),
  read(octets, start, end) {
    const text = octets.toString('utf8', start, end);
    // ASCII, which nearly all are, is told by its length and by what stands for broken sequences
    const isAscii = text.length === end - start && !text.includes('\uFFFD');
    if (!isAscii && !isUtf8(octets.subarray(start, end))) throw invalid('not UTF-8', start);
    return text;
  },
  settle: value => (value.isWellFormed() ? value : value.toWellFormed()),
};

/** An OctetString that holds a document in UTF-8; other octets are refused. */
export const utf8Octets: DataType<string> = { ...utf8String, format: 'OctetString' };

/** An OctetString that holds text, one character per octet, as the SIP layer keeps its own. */
export const octetText: DataType<string> = {
  format: 'OctetString',
  write(value, to) {
    to.reserve(value.length);
    to.at += to.octets.write(value, to.at, 'latin1');
  },
  read: (octets, start, end) => octets.toString('latin1', start, end),
  settle(value) {
    assert(!/[^\0-\xff]/.test(value), 'text of octets with a character above 255');
    return value;
  },
};

/** A fully qualified domain name or realm, in lower case or not, as it came. */
export const diameterIdentity: DataType<string> = {
  format: 'DiameterIdentity',
  write: (value, to) => to.text(value),
  read(octets, start, end) {
    if (start === end || end - start > 255) throw invalid('not a domain name', start);
    const text = octets.toString('latin1', start, end);
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code <= 0x20 || code >= 0x7f) throw invalid('not a domain name', start);
    }
    return text;
  },
  settle(value) {
    assert(/^[!-~]{1,255}$/.test(value), `${value} is no DiameterIdentity`);
    return value;
  },
};

/** `aaa://host:port;transport=tcp`, not taken apart. */
export const diameterUri: DataType<string> = { ...utf8String, format: 'DiameterURI' };

/** An IPv4 or IPv6 address as a literal, or the digits of an E.164 number. */
export const address: DataType<string> = {
  format: 'Address',
  write: (value, to) => to.bytes(addressOctets(value)),
  read: (octets, start, end) => addressText(octets, start, end),
  settle(value) {
    const octets = Buffer.from(addressOctets(value));
    return addressText(octets, 0, octets.length);
  },
};

const SECONDS_1900_TO_1970 = 2_208_988_800;

/** Seconds since 1900 modulo 2^32; values before 1968 are read as of the era from 2036 on. */
export const time: DataType<Instant> = {
  format: 'Time',
  write: (value, to) => to.u32((Math.floor(value / 1000) + SECONDS_1900_TO_1970) >>> 0),
  read(octets, start, end) {
    expectLength('Time', 4, start, end);
    const since1900 = octets.readUInt32BE(start);
    const era = since1900 & 0x8000_0000 ? 0 : 0x1_0000_0000;
    return (since1900 + era - SECONDS_1900_TO_1970) * 1000;
  },
  settle: value => Math.floor(value / 1000) * 1000,
};

/** Names for numbers. A number outside the table is DIAMETER_INVALID_AVP_VALUE. */
export function enumerated<const E extends Readonly<Record<string, number>>>(
  names: E,
): DataType<keyof E & string> {
  const byNumber = new Map<number, keyof E & string>();
  for (const name in names) byNumber.set(names[name] as number, name);
  return {
    format: 'Enumerated',
    names,
    write: (value, to) => to.u32((names[value] as number) >>> 0),
    read(octets, start, end) {
      expectLength('Enumerated', 4, start, end);
      const name = byNumber.get(octets.readInt32BE(start));
      if (name === undefined) throw invalid(`no value ${octets.readInt32BE(start)}`, start);
      return name;
    },
    settle(value) {
      assert(Object.hasOwn(names, value), `no value ${value}`);
      return value;
    },
  };
}

/** AVPs within an AVP. What `members` does not name is passed over, as `* [ AVP ]` allows. */
export function grouped<const M extends Members>(members: M): DataType<ValuesOf<M>, InputOf<M>> {
  return {
    format: 'Grouped',
    members,
    write: (value, to) => writeMembers(members, value as Values, to),
    read: (octets, start, end) => readMembers(members, octets, start, end) as ValuesOf<M>,
    settle: value => settleMembers(members, value as Values) as ValuesOf<M>,
  };
}

/** AVPs of any kind within an AVP: Failed-AVP. */
export const anyAvps: DataType<readonly Avp[]> = {
  format: 'Grouped',
  members: {},
  write(value, to) {
    for (const avp of value) avp.writeTo(to);
  },
  read: (octets, start, end) => readAvps(octets, start, end),
  settle: same,
};
