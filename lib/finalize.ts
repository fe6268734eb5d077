// After the job: finds state files, decides which are ours to act on, and has them finalized.

import { version } from './base/addon.js';
import { fromNode } from './base/errors.js';
import { isRoot, overridden } from './base/keep.js';
import { launched } from './base/launch.js';
import { absolutePath, fromLatin1, hash, latin1, pack } from './base/names.js';
import { INCOMPLETE, type NativePolicy, native, OVERWRITE, VERIFY } from './base/native.js';
import { checkOptions, DEFAULT_JOBS, shapes } from './base/options.js';
import { UNTIL } from './base/phases.js';
import type { PathLike } from './base/types.js';
import { look } from './finalize/expect.js';
import type { Asked } from './finalize/listing.js';
import { metered } from './finalize/metering.js';
import { Candidates, type Listing, scan, type Unread, withoutLinks } from './finalize/scan.js';
import { Tally } from './finalize/tally.js';
import type { FinalizeOptions, FinalizeReport } from './finalize/types.js';
import type { Terms } from './finalize/work.js';
import { Jobs } from './movers/jobs.js';

/**
 * A root's canonical path: destinations are compared with it. @throws {AxlError} AXL_IO if there is no such directory
 */
async function canonicalRoot(root: PathLike): Promise<Buffer> {
  const path = absolutePath(root, 'a root');
  try {
    return fromLatin1(await withoutLinks(path));
  } catch (error) {
    throw fromNode(error as NodeJS.ErrnoException, path);
  }
}

async function policyOf(options: FinalizeOptions): Promise<NativePolicy> {
  const { incomplete = options.scr ? 'keep' : 'delete', fallback = 'keep' } = options;
  const { verify = 'size', overwrite = 'newer' } = options;
  const { dryRun = false, jobs = DEFAULT_JOBS, jobEnded = false, writerDead = [] } = options;
  const { keepState = false, axlInPlace = false } = options;
  return {
    incomplete: INCOMPLETE[incomplete],
    fallback: INCOMPLETE[fallback],
    verify: VERIFY[verify],
    overwrite: OVERWRITE[overwrite],
    ...overridden(options),
    roots: pack(await Promise.all((options.roots ?? []).map(canonicalRoot))),
    deadHosts: pack(writerDead.map((host) => Buffer.from(host))),
    ...{ jobEnded, keepState, axlInPlace, dryRun, jobs },
    allEntries: options.onEvent !== undefined && options.entries !== 'problems',
    mayDelete: true,
    together: false,
    until: options.onPublished === undefined || dryRun ? UNTIL.all : UNTIL.pointer,
    clears: false,
    handsOver: false,
  };
}

/** Of the datasets of SCR below a prefix. */
async function finalizeScr(prefix: Buffer, { wait = 0, onPublished }: FinalizeOptions, terms: Terms): Promise<void> {
  const path = latin1(prefix).replace(/\/$/, '');
  const { findPrograms } = await import('./finalize/scr-programs.js');
  const programs = onPublished === undefined ? findPrograms() : undefined;
  const asked = { prefix: path, programs };
  await stoppable(terms, async () => {
    if (isRoot()) await (await import('./as-root/scr.js')).finalizePrefixAsRoot(asked, terms, wait);
    else await (await import('./finalize/scr.js')).finalizePrefix(asked, terms, wait, async () => true);
  });
}

/** What goes with no prefix of SCR: it says itself which state files there are, and what is incomplete is never deleted. */
const NOT_WITH_SCR = [
  'dataset',
  'expect',
  'failIfNone',
  'shard',
  'recursive',
  'pattern',
  'exclude',
  'adopt',
  'keepState',
];

/** @throws {TypeError} */
function checkScr(options: FinalizeOptions, inputs: number): void {
  const other = NOT_WITH_SCR.find((name) => {
    const value = options[name as keyof FinalizeOptions];
    return value !== undefined && value !== false;
  });
  if (other !== undefined) throw new TypeError(`scr and ${other} exclude each other`);
  if (options.incomplete === 'delete' || options.fallback === 'delete' || options.axlInPlace)
    throw new TypeError('with scr nothing is deleted that is incomplete: incomplete must be keep or resume');
  if (inputs !== 1) throw new TypeError(`scr takes one input, the prefix of SCR, and not ${inputs}`);
}

