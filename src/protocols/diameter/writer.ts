// A growing buffer that messages are written into, front to back.

/** Octets under construction; one is shared by all messages, since writing never waits. */
export class Writer {
  octets: Buffer = Buffer.allocUnsafeSlow(16_384);
  at = 0;

  /** Makes sure that `count` more octets fit. */
  reserve(count: number): void {
    if (this.at + count <= this.octets.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.octets.length * 2, this.at + count));
    this.octets.copy(larger, 0, 0, this.at);
    this.octets = larger;
  }

  u8(value: number): void {
    this.reserve(1);
    this.octets[this.at++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    this.octets.writeUInt32BE(value, this.at);
    this.at += 4;
  }

  /** One octet and 24 bits: how Diameter pairs flags or version with lengths and codes. */
  u8u24(high: number, low: number): void {
    this.reserve(4);
    this.octets.writeUInt32BE(high * 0x1000000 + low, this.at);
    this.at += 4;
  }

  bytes(octets: Uint8Array): void {
    this.reserve(octets.length);
    this.octets.set(octets, this.at);
    this.at += octets.length;
  }

  text(text: string): void {
    this.reserve(text.length * 3); // UTF-8 takes at most three octets per UTF-16 unit
    this.at += this.octets.write(text, this.at, 'utf8');
  }

  /** Zero octets up to the next multiple of four from `start`. */
  pad(start: number): void {
    this.reserve(3);
    while ((this.at - start) & 3) this.octets[this.at++] = 0;
  }
}

const shared = new Writer();

/** What `write` writes, as octets of their own. Calls may nest. */
export function written(write: (writer: Writer) => void): Buffer {
  const start = shared.at;
  try {
    write(shared);
    return Buffer.from(shared.octets.subarray(start, shared.at));
  } finally {
    shared.at = start;
  }
}
