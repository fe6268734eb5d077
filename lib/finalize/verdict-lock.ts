// One at a time decides about a dataset, or clears away what was decided: a flock on a file beside the verdict file, which
// nobody has after the death of its process. Knows nothing of what a verdict says.
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, unlink } from 'node:fs/promises';
import { now } from '../base/clock.js';
import { AxlError, translated } from '../base/errors.js';
import { displayName, fromLatin1 } from '../base/names.js';
import { native } from '../base/native.js';
import { jittered, sleep } from '../base/waiting.js';

const FLAGS = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
const FIRST_PAUSE_MS = 5;
const LAST_PAUSE_MS = 100;
/** As the addon has it: somebody else has the lock. */
const HELD = 1;

export type Release = () => Promise<void>;

/** Not one of the drafts, which go with their verdict. */
export const LOCK_SUFFIX = '.flock';

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

const lockOf = (verdict: string): Buffer => fromLatin1(`${verdict}${LOCK_SUFFIX}`);

/** Whoever had the lock before may have removed the file; then it locks nobody out. */
async function isNamed(file: FileHandle, path: Buffer): Promise<boolean> {
  const { ino, uid } = await file.stat();
  if (uid !== process.geteuid?.())
    throw new AxlError('AXL_UNSAFE_PATH', `${displayName(path)}: not a lock of this user`);
  try {
    return (await lstat(path)).ino === ino;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Undefined while another process has it. Where flock does not work, nobody is kept out. */
async function attempt(path: Buffer): Promise<Release | undefined> {
  const file = await open(path, FLAGS | constants.O_CREAT, 0o600);
  let ours = false;
  try {
    ours = native().tryLock(file.fd) !== HELD && (await isNamed(file, path));
  } finally {
    if (!ours) await file.close();
  }
  const release = async () => {
    await unlink(path).catch(() => {});
    await file.close();
  };
  return ours ? release : undefined;
}

async function patiently<T>(ms: number, again: () => Promise<T | undefined>): Promise<T | undefined> {
  const until = now() + ms;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LAST_PAUSE_MS, 2 * pause)) {
    const result = await again();
    if (result !== undefined || now() > until) return result;
    await sleep(jittered(pause), undefined);
  }
}

/**
 * The right to write and remove these verdict files.
 * @param verdicts paths, in an order that all share
 * @param ms how long to wait for who has it
 * @returns undefined if somebody still has it
 * @throws {AxlError} AXL_UNSAFE_PATH another user's lock; what a system call says
 */
export async function lockVerdicts(verdicts: readonly string[], ms: number): Promise<Release | undefined> {
  const held: Release[] = [];
  const release = async () => {
    for (let one = held.pop(); one; one = held.pop()) await one();
  };
  try {
    for (const verdict of verdicts) {
      const one = await patiently(ms, () => attempt(lockOf(verdict)));
      if (one) held.push(one);
      else {
        await release();
        return undefined;
      }
    }
    return release;
  } catch (error) {
    const path = lockOf(verdicts[held.length] ?? '');
    await release();
    throw translated(error, path);
  }
}

/** Waits until nobody decides: who begins after that sees what the caller has done before. False if somebody still does. */
export async function awaitVerdict(verdict: string, ms: number): Promise<boolean> {
  const look = async () => {
    try {
      const file = await open(lockOf(verdict), FLAGS);
      try {
        return native().tryLock(file.fd) === HELD ? undefined : true;
      } finally {
        await file.close();
      }
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return true;
      throw translated(error, lockOf(verdict));
    }
  };
  return (await patiently(ms, look)) ?? false;
}
