// A small strict XML reader and writer for the documents that networks exchange: service profiles,
// registration state, conference state. Extensible Markup Language 1.0 and Namespaces in XML 1.0,
// without document types: no DTD, no entities but the five and characters by number. What a peer
// sends is bounded in length, depth, elements and attributes.

import { ProtocolError } from './errors.ts';

export class XmlError extends ProtocolError {
  override readonly name: string = 'XmlError';
}

/** Bounds of one document. */
export const XML_LIMITS = {
  /** UTF-16 units. */
  length: 1_048_576,
  depth: 32,
  elements: 65_536,
  /** Per element. */
  attributes: 64,
} as const;

export class XmlElement {
  /** Without its prefix. */
  readonly name: string;
  /** The namespace its name is in; '' for none. */
  readonly namespace: string;
  /** By name as written, prefix included; namespace declarations among them. */
  readonly attributes: ReadonlyMap<string, string>;
  /** Elements and character data, in order. */
  readonly content: readonly (XmlElement | string)[];

  constructor(
    name: string,
    namespace: string,
    attributes: ReadonlyMap<string, string>,
    content: readonly (XmlElement | string)[],
  ) {
    this.name = name;
    this.namespace = namespace;
    this.attributes = attributes;
    this.content = content;
  }

  get children(): readonly XmlElement[] {
    return this.content.filter(part => part instanceof XmlElement);
  }

  /** Its own character data, without that of its children. */
  get text(): string {
    return this.content.filter(part => typeof part === 'string').join('');
  }

  /** The first child of the name. */
  child(name: string): XmlElement | undefined {
    for (const part of this.content) {
      if (part instanceof XmlElement && part.name === name) return part;
    }
    return undefined;
  }

  all(name: string): readonly XmlElement[] {
    return this.children.filter(child => child.name === name);
  }
}

// ------------------------------------------------------------------------------------ writing

/** An element to be written. `undefined` content and attributes are left out. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number | undefined>>,
  ...content: readonly (XmlElement | string | undefined)[]
): XmlElement {
  const given = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [key, String(value)] as const);
  const parts = content.filter(
    (part): part is XmlElement | string => part !== undefined && part !== '',
  );
  return new XmlElement(name, attributes.xmlns?.toString() ?? '', new Map(given), parts);
}

/** The whole document, with its declaration, on one line. */
export function xmlDocument(root: XmlElement): string {
  return `<?xml version="1.0" encoding="UTF-8"?>${elementText(root)}`;
}

