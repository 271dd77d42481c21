// Finds which clause of which specification a source file names: in comments, in strings, in the
// `spec` and `clause` of definitions and decisions. A bare "§5.4.1.2" means the document named just
// before it or, at the head of a sentence, the one of the file's documents that has such a clause.

export interface Citation {
  /** 'TS 24.229', 'RFC 3261'. */
  readonly document: string;
  /** '§5.4.1.2.2', 'annex B', 'table 7.7.1'; '' for the document as a whole. */
  readonly clause: string;
  /** The declaration it stands above or in, where there is one. */
  readonly symbol: string | undefined;
  /** The decision of the trace that gives it as its clause. */
  readonly decision: string | undefined;
}

export interface SourceText {
  readonly path: string;
  readonly text: string;
}

const TOKEN =
  /(?<document>\b(?:RFC \d{3,5}|T[SR] \d\d\.\d{3}|ITU-T [A-Z]\.\d+(?:\.\d+)?|IEEE \d[\d.]*)\b)|§\s?(?<section>[A-Z]?\d*[A-Z]?(?:\.\d+[A-Z]*\d*)*)|\b(?<part>annex(?:es)? [A-Z](?![a-z])|table [A-Z]?\d+(?:\.\d+)*[A-Z]?)/g;

/** How far a clause may stand from what it belongs to. */
const NEAR = 40;

interface Token {
  readonly at: number;
  readonly end: number;
  readonly document: string | undefined;
  readonly clause: string | undefined;
}

/** Comments that go on over several lines read as one, at the same offsets. */
const joined = (text: string): string =>
  text.replace(/\n[ \t]*(?:\/\/|\*(?!\/))/g, gap => ' '.repeat(gap.length));

function tokens(text: string): readonly Token[] {
  return Array.from(text.matchAll(TOKEN), match => {
    const { document, section, part } = match.groups ?? {};
    const clause =
      section !== undefined && section !== ''
        ? `§${section.replace(/\.$/, '')}`
        : part?.replace('annexes', 'annex');
    const end = match.index + match[0].length;
    return { at: match.index, end, document, clause };
  }).filter(({ document, clause }) => document !== undefined || clause !== undefined);
}

interface Found {
  readonly document: string | undefined;
  readonly clause: string;
  readonly at: number;
}

/** What a text names, as it stands there. */
function found(text: string): readonly Found[] {
  const list = tokens(text);
  const all: Found[] = [];
  let last: { document: string; end: number; named: boolean } | undefined;
  const wholeUnlessNamed = (): void => {
    if (last !== undefined && !last.named) {
      all.push({ document: last.document, clause: '', at: last.end });
    }
  };
  for (const { at, end, document, clause } of list) {
    if (document !== undefined) {
      wholeUnlessNamed();
      last = { document, end, named: false };
      continue;
    }
    const between = last === undefined ? '' : text.slice(last.end, at);
    const near = between.replace(/ {2,}/g, ' ').length <= NEAR && !/\n|\. |['"`]/.test(between);
    if (last !== undefined && near) {
      all.push({ document: last.document, clause: clause!, at });
      last = { document: last.document, end, named: true };
    } else {
      wholeUnlessNamed();
      last = undefined;
      all.push({ document: undefined, clause: clause!, at });
    }
  }
  wholeUnlessNamed();
  return all;
}

const DECLARATION =
  /^ *(?:export )?(?:abstract |async )?(?:(?:function|class|const|interface|type)\*? (?<top>\w+)|(?: {2})(?:static |async |get |set |readonly )*(?<member>#?\w+)\(.*\{$)/gm;
const KEYWORDS = new Set(['if', 'for', 'while', 'switch', 'catch', 'constructor']);

interface Declaration {
  readonly at: number;
  readonly end: number;
  readonly name: string;
}

function declarations(text: string): readonly Declaration[] {
  return Array.from(text.matchAll(DECLARATION), match => ({
    at: match.index,
    end: match.index + match[0].length,
    // what stands inside a function belongs to the function
    indented: /^ {2}/.test(match[0]) && match.groups?.top !== undefined,
    name: match.groups?.top ?? match.groups?.member ?? '',
  })).filter(({ name, indented }) => !indented && !KEYWORDS.has(name));
}

function symbolAt(text: string, all: readonly Declaration[], at: number): string | undefined {
  const head = text.slice(0, at);
  const inComment =
    head.lastIndexOf('/*') > head.lastIndexOf('*/') ||
    /\/\/[^\n]*$/.test(head.slice(head.lastIndexOf('\n') + 1));
  const following = all.find(one => one.at > at);
  if (inComment && following !== undefined) {
    const gap = text.slice(at, following.at);
    const closed = gap.replace(/^[^\n]*\n/, '').replace(/^ *(\/\/|\*).*\n/gm, '');
    if (closed.trim() === '' && !/\n\s*\n/.test(gap)) return following.name.replace('#', '');
  }
  return all.findLast(one => one.at <= at)?.name.replace('#', '');
}

/** Every citation of every file. */
export function citationsOf(
  files: readonly SourceText[],
): ReadonlyMap<string, readonly Citation[]> {
  const raw = files.map(({ path, text }) => ({ path, text, found: found(joined(text)) }));
  const known = new Set(
    raw.flatMap(file =>
      file.found.flatMap(({ document, clause }) =>
        document === undefined || clause === '' ? [] : [`${document} ${clause}`],
      ),
    ),
  );
  return new Map(
    raw.map(({ path, text, found: list }) => {
      const own = [...new Set(list.flatMap(({ document }) => document ?? []))];
      const all = declarations(text);
      const citations = list.flatMap(({ document, clause, at }): Citation[] => {
        const meant = document ?? resolve(own, clause, known);
        if (meant === undefined) return [];
        const decision = /decide\(\s*'([\w.-]+)'(?:(?!decide\()[\s\S]){0,600}$/.exec(
          text.slice(Math.max(0, at - 700), at),
        )?.[1];
        const isClause = /clause(:| =) '[^'\n]*$/.test(text.slice(Math.max(0, at - 60), at));
        return [
          {
            document: meant,
            clause,
            symbol: symbolAt(text, all, at),
            decision: isClause ? decision : undefined,
          },
        ];
      });
      return [path, citations];
    }),
  );
}

/** The one of a file's documents of which somebody cites this clause, or one around it, by name. */
function resolve(own: readonly string[], clause: string, known: ReadonlySet<string>) {
  for (let part = clause; part !== ''; part = part.replace(/(^[^.]*|\.[^.]*)$/, '')) {
    const one = own.find(document => known.has(`${document} ${part}`));
    if (one !== undefined) return one;
  }
  return own[0];
}
