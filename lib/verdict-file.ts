// What was decided about a dataset, durably, before any of it is touched: whoever comes later, or works beside us, does
// the same, though ranks are missing by then because they were finalized. The first verdict counts: it is made by link,
// by who has the lock of verdict-lock.ts. Who removes one has it, too: it could be the next one by then.
import { constants } from 'node:fs';
import { type FileHandle, link, lstat, open, readdir, rename, unlink } from 'node:fs/promises';
import { AxlError, translated } from './errors.js';
import { displayName, fromLatin1, hash, toText } from './names.js';
import { answer, native, STANDINGS } from './native.js';
import { awaitVerdict, LOCK_SUFFIX, lockVerdicts } from './verdict-lock.js';

export interface Decision {
  readonly decision: 'publish' | 'roll back';
  /** Of the dataset. */
  readonly name: string;
  /** How many ranks it has. */
  readonly size: number;
  /** By UUID, the base name of each state file, in latin1. */
  readonly transfers: ReadonlyMap<string, string>;
}

const FORMAT = 'axl-verdict 1';
const MAX_BYTES = 256 << 20;
/** What its drafts and its lock have behind its name. */
const LEFTOVER = /(?<=\/\.axl-verdict\.[0-9a-f]{16})\.[^/]*$/;
const ATTEMPTS = 10;
const BATCH = 128;
/** For who has the lock, who may be looking at each transfer of a dataset. */
export const PATIENCE_MS = 2000;

/** The name of the file: two sums of the name of the dataset, and of who decides. */
function baseOf(dataset: string): string {
  const text = `${process.geteuid?.() ?? 0}\0${dataset}`;
  const hex = (sum: number) => sum.toString(16).padStart(8, '0');
  return `.axl-verdict.${hex(hash(text))}${hex(hash(`${text}\0`.repeat(2)))}`;
}

export function verdictPath(dir: string, dataset: string): string {
  return `${dir}/${baseOf(dataset)}`;
}

function encode({ decision, name, size, transfers }: Decision): string {
  return `${JSON.stringify({ format: FORMAT, decision, name, size, transfers: [...transfers] })}\n`;
}

function isDecision(value: Record<string, unknown>): boolean {
  const { format, decision, name, size, transfers } = value;
  if (format !== FORMAT || (decision !== 'publish' && decision !== 'roll back')) return false;
  if (typeof name !== 'string' || typeof size !== 'number' || !Array.isArray(transfers)) return false;
  return transfers.every(
    (pair) => Array.isArray(pair) && pair.length === 2 && pair.every((text) => typeof text === 'string'),
  );
}

function decode(text: string, path: string): Decision {
  const corrupt = (cause?: unknown) =>
    new AxlError('AXL_STATE_CORRUPT', `${displayName(fromLatin1(path))}: not a verdict on a dataset`, { cause });
  try {
    const value = JSON.parse(text);
    if (isDecision(value)) return { ...value, transfers: new Map(value.transfers) };
  } catch (cause) {
    throw corrupt(cause);
  }
  throw corrupt();
}

async function readChecked(file: FileHandle, path: string): Promise<Decision> {
  const stats = await file.stat();
  if (!stats.isFile() || stats.uid !== process.geteuid?.() || stats.size > MAX_BYTES)
    throw Object.assign(
      new AxlError('AXL_UNSAFE_PATH', `${displayName(fromLatin1(path))}: not a verdict of this user`),
      { path: toText(fromLatin1(path)) },
    );
  return decode(await file.readFile('utf8'), path);
}

/**
 * The verdict in a file; undefined if there is none.
 * @throws {AxlError} AXL_UNSAFE_PATH another user's; AXL_STATE_CORRUPT something else; AXL_IO
 */