function elementText(self: XmlElement): string {
  let text = `<${self.name}`;
  for (const [name, value] of self.attributes) text += ` ${name}="${escaped(value)}"`;
  if (self.content.length === 0) return `${text}/>`;
  text += '>';
  for (const part of self.content)
    text += typeof part === 'string' ? escaped(part) : elementText(part);
  return `${text}</${self.name}>`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/** Characters that XML cannot carry at all become U+FFFD: a document we write is well-formed. */
function escaped(text: string): string {
  if (!/[&<>"\p{Cc}\uFFFE\uFFFF\p{Cs}]/u.test(text)) return text;
  return text
    .toWellFormed()
    .replace(/[&<>"\t\n\r]/g, found => ESCAPES[found] as string)
    .replace(/[\0-\x08\x0B\x0C\x0E-\x1F\uFFFE\uFFFF]/g, '\uFFFD');
}

// ------------------------------------------------------------------------------------ reading

/** Reads a document. Throws an XmlError that says where and what. */
export function parseXml(text: string): XmlElement {
  return new Reader(text).document();
}

interface Open {
  readonly qualified: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly content: (XmlElement | string)[];
  /** Prefixes in scope; '' is the default namespace. */
  readonly namespaces: ReadonlyMap<string, string>;
}

const NAME = /[\p{L}_:][\p{L}\p{N}_:.\-\u00B7]*/uy;
const SPACE = /[ \t\r\n]*/y;
const ILLEGAL = /[\0-\x08\x0B\x0C\x0E-\x1F\uFFFE\uFFFF]/;
const ROOT_NAMESPACES: ReadonlyMap<string, string> = new Map([
  ['xml', 'http://www.w3.org/XML/1998/namespace'],
]);

class Reader {
  readonly #text: string;
  #at = 0;
  #elements = 0;

  constructor(text: string) {
    if (text.length > XML_LIMITS.length) throw new XmlError(`longer than ${XML_LIMITS.length}`);
    this.#text = text;
    const illegal = ILLEGAL.exec(text);
    if (illegal !== null) throw new XmlError('a character XML forbids', { offset: illegal.index });
    if (!text.isWellFormed()) throw new XmlError('half a surrogate pair');
  }

  document(): XmlElement {
    if (this.#text.startsWith('\uFEFF')) this.#at = 1;
    if (/^<\?xml[ \t\r\n]/.test(this.#text.slice(this.#at, this.#at + 6))) this.#declaration();
    this.#misc();
    const root = this.#root();
    this.#misc();
    if (this.#at < this.#text.length) throw this.#error('something after the root element');
    return root;
  }

  #declaration(): void {
    const end = this.#text.indexOf('?>', this.#at);
    const declaration = this.#text.slice(this.#at, end);
    const [, encoding] = /encoding\s*=\s*["']([^"']*)["']/.exec(declaration) ?? [];
    if (end < 0 || !/version\s*=\s*["']1\.\d+["']/.test(declaration)) {
      throw this.#error('a broken XML declaration');
    }
    if (encoding !== undefined && !/^(utf-?8|us-ascii)$/i.test(encoding)) {
      throw this.#error(`encoding ${encoding}, not UTF-8`);
    }
    this.#at = end + 2;
  }

  /** Space, comments and processing instructions around the root. */
  #misc(): void {
    for (;;) {
      this.#space();
      if (this.#looksAt('<!--')) this.#comment();
      else if (this.#looksAt('<?')) this.#instruction();
      else return;
    }
  }

  #root(): XmlElement {
    const stack: Open[] = [];
    for (;;) {
      const closed = this.#tag(stack);
      if (closed === undefined) continue;
      const parent = stack.at(-1);
      if (parent === undefined) return closed;
      parent.content.push(closed);
    }
  }

  /** Takes the next piece inside the open elements; returns an element that it closes. */
  #tag(stack: Open[]): XmlElement | undefined {
    const open = stack.at(-1);
    if (open !== undefined) this.#characters(open);
    if (this.#looksAt('</')) return this.#endTag(stack);
    if (open !== undefined && this.#looksAt('<!--')) this.#comment();
    else if (open !== undefined && this.#looksAt('<![CDATA[')) this.#cdata(open);
    else if (open !== undefined && this.#looksAt('<?')) this.#instruction();
    else if (this.#looksAt('<!')) throw this.#error('document types are not taken');
    else return this.#startTag(stack);
    return undefined;
  }

  #startTag(stack: Open[]): XmlElement | undefined {
    this.#expect('<');
    if (++this.#elements > XML_LIMITS.elements) throw this.#error('too many elements');
    if (stack.length >= XML_LIMITS.depth) throw this.#error('nested too deep');
    const qualified = this.#name();
    const attributes = this.#attributes();
    const namespaces = this.#declared(attributes, stack.at(-1)?.namespaces ?? ROOT_NAMESPACES);
    const opened: Open = { qualified, attributes, content: [], namespaces };
    if (this.#looksAt('/>')) {
      this.#at += 2;
      return this.#close(opened);
    }
    this.#expect('>');
    stack.push(opened);
    return undefined;
  }

  #endTag(stack: Open[]): XmlElement {
    this.#at += 2;
    const name = this.#name();
    const open = stack.pop();
    if (open?.qualified !== name) throw this.#error(`</${name}> closes nothing`);
    this.#space();
    this.#expect('>');
    return this.#close(open);
  }

  #close(open: Open): XmlElement {
    const colon = open.qualified.indexOf(':');
    const prefix = colon < 0 ? '' : open.qualified.slice(0, colon);
    const name = open.qualified.slice(colon + 1);
    const namespace = open.namespaces.get(prefix) ?? (prefix === '' ? '' : undefined);
    if (namespace === undefined || name === '' || name.includes(':')) {
      throw this.#error(`${open.qualified} is in no namespace`);
    }
    return new XmlElement(name, namespace, open.attributes, open.content);
  }

  #attributes(): ReadonlyMap<string, string> {
    const attributes = new Map<string, string>();
    for (;;) {
      const before = this.#at;
      this.#space();
      if (this.#looksAt('>') || this.#looksAt('/>')) return attributes;
      if (this.#at === before) throw this.#error('no space before an attribute');
      const name = this.#name();
      if (attributes.has(name)) throw this.#error(`attribute ${name} twice`);
      if (attributes.size >= XML_LIMITS.attributes) throw this.#error('too many attributes');
      this.#space();
      this.#expect('=');
      this.#space();
      attributes.set(name, this.#attributeValue());
    }
  }

  #attributeValue(): string {
    const quote = this.#text[this.#at];
    if (quote !== '"' && quote !== "'") throw this.#error('an attribute value without quotes');
    const end = this.#text.indexOf(quote, this.#at + 1);
    if (end < 0) throw this.#error('an attribute value without end');
    const raw = this.#text.slice(this.#at + 1, end);
    if (raw.includes('<')) throw this.#error('< in an attribute value');
    const value = this.#unescape(raw.replace(/\r\n|[\t\r\n]/g, ' '));
    this.#at = end + 1;
    return value;
  }

  #declared(
    attributes: ReadonlyMap<string, string>,
    outer: ReadonlyMap<string, string>,
  ): ReadonlyMap<string, string> {
    let inner: Map<string, string> | undefined;
    for (const [name, value] of attributes) {
      if (name !== 'xmlns' && !name.startsWith('xmlns:')) continue;
      inner ??= new Map(outer);
      inner.set(name.slice(6), value);
    }
    return inner ?? outer;
  }

  #characters(open: Open): void {
    const end = this.#text.indexOf('<', this.#at);
    if (end < 0) throw this.#error(`<${open.qualified}> is not closed`);
    if (end === this.#at) return;
    const raw = this.#text.slice(this.#at, end);
    if (raw.includes(']]>')) throw this.#error(']]> in text');
    open.content.push(this.#unescape(normalised(raw)));
    this.#at = end;
  }

  #cdata(open: Open): void {
    const end = this.#text.indexOf(']]>', this.#at);
    if (end < 0) throw this.#error('CDATA without end');
    open.content.push(normalised(this.#text.slice(this.#at + 9, end)));
    this.#at = end + 3;
  }

  #comment(): void {
    const end = this.#text.indexOf('--', this.#at + 4);
    if (end < 0 || this.#text[end + 2] !== '>') throw this.#error('a broken comment');
    this.#at = end + 3;
  }

  #instruction(): void {
    const end = this.#text.indexOf('?>', this.#at);
    if (end < 0 || /^<\?xml[^\p{L}]/iu.test(this.#text.slice(this.#at, this.#at + 6))) {
      throw this.#error('a broken processing instruction');
    }
    this.#at = end + 2;
  }

  #unescape(text: string): string {
    if (!text.includes('&')) return text;
    return text.replace(/&([^;&]{0,12}(;?))/g, (_, body: string, closed: string) => {
      const character = closed === ';' ? characterOf(body.slice(0, -1)) : undefined;
      if (character === undefined) throw this.#error(`no entity &${body}`);
      return character;
    });
  }

  #name(): string {
    NAME.lastIndex = this.#at;
    const found = NAME.exec(this.#text);
    if (found === null) throw this.#error('no name');
    this.#at = NAME.lastIndex;
    return found[0];
  }

  #space(): void {
    SPACE.lastIndex = this.#at;
    SPACE.test(this.#text);
    this.#at = SPACE.lastIndex;
  }

  #looksAt(text: string): boolean {
    return this.#text.startsWith(text, this.#at);
  }

  #expect(text: string): void {
    if (!this.#looksAt(text)) throw this.#error(`no ${text}`);
    this.#at += text.length;
  }

  #error(message: string): XmlError {
    return new XmlError(`XML: ${message}`, { offset: this.#at });
  }
}

const normalised = (text: string): string =>
  text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};

function characterOf(entity: string): string | undefined {
  if (Object.hasOwn(ENTITIES, entity)) return ENTITIES[entity];
  const [, decimal, hex] = /^#(?:(\d{1,7})|x([0-9a-fA-F]{1,6}))$/.exec(entity) ?? [];
  if (decimal === undefined && hex === undefined) return undefined;
  const code = decimal === undefined ? Number.parseInt(hex as string, 16) : Number(decimal);
  const isCharacter =
    code === 9 ||
    code === 10 ||
    code === 13 ||
    (code >= 0x20 && code < 0xd800) ||
    (code >= 0xe000 && code < 0xfffe) ||
    (code >= 0x10000 && code <= 0x10ffff);
  return isCharacter ? String.fromCodePoint(code) : undefined;
}
