// As root: whose state files are these, and may root act on its own? What users could have prepared is for lib/others.ts.
// Opens none of them.
import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { nodeFailure } from './errors.js';
import type { FinalizedEntry } from './finalize-types.js';
import { displayName, fromLatin1, hash, toText } from './names.js';
import { answer, KINDS, native } from './native.js';
import { type Directory, type Listing, lookWithoutFollowing } from './scan.js';
import { makeEntry, NOTHING_KNOWN } from './tally.js';
import type { Failure } from './types.js';
import type { Terms } from './work.js';

/** Names that the addon looks at in one call. */
const SLICE = 4096;
const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;
const STICKY = 0o1000;

const isRoots = ({ uid, gid, mode }: { uid: number; gid: number; mode: number }, sticky: boolean): boolean =>
  uid === 0 &&
  ((sticky && (mode & STICKY) !== 0) || ((mode & OTHERS_WRITE) === 0 && ((mode & GROUP_WRITES) === 0 || gid === 0)));

/** Why root cannot rely on a directory: others than root can write to `dir`, or nobody could look at it. */
interface Exposed {
  readonly dir: string;
  readonly error?: NodeJS.ErrnoException;
}

/**
 * The directory, if there is one, through which others than root can change what a canonical directory holds, or what
 * its path means. Above it, one that others may write to will do if it is sticky: they cannot rename what is root's.
 */
async function exposed(dir: string): Promise<Exposed | undefined> {
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
  /** Are there state files of root's that are not in `own`, since nobody may act on them? */
  readonly isPartial: boolean;
}

interface Piles {
  readonly piles: Map<number, Directory[]>;
  readonly terms: Terms;
  /** Entries are reported for the first listing only. */
  readonly reports: boolean;
}

type Kind = (typeof KINDS)[number];

const look = (dir: string, names: readonly string[], { native: { jobs } }: Terms) =>
  answer(native().owners(fromLatin1(dir === '' ? '/' : dir), fromLatin1(`${names.join('\0')}\0`), jobs));

/** Puts the names of one directory on the piles of their owners. Opens nothing. @returns whether some are on none */
async function sort({ piles, terms, reports }: Piles, { dir, names, searched }: Directory): Promise<boolean> {
  const why = await exposed(dir);
  let isPartial = false;
  const byOwner = new Map<number, string[]>();
  for (let at = 0; at < names.length; at += SLICE) {
    const slice = names.slice(at, at + SLICE);
    const { kinds, uids } = await look(dir, slice, terms);
    for (const [i, name] of slice.entries()) {
      const kind = KINDS[kinds[i] as number] as Kind;
      const owner = uids[i] as number;
      if (owner === 0 ? why === undefined : kind === 'file') pile(byOwner, owner, name);
      else {
        isPartial ||= kind === 'file';
        if (reports && isOurs(terms, name)) terms.tally.entry(refused(fromLatin1(`${dir}/${name}`), kind, why));
      }
    }
  }
  for (const [owner, own] of byOwner) {
    const all = own.length === names.length ? names : own; // the same: one is enough in memory
    const directory = { dir, names: all, ...(searched !== undefined && { searched }) };
    piles.set(owner, [...(piles.get(owner) ?? []), directory]);
  }
  return isPartial;
}

/** Does a name belong to our shard? */
export const isOurs = ({ shard }: Terms, name: string): boolean => !shard || hash(name) % shard.count === shard.index;

function pile(byOwner: Map<number, string[]>, owner: number, name: string): void {
  const names = byOwner.get(owner);
  if (names) names.push(name);
  else byOwner.set(owner, [name]);
}

function refused(path: Buffer, kind: Kind, why?: Exposed): FinalizedEntry {
  if (kind !== 'file') return makeEntry(path, kind === 'other' ? 'not-state' : 'gone', NOTHING_KNOWN);
  const dir = fromLatin1(why?.dir ?? '');
  const message = `${displayName(path)}: it is root's, and others can write to ${displayName(dir)}`;
  const unsafe: Failure = { code: 'AXL_UNSAFE_PATH', message, path: toText(path) };
  return makeEntry(path, 'failed', { ...NOTHING_KNOWN, error: why?.error ? nodeFailure(why.error, dir) : unsafe });
}

/** @param reports whether what nobody may act on is reported */
export async function byOwner(listing: Listing, terms: Terms, reports: boolean): Promise<ByOwner> {
  const piles = new Map<number, Directory[]>();
  let isPartial = false;
  for (const directory of listing.directories) if (await sort({ piles, terms, reports }, directory)) isPartial = true;
  const traces = new Map<number, string[]>();
  for (const path of listing.traces) {
    const owner = lstatSync(fromLatin1(path), { throwIfNoEntry: false })?.uid;
    if (owner === undefined || (owner === 0 && (await exposed(dirname(path))) !== undefined)) continue;
    pile(traces, owner, path);
    if (!piles.has(owner)) piles.set(owner, []);
  }
  const of = (uid: number) => ({ ...listing, directories: piles.get(uid) ?? [], traces: traces.get(uid) ?? [] });
  const others = [...piles.keys()].filter((uid) => uid !== 0);
  return { own: of(0), others: new Map(others.map((uid) => [uid, of(uid)])), isPartial };
}
