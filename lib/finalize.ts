// After the job: finds the state files of state directories and has the addon finalize them, batch by batch.
// Decides nothing about a transfer: native/finalizer.cc does.
import { readdir, realpath } from 'node:fs/promises';
import { CanceledError, fromNode, toFailure } from './errors.js';
import { absolutePath, displayName, toText } from './names.js';
import { ACTIONS, answer, INCOMPLETE, type NativeFinalized, type NativeFinalizeOptions, native } from './native.js';
import { checkOptions, DEFAULT_JOBS, shapes } from './options.js';
import type { Failure, FinalizeAction, FinalizedEntry, FinalizeOptions, FinalizeReport, PathLike } from './types.js';

/** State files that share their fsyncs. */
const BATCH = 128;
/** While one batch waits for the disk, another reads. */
const BATCHES_IN_FLIGHT = 2;

/** Directories and names as latin1: one character a byte, so that nothing is lost and joining is cheap. */
interface Scan {
  readonly dir: string;
  readonly names: readonly string[];
  readonly problem?: Failure;
}

const isFulfilled = <T>(result: PromiseSettledResult<T>): result is PromiseFulfilledResult<T> =>
  result.status === 'fulfilled';

/** The same directory twice would be busy with itself. */
async function distinct(dirs: readonly Buffer[]): Promise<Buffer[]> {
  const resolved = await Promise.allSettled(dirs.map((dir) => realpath(dir, 'latin1')));
  const seen = new Map(resolved.map((result, i) => [isFulfilled(result) ? result.value : `${i}`, dirs[i] as Buffer]));
  return [...seen.values()];
}

/** All names before the first deletion: some file systems skip entries of a directory that shrinks meanwhile. */
async function scan(dir: Buffer): Promise<Scan> {
  const text = dir.toString('latin1');
  try {
    return { dir: text, names: await readdir(dir, 'latin1') };
  } catch (error) {
    const { message, code, errno, errnoName, syscall } = fromNode(error as NodeJS.ErrnoException, dir);
    const failure = { code, message, errno, errnoName, syscall, path: toText(dir) } as Failure;
    return { dir: text, names: [], problem: failure };
  }
}

/** The state files in batches, each of one directory, packed as the addon takes them. */
function* batches(scans: readonly Scan[]): Generator<Buffer> {
  for (const { dir, names } of scans) {
    for (let at = 0; at < names.length; at += BATCH) {
      const paths = names.slice(at, at + BATCH).map((name) => `${dir}/${name}\0`);
      yield Buffer.from(paths.join(''), 'latin1');
    }
  }
}

function toEntry(finalized: NativeFinalized): FinalizedEntry {
  const { action, stateFile, name, rank, files, filesDone, bytes, failure } = finalized;
  const entry = { stateFile: toText(stateFile), action: ACTIONS[action] as FinalizeAction, name, rank };
  const error = failure && { error: toFailure(failure) };
  // Not enumerable, and so neither printed nor in JSON.
  return Object.defineProperty({ ...entry, files, filesDone, bytes, ...error } as FinalizedEntry, 'stateFileBytes', {
    value: stateFile,
  });
}

function emptyTally(unreadable: readonly Failure[]) {
  const counts = Object.fromEntries(ACTIONS.map((action) => [action, 0])) as Record<FinalizeAction, number>;
  return { counts, files: 0, bytes: 0, problems: [] as FinalizedEntry[], unreadable };
}

function count(tally: ReturnType<typeof emptyTally>, entry: FinalizedEntry): void {
  const { action, files, bytes } = entry;
  tally.counts[action]++;
  if (action === 'published') {
    tally.files += files;
    tally.bytes += bytes;
  }
  if (action === 'failed' || action === 'corrupt' || action === 'busy') tally.problems.push(entry);
}

async function finalizeBatches(
  queue: Iterator<Buffer>,
  options: NativeFinalizeOptions,
  report: (entry: FinalizedEntry) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let next = queue.next(); !next.done && !signal?.aborted; next = queue.next()) {
    for (const finalized of await answer(native().finalize(next.value, options))) report(toEntry(finalized));
  }
}

/**
 * Publishes or rolls back the transfers whose state files lie in these directories, as `axl-finalize` does. Idempotent,
 * and safe beside a live job and other finalizers.
 *
 * When it resolves, what it reports is done and on the disk (for transfers of durability `full`). Subdirectories are
 * not searched. If a directory cannot be read, nothing is deleted in any: what is not seen may be what is needed.
 * @param stateDirs a state directory or several
 * @param options `incomplete`: `delete` or `keep` transfers that are not complete, @default delete; `dryRun`; `jobs`
 *   threads, 1 to 256, @default 8; `onEntry` for each state file; `signal`
 * @returns what was done; problems are in it, and reject nothing
 * @throws {TypeError} an option that is unknown or of the wrong type; {RangeError} a number out of range
 * @throws {CanceledError} AXL_CANCELED when the signal fired; what was under way is finished
 * @example
 * ```ts
 * const { counts, problems } = await finalize('/p/job/state');
 * for (const { stateFile, error } of problems) console.error(stateFile, error?.message);
 * ```
 * @see axl_cp -S STATE_FILE -U, which does this for one state file
 */
export async function finalize(
  stateDirs: PathLike | readonly PathLike[],
  options: FinalizeOptions = {},
): Promise<FinalizeReport> {
  checkOptions('finalize', options, shapes.finalize);
  const { incomplete = 'delete', dryRun = false, jobs = DEFAULT_JOBS, signal, onEntry } = options;
  const given = Array.isArray(stateDirs) ? (stateDirs as readonly PathLike[]) : [stateDirs as PathLike];
  const dirs = await distinct(given.map((dir) => absolutePath(dir, 'a state directory')));
  const scans = await Promise.all(dirs.map(scan));
  const tally = emptyTally(scans.flatMap(({ problem }) => problem ?? []));
  const scanComplete = tally.unreadable.length === 0;
  const lanes = Math.min(BATCHES_IN_FLIGHT, jobs);
  const code = { incomplete: INCOMPLETE[incomplete], dryRun, scanComplete, jobs: Math.floor(jobs / lanes) };
  const report = (entry: FinalizedEntry) => {
    count(tally, entry);
    onEntry?.(entry);
  };
  const queue = batches(scans);
  const work = Array.from({ length: lanes }, () => finalizeBatches(queue, code, report, signal));
  const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason; // not before the other lanes have ended
  if (signal?.aborted) {
    const where = dirs.map(displayName).join(', ');
    throw new CanceledError(`finalize: stopped before the end of ${where}`, { cause: signal.reason });
  }
  return tally;
}
