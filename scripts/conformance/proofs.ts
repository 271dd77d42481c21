// Which tests hold a source file: the one beside it, those that import it, and, where there is
// neither, those that reach it through the fewest others.

export interface Module {
  readonly path: string;
  readonly text: string;
}

/** A flow of `carillon flow` checks the clauses of its steps each time it runs. */
export const isProof = (path: string): boolean =>
  /\.test\.ts$/.test(path) || /^src\/operation\/flows\/(call|registration)\.ts$/.test(path);

/** What is there for tests alone. */
export const isSupport = (path: string): boolean =>
  /^test\/|\/testing[/.]|\/host-suite\/|\.suite\.ts$|\.fixture\.ts$/.test(path);

/** For each file, the tests nearest to it, nearest first and then by name. */
export function testsNear(
  modules: readonly Module[],
  targetOf: (path: string, specifier: string) => string | undefined,
): (path: string) => readonly string[] {
  const imports = new Map(
    modules.map(({ path, text }) => {
      const found = text.matchAll(/\bfrom\s*'([^']+)'|\bimport\s*\(?\s*'([^']+)'/g);
      const targets = Array.from(found, match => targetOf(path, match[1] ?? match[2]!));
      return [path, new Set(targets.filter(target => target !== undefined))];
    }),
  );
  const importers = new Map<string, string[]>();
  for (const [path, targets] of imports) {
    for (const target of targets) importers.set(target, [...(importers.get(target) ?? []), path]);
  }
  return path => {
    const beside = path.replace(/\.ts$/, '.test.ts');
    if (imports.has(beside)) return [beside];
    const seen = new Set([path]);
    let edge = [path];
    while (edge.length > 0) {
      const next = [...new Set(edge.flatMap(one => importers.get(one) ?? []))].filter(
        one => !seen.has(one),
      );
      const tests = next.filter(one => /\.test\.ts$/.test(one)).sort();
      if (tests.length > 0) return tests;
      for (const one of next) seen.add(one);
      edge = next;
    }
    return [];
  };
}
