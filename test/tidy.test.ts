// The house rules that a machine can hold. Each failure names file and line.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const LAYERS = ['kernel', 'protocols', 'functions', 'networks', 'operation'];
const LONGEST = 400;

/** Tables may be as long as the specification's. */
const TABLES = new Set(['src/protocols/diameter/cx.ts']);
/** It names every way out in order to close it. */
const GUARDS = 'src/kernel/simulation/guards.ts';
/** What is run, or imported by whoever uses the package, and so by no other file. */
const ENTRIES = [/^src\/operation\/cli\/main\.ts$/, /^src\/operation\/cli\/test-reporter\.ts$/];

interface Source {
  /** From the root of the checkout. */
  readonly path: string;
  readonly lines: readonly string[];
  /** The lines without their comments, joined. */
  readonly code: string;
  readonly isTest: boolean;
  readonly imports: readonly Import[];
}

interface Import {
  readonly line: number;
  readonly specifier: string;
  /** The names taken, as written between the braces. */
  readonly names: string;
  /** The file meant, from the root; undefined for packages and node's own modules. */
  readonly target: string | undefined;
}

function filesUnder(folder: string, pattern: RegExp): string[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter(name => pattern.test(name) && !/(^|\/)(node_modules|results)\//.test(name))
    .map(name => join(folder, name))
    .filter(name => statSync(join(root, name)).isFile())
    .sort();
}

const aliases: Record<string, string> = Object.fromEntries(
  Object.entries(
    JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).imports as Record<string, string>,
  ).map(([alias, path]) => [alias.replace('*', ''), path.replace(/^\.\/|\*\.ts$/g, '')]),
);

function targetOf(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) {
    return relative(root, resolve(root, dirname(path), specifier));
  }
  const alias = Object.keys(aliases).find(one => specifier.startsWith(one));
  return alias === undefined ? undefined : `${aliases[alias]}${specifier.slice(alias.length)}.ts`;
}

/** Comments blanked, so that they may name what the code may not. */
function codeOf(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, comment => comment.replace(/[^\n]/g, ' '))
    .replace(/(^|[\s;{},(])\/\/.*$/gm, '$1');
}

