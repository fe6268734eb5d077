// Patterns -> pairs of a source and its destination.
import type { Options } from 'fast-glob';
import { fromNode } from '../base/errors.js';
import { globAdapter, globPattern, globText } from '../base/glob.js';
import { absoluteDirectory, decodeLossless, encodeLossless, refuseMisread } from '../base/names.js';
import type { AddGlobOptions } from '../base/types.js';

type FastGlob = typeof import('../packages/fast-glob.cjs');

/** Matches whose text is made at once: bounds the memory for a hundred thousand. */
const SLICE = 1000;

/** What is in directories of ours: see native/plan/own.cc. */
const OURS = ['**/.axl-{comm-*,probe-*,finalize.*.lock}/**'];

const WILDCARD = /(^|[^\\])[*?[({]/;

/** The directories a pattern begins with, before the first component with a wildcard; never its last component. */
function baseOf(pattern: string): string {
  const components = pattern.split('/');
  const wild = components.findIndex((component) => WILDCARD.test(component));
  const fixed = components.slice(0, wild < 0 ? components.length - 1 : Math.min(wild, components.length - 1));
  const base = fixed.join('/').replace(/\\(.)/g, '$1');
  return base === '' && pattern.startsWith('/') ? '/' : base;
}

const isNegative = (pattern: string): boolean => pattern.startsWith('!') && !pattern.startsWith('!(');

/** Matches of patterns that have one base, packed: source NUL destination NUL. */
async function match(patterns: string[], base: string, options: Options, dest: string, glob: FastGlob) {
  const entries = await glob.glob(patterns, options);
  const prefix = base === '' || base.endsWith('/') ? base : `${base}/`;
  const root = dest === '/' ? '' : dest;
  const pair = (entry: string) => {
    const source = entry.startsWith('/') ? entry : `${options.cwd}/${entry}`;
    return `${source}\0${root}/${entry.slice(prefix.length)}\0`;
  };
  const packed: Buffer[] = [];
  entries.sort();
  for (let at = 0; at < entries.length; at += SLICE)
    packed.push(
      decodeLossless(
        entries
          .slice(at, at + SLICE)
          .map(pair)
          .join(''),
      ),
    );
  return Buffer.concat(packed);
}

/** Patterns by base. Those of one base are matched together, so that what several match comes once. */
function byBase(patterns: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const given of patterns) {
    const pattern = globPattern(given).replace(/^(\.\/+)+/, '');
    const base = baseOf(pattern);
    groups.set(base, [...(groups.get(base) ?? []), pattern]);
  }
  return groups;
}

/** @throws {TypeError} */
export function patternList(patterns: string | readonly string[]): string[] {
  const list = typeof patterns === 'string' ? [patterns] : [...patterns];
  for (const pattern of list) {
    if (typeof pattern !== 'string' || pattern === '')
      throw new TypeError('a pattern must be a string that is not empty');
    // A backslash there takes the meaning from the next character.
    if (!pattern.startsWith('\\')) refuseMisread(Buffer.from(pattern.replace(/^!/, '')), 'the pattern');
  }
  return list;
}

/**
 * What patterns match, as the addon's add takes it: source NUL destination NUL, sorted, each once.
 * @throws {AxlError} AXL_IO when a directory cannot be read
 */
export async function findMatches(patterns: readonly string[], options: AddGlobOptions): Promise<Buffer> {
  const cwd = globText(absoluteDirectory(options.cwd ?? '.', 'cwd'));
  const dest = encodeLossless(absoluteDirectory(options.dest, 'dest'));
  const { default: glob } = await import('../packages/fast-glob.cjs');
  const globOptions = {
    cwd,
    fs: globAdapter(),
    onlyFiles: false,
    dot: options.dot ?? false,
    followSymbolicLinks: options.links === 'follow',
    ignore: [...OURS, ...(options.ignore ?? []), ...patterns.filter(isNegative).map((pattern) => pattern.slice(1))].map(
      globPattern,
    ),
  };
  try {
    const groups = byBase(patterns.filter((pattern) => !isNegative(pattern)));
    const found = [...groups].map(([base, group]) => match(group, base, globOptions, dest, glob));
    return Buffer.concat(await Promise.all(found));
  } catch (error) {
    const { path, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    throw fromNode(error as NodeJS.ErrnoException, path === undefined ? decodeLossless(cwd) : Buffer.from(path));
  }
}