/** Which part of how many is ours, and who said so: `auto` is as the launcher says, part 0 of 1 where there is none. */
export function whichShard(given: NonNullable<FinalizeOptions['shard']>) {
  if (given !== 'auto') return { shard: given, launcher: 'none' as const };
  const { rank, size, launcher } = launched();
  return { shard: { index: rank, count: size }, launcher };
}

function shardOf({ shard }: FinalizeOptions): Terms['shard'] {
  const part = shard && whichShard(shard).shard;
  return part && part.count > 1 ? part : undefined;
}

function tellScan({ directories }: Listing, { tally, shard }: Terms): void {
  if (!tally.heard) return;
  const candidates = new Candidates(directories);
  let count = 0;
  for (let i = 0; i < candidates.size; i++)
    if (!shard || hash(candidates.name(i)) % shard.count === shard.index) count++;
  tally.tell({ event: 'scan', candidates: count });
}

const isEmpty = ({ directories, traces }: Listing): boolean =>
  traces.length === 0 && directories.every(({ names }) => names.length === 0);

async function finalizeAll(inputs: readonly Buffer[], options: FinalizeOptions, given: Terms): Promise<void> {
  const { tally, signal } = given;
  const { listing, fewer } = await tally.time('scan', () => look(() => scan(inputs, options), options));
  for (const { failure } of listing.unreadable) tally.unreadable(failure);
  if (fewer) tally.fewer(fewer);
  else await finalizeSeen(listing, inputs, options, given);
  // As of `find -print0 | axl-finalize -` that has found none.
  if (inputs.length === 0)
    tally.absent({ input: '', cause: 'empty', message: 'there is no state file: the list of inputs is empty' });
  if (!signal?.aborted && mayLackSome(listing, tally)) {
    const [{ absences }, { mayOpen }] = await Promise.all([
      import('./finalize/absence.js'),
      import('./as-root/own-directories.js'),
    ]);
    const of = { ...options, mayOpen: mayOpen(), found: tally.found };
    for (const absence of await absences(listing, of)) tally.absent(absence);
  }
}

/** Is there an input in which no state file may have been found? Those that had any are not looked at again. */
function mayLackSome({ directories }: Listing, tally: Tally): boolean {
  const full = new Set(directories.filter(({ names }) => names.length > 0).map(({ searched }) => searched));
  return tally.strangers || directories.some(({ searched }) => searched !== undefined && !full.has(searched));
}

async function finalizeSeen(
  listing: Listing,
  inputs: readonly Buffer[],
  options: FinalizeOptions,
  given: Terms,
): Promise<void> {
  tellScan(listing, given);
  // With nothing to do, the addon and what works with it are not even loaded.
  if (!isEmpty(listing)) await stoppable(given, () => finalizeFound(listing, inputs, options, given));
}

const mayDelete = (terms: Terms, may: boolean): Terms => ({ ...terms, policy: { ...terms.policy, mayDelete: may } });

async function finalizeFound(
  listing: Listing,
  inputs: readonly Buffer[],
  options: FinalizeOptions,
  terms: Terms,
): Promise<void> {
  const { tally } = terms;
  const { finalizeListing } = await import('./finalize/listing.js');
  const asked: Asked = { dataset: options.dataset ?? false, wait: options.wait ?? 0, adopt: options.adopt ?? false };
  const tell = (unread: readonly Unread[]) => {
    for (const { failure } of unread) tally.unreadable(failure);
  };
  if (!isRoot()) {
    const rescan = async () => {
      const again = await scan(inputs, options);
      tell(again.unreadable);
      return again.unreadable.length > 0 ? undefined : again;
    };
    return finalizeListing(listing, mayDelete(terms, listing.unreadable.length === 0), asked, rescan);
  }
  const [{ byOwner }, { suspects, isSuspect }] = await Promise.all([
    import('./as-root/owners.js'),
    import('./as-root/suspects.js'),
  ]);
  const { own, others, isPartial, unseen } = await tally.time('scan', () => byOwner(listing, terms, true));
  tell(unseen);
  const suspected = await suspects([...listing.unreadable, ...unseen]);
  const termsOf = (uid: number) => mayDelete(terms, !isSuspect(suspected, uid));
  const rescan = async () => {
    const listed = await scan(inputs, options);
    const again = await byOwner(listed, terms, false);
    tell([...listed.unreadable, ...again.unseen]);
    const mayBeOwn = isSuspect(await suspects([...listed.unreadable, ...again.unseen]), 0);
    return again.isPartial || mayBeOwn ? undefined : again.own;
  };
  const elsewhere = async () => {
    if (others.size > 0) await (await import('./as-root/others.js')).finalizeOthers(others, asked, terms, termsOf);
  };
  await Promise.all([finalizeListing(own, termsOf(0), asked, rescan, isPartial), elsewhere()]);
}

