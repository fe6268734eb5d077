// Finalizes what a listing holds, with the power of this process: locks the directories, has the work done, and clears
// away what killed finalizers left. finalize() calls it, and so does the process that acts for another user.

import { failureOf } from '../base/errors.js';
import { fromLatin1 } from '../base/names.js';
import { nameOf, VERDICT } from '../base/own-files.js';
import { kindOf } from '../base/strangers.js';
import type { Failure } from '../base/types.js';
import { lockDirectory, removeIfStale } from './directory-lock.js';
import { Patience } from './patience.js';
import { Candidates, type Listing } from './scan.js';
import { ANY, type Terms, Work } from './work.js';

export interface Asked {
  readonly dataset: boolean | string;
  /** Milliseconds. */
  readonly wait: number;
  /** Are copies of state files to be taken over? */
  readonly adopt: boolean;
}

/** Lists all again, of this user; undefined if that cannot be done. */
export type Rescan = () => Promise<Listing | undefined>;

/**
 * Locks every directory that was searched and has candidates. Those in `left` are somebody else's, or have another name
 * here; `whole`: none is somebody else's.
 */
async function lockAll(listing: Listing, terms: Terms, wait: number) {
  const { policy, shard, signal, tally } = terms;
  const part = shard ? `.${shard.index}-of-${shard.count}` : '';
  const searched = listing.directories.filter(({ names }) => names.length > 0).map(({ searched }) => searched);
  const dirs = [...new Set(searched.filter((dir) => dir !== undefined))];
  if (policy.dryRun || dirs.length === 0)
    return { left: new Set<string>(), whole: true, waited: false, release: async () => {} };
  const held = new Set<string>();
  const locks = await Promise.all(
    dirs.map(async (dir) => ({ dir, lock: await lockDirectory(dir === '/' ? '' : dir, part, signal, wait, held) })),
  );
  const failures = locks.flatMap(({ lock }) => (lock.held || !lock.failure ? [] : [lock.failure]));
  for (const failure of failures) tally.locked(failure);
  return {
    left: new Set(locks.filter(({ lock }) => !lock.held).map(({ dir }) => dir)),
    whole: failures.length === 0,
    waited: locks.some(({ lock }) => lock.held && lock.waited),
    release: async () => {
      await Promise.all(locks.map(({ lock }) => (lock.held ? lock.release() : undefined)));
    },
  };
}

/** What killed finalizers left is removed when it is of no use any more. */
async function removeTraces({ traces, directories, listed }: Listing, { policy, tally }: Terms): Promise<void> {
  if (policy.dryRun || !policy.mayDelete || traces.length === 0) return;
  const { clearTrace, Homes } = await import('./homes.js');
  const homes = new Homes();
  const namesIn = (where: string) => {
    const found = directories.find(({ dir }) => dir === where);
    return found?.whole ? found.names : !found && listed.includes(where) ? [] : undefined;
  };
  for (const path of traces) {
    const isVerdict = VERDICT.test(nameOf(path));
    const failure = isVerdict ? await clearTrace(path, homes, namesIn) : await unlocked(path);
    if (failure) tally.problem(failure);
  }
  await homes.close();
}

async function unlocked(path: string): Promise<Failure | undefined> {
  try {
    await removeIfStale(path);
  } catch (error) {
    return failureOf(error);
  }
  return undefined;
}

const without = (listing: Listing, left: ReadonlySet<string>): Listing => ({
  ...listing,
  directories: listing.directories.filter(({ searched }) => searched === undefined || !left.has(searched)),
});

/** So many state files are read once more without a thought. */
const FEW = 1000;

/**
 * May there be transfers to the same final names? Not among thousands of which all have one name but for their ranks: the
 * ranks of one checkpoint. If some of these meet, the one that comes second is a conflict. But of those of AXL that meet, the one
 * that comes first has done harm by then.
 */
function mayMeet({ candidates }: Work): boolean {
  const stem = (i: number) => candidates.name(i).replace(/\.\d+$/, '');
  if (candidates.size <= FEW) return candidates.size > 1;
  const first = stem(0);
  for (const i of candidates.numbers()) if (stem(i) !== first) return true;
  return kindOf(fromLatin1(candidates.path(0))) === 'kvtree';
}

/** Each for itself. @returns what is left: transfers that go only with all ranks of their dataset */
function finalizeEach(work: Work, patience: Patience): Promise<Set<string>> {
  return work.terms.tally.time('finalize', async () => {
    if (mayMeet(work)) await work.findMeetings();
    const { left, came } = await work.conclude(work.ours(), ['each'], () => 'each', patience);
    if (came.size > 0) await (await import('./on-published.js')).concludePublished(work, came, (i) => [i], ANY);
    return left;
  });
}

/** @param isPartial are there state files that are not in the listing? They may be what a dataset lacks */
export async function finalizeListing(
  given: Listing,
  terms: Terms,
  { dataset, wait, adopt }: Asked,
  rescan: Rescan,
  isPartial = false,
): Promise<void> {
  const { left, whole, waited, release } = await lockAll(given, terms, wait);
  const relist = async () => {
    const again = await rescan();
    return again && without(again, left);
  };
  try {
    const listing = (waited ? await relist() : undefined) ?? without(given, left);
    const work = new Work(new Candidates(listing.directories), terms);
    if (adopt && !terms.policy.dryRun) await (await import('./adopt.js')).adoptCopies(work);
    const patience = new Patience(terms, wait);
    const rest = dataset === false ? await finalizeEach(work, patience) : undefined;
    if (rest === undefined || rest.size > 0) {
      const { finalizeDatasets } = await import('./datasets.js');
      const again = async () => {
        const next = await relist();
        return next && new Work(new Candidates(next.directories), terms, work.resumes, rest);
      };
      const todo = rest ? new Work(work.candidates, terms, work.resumes, rest) : work;
      const listed = new Set([
        ...listing.listed,
        ...listing.directories.filter(({ whole }) => whole).map(({ dir }) => dir),
      ]);
      await finalizeDatasets(todo, { dataset, patience, rescan: again, listed }, whole && !isPartial);
    }
    await removeTraces(listing, terms);
  } finally {
    await release();
  }
}
