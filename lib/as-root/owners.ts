// As root: whose state files are these, and may root act on its own? What users could have prepared is for lib/as-root/others.ts.
// Opens none of them.
import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { nodeFailure } from '../base/errors.js';
import { displayName, fromLatin1, hash, toText } from '../base/names.js';
import { answer, KINDS, native } from '../base/native.js';
import { notStateFile } from '../base/strangers.js';
import type { Failure } from '../base/types.js';
import { type Directory, type Listing, lookWithoutFollowing, type Unread } from '../finalize/scan.js';
import { makeEntry, NOTHING_KNOWN } from '../finalize/tally.js';
import type { FinalizedEntry } from '../finalize/types.js';
import type { Terms } from '../finalize/work.js';

/** Names that the addon looks at in one call. */
const SLICE = 4096;
const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;
const STICKY = 0o1000;

const isRoots = ({ uid, gid, mode }: { uid: number; gid: number; mode: number }, sticky: boolean): boolean =>
  uid === 0 &&
  ((sticky && (mode & STICKY) !== 0) || ((mode & OTHERS_WRITE) === 0 && ((mode & GROUP_WRITES) === 0 || gid === 0)));

/** Why root cannot rely on a directory: others than root can write to `dir`, or nobody could look at it. */
export interface Exposed {
  readonly dir: string;
  readonly error?: NodeJS.ErrnoException;
}

/**
 * The directory, if there is one, through which others than root can change what a canonical directory holds, or what
 * its path means. Above it, one that others may write to will do if it is sticky: they cannot rename what is root's.
 */
export async function exposed(dir: string): Promise<Exposed | undefined> {
  for (let at = dir === '' ? '/' : dir; ; at = dirname(at)) {
    try {
      const stats = await lookWithoutFollowing(fromLatin1(at));
      if (!stats.isDirectory() || !isRoots(stats, at !== dir)) return { dir: at };
    } catch (error) {
      return { dir: at, error: error as NodeJS.ErrnoException };
    }
    if (at === '/') return undefined;
  }
}

/** A listing by the owners of what is in it: root's own, and others'. */
export interface ByOwner {
  readonly own: Listing;
  readonly others: ReadonlyMap<number, Listing>;
  /**
   * Are there state files of root's that are not in `own`, since nobody may act on them? A user can bring that about, with
   * a hard link: it keeps root's own datasets, and does not stop all deleting, as an input that cannot be read does.
   */
  readonly isPartial: boolean;
  /** What could not be looked at. */
  readonly unseen: readonly Unread[];
}

type Kind = (typeof KINDS)[number];

interface Owned {
  readonly kind: Kind;
  readonly owner: number;
}

const look = (dir: string, names: readonly string[], { policy: { jobs } }: Terms) =>
  answer(native().owners(fromLatin1(dir === '' ? '/' : dir), fromLatin1(`${names.join('\0')}\0`), jobs));

/** What the addon could not look at. It hears why, or that it was for a moment only. */
async function lookAgain(path: Buffer): Promise<Owned> {
  try {
    const stats = await lookWithoutFollowing(path);
    return { kind: stats.isFile() ? 'file' : 'other', owner: stats.uid };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'absent', owner: 0 };
    throw error;
  }
}

/** The names of a listing, by their owners. Opens nothing. */
class Sorting {
  readonly piles = new Map<number, Directory[]>();
  readonly unseen: Unread[] = [];
  isPartial = false;
  readonly #terms: Terms;
  readonly #reports: boolean;

  /** @param reports false: entries have been reported before */
  constructor(terms: Terms, reports: boolean) {
    this.#terms = terms;
    this.#reports = reports;
  }

