// Is a listing to be believed? On network file systems and FUSE it may be older than what was made since: what is empty there,
// or has fewer state files than somebody knows of, is looked at again. Decides nothing else.
import { fromLatin1 } from '../base/names.js';
import { answer, native } from '../base/native.js';
import { LOCK_REACHES } from '../base/native-upkeep.js';
import { ANSWERS } from '../base/native-word.js';
import { DEFAULT_JOBS } from '../base/options.js';
import { again, sleep } from '../base/waiting.js';
import { Candidates, type Listing, magicOf } from './scan.js';
import type { FinalizeOptions, FinalizeReport } from './types.js';

/** ext4, xfs, btrfs, tmpfs, overlay: of those nobody has to ask the addon, which an empty directory needs for nothing else. */
export const LOCAL = [0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630];
/** How old a listing may be, in milliseconds. */
const OLD = { local: 250, network: 2000, sshfs: 20_000 } as const;
const PAUSES = { first: 500, longest: 4000 } as const;
const BATCH = 4096;

export interface Looked {
  readonly listing: Listing;
  readonly fewer?: NonNullable<FinalizeReport['fewer']>;
}

type Of = Pick<FinalizeOptions, 'expect' | 'failIfNone' | 'dataset' | 'signal' | 'jobs'>;

async function ageOf(dir: string): Promise<number> {
  const path = fromLatin1(dir === '' ? '/' : dir);
  try {
    if (LOCAL.includes(await magicOf(path))) return OLD.local;
    const { type, locks } = await answer(native().fileSystem(path));
    if (LOCK_REACHES[locks] === 'this host') return OLD.local;
    return type === 'fuse.sshfs' ? OLD.sshfs : OLD.network;
  } catch {
    return OLD.local; // it is not there any more, or cannot be read: that is told by who lists it
  }
}

/** Of all, the oldest. */
async function age(dirs: readonly string[]): Promise<number> {
  return Math.max(0, ...(await Promise.all(dirs.map(ageOf))));
}

/** Inputs that were searched, as a whole, and hold nothing. */
function empty({ directories }: Listing): string[] {
  const full = new Set(directories.filter(({ names }) => names.length > 0).map(({ searched }) => searched));
  const searched = directories.filter(({ whole, searched: input }) => whole && input !== undefined && !full.has(input));
  return [...new Set(searched.map(({ searched: input }) => input as string))];
}

/** State files, of whatever version and however damaged; of one dataset, those that say so. */
async function count({ directories }: Listing, { dataset, jobs = DEFAULT_JOBS }: Of): Promise<number> {
  const candidates = new Candidates(directories);
  let seen = 0;
  for (let at = 0; at < candidates.size; at += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, candidates.size - at) }, (_, i) => at + i);
    const found = await answer(native().identify(candidates.pack(batch), jobs));
    const counts = (name: string) => typeof dataset !== 'string' || name === dataset;
    seen += found.filter(({ is, name }) => ANSWERS[is] === 'yes' && counts(name)).length;
  }
  return seen;
}

async function lookForMore(first: Listing, scan: () => Promise<Listing>, expected: number, of: Of): Promise<Looked> {
  let listing = first;
  let seen = await count(listing, of);
  if (seen >= expected) return { listing };
  const oldest = await age(listing.directories.map(({ dir }) => dir));
  const ms = oldest === OLD.local ? OLD.local : OLD.sshfs;
  await sleep(Math.min(ms, PAUSES.first), of.signal);
  await again({ ...PAUSES, ms, ...(of.signal && { signal: of.signal }) }, async () => {
    listing = await scan();
    seen = await count(listing, of);
    return seen >= expected || undefined;
  });
  return seen >= expected ? { listing } : { listing, fewer: { expected, seen } };
}

/** Lists, and again where a listing may be old. */
export async function look(scan: () => Promise<Listing>, of: Of): Promise<Looked> {
  let listing = await scan();
  const expected = of.expect ?? (of.failIfNone ? 1 : undefined);
  if (expected !== undefined) return lookForMore(listing, scan, expected, of);
  const dirs = empty(listing);
  const ms = dirs.length === 0 ? 0 : await age(dirs);
  if (ms <= OLD.local) return { listing };
  await sleep(PAUSES.first, of.signal);
  await again({ ...PAUSES, ms, ...(of.signal && { signal: of.signal }) }, async () => {
    listing = await scan();
    return empty(listing).length === 0 || undefined;
  });
  return { listing };
}
