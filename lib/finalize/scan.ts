// Inputs -> candidates: the names that may be state files, by directory. Opens none of them.
// Names are latin1 text: one character a byte, so that nothing is lost, and a million of them stay small.

import { lstat, readdir, realpath, stat, statfs } from 'node:fs';
import { promisify } from 'node:util';
import { canonicalAsRoot } from '../base/directory-as-root.js';
import { AxlError, isForbidden, nodeFailure } from '../base/errors.js';
import { isRoot } from '../base/keep.js';
import { decodeLossless, displayName, fromLatin1, latin1, toText } from '../base/names.js';
import { isNoStateFile, LOCK, VERDICT } from '../base/own-files.js';
import type { Failure } from '../base/types.js';

// The same calls as those of node:fs/promises, which would load a dozen modules of Node: a millisecond of each start.
const list = promisify(readdir);
const resolve: (path: Buffer, encoding: 'latin1') => Promise<string> = promisify(realpath.native);
const look = promisify(stat);

export const lookWithoutFollowing = promisify(lstat);

/** The names of a directory, in latin1, with what they stand for. */
export const entriesOf = (dir: string) =>
  promisify(readdir)(fromLatin1(dir === '' ? '/' : dir), { encoding: 'latin1', withFileTypes: true });

/** The file system's number: f_type of statfs(2). */
export const magicOf = async (path: Buffer): Promise<number> => (await promisify(statfs)(path)).type;

/** The path without links, in latin1. */
export const withoutLinks = (path: Buffer): Promise<string> => resolve(path, 'latin1');

export interface Search {
  readonly recursive?: boolean | undefined;
  readonly pattern?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
}

export interface Directory {
  /** As given, or as root its canonical path: no link of that path can be changed by others. */
  readonly dir: string;
  readonly names: readonly string[];
  /** The input below which it was found: where the lock is. Single state files need none: each has its own. */
  readonly searched?: string;
  /** Of a directory that was searched, the names that were given by their own paths, too. */
  readonly named?: readonly string[];
  /** There was no name in it at all. */
  readonly empty?: true;
  /** Are all names of the directory here, and not only those that were asked for? */
  readonly whole: boolean;
}

export interface Listing {
  readonly directories: readonly Directory[];
  /** Canonical paths of the directories of which all names are here. */
  readonly listed: readonly string[];
  /** Verdict files and locks that were met, as paths: a finalizer is at work there, or was killed. */
  readonly traces: readonly string[];
  readonly unreadable: readonly Unread[];
}

/** What could not be read, and why. */
export interface Unread {
  readonly path: Buffer;
  readonly failure: Failure;
}

/** Of a finalizer at work, or of one that was killed. */
const isTrace = (name: string): boolean => VERDICT.test(name) || LOCK.test(name);
const NEVER = ['**/.axl-comm-*/**', '**/.axl-probe-*/**'];
/** System calls under way at a time. */
const AT_ONCE = 64;

/** Splits at the last slash. */
function split(path: string): [dir: string, name: string] {
  const at = path.lastIndexOf('/');
  return [path.slice(0, at), path.slice(at + 1)];
}

interface Found {
  readonly dir: string;
  searched?: string;
  whole: boolean;
  readonly named: string[];
  /** Of each input that names something there; what is in two of them is there twice. */
  readonly lists: (readonly string[])[];
}

const canonicalPath = (path: string): Promise<string> => withoutLinks(fromLatin1(path));

class Scan {
  readonly #found = new Map<string, Found>();
  readonly #canonical = new Map<string, Promise<string>>();
  readonly #searches = new Set<string>();
  readonly #asRoot = isRoot();
  readonly #search: Search;
  readonly unreadable: Unread[] = [];

  constructor(search: Search) {
    this.#search = search;
  }

  async add(input: Buffer): Promise<void> {
    const path = latin1(input).replace(/(?<=.)\/$/, '');
    try {
      if ((await look(input)).isDirectory()) await this.#addDirectory(path);
      else await this.#addFile(path);
    } catch (error) {
      this.#fail(error as NodeJS.ErrnoException, input);
    }
  }

