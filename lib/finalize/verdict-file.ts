// Writes down what was decided about a dataset, durably, before any of it is touched, and clears it away when it is done:
// whoever comes later, or works beside us, does the same, though ranks are missing by then because they were finalized.
// The first verdict counts: it is made by link, by who has the lock of verdict-lock.ts. Who removes one has it, too: it
// could be the next one by then. What a verdict says, and whether it counts, is in verdict.ts.
import { link, lstat, open, readdir, rename, unlink } from 'node:fs/promises';
import { AxlError, translated } from '../base/errors.js';
import { displayName, fromLatin1 } from '../base/names.js';
import { answer, native, STANDINGS } from '../base/native.js';
import {
  type Decision,
  doesCount,
  encode,
  inOrder,
  isThere,
  PATIENCE_MS,
  readVerdict,
  syncDirectory,
  verdictPath,
} from './verdict.js';
import { LOCK_SUFFIX, lockVerdicts } from './verdict-lock.js';

/** What its drafts and its lock have behind its name. */
const LEFTOVER = /(?<=\/\.axl-verdict\.[0-9a-f]{16})\.[^/]*$/;
const ATTEMPTS = 10;
const BATCH = 128;

const dirOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(fromLatin1(path), 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Gives a file its name if nobody has it. False if somebody does. */
async function linkFirst(temporary: Buffer, path: Buffer): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
    if (await isThere(path)) return false; // a file system without hard links: only the lock keeps others out
    await rename(temporary, path);
    return true;
  }
}

