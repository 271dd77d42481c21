// Text that comes once and is read more than once, larger than memory perhaps and with secrets in it:
// it waits in a file without a name, gone with this process in any case.

import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '#kernel/errors';

export class TooLarge extends UsageError {
  override readonly name = 'TooLarge';
}

export class Spool {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Rejects with TooLarge beyond so many octets. */
  static async of(stream: AsyncIterable<unknown>, largest: number): Promise<Spool> {
    const directory = await mkdtemp(join(tmpdir(), 'carillon-'));
    let file: FileHandle;
    try {
      file = await open(join(directory, 'spool'), 'wx+', 0o600);
    } finally {
      await rm(directory, { recursive: true, force: true }); // open all the same, and nobody finds it
    }
    try {
      let octets = 0;
      for await (const chunk of stream) {
        octets += (chunk as Buffer).length;
        if (octets > largest) throw new TooLarge(`larger than ${largest} octets`);
        await file.write(chunk as Buffer);
      }
      return new Spool(file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** All of it as text in UTF-8, in pieces. */
  async *read(): AsyncGenerator<string> {
    const decoder = new TextDecoder();
    const buffer = Buffer.alloc(64 * 1024);
    for (let at = 0; ; ) {
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      yield decoder.decode(buffer.subarray(0, bytesRead), { stream: true });
    }
    yield decoder.decode();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
