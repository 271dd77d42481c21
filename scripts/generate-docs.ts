// Writes what is generated under docs/: node scripts/generate-docs.ts. A test holds that it is current.

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NetworkSchema } from '#networks/schema';
import { makeConformance } from './conformance/make.ts';

/** Generated files, by their path from the root of the checkout. */
export function generatedDocs(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/network.schema.json', networkSchema()],
    ['docs/conformance.md', makeConformance()],
  ]);
}

/** What editors check a network file by: name it in the file's first line. */
function networkSchema(): string {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $comment: 'Generated from src/networks/schema.ts by scripts/generate-docs.ts',
    ...(withoutDefaulted(NetworkSchema) as object),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** What has a default need not stand in a file. */
function withoutDefaulted(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutDefaulted);
  if (typeof schema !== 'object' || schema === null) return schema;
  const members = Object.entries(schema).map(([key, value]) => [key, withoutDefaulted(value)]);
  const { required, properties, ...rest } = Object.fromEntries(members);
  if (!Array.isArray(required)) return Object.fromEntries(members);
  const left = required.filter(name => properties[name].default === undefined);
  return { ...rest, ...(left.length === 0 ? {} : { required: left }), properties };
}

if (import.meta.main) {
  for (const [path, text] of generatedDocs()) {
    writeFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), text);
    process.stdout.write(`${path}\n`);
  }
}
