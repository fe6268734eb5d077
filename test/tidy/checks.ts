// What keeps the repository tidy, as functions of texts: each takes sources and names what breaks its rule, and reads no
// file. tidy.test.ts runs them on the repository, checks.test.ts on small bad samples.
import ts from 'typescript';

/** A file: its path in the repository, and what is in it. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** A function or a class: where, what it is called, how long. */
export interface Measured {
  readonly path: string;
  readonly name: string;
  readonly lines: number;
}

const lines = (text: string): string[] => text.replace(/\n$/, '').split('\n');

const NO_CODE = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|'(?:\\.|[^'\\\n])*'/g;

/** Without comments and strings, which keep their place: what braces and words are counted in. */
export const bare = (text: string): string => text.replace(NO_CODE, (all) => all.replace(/[^\n]/g, ' '));

/** Lines that are neither empty nor a comment. */
export const codeLines = (text: string): number =>
  bare(text)
    .split('\n')
    .filter((line) => line.trim() !== '').length;

/** A file begins with what lives in it. */
export function withoutFirstLines(files: readonly Source[]): string[] {
  const begins = /^(#![^\n]*\n)?(\/\/|#|\/\*)\s*\S/;
  return files.filter(({ text }) => !begins.test(text)).map(({ path }) => path);
}

export function longFiles(files: readonly Source[], most = 400): string[] {
  return files
    .filter(({ text }) => lines(text).length > most)
    .map(({ path, text }) => `${path}: ${lines(text).length}`);
}

/** Lines of code wider than that, in characters. Texts and comments do not count: the formatters break all else. */
export function wideLines(files: readonly Source[], most = 120): string[] {
  const code = (text: string) => text.replace(NO_CODE, (all) => all.replace(/[^\n]/g, ''));
  return files.flatMap(({ path, text }) =>
    lines(code(text)).flatMap((line, i) => ([...line.trimEnd()].length > most ? [`${path}:${i + 1}`] : [])),
  );
}

function nameOf(node: ts.Node, source: ts.SourceFile): string {
  const named = node as { name?: ts.Node; parent: { name?: ts.Node } };
  return (named.name ?? named.parent.name)?.getText(source) ?? '(anonymous)';
}

/** The functions and classes of TypeScript, each with the lines from its first to its last. */
export function measureTypeScript({ path, text }: Source): { functions: Measured[]; classes: Measured[] } {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found = { functions: [] as Measured[], classes: [] as Measured[] };
  const line = (at: number) => source.getLineAndCharacterOfPosition(at).line;
  const visit = (node: ts.Node): void => {
    const name = () => nameOf(node, source);
    if (ts.isFunctionLike(node) && 'body' in node && node.body)
      found.functions.push({ path, name: name(), lines: line(node.end) - line(node.getStart(source)) + 1 });
    if (ts.isClassLike(node)) found.classes.push({ path, name: name(), lines: codeLines(node.getText(source)) });
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

interface Block {
  readonly head: string;
  readonly body: string;
  readonly lines: number;
}

/** What clang-format has laid out at one indent: a head that ends with `{`, and all up to the `}` below its beginning. */
function blocks(text: string, indent: string): Block[] {
  const all = lines(bare(text));
  const found: Block[] = [];
  for (let i = 0; i < all.length; i++) {
    const start = all[i] as string;
    if (
      !start.startsWith(indent) ||
      !/^[\w~[]/.test(start.slice(indent.length)) ||
      /^\s*(namespace|extern)\b/.test(start)
    )
      continue;
    let open = i;
    while (open < all.length && !/[{;}]\s*$/.test(all[open] as string)) open++;
    const head = all.slice(i, open + 1).join('\n');
    if (!head.trimEnd().endsWith('{') || head.includes('};')) continue;
    let end = open + 1;
    while (end < all.length && !(all[end] as string).startsWith(`${indent}}`)) end++;
    found.push({ head, body: all.slice(i, end + 1).join('\n'), lines: end - i + 1 });
    i = end;
  }
  return found;
}

const isClass = ({ head }: Block): boolean => /^\s*(template[^\n]*\n?\s*)?(class|struct|union) /.test(head);
const isFunction = (block: Block): boolean =>
  !isClass(block) && block.head.includes('(') && !/^\s*(enum|if|for|while|switch|do)\b/.test(block.head);
const className = ({ head }: Block): string => /(?:class|struct|union) ([\w:]+)/.exec(head)?.[1] ?? '(anonymous)';
const functionName = ({ head }: Block): string => /([\w:~]+|operator[^(]*)\(/.exec(head)?.[1] ?? '(anonymous)';

/** The functions and classes of C++ that is laid out by clang-format. A class is what stands between its braces. */
export function measureCpp(files: readonly Source[]): { functions: Measured[]; classes: Measured[] } {
  const functions: Measured[] = [];
  const classes: Measured[] = [];
  for (const { path, text } of files)
    for (const block of blocks(text, '')) {
      if (isFunction(block)) functions.push({ path, name: functionName(block), lines: block.lines });
      if (!isClass(block)) continue;
      classes.push({ path, name: className(block), lines: codeLines(block.body) });
      const inner = blocks(block.body.split('\n').slice(1).join('\n'), '  ').filter(isFunction);
      for (const each of inner) functions.push({ path, name: functionName(each), lines: each.lines });
    }
  return { functions, classes };
}

export const longer = (measured: readonly Measured[], most: number): string[] =>
  measured.filter(({ lines }) => lines > most).map(({ path, name, lines }) => `${path} ${name}: ${lines}`);

/** The heading's anchor, as GitHub makes it. */
const anchor = (heading: string): string =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

/** The places of a page that a link may lead to; a heading that is there again has a number. */
function anchors(text: string): Set<string> {
  const counts = new Map<string, number>();
  const found = new Set([...text.matchAll(/<a (?:id|name)="([^"]+)"/g)].map(([, id]) => id as string));
  for (const [, heading] of text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,6} (.+?)\s*$/gm)) {
    const name = anchor(heading as string);
    const before = counts.get(name) ?? 0;
    counts.set(name, before + 1);
    found.add(before === 0 ? name : `${name}-${before}`);
  }
  return found;
}

/** Links of the pages to a file that is not there, or to a heading that its page does not have. */
export function deadLinks(pages: readonly Source[], exists: (path: string) => boolean): string[] {
  const known = new Map(pages.map(({ path, text }) => [path, anchors(text)]));
  return pages.flatMap(({ path, text }) => {
    const prose = text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
    const links = [...prose.matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
    return links.flatMap(([, file = '', place]) => {
      const to = file === '' ? path : new URL(file, `file:///${path}`).pathname.slice(1).replace(/\/$/, '');
      if (!exists(to)) return [`${path}: ${file}`];
      return place && known.has(to) && !known.get(to)?.has(place) ? [`${path}: ${file}#${place}`] : [];
    });
  });
}

/** What a table of layers forgets, or names though it is not there: its lines begin with a path, in a block of code. */
export function layersMissing(page: string, rooms: readonly string[], exists: (path: string) => boolean): string[] {
  const named = [...page.matchAll(/^((?:bin|lib|native)\/\S*)/gm)].map(([, path]) =>
    (path as string).replace(/\/$/, ''),
  );
  const gone = named.filter((path) => !exists(path)).map((path) => `${path} is not there`);
  const forgotten = rooms.filter((room) => !named.some((path) => path === room || path.startsWith(`${room}/`)));
  return [...gone, ...forgotten.map((room) => `${room} has no line`)];
}

/** `enum class NAME ... { kOne = 1, kTwo }` as words in kebab-case and their numbers. */
export function cppEnum(text: string, name: string): Record<string, number> {
  const body = new RegExp(`enum class ${name}\\b[^{;]*\\{([^}]*)\\}`).exec(bare(text))?.[1];
  if (body === undefined) throw new Error(`there is no enum class ${name}`);
  let next = 0;
  const out: Record<string, number> = {};
  for (const [, word, value] of body.matchAll(/k(\w+)\s*(?:=\s*(\d+))?/g)) {
    if (value !== undefined) next = Number(value);
    out[(word as string).replace(/(?<=.)([A-Z])/g, '-$1').toLowerCase()] = next++;
  }
  return out;
}

/** A call that has a replacement. */
export interface Ban {
  readonly call: RegExp;
  readonly instead: string;
  /** Files that it does not hold for, by the beginnings of their paths. */
  readonly but: readonly string[];
  /** Files that it holds for, alike. */
  readonly within: readonly string[];
}

export function banned(files: readonly Source[], bans: readonly Ban[]): string[] {
  const begins = (path: string, with_: readonly string[]) => with_.some((start) => path.startsWith(start));
  return files.flatMap(({ path, text }) =>
    bans
      .filter(({ within, but }) => begins(path, within) && !begins(path, but))
      .flatMap(({ call, instead }) =>
        lines(text).flatMap((line, i) =>
          !/^\s*(\*|\/\/|\/\*)/.test(line) && call.test(line) ? [`${path}:${i + 1}: ${instead}`] : [],
        ),
      ),
  );
}

/** Words with which a sentence of ours has no noun, or another word than is meant; in texts that users read. */
const NO_NOUN = new RegExp(
  '(?<!\\b(user|process|rank|finalizer|caller|group|program|owner) )\\bwho\\b|' +
    '\\b(whoever|whatever|whom|goes(?! on\\b))\\b',
  'i',
);

/** The texts of a source, in quotes. */
function texts({ path, text }: Source): string[] {
  if (path.endsWith('.cc') || path.endsWith('.h'))
    return [...text.replace(/^\s*\/\/.*$/gm, '').matchAll(/"((?:\\.|[^"\\\n])*)"/g)].map(([, each]) => each as string);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) return;
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node))
      found.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
  return found;
}

/** Sentences that users read, of three words and more. */
export function withoutNoun(files: readonly Source[]): string[] {
  return files.flatMap((file) =>
    texts(file)
      .filter((text) => NO_NOUN.test(text) && text.trim().split(/\s+/).length > 2)
      .map((text) => `${file.path}: ${text}`),
  );
}