  async add({ dir, names, whole, searched, named }: Directory): Promise<void> {
    const why = await exposed(dir);
    const byOwner = new Map<number, string[]>();
    const isNamed = (name: string) => searched === undefined || (named?.includes(name) ?? false);
    for (let at = 0; at < names.length; at += SLICE) {
      const slice = names.slice(at, at + SLICE);
      const { kinds, uids } = await look(dir, slice, this.#terms);
      for (const [i, name] of slice.entries()) {
        const seen = { kind: KINDS[kinds[i] as number] as Kind, owner: uids[i] as number };
        const owned = seen.kind === 'unseen' ? await this.#again(`${dir}/${name}`) : seen;
        if (owned && (owned.owner === 0 ? why === undefined : owned.kind === 'file')) pile(byOwner, owned.owner, name);
        else if (owned) this.#refuse(`${dir}/${name}`, name, owned.kind, why, isNamed(name));
      }
    }
    for (const [owner, own] of byOwner) {
      const all = own.length === names.length ? names : own; // the same: one is enough in memory
      const where = { ...(searched !== undefined && { searched }), ...(named && { named }) };
      const directory = { dir, names: all, whole, ...where };
      this.piles.set(owner, [...(this.piles.get(owner) ?? []), directory]);
    }
  }

  async #again(latin1Path: string): Promise<Owned | undefined> {
    const path = fromLatin1(latin1Path);
    try {
      return await lookAgain(path);
    } catch (error) {
      this.unseen.push({ path, failure: nodeFailure(error as NodeJS.ErrnoException, path) });
      return undefined;
    }
  }

  #refuse(path: string, name: string, kind: Kind, why: Exposed | undefined, isNamed: boolean): void {
    this.isPartial ||= kind === 'file';
    if (!this.#reports || !isOurs(this.#terms, name)) return;
    const bytes = fromLatin1(path);
    const stranger = kind === 'other' && isNamed ? { error: notStateFile(bytes) } : {};
    this.#terms.tally.entry(kind === 'file' ? exposedFile(bytes, why) : left(bytes, kind, stranger));
  }
}

/** Does a name belong to our shard? */
export const isOurs = ({ shard }: Terms, name: string): boolean => !shard || hash(name) % shard.count === shard.index;

function pile(byOwner: Map<number, string[]>, owner: number, name: string): void {
  const names = byOwner.get(owner);
  if (names) names.push(name);
  else byOwner.set(owner, [name]);
}

const left = (path: Buffer, kind: Kind, why: { readonly error?: Failure }): FinalizedEntry =>
  makeEntry(path, kind === 'other' ? 'not-state' : 'gone', { ...NOTHING_KNOWN, ...why });

function exposedFile(path: Buffer, why?: Exposed): FinalizedEntry {
  const dir = fromLatin1(why?.dir ?? '');
  const remedy = "make the directory root's alone";
  const message = `${displayName(path)} belongs to root, but others can write to ${displayName(dir)}: ${remedy}`;
  const unsafe: Failure = { code: 'AXL_UNSAFE_PATH', message, path: toText(path) };
  return makeEntry(path, 'failed', { ...NOTHING_KNOWN, error: why?.error ? nodeFailure(why.error, dir) : unsafe });
}

/** @param reports whether what nobody may act on is reported */
export async function byOwner(listing: Listing, terms: Terms, reports: boolean): Promise<ByOwner> {
  const sorting = new Sorting(terms, reports);
  for (const directory of listing.directories) await sorting.add(directory);
  const { piles, isPartial, unseen } = sorting;
  const traces = new Map<number, string[]>();
  for (const path of listing.traces) {
    const owner = lstatSync(fromLatin1(path), { throwIfNoEntry: false })?.uid;
    if (owner === undefined || (owner === 0 && (await exposed(dirname(path))) !== undefined)) continue;
    pile(traces, owner, path);
    if (!piles.has(owner)) piles.set(owner, []);
  }
  const of = (uid: number) => ({ ...listing, directories: piles.get(uid) ?? [], traces: traces.get(uid) ?? [] });
  const others = [...piles.keys()].filter((uid) => uid !== 0);
  return { own: of(0), others: new Map(others.map((uid) => [uid, of(uid)])), isPartial, unseen };
}
