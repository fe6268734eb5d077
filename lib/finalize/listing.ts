// Finalizes what a listing holds, with the power of this process: locks the directories, has the work done, and clears
// away verdicts that were carried out and locks that killed finalizers left. finalize() calls it, and so does the process
// that acts for another user.

import { failureOf } from '../base/errors.js';
import { lockDirectory, removeIfStale } from './directory-lock.js';
import { Candidates, type Listing } from './scan.js';
import { Patience, type Terms, Work } from './work.js';

export interface Policy {
  readonly dataset: boolean | string;
  /** Milliseconds. */
  readonly wait: number;
}

/** Lists all again, of this user; undefined if that cannot be done. */
export type Rescan = () => Promise<Listing | undefined>;

/** Locks every directory that was searched and has candidates; those in `left` are somebody else's. */
async function lockAll(listing: Listing, terms: Terms, wait: number) {
  const { native, shard, signal, tally } = terms;
  const part = shard ? `.${shard.index}-of-${shard.count}` : '';
  const searched = listing.directories.filter(({ names }) => names.length > 0).map(({ searched }) => searched);
  const dirs = [...new Set(searched.filter((dir) => dir !== undefined))];
  if (native.dryRun || dirs.length === 0) return { left: new Set<string>(), waited: false, release: async () => {} };
  const locks = await Promise.all(
    dirs.map(async (dir) => ({ dir, lock: await lockDirectory(dir === '/' ? '' : dir, part, signal, wait) })),
  );
  for (const { lock } of locks) if (!lock.held) tally.locked(lock.failure);
  return {
    left: new Set(locks.filter(({ lock }) => !lock.held).map(({ dir }) => dir)),
    waited: locks.some(({ lock }) => lock.held && lock.waited),
    release: async () => {
      await Promise.all(locks.map(({ lock }) => (lock.held ? lock.release() : undefined)));
    },
  };
}

/** What killed finalizers left goes when it is of no use any more. */
async function removeTraces(paths: ReadonlySet<string>, { native, tally }: Terms): Promise<void> {
  if (native.dryRun || !native.scanComplete || paths.size === 0) return;
  const { removeIfCarriedOut } = await import('./verdict-file.js');
  for (const path of paths) {
    try {
      if (path.endsWith('.lock')) await removeIfStale(path);
      else await removeIfCarriedOut(path);
    } catch (error) {
      tally.problem(failureOf(error));
    }
  }
}

const without = (listing: Listing, left: ReadonlySet<string>): Listing => ({
  ...listing,
  directories: listing.directories.filter(({ searched }) => searched === undefined || !left.has(searched)),
});

/** Each for itself. @returns what is left: transfers that go only with all ranks of their dataset */
function finalizeEach(work: Work, patience: Patience): Promise<Set<string>> {
  const { native, tally } = work.terms;
  return tally.time('finalize', () => work.conclude(work.ours(), [native], () => native, patience));
}

/** @param isPartial are there state files that are not in the listing? They may be what a dataset lacks */
export async function finalizeListing(
  given: Listing,
  terms: Terms,
  { dataset, wait }: Policy,
  rescan: Rescan,
  isPartial = false,
): Promise<void> {
  const { left, waited, release } = await lockAll(given, terms, wait);
  const relist = async () => {
    const again = await rescan();
    return again && without(again, left);
  };
  try {
    const listing = (waited ? await relist() : undefined) ?? without(given, left);
    const work = new Work(new Candidates(listing.directories), terms);
    const patience = new Patience(terms, wait);
    const traces = new Set(listing.traces);
    const rest = dataset === false ? await finalizeEach(work, patience) : undefined;
    if (rest === undefined || rest.size > 0) {
      const { finalizeDatasets } = await import('./datasets.js');
      const again = async () => {
        const next = await relist();
        return next && new Work(new Candidates(next.directories), terms, work.resumed, rest);
      };
      const todo = rest ? new Work(work.candidates, terms, work.resumed, rest) : work;
      const written = await finalizeDatasets(todo, { dataset, patience, rescan: again }, left.size === 0 && !isPartial);
      for (const path of written) traces.add(path);
    }
    await removeTraces(traces, terms);
  } finally {
    await release();
  }
}