export async function readVerdict(path: string): Promise<Decision | undefined> {
  try {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
    const file = await open(fromLatin1(path), flags);
    try {
      return await readChecked(file, path);
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw translated(error, fromLatin1(path));
  }
}

async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(fromLatin1(dir === '' ? '/' : dir), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(fromLatin1(path), 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

const isThere = (path: Buffer): Promise<boolean> =>
  lstat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? false : Promise.reject(error)),
  );

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

/** Undefined: try again; a verdict was carried out and removed meanwhile, or our draft was taken for a leftover. */
async function attempt(path: string, wanted: Decision): Promise<Decision | undefined> {
  const draft = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
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

export function readVerdicts(dirs: readonly string[], dataset: string): Promise<(Decision | undefined)[]> {
  return Promise.all(dirs.map((dir) => readVerdict(verdictPath(dir, dataset))));
}

/**
 * Writes a verdict in all directories of its dataset, before any of them is touched: each is all that a finalizer may see
 * once the others are done with. REQUIRES their locks.
 * @param dirs in an order that all share: the first decides
 * @param concerns is a verdict about the same transfers? One that is not, and was carried out, goes
 * @returns the verdict that counts
 * @throws {AxlError} AXL_CONFLICT when the directories have different ones; as readVerdict
 */
export async function decideIn(
  dirs: readonly string[],
  wanted: Decision,
  concerns: (decision: Decision) => boolean,
): Promise<Decision> {
  let counts = wanted;
  for (const dir of dirs) {
    const path = verdictPath(dir, wanted.name);
    const last = await readVerdict(path);
    if (last && !concerns(last)) await clearIfCarriedOut(path);
    const there = await decide(dir, counts);
    if (!concerns(there) || (dir !== dirs[0] && there.decision !== counts.decision))
      throw new AxlError('AXL_CONFLICT', `dataset ${displayName(wanted.name)}: its verdict files disagree`);
    counts = there;
  }
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

/** Removes what killed writers of a verdict left. One that is at work tries again. */
async function removeDrafts(dir: string, base: string): Promise<void> {
  const names = await readdir(fromLatin1(dir === '' ? '/' : dir), 'latin1');
  const drafts = names.filter((name) => name.startsWith(`${base}.`) && name !== base + LOCK_SUFFIX);
  await Promise.all(drafts.map((name) => unlink(fromLatin1(`${dir}/${name}`)).catch(() => {})));
}

/**
 * Removes a verdict that has been carried out: none of its state files is left, durably. False if it has not been.
 * @throws {AxlError} as readVerdict
 */
export async function clearIfCarriedOut(path: string): Promise<boolean> {
  const at = path.lastIndexOf('/');
  const dir = path.slice(0, at);
  try {
    const decision = await readVerdict(path);
    if (decision && (await isPending(dir, decision))) return false;
    await syncDirectory(dir); // others may have removed the last ones a moment ago
    if (decision) await unlink(fromLatin1(path));
    await removeDrafts(dir, path.slice(at + 1));
    await syncDirectory(dir);
    return true;
  } catch (error) {
    throw translated(error, fromLatin1(path));
  }
}

/**
 * Clears away a verdict that was carried out, unless another process is about it, or it is another's to remove.
 * @param path its own, or of what a killed writer of it left
 */
export async function removeIfCarriedOut(path: string): Promise<void> {
  if ((await readOwner(path)) !== process.geteuid?.()) return;
  const verdict = path.replace(LEFTOVER, '');
  const release = await lockVerdicts([verdict], PATIENCE_MS);
  if (!release) return;
  try {
    await clearIfCarriedOut(verdict);
  } finally {
    await release();
  }
}

async function readOwner(path: string): Promise<number | undefined> {
  try {
    return (await lstat(fromLatin1(path))).uid;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw translated(error, fromLatin1(path));
  }
}

/**
 * Has a finalizer decided about a transfer that its process has locked? Who asks after locking it cannot miss it: a
 * finalizer that has not decided yet sees the lock before it does.
 * @throws {AxlError} AXL_STATE_LOCKED a finalizer decides just now, and takes long; as readVerdict
 */
export async function isDecided(dir: string, dataset: string, uuid: string): Promise<boolean> {
  const path = verdictPath(dir, dataset);
  if (!(await awaitVerdict(path, PATIENCE_MS)))
    throw new AxlError('AXL_STATE_LOCKED', `${displayName(fromLatin1(path))}: a finalizer is at work on its dataset`);
  return (await readVerdict(path))?.transfers.has(uuid) ?? false;
}
