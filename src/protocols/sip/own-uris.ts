// By which URIs others name one function: its domain names with any port, and what it listens on with
// that very port, because several functions may share an address.

import type { Address } from '#kernel/host';
import { isSipUri, type Uri } from './uri.ts';

const DEFAULT_PORT = 5060;
const DEFAULT_SECURE_PORT = 5061;

export class OwnUris {
  readonly #names = new Set<string>();
  readonly #addresses = new Set<string>();

  constructor(...names: readonly string[]) {
    for (const name of names) this.addName(name);
  }

  addName(name: string): void {
    this.#names.add(name.toLowerCase());
  }

  addAddress({ host, port }: Address): void {
    this.#addresses.add(`${host.toLowerCase()} ${port}`);
  }

  /** Whether a SIP or SIPS URI leads here, whatever its user part. */
  has(uri: Uri): boolean {
    if (!isSipUri(uri)) return false;
    if (this.#names.has(uri.host)) return true;
    const secure = uri.scheme === 'sips' || uri.params.get('transport')?.toLowerCase() === 'tls';
    const port = uri.port ?? (secure ? DEFAULT_SECURE_PORT : DEFAULT_PORT);
    return this.#addresses.has(`${uri.host} ${port}`);
  }
}
