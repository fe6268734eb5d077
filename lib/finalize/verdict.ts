// What was decided about a dataset: how it is written down, where, and when it counts. Reads only; verdict-file.ts writes.
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, realpath, stat } from 'node:fs/promises';
import { AxlError, translated } from '../base/errors.js';
import { displayName, fromLatin1, hash, toText } from '../base/names.js';
import { awaitVerdict } from './verdict-lock.js';

export interface Decision {
  readonly decision: 'publish' | 'roll back';
  /** Of the dataset. */
  readonly name: string;
  /** How many ranks it has. */
  readonly size: number;
  /** By UUID, the base name of each state file, in latin1. */
  readonly transfers: ReadonlyMap<string, string>;
  /**
   * Where the last of them has to have the same verdict for this one to count: all directories with state files of the
   * dataset, as absolute paths in latin1, in the order in which it is written. None: it counts.
   */
  readonly directories: readonly string[];
}

const FORMAT = 'axl-verdict 1';
const MAX_BYTES = 256 << 20;
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

export function encode({ decision, name, size, transfers, directories }: Decision): string {
  return `${JSON.stringify({ format: FORMAT, decision, name, size, directories, transfers: [...transfers] })}\n`;
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isPath = (value: unknown): boolean => isText(value) && value.startsWith('/') && !value.includes('\0');

function isDecision(value: Record<string, unknown>): boolean {
  const { format, decision, name, size, transfers, directories } = value;
  if (format !== FORMAT || (decision !== 'publish' && decision !== 'roll back')) return false;
  if (!isText(name) || typeof size !== 'number' || !Array.isArray(transfers) || !Array.isArray(directories))
    return false;
  const isPair = (pair: unknown) => Array.isArray(pair) && pair.length === 2 && pair.every(isText);
  return transfers.every(isPair) && directories.every(isPath) && new Set(directories).size === directories.length;
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

const isGone = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');

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
    if (isGone(error)) return undefined;
    throw translated(error, fromLatin1(path));
  }
}

/** Its path without links, and what tells it from others: it may be mounted in several places. */
async function identified(dir: string): Promise<readonly [path: string, identity: string]> {
  const path = await realpath(fromLatin1(dir === '' ? '/' : dir), 'latin1');
  const { dev, ino } = await stat(fromLatin1(path), { bigint: true });
  return [path, `${dev} ${ino}`];
}

/** The same for all, however they spell them; each once. One needs no order. */
export async function inOrder(dirs: Iterable<string>): Promise<string[]> {
  const distinct = [...new Set(dirs)];
  if (distinct.length < 2) return distinct;
  const found = (await Promise.all(distinct.map(identified))).sort(([one], [two]) => (one < two ? -1 : 1));
  const paths = new Map<string, string>();
  for (const [path, identity] of found) if (!paths.has(identity)) paths.set(identity, path);
  return [...paths.values()];
}

type Read = (path: string) => Promise<Decision | undefined>;

/** Reads each verdict once: that of 100,000 ranks is long. */
function reading(): Read {
  const known = new Map<string, Promise<Decision | undefined>>();
  return (path) => {
    const found = known.get(path) ?? readVerdict(path);
    known.set(path, found);
    return found;
  };
}

/**
 * Was it written to its end? What was not, nobody has acted upon: a finalizer was killed before it had decided.
 * @throws {AxlError} AXL_CONFLICT when that cannot be told; as readVerdict
 */
export async function doesCount(path: string, decision: Decision, read: Read = readVerdict): Promise<boolean> {
  const last = decision.directories.at(-1);
  if (last === undefined) return true;
  const there = await read(verdictPath(last, decision.name));
  // Whether it still names the directories or says so by itself by now.
  if (there) return encode({ ...there, directories: decision.directories }) === encode(decision);
  if (!(await isThere(fromLatin1(last)))) {
    const [file, dir] = [path, last].map((each) => displayName(fromLatin1(each)));
    throw new AxlError(
      'AXL_CONFLICT',
      `${file}: only ${dir} tells whether it counts, and is not there; without it, remove this`,
    );
  }
  return false;
}

/** The verdict among those in these directories that counts, and concerns who asks; durable. */
export async function readEarlier(
  dirs: readonly string[],
  dataset: string,
  concerns: (decision: Decision) => boolean,
): Promise<Decision | undefined> {
  const read = reading();
  const all = await Promise.all(dirs.map(async (dir) => ({ dir, found: await read(verdictPath(dir, dataset)) })));
  for (const { dir, found } of all) {
    if (!found || !concerns(found) || !(await doesCount(verdictPath(dir, dataset), found, read))) continue;
    await syncDirectory(found.directories.at(-1) ?? dir); // who has linked it may have been killed before
    return found;
  }
  return undefined;
}

export async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(fromLatin1(dir === '' ? '/' : dir), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export const isThere = (path: Buffer): Promise<boolean> =>
  lstat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => (isGone(error) ? false : Promise.reject(error)),
  );

/**
 * Has a finalizer decided about a transfer that its process has locked? Who asks after locking it cannot miss it: a
 * finalizer that has not decided yet sees the lock before it does.
 * @throws {AxlError} AXL_STATE_LOCKED a finalizer decides just now, and takes long; as readVerdict
 */
export async function isDecided(dir: string, dataset: string, uuid: string): Promise<boolean> {
  const path = verdictPath(dir, dataset);
  if (!(await awaitVerdict(path, PATIENCE_MS)))
    throw new AxlError('AXL_STATE_LOCKED', `${displayName(fromLatin1(path))}: a finalizer is at work on its dataset`);
  const found = await readVerdict(path);
  return found?.transfers.has(uuid) === true && (await doesCount(path, found));
}