const draftOf = (path: string): string => `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;

/** Undefined: try again; a verdict was carried out and removed meanwhile, or our draft was taken for a leftover. */
async function attempt(path: string, wanted: Decision): Promise<Decision | undefined> {
  const draft = draftOf(path);
  try {
    await writeDurably(draft, encode(wanted));
    return (await linkFirst(fromLatin1(draft), fromLatin1(path))) ? wanted : await readVerdict(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  } finally {
    await unlink(fromLatin1(draft)).catch(() => {});
  }
}

/**
 * Writes a verdict if there is none yet; durable afterwards, whoever wrote it.
 * @returns the verdict that counts: the first
 * @throws {AxlError} as readVerdict
 */
export async function decide(dir: string, wanted: Decision): Promise<Decision> {
  const path = verdictPath(dir, wanted.name);
  try {
    for (let i = 0; i < ATTEMPTS; i++) {
      const counts = await attempt(path, wanted);
      if (!counts) continue;
      await syncDirectory(dir);
      return counts;
    }
  } catch (error) {
    throw translated(error, fromLatin1(path));
  }
  throw new AxlError('AXL_CONFLICT', `${displayName(fromLatin1(path))}: comes and goes`);
}

/** Makes room for a verdict. One that counts goes only if it was carried out, and is not about the same transfers. */
async function clearBefore(path: string, concerns: (decision: Decision) => boolean): Promise<void> {
  const last = await readVerdict(path);
  if (!last || (!concerns(last) && (await clearIfCarriedOut(path)))) return;
  if (!(await doesCount(path, last))) await unlink(fromLatin1(path));
}

/** Has a verdict that counts say so by itself, whatever becomes of the other directories. */
async function makeItsOwn(dir: string, decision: Decision): Promise<void> {
  const path = verdictPath(dir, decision.name);
  const draft = draftOf(path);
  try {
    await writeDurably(draft, encode({ ...decision, directories: [] }));
    await rename(fromLatin1(draft), fromLatin1(path));
    await syncDirectory(dir);
  } catch (error) {
    await unlink(fromLatin1(draft)).catch(() => {});
    throw translated(error, fromLatin1(path));
  }
}

/**
 * Writes a verdict in all directories of its dataset, before any of them is touched: each is all that a finalizer may see
 * once the others are done with. It counts when the last has it; then each is made to say so by itself, the last one
 * last. REQUIRES their locks.
 * @param dirs of inOrder: where there are no locks, the first decides
 * @param concerns is a verdict about the same transfers? One that is not, and was carried out, goes
 * @returns the verdict that counts
 * @throws {AxlError} AXL_CONFLICT when another is in the way, which was not carried out yet; as readVerdict
 */
export async function decideIn(
  dirs: readonly string[],
  wanted: Omit<Decision, 'directories'>,
  concerns: (decision: Decision) => boolean,
): Promise<Decision> {
  let counts: Decision = { ...wanted, directories: dirs.length > 1 ? dirs : [] };
  for (const [i, dir] of dirs.entries()) {
    const path = verdictPath(dir, wanted.name);
    await clearBefore(path, concerns);
    const there = await decide(dir, counts);
    if (!concerns(there) || (i > 0 && encode(there) !== encode(counts))) {
      const dataset = `dataset ${displayName(wanted.name)}`;
      throw new AxlError('AXL_CONFLICT', `${dataset}: ${displayName(fromLatin1(path))}: another verdict comes first`);
    }
    counts = there;
  }
  for (const dir of counts.directories) await makeItsOwn(dir, counts);
  return counts;
}

const DONE_WITH = new Set(['gone', 'not-state', 'published', 'rolled-back']);

/** Is one of its transfers still to be finalized? */
async function isPending(dir: string, { transfers }: Decision): Promise<boolean> {
  const there = new Set(await readdir(fromLatin1(dir === '' ? '/' : dir), 'latin1'));
  const left = [...transfers].filter(([, name]) => there.has(name));
  for (let at = 0; at < left.length; at += BATCH) {
    const some = left.slice(at, at + BATCH);
    const packed = fromLatin1(some.map(([, name]) => `${dir}/${name}\0`).join(''));
    const surveyed = await answer(native().survey(packed, 2));
    const isLeft = ({ standing, uuid }: (typeof surveyed)[number], i: number) => {
      const word = STANDINGS[standing] as string;
      return !DONE_WITH.has(word) && (word === 'corrupt' || word === 'unreadable' || uuid === some[i]?.[0]);
    };
    if (surveyed.some(isLeft)) return true;
  }
  return false;
}

/** However they are spelled or mounted. */
const areSame = async (...dirs: readonly string[]): Promise<boolean> => (await inOrder(dirs)).length === 1;

/** Is this the directory that makes it count, for another that may still have it? Not to be known of one that is gone. */
async function isLookedAt(dir: string, decision: Decision): Promise<boolean> {
  const last = decision.directories.at(-1);
  if (last === undefined || !(await isThere(fromLatin1(last))) || !(await areSame(dir, last))) return false;
  for (const other of decision.directories.slice(0, -1)) {
    const there = await readVerdict(verdictPath(other, decision.name));
    if (there ? encode(there) === encode(decision) : !(await isThere(fromLatin1(other)))) return true;
  }
  return false;
}

/** Removes what killed writers of a verdict left. One that is at work tries again. */
async function removeDrafts(dir: string, base: string): Promise<void> {
  const names = await readdir(fromLatin1(dir === '' ? '/' : dir), 'latin1');
  const drafts = names.filter((name) => name.startsWith(`${base}.`) && name !== base + LOCK_SUFFIX);
  await Promise.all(drafts.map((name) => unlink(fromLatin1(`${dir}/${name}`)).catch(() => {})));
}

/**
 * Removes a verdict that has been carried out: none of its state files is left here, durably, and no other directory
 * needs it to tell that its own counts.
 * @returns what was removed
 * @throws {AxlError} as readVerdict
 */
async function clearIfCarriedOut(path: string): Promise<Decision | undefined> {
  const dir = dirOf(path);
  try {
    const decision = await readVerdict(path);
    if (decision && ((await isPending(dir, decision)) || (await isLookedAt(dir, decision)))) return undefined;
    await syncDirectory(dir); // others may have removed the last ones a moment ago
    if (decision) await unlink(fromLatin1(path));
    await removeDrafts(dir, path.slice(dir.length + 1));
    await syncDirectory(dir);
    return decision;
  } catch (error) {
    throw translated(error, fromLatin1(path));
  }
}

/**
 * Clears away a verdict that was carried out, unless another process is about it, or it is another's to remove. With the
 * last that needed it goes the one that made it count.
 * @param path its own, or of what a killed writer of it left
 */
export async function removeIfCarriedOut(path: string): Promise<void> {
  if ((await readOwner(path)) !== process.geteuid?.()) return;
  const verdict = path.replace(LEFTOVER, '');
  const release = await lockVerdicts([verdict], PATIENCE_MS);
  if (!release) return;
  let removed: Decision | undefined;
  try {
    removed = await clearIfCarriedOut(verdict);
  } finally {
    await release();
  }
  const last = removed?.directories.at(-1);
  if (removed && last !== undefined && verdictPath(last, removed.name) !== verdict)
    await removeIfCarriedOut(verdictPath(last, removed.name));
}

async function readOwner(path: string): Promise<number | undefined> {
  try {
    return (await lstat(fromLatin1(path))).uid;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw translated(error, fromLatin1(path));
  }
}
