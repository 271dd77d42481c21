// docs/conformance.md from the working tree: what the code cites, what the tests hold, what is known
// to be missing.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parse } from 'yaml';
import { citationsOf, type SourceText } from './citations.ts';
import { isProof, isSupport, testsNear } from './proofs.ts';
import { conformance, type Gap } from './render.ts';

const root = join(import.meta.dirname, '../..');

export function makeConformance(): string {
  const files = [...sources('src'), ...sources('test')];
  const citations = citationsOf(files);
  const choose = (keep: (path: string) => boolean) =>
    new Map([...citations].filter(([path]) => keep(path)));
  return conformance({
    code: choose(path => !isProof(path) && !isSupport(path)),
    proofs: choose(isProof),
    testsOf: testsNear(files, targets()),
    gaps: readGaps(),
  });
}

/** What is known to be missing; throws where an entry lacks something. */
export function readGaps(): readonly Gap[] {
  const gaps = parse(readFileSync(join(root, 'docs/gaps.yaml'), 'utf8')) as readonly Gap[];
  for (const gap of gaps) {
    const whole = ['spec', 'state', 'what', 'why'].every(key => gap[key as keyof Gap]);
    if (!whole || !['not done', 'partly', 'deviation'].includes(gap.state)) {
      throw new Error(`docs/gaps.yaml: ${JSON.stringify(gap)} lacks something`);
    }
  }
  return gaps;
}

function sources(folder: string): readonly SourceText[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts') && !name.includes('node_modules'))
    .map(name => join(folder, name))
    .sort()
    .map(path => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/** The file that an import of a file means. */
function targets(): (path: string, specifier: string) => string | undefined {
  const { imports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    imports: Record<string, string>;
  };
  const aliases = Object.entries(imports).map(
    ([alias, path]) => [alias.replace('*', ''), path.replace(/^\.\//, '')] as const,
  );
  return (path, specifier) => {
    if (specifier.startsWith('.')) return relative(root, resolve(root, dirname(path), specifier));
    const alias = aliases.find(([prefix]) => specifier.startsWith(prefix));
    return alias === undefined
      ? undefined
      : alias[1].replace('*', specifier.slice(alias[0].length));
  };
}
