// Chance from the system's generator, fetched in pools: one call to it per message would cost more
// than all else that a branch or a tag needs.

import { randomFillSync } from 'node:crypto';
import type { Random } from '../host.ts';

const POOL = 4096;

export class SystemRandom implements Random {
  readonly #pool = Buffer.alloc(POOL);
  #used = POOL;

  bytes(count: number): Uint8Array {
    if (count > POOL) return randomFillSync(new Uint8Array(count));
    const at = this.#take(count);
    return Uint8Array.from(this.#pool.subarray(at, at + count));
  }

  hex(count: number): string {
    if (count > POOL) return Buffer.from(this.bytes(count)).toString('hex');
    const at = this.#take(count);
    return this.#pool.toString('hex', at, at + count);
  }

  fraction(): number {
    const at = this.#take(8);
    const high = this.#pool.readUInt32LE(at) >>> 5;
    const low = this.#pool.readUInt32LE(at + 4) >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** No octet of the pool is handed out twice. */
  #take(count: number): number {
    if (this.#used + count > POOL) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += count;
    return at;
  }
}
