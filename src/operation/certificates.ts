// The certificate a network shows: the files its settings name, or a self-signed one that is kept.

import { readFileSync } from 'node:fs';
import { UsageError } from '#kernel/errors';
import { type Certificate, keptSelfSigned, selfSigned } from '#kernel/node/self-signed';
import type { Instant } from '#kernel/time';

export interface CertificateFiles {
  readonly key: string;
  readonly cert: string;
}

/** Throws a UsageError that names the file which cannot be read. */
export function certificateOf(
  files: CertificateFiles | undefined,
  names: readonly string[],
  place: { readonly data: string | undefined; readonly now: Instant },
): Certificate {
  if (files !== undefined)
    return { key: textOf('key', files.key), cert: textOf('cert', files.cert) };
  const options = { names, now: place.now };
  return place.data === undefined ? selfSigned(options) : keptSelfSigned(place.data, options);
}

function textOf(what: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`pcscf.certificate.${what}: ${(error as Error).message}`);
  }
}