/** Calls to finalize() under way: what one of them stopped, the next may start again. */
let active = 0;

/** Runs with the addon told to stop when the signal fires. */
async function stoppable({ signal, tally }: Terms, work: () => Promise<void>): Promise<void> {
  const stop = () => native().stopFinalize(true);
  if (active++ === 0) native().stopFinalize(false);
  signal?.addEventListener('abort', stop);
  try {
    await metered(tally, work);
  } finally {
    signal?.removeEventListener('abort', stop);
    active--;
  }
}

/**
 * Publishes or rolls back the transfers of these state files, as `axl-finalize` does. It is idempotent, and safe beside
 * a live job and other finalizers.
 *
 * When it resolves, everything in the report is done and on the disk (for transfers of durability `full`). If an input
 * cannot be read, nothing is deleted in any input, because an unread rank may be complete. As root, it acts on each
 * user's state files through a process of that user, and on root's own only in directories that no other user can write
 * to; an input that cannot be read and where only one user can have state files, as in a FUSE mount of that user, keeps what is
 * that user's.
 * @param inputs state directories, whose subdirectories are searched only with `recursive`, and single state files; with `scr`
 *   the prefix of SCR
 * @param options see {@link FinalizeOptions}
 * @returns what was done. Failed transfers are in its `problems` and do not reject. If `signal` ended the work early,
 *   `interrupted` is true
 * @throws {TypeError} an option that is unknown or of the wrong type; {RangeError} a number out of range
 * @throws {AxlError} AXL_IO when one of `roots` does not exist; AXL_BACKEND_UNAVAILABLE when the native addon cannot be
 *   loaded
 * @example
 * ```ts
 * const { counts, problems } = await finalize('/p/job/state', { dataset: true, incomplete: 'resume' });
 * for (const { stateFile, error } of problems) console.error(stateFile, error?.message);
 * ```
 * @see axl_cp -S STATE_FILE -U, which does this for one state file
 */
export async function finalize(
  inputs: PathLike | readonly PathLike[],
  options: FinalizeOptions = {},
): Promise<FinalizeReport> {
  checkOptions('finalize', options, shapes.finalize);
  if (options.expect !== undefined && options.shard !== undefined)
    throw new TypeError('expect and shard exclude each other: shards remove state files while another one counts');
  if (options.failIfNone && options.shard !== undefined)
    throw new TypeError('failIfNone and shard exclude each other: shards remove state files while another one counts');
  if (options.onPublished !== undefined && options.shard !== undefined)
    throw new TypeError('onPublished and shard exclude each other: no shard knows when all of a dataset is published');
  const { signal, onEvent } = options;
  if (options.scr) checkScr(options, Array.isArray(inputs) ? inputs.length : 1);
  const given = Array.isArray(inputs) ? (inputs as readonly PathLike[]) : [inputs as PathLike];
  const paths = given.map((input) => absolutePath(input, 'an input'));
  const policy = await policyOf(options);
  const tally = new Tally(policy, onEvent && ((event) => onEvent(event)));
  const jobs = options.movers?.length ? new Jobs(options.movers) : undefined;
  const terms = { policy, shard: shardOf(options), signal, tally, jobs, onPublished: options.onPublished };
  if (onEvent) tally.tell({ event: 'start', time: new Date().toISOString(), version: version() });
  if (options.scr) await finalizeScr(paths[0] as Buffer, options, terms);
  else await finalizeAll(paths, options, terms);
  tally.interrupted ||= signal?.aborted ?? false;
  const report = tally.report();
  tally.tell({ event: 'end', report });
  return report;
}