  #fail(error: NodeJS.ErrnoException, path: Buffer): void {
    if (error instanceof AxlError) {
      const { code, message } = error;
      const failure = { code, message: `${displayName(path)}: ${message}`, path: toText(path) };
      this.unreadable.push({ path, failure });
      return;
    }
    if (error.syscall === undefined && !isForbidden(error)) throw error;
    this.unreadable.push({ path, failure: nodeFailure(error, path) });
  }

  /** As root it leads through no link of a user's, who could have root look at somebody else's. */
  #resolve(dir: string): Promise<string> {
    const canonical = this.#asRoot ? async (path: string) => canonicalAsRoot(path) : canonicalPath;
    const known = this.#canonical.get(dir) ?? canonical(dir === '' ? '/' : dir);
    this.#canonical.set(dir, known);
    return known;
  }

  async #addFile(path: string): Promise<void> {
    const [dir, name] = split(path);
    const canonical = await this.#resolve(dir);
    this.#put(canonical, dir, [name]);
  }

  async #addDirectory(path: string): Promise<void> {
    const canonical = await this.#resolve(path === '/' ? '' : path);
    if (this.#searches.has(canonical)) return;
    this.#searches.add(canonical);
    const root = path === '/' ? '' : path;
    const canonicalRoot = canonical === '/' ? '' : canonical;
    const where = this.#asRoot ? canonical : path;
    const byDirectory = this.#plain()
      ? new Map([['', await list(fromLatin1(where), 'latin1')]])
      : await this.#match(where);
    // It is listed, also where nothing in it itself was found.
    if (!byDirectory.has('')) this.#put(canonicalRoot, root, [], path);
    for (const [below, names] of byDirectory) this.#put(canonicalRoot + below, root + below, names, path);
  }

  /** Is every name of a directory that is searched asked for? */
  #all(): boolean {
    const { pattern, exclude } = this.#search;
    return pattern === undefined && (exclude === undefined || exclude.length === 0);
  }

  #plain(): boolean {
    return !this.#search.recursive && this.#all();
  }

  /** What the patterns match, by directory below `path`: '' or '/sub'. */
  async #match(path: string): Promise<Map<string, string[]>> {
    const { recursive = false, pattern, exclude = [] } = this.#search;
    const [{ default: glob }, { globAdapter, globPattern, globText }] = await Promise.all([
      import('../packages/fast-glob.cjs'),
      import('../base/glob.js'),
    ]);
    const found = await glob.glob((pattern ?? ['**']).map(globPattern), {
      cwd: globText(fromLatin1(path)),
      fs: globAdapter((error, dir) => this.#fail(error, dir)),
      ignore: [...exclude.map(globPattern), ...NEVER],
      deep: recursive ? Number.POSITIVE_INFINITY : 1,
      dot: true,
      baseNameMatch: true,
      followSymbolicLinks: false,
    });
    const byDirectory = new Map<string, string[]>();
    for (const match of found) {
      const [below, name] = split(`/${latin1(decodeLossless(match))}`);
      const names = byDirectory.get(below);
      if (names) names.push(name);
      else byDirectory.set(below, [name]);
    }
    return byDirectory;
  }

  #put(canonical: string, given: string, names: readonly string[], searched?: string): void {
    const found = this.#found.get(canonical);
    const whole = searched !== undefined && this.#all();
    if (!found) {
      const dir = this.#asRoot ? canonical : given;
      const where = searched === undefined ? {} : { searched: this.#asRoot ? canonical : searched };
      const named = searched === undefined ? [...names] : [];
      this.#found.set(canonical, { dir: dir === '/' ? '' : dir, whole, named, lists: [names], ...where });
      return;
    }
    found.lists.push(names);
    if (searched === undefined) found.named.push(...names);
    found.whole ||= whole;
    if (searched !== undefined) found.searched ??= this.#asRoot ? canonical : searched;
  }

  listing(): Listing {
    const directories: Directory[] = [];
    const traces: string[] = [];
    for (const { dir, lists, named, whole, searched } of this.#found.values()) {
      const [first = [], ...more] = lists;
      const names = more.length > 0 ? [...new Set(lists.flat())] : first;
      for (const name of names) if (isTrace(name) && !named.includes(name)) traces.push(`${dir}/${name}`);
      const isOther = (name: string) => isNoStateFile(name) && !named.includes(name);
      // A million names are not copied without need.
      const candidates = names.some(isOther) ? names.filter((name) => !isOther(name)) : names;
      const isEmpty = names.length === 0 && this.#plain();
      const where = {
        ...(searched !== undefined && { searched, ...(named.length > 0 && { named }) }),
        ...(isEmpty && ({ empty: true } as const)),
      };
      directories.push({ dir, names: candidates, whole, ...where });
    }
    const listed = [...this.#found].filter(([, { whole }]) => whole).map(([path]) => path);
    return { directories, listed, traces, unreadable: this.unreadable };
  }
}

/**
 * All names before the first deletion: some file systems skip entries of a directory that shrinks meanwhile. What
 * cannot be read is in the listing, and rejects nothing.
 * @param inputs absolute paths of directories and of single state files
 */
export async function scan(inputs: readonly Buffer[], search: Search): Promise<Listing> {
  const all = new Scan(search);
  for (let at = 0; at < inputs.length; at += AT_ONCE)
    await Promise.all(inputs.slice(at, at + AT_ONCE).map((input) => all.add(input)));
  return all.listing();
}

/** The names of a listing by number, 0 to size - 1: an object for each would be dear. */
export class Candidates {
  readonly size: number;
  readonly directories: readonly Directory[];
  /** The number of the first name of each directory. */
  readonly #starts: number[] = [];
  /** By the number of a directory, what of it was given by its own path. */
  readonly #named = new Map<number, ReadonlySet<string>>();

  constructor(directories: readonly Directory[]) {
    this.directories = directories;
    let size = 0;
    for (const [at, { names, named }] of directories.entries()) {
      this.#starts.push(size);
      if (named) this.#named.set(at, new Set(named));
      size += names.length;
    }
    this.size = size;
  }

  /** Which directory holds candidate `i`: the last that starts at or before it. */
  #locate(i: number): number {
    let low = 0;
    for (let high = this.#starts.length; high - low > 1; ) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] as number) <= i) low = middle;
      else high = middle;
    }
    return low;
  }

  *numbers(): Generator<number> {
    for (let i = 0; i < this.size; i++) yield i;
  }

  dir(i: number): string {
    return (this.directories[this.#locate(i)] as Directory).dir;
  }

  name(i: number): string {
    const at = this.#locate(i);
    return (this.directories[at] as Directory).names[i - (this.#starts[at] as number)] as string;
  }

  path(i: number): string {
    const at = this.#locate(i);
    const { dir, names } = this.directories[at] as Directory;
    return `${dir}/${names[i - (this.#starts[at] as number)]}`;
  }

  /** Was it given by its own path? */
  isNamed(i: number): boolean {
    const at = this.#locate(i);
    return (
      (this.directories[at] as Directory).searched === undefined || (this.#named.get(at)?.has(this.name(i)) ?? false)
    );
  }

  /** As the addon takes them. */
  pack(numbers: readonly number[]): Buffer {
    return fromLatin1(numbers.map((i) => `${this.path(i)}\0`).join(''));
  }
}