function importsOf(path: string, code: string): Import[] {
  const found: Import[] = [];
  const pattern = /\b(?:import|export)\b([^;'"]*?)\bfrom\s*'([^']+)'|\bimport\s*\(?\s*'([^']+)'/g;
  for (const match of code.matchAll(pattern)) {
    const specifier = match[2] ?? match[3]!;
    const line = code.slice(0, match.index).split('\n').length;
    found.push({ line, specifier, names: match[1] ?? '', target: targetOf(path, specifier) });
  }
  return found;
}

function read(path: string): Source {
  const text = readFileSync(join(root, path), 'utf8');
  const code = codeOf(text);
  // What only tests use: suites and what helps tests beside the code.
  const isTest = /\.test\.ts$|^test\/|\/host-suite\/|\.suite\.ts$|\/testing[/.]/.test(path);
  return { path, lines: text.split('\n'), code, isTest, imports: importsOf(path, code) };
}

const source = filesUnder('src', /\.ts$/).map(read);
const tests = filesUnder('test', /\.ts$/).map(read);
const product = source.filter(file => !file.isTest);

const layerOf = (path: string): string => path.split('/')[1]!;
const isIn = (file: Source, ...folders: string[]) =>
  folders.some(folder => file.path.startsWith(`src/${folder}/`));

/** Layers that are one folder each; in the others every protocol and function is one. */
const ONE_FOLDER = new Set(['kernel', 'networks', 'operation']);
const folderOf = (path: string): string => path.split('/')[2]!;

function none(problems: readonly string[]): void {
  assert.equal(problems.length, 0, `\n${problems.join('\n')}\n`);
}

test('there is something to hold to the rules', () => {
  assert.ok(product.length > 50);
  assert.ok(product.some(file => file.imports.length > 0));
});

test('every import leads to a file', () => {
  none(
    [...source, ...tests].flatMap(file =>
      file.imports
        .filter(({ target }) => target !== undefined && !existsSync(join(root, target)))
        .map(({ line, specifier }) => `${file.path}:${line} imports ${specifier}`),
    ),
  );
});

test('imports point downwards: operation, networks, functions, protocols, kernel', () => {
  const problems = product.flatMap(file => {
    const own = LAYERS.indexOf(layerOf(file.path));
    return file.imports
      .filter(({ target }) => target?.startsWith('src/'))
      .filter(({ target }) => LAYERS.indexOf(layerOf(target!)) > own)
      .map(({ line, specifier }) => `${file.path}:${line} reaches up to ${specifier}`);
  });
  none(problems);
  assert.ok(product.every(file => LAYERS.includes(layerOf(file.path))));
});

test('functions meet on links: none imports another', () => {
  none(
    source
      .filter(file => isIn(file, 'functions') && !file.isTest)
      .flatMap(file =>
        file.imports
          .filter(({ target }) => target?.startsWith('src/functions/'))
          .filter(({ target }) => folderOf(target!) !== folderOf(file.path))
          .map(({ line, specifier }) => `${file.path}:${line} imports ${specifier}`),
      ),
  );
});

test('across folders imports go by alias, inside one by path', () => {
  none(
    product.flatMap(file =>
      file.imports
        .filter(({ specifier, target }) => {
          if (!specifier.startsWith('.')) return false;
          const layer = layerOf(file.path);
          if (layer !== layerOf(target!)) return true;
          return !ONE_FOLDER.has(layer) && folderOf(file.path) !== folderOf(target!);
        })
        .map(({ line, specifier }) => `${file.path}:${line} imports ${specifier}`),
    ),
  );
});

test('the host is the only way out: no clock, socket, file or chance past it', () => {
  const outside = product.filter(
    file =>
      isIn(file, 'kernel', 'protocols', 'functions') &&
      !isIn(file, 'kernel/node') &&
      file.path !== GUARDS,
  );
  const ways =
    /\b(Date\.now|Date\(\)|new Date\(|setTimeout|setInterval|setImmediate|Math\.random|performance\.(now|timeOrigin)|process\.\w+|crypto\.(subtle|getRandomValues|randomUUID)|WebSocket\(|globalThis\.\w+|fetch\(['"`])/;
  const modules = new Set(['node:crypto', 'node:buffer', 'node:util']);
  const chance = /\b(random\w*|webcrypto|subtle|getRandomValues|generate\w+|scrypt|pbkdf2|hkdf)\b/;
  const problems = outside.flatMap(file => {
    const found: string[] = [];
    for (const [i, line] of file.code.split('\n').entries()) {
      const way = ways.exec(line);
      if (way !== null) found.push(`${file.path}:${i + 1} ${way[0]}`);
    }
    for (const { line, specifier, names, target } of file.imports) {
      // The simulator follows which procedure caused which: it is the host, not one of its guests.
      if (specifier === 'node:async_hooks' && isIn(file, 'kernel/simulation')) continue;
      if (target === undefined && !modules.has(specifier)) {
        found.push(`${file.path}:${line} imports ${specifier}`);
      } else if (specifier === 'node:crypto' && chance.test(names)) {
        found.push(`${file.path}:${line} takes ${chance.exec(names)![0]} from node:crypto`);
      }
    }
    return found;
  });
  none(problems);
});

test('compositions reach the network through hosts alone', () => {
  const sockets = /^(node:(net|dgram|tls|http2?|https|dns)(\/promises)?|ws)$/;
  none(
    product
      .filter(file => isIn(file, 'networks'))
      .flatMap(file =>
        file.imports
          .filter(({ specifier }) => sockets.test(specifier))
          .map(({ line, specifier }) => `${file.path}:${line} imports ${specifier}`),
      ),
  );
});

test(`no file is longer than ${LONGEST} lines`, () => {
  none(
    product
      .filter(file => !TABLES.has(file.path) && file.lines.length - 1 > LONGEST)
      .map(file => `${file.path} has ${file.lines.length - 1} lines: look for its second subject`),
  );
});

test('every file opens with what it is', () => {
  none(
    product
      .filter(file => !/^(\/\/|\/\*\*|#!)/.test(file.lines[0]!))
      .map(file => `${file.path} begins without a comment`),
  );
});

test('every file is used by something other than its own test', () => {
  const isOwnTest = (test: string, path: string): boolean =>
    test === path.replace(/\.ts$/, '.test.ts');
  const users = (path: string) =>
    [...source, ...tests].filter(
      file => !isOwnTest(file.path, path) && file.imports.some(({ target }) => target === path),
    );
  none(
    product
      .filter(
        file => users(file.path).length === 0 && !ENTRIES.some(entry => entry.test(file.path)),
      )
      .map(file => `${file.path} is imported by nothing`),
  );
});

test('every spec names a document, and a clause the way documents do', () => {
  const wellFormed =
    /^(RFC \d{3,5}|TS \d\d\.\d{3}|ITU-T [A-Z]\.\d+(\.\d+)?|GSMA [A-Z]+\.\d+|draft-[a-z0-9-]+)( (§|annex )[A-Z0-9][A-Z0-9.]*)?$/i;
  const problems = product.flatMap(file => {
    const found = file.code.matchAll(/\bspec: '([^']*)'/g);
    return Array.from(found)
      .filter(([, spec]) => !wellFormed.test(spec!))
      .map(([, spec]) => `${file.path}: '${spec}'`);
  });
  none(problems);
});

test('no test is left alone or left out without a reason', () => {
  none(
    [...source, ...tests].flatMap(file =>
      Array.from(file.code.matchAll(/\b(test|it|describe)\.(only|skip|todo)\b/g)).map(
        ([what]) => `${file.path}: ${what}`,
      ),
    ),
  );
});

test('nothing names a folder of the machine it was written on', () => {
  const folders = ['work', 'farm', 'root', 'home/\\w+', 'Users/\\w+', 'tmp/\\w+-?studio'];
  const path = new RegExp(`(^|[\\s'"\`(=:])/(${folders.join('|')})/`);
  const texts = /\.(ts|js|json|md|ya?ml|sh|xml|csv|txt)$/;
  const top = readdirSync(root).filter(name => texts.test(name) && name !== 'package-lock.json');
  const folded = ['src', 'test', 'bench', 'docs', 'examples', 'scripts', '.ci'];
  const all = [...top, ...folded.flatMap(folder => filesUnder(folder, texts))];
  none(
    all.flatMap(name =>
      readFileSync(join(root, name), 'utf8')
        .split('\n')
        .flatMap((line, i) => (path.test(line) ? [`${name}:${i + 1} ${line.trim()}`] : [])),
    ),
  );
});
