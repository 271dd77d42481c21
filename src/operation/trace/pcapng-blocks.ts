// The blocks of a pcapng file: draft-ietf-opsawg-pcapng.

const BLOCK = {
  sectionHeader: 0x0a0d0d0a,
  interfaceDescription: 1,
  nameResolution: 4,
  enhancedPacket: 6,
} as const;

/** Packets begin with their IP header. */
const LINKTYPE_RAW = 101;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Longest value of an option. */
const OPTION_LIMIT = 0xffff;

type Option = readonly [code: number, value: Uint8Array | string];

export function sectionHeader(application: string): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  body.writeUInt16LE(1, 4); // version 1.0
  body.writeBigInt64LE(-1n, 8); // length of the section unknown: it may be a stream
  return block(BLOCK.sectionHeader, body, [[4, application]]);
}

/** Timestamps count microseconds. */
export function interfaceDescription(name: string, description: string): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt16LE(LINKTYPE_RAW, 0);
  return block(BLOCK.interfaceDescription, body, [
    [2, name],
    [3, description],
    [9, Uint8Array.of(6)],
  ]);
}

/** A name for an address: four octets, or sixteen. */
export function nameResolution(address: Uint8Array, name: string): Buffer {
  const value = Buffer.concat([address, Buffer.from(`${name}\0`)]);
  const record = Buffer.alloc(4);
  record.writeUInt16LE(address.length === 4 ? 1 : 2, 0);
  record.writeUInt16LE(value.length, 2);
  return block(BLOCK.nameResolution, Buffer.concat([record, padded(value), Buffer.alloc(4)]), []);
}

/** `time` in milliseconds since 1970. */
export function enhancedPacket(
  interfaceNumber: number,
  time: number,
  packet: Uint8Array,
  comments: readonly string[],
): Buffer {
  const micros = BigInt(Math.round(time * 1000));
  const body = Buffer.alloc(20);
  body.writeUInt32LE(interfaceNumber, 0);
  body.writeUInt32LE(Number(micros >> 32n), 4);
  body.writeUInt32LE(Number(micros & 0xffffffffn), 8);
  body.writeUInt32LE(packet.length, 12);
  body.writeUInt32LE(packet.length, 16);
  const options = comments.map(comment => [1, comment] as const);
  return block(BLOCK.enhancedPacket, Buffer.concat([body, padded(packet)]), options);
}

function block(type: number, body: Uint8Array, options: readonly Option[]): Buffer {
  const written = options.map(optionOctets);
  if (written.length > 0) written.push(Buffer.alloc(4)); // opt_endofopt
  const content = Buffer.concat([body, ...written]);
  const length = content.length + 12;
  const header = Buffer.alloc(8);
  header.writeUInt32LE(type, 0);
  header.writeUInt32LE(length, 4);
  const trailer = Buffer.alloc(4);
  trailer.writeUInt32LE(length, 0);
  return Buffer.concat([header, content, trailer]);
}

function optionOctets([code, value]: Option): Buffer {
  const octets = Buffer.from(value).subarray(0, OPTION_LIMIT);
  const header = Buffer.alloc(4);
  header.writeUInt16LE(code, 0);
  header.writeUInt16LE(octets.length, 2);
  return Buffer.concat([header, padded(octets)]);
}

function padded(octets: Uint8Array): Buffer {
  const whole = Buffer.alloc(Math.ceil(octets.length / 4) * 4);
  whole.set(octets);
  return whole;
}
