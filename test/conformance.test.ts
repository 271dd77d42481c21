import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { citationsOf } from '../scripts/conformance/citations.ts';
import { readGaps } from '../scripts/conformance/make.ts';

const root = join(import.meta.dirname, '..');
const docs = join(root, 'docs/conformance.md');

const cited = (text: string): readonly string[] =>
  citationsOf([{ path: 'a.ts', text }])
    .get('a.ts')!
    .map(({ document, clause, symbol }) => `${document} ${clause} in ${symbol}`);

test('a clause belongs to the document before it, over commas and lines', () => {
  assert.deepEqual(
    cited(
      "// What it is. TS 24.229 §5.4.1.2,\n// §5.4.1.4 and RFC 3261\n// §10.3.\nexport const a = '';\n",
    ),
    ['TS 24.229 §5.4.1.2 in a', 'TS 24.229 §5.4.1.4 in a', 'RFC 3261 §10.3 in a'],
  );
});

test('a bare clause belongs to the document of its file that has it', () => {
  assert.deepEqual(
    cited(
      '// One. RFC 3261 §16.6; TS 24.229 §5.4.3.2.\n\n/** Two. §5.4.3.2 step 4 */\nfunction two() {}\n',
    ).at(-1),
    'TS 24.229 §5.4.3.2 in two',
  );
});

test('a document without a clause is cited as a whole, a decision by its name', () => {
  const text =
    "// RFC 3327\n\nfunction f() {\n  x.decide('p-cscf.path', { because, clause: 'RFC 3327 §5.3' });\n}\n";
  const [whole, decided] = citationsOf([{ path: 'a.ts', text }]).get('a.ts')!;
  assert.deepEqual([whole?.clause, whole?.decision], ['', undefined]);
  assert.deepEqual([decided?.clause, decided?.decision], ['§5.3', 'p-cscf.path']);
});

test('what is listed as not done is not cited as done', () => {
  const text = readFileSync(docs, 'utf8');
  for (const { spec, clause, state } of readGaps()) {
    if (state !== 'not done') continue;
    const chapter = text.split('\n## ').find(one => one.startsWith(spec)) ?? '';
    assert.ok(chapter.includes('**not done**'), `${spec} shows no gap`);
    const row = `\n| ${clause ?? 'throughout'} | [`;
    assert.ok(!chapter.includes(row), `${spec} ${clause}: cited by the code, listed as not done`);
  }
});

test('every link of the document leads to a file', () => {
  const text = readFileSync(docs, 'utf8');
  const links = new Set(Array.from(text.matchAll(/\]\((\.\.[^)]+)\)/g), match => match[1]!));
  assert.ok(links.size > 100);
  for (const link of links) assert.ok(existsSync(join(dirname(docs), link)), link);
});
