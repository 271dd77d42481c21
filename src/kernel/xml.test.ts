import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { element, parseXml, XML_LIMITS, type XmlElement, XmlError, xmlDocument } from './xml.ts';

test('a document is read with its attributes, text, CDATA, comments and entities', () => {
  const root = parseXml(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
    <!-- before --><?app data?>
    <a one='1' two="&quot;x&#x41;&amp;">t<!-- in -->u<b/><![CDATA[<&]]>&lt;&#228;</a>
    <!-- after -->`);
  assert.equal(root.name, 'a');
  assert.deepEqual(
    [...root.attributes],
    [
      ['one', '1'],
      ['two', '"xA&'],
    ],
  ); // prettier-ignore
  assert.equal(root.text, 'tu<&<ä');
  assert.deepEqual(
    root.children.map(child => child.name),
    ['b'],
  );
});

test('names lose their prefix and keep their namespace', () => {
  const root = parseXml(
    '<p:reginfo xmlns:p="urn:r" xmlns="urn:d"><p:a/><b xmlns=""><c/></b></p:reginfo>',
  );
  const [a, b] = root.children as [XmlElement, XmlElement];
  assert.deepEqual([root.name, root.namespace], ['reginfo', 'urn:r']);
  assert.equal(a.namespace, 'urn:r');
  assert.deepEqual([b.namespace, b.child('c')?.namespace], ['', '']);
});

test('line ends become LF in text and spaces in attributes', () => {
  const root = parseXml('<a b="x\r\ny\tz">1\r\n2\r3</a>');
  assert.equal(root.text, '1\n2\n3');
  assert.equal(root.attributes.get('b'), 'x y z');
});

const refused: Readonly<Record<string, string>> = {
  'a document type': '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
  'an entity of its own': '<a>&nbsp;</a>',
  'a bare ampersand': '<a>x & y</a>',
  'an entity without end': '<a>&amp</a>',
  'a character reference to a control': '<a>&#0;</a>',
  'a character reference to a surrogate': '<a>&#xD800;</a>',
  'a character reference beyond Unicode': '<a>&#x110000;</a>',
  'a control character': '<a>\u0001</a>',
  'half a surrogate pair': '<a>\ud800</a>',
  'an end tag that closes nothing': '<a></b>',
  'overlapping elements': '<a><b></a></b>',
  'no end': '<a><b></b>',
  'two roots': '<a/><b/>',
  'text after the root': '<a/>x',
  'text before the root': 'x<a/>',
  nothing: '',
  'an attribute twice': '<a b="1" b="2"/>',
  'an attribute without quotes': '<a b=1/>',
  'attributes side by side': '<a b="1"c="2"/>',
  '< in an attribute': '<a b="<"/>',
  ']]> in text': '<a>]]></a>',
  '-- in a comment': '<a><!-- x -- y --></a>',
  'an undeclared prefix': '<p:a/>',
  'two colons': '<a xmlns:p="x"><p:q:r/></a>',
  'another encoding': '<?xml version="1.0" encoding="UTF-16"?><a/>',
  'a declaration in the middle': '<a><?xml version="1.0"?></a>',
  'a number as name': '<1/>',
};
for (const [what, document] of Object.entries(refused)) {
  test(`${what} is refused`, () => assert.throws(() => parseXml(document), XmlError));
}

test('depth, elements, attributes and length are bounded', () => {
  const nest = (depth: number) => '<a>'.repeat(depth) + '</a>'.repeat(depth);
  assert.ok(parseXml(nest(XML_LIMITS.depth)));
  assert.throws(() => parseXml(nest(XML_LIMITS.depth + 1)), /deep/);
  const wide = (count: number) => `<a>${'<b/>'.repeat(count)}</a>`;
  assert.ok(parseXml(wide(XML_LIMITS.elements - 1)));
  assert.throws(() => parseXml(wide(XML_LIMITS.elements)), /many elements/);
  const attributes = Array.from({ length: XML_LIMITS.attributes + 1 }, (_, i) => ` a${i}=""`);
  assert.throws(() => parseXml(`<a${attributes.join('')}/>`), /many attributes/);
  assert.throws(() => parseXml(`<a>${'x'.repeat(XML_LIMITS.length)}</a>`), /longer/);
});

const tree: fc.Arbitrary<XmlElement> = fc.letrec<{ node: XmlElement }>(tie => ({
  node: fc
    .tuple(
      fc.constantFrom('a', 'Identity', 'x-y', 'é'),
      fc.dictionary(fc.constantFrom('p', 'q'), fc.string({ unit: 'grapheme' }), {
        noNullPrototype: true,
      }),
      fc.array(
        fc.oneof({ maxDepth: 4 }, fc.string({ unit: 'grapheme', minLength: 1 }), tie('node')),
        { maxLength: 4 },
      ),
    )
    .map(([name, attributes, content]) => element(name, attributes, ...merged(content))),
})).node;

/** Neighbouring texts as one, as reading gives them; no characters that XML cannot carry. */
function merged(content: readonly (XmlElement | string)[]): (XmlElement | string)[] {
  const parts: (XmlElement | string)[] = [];
  for (const part of content) {
    const last = parts.at(-1);
    if (typeof part === 'string' && typeof last === 'string') parts[parts.length - 1] = last + part;
    else parts.push(part);
  }
  return parts;
}

const replaced = (text: string) =>
  text.toWellFormed().replace(/[\0-\x08\x0B\x0C\x0E-\x1F\uFFFE\uFFFF]/g, '\uFFFD');

function plain(node: XmlElement): unknown {
  return [
    node.name,
    [...node.attributes].map(([name, value]) => [name, replaced(value)]),
    node.content.map(part => (typeof part === 'string' ? replaced(part) : plain(part))),
  ];
}

test('what is written is read back, whatever characters it holds', () => {
  fc.assert(
    fc.property(tree, root => assert.deepEqual(plain(parseXml(xmlDocument(root))), plain(root))),
    { numRuns: 300, seed: 7 },
  );
});

test('no text makes the reader throw anything but its own error', () => {
  const pieces = fc.constantFrom('<a>', '</a>', '<', '>', '&', ';', '&#x', 'amp', '"', "'", '=', ' ', '<!--', '-->', '<![CDATA[', ']]>', '<?', '?>', '/', 'xml', '\u0000', '\ud800', 'xmlns:p="u"', 'p:b'); // biome-ignore format: a list of fragments
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), parts => {
      try {
        parseXml(parts.join(''));
      } catch (error) {
        assert.ok(error instanceof XmlError, String(error));
      }
    }),
    { numRuns: 3000, seed: 7 },
  );
});
