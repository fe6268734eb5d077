// A lock on a state directory, so that two finalizers do not do the same work twice. It is a courtesy: the lock on each
// state file is what keeps transfers right, and losing this one at any moment is harmless.
import * as fs from 'node:fs';
import { now } from '../base/clock.js';
import { displayName, fromLatin1, toText } from '../base/names.js';
import type { Failure } from '../base/types.js';
import { jittered, sleep } from '../base/waiting.js';

/** Held, not needed, somebody else's, or held by another name of the directory (without `failure`). */
export type Locked =
  | { readonly held: true; readonly waited: boolean; readonly release: () => Promise<void> }
  | { readonly held: false; readonly failure?: Failure };

const STALE_MS = 5000;
const UPDATE_MS = 1000;
/** Longer than until a lock is stale, so that what a killed finalizer left does not make the next one give up. */
const PATIENCE_MS = 8000;

type Call = (path: Buffer, ...args: unknown[]) => unknown;

/** The calls that proper-lockfile makes, with names in latin1. */
function latin1Calls(): typeof fs {
  const { mkdir, stat, utimes, rmdir, rmdirSync, realpath } = fs;
  const calls = Object.entries({ mkdir, stat, utimes, rmdir, rmdirSync, realpath } as unknown as Record<string, Call>);
  const wrapped = calls.map(([name, call]) => [
    name,
    (path: string, ...args: unknown[]) => call(fromLatin1(path), ...args),
  ]);
  return Object.fromEntries(wrapped) as typeof fs;
}

const calls = latin1Calls();

async function lock(path: string): Promise<() => Promise<void>> {
  const { default: lockfile } = await import('../packages/proper-lockfile.cjs');
  return lockfile.lock(path, {
    lockfilePath: path,
    fs: calls,
    realpath: false,
    stale: STALE_MS,
    update: UPDATE_MS,
    onCompromised: () => {},
  });
}

const isHeld = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ELOCKED';

function taken(dir: string): Failure {
  const path = fromLatin1(dir);
  return {
    code: 'AXL_STATE_LOCKED',
    message: `${displayName(path)}: another finalizer is at work in this directory`,
    path: toText(path),
  };
}

/** Of another process of this user: whoever may write to a directory can make a lock there, and never let go. */
function isOurs(path: string): boolean {
  const stats = fs.lstatSync(fromLatin1(path), { throwIfNoEntry: false });
  return !stats || stats.uid === process.geteuid?.();
}

/** Is it one of these locks, by another name of its directory, as a bind mount has? They were made a moment ago. */
function isAmong(path: string, held: ReadonlySet<string>): boolean {
  const look = (at: string) => fs.lstatSync(fromLatin1(at), { throwIfNoEntry: false, bigint: true });
  const own = look(path);
  const isSame = (other: fs.BigIntStats | undefined) =>
    own?.dev === other?.dev && own?.ino === other?.ino && own?.birthtimeNs === other?.birthtimeNs;
  return own !== undefined && [...held].some((other) => isSame(look(other)));
}

/** Undefined while another process has it. */
async function attempt(path: string): Promise<(() => Promise<void>) | undefined> {
  try {
    const release = await lock(path);
    return () => release().catch(() => {});
  } catch (error) {
    return isHeld(error) && isOurs(path) ? undefined : async () => {};
  }
}

/** Removes a lock that nobody holds any more. One that is held stays. */
export async function removeIfStale(path: string): Promise<void> {
  const release = await attempt(path);
  await release?.();
}

/**
 * Locks a directory for this user and this shard, waiting for some seconds or as long as it may. Where a lock cannot be
 * made (a read-only or full file system, another user's in its place), work goes on without.
 * @param part '' or the name of the shard: shards work side by side
 * @param wait milliseconds
 * @param held the locks that this run holds; a new one is added
 */
export async function lockDirectory(
  dir: string,
  part: string,
  signal: AbortSignal | undefined,
  wait: number,
  held: Set<string>,
): Promise<Locked> {
  const path = `${dir}/.axl-finalize.${process.geteuid?.() ?? 0}${part}.lock`;
  const until = now() + Math.max(PATIENCE_MS, wait);
  for (let pause = 50; ; pause = Math.min(1000, 2 * pause)) {
    const release = await attempt(path);
    if (release) {
      held.add(path);
      return { held: true, waited: pause > 50, release };
    }
    if (isAmong(path, held)) return { held: false };
    if (now() > until || signal?.aborted) return { held: false, failure: taken(dir) };
    await sleep(jittered(pause), signal);
  }
}
