// Temporary files that no state file names: orphans() finds them, and deletes them if it is asked to. What cannot be told
// deletes nothing.

import { canonicalAsRoot } from './base/directory-as-root.js';
import { toFailure, translated } from './base/errors.js';
import { isRoot } from './base/keep.js';
import { absoluteDirectory, displayName, fromLatin1, latin1, toText } from './base/names.js';
import { answer, native } from './base/native.js';
import type { NativeRemoval, NativeTemporary } from './base/native-upkeep.js';
import { DEFAULT_JOBS } from './base/options.js';
import type { Failure, PathLike } from './base/types.js';
import { withoutLinks } from './finalize/scan.js';

const DAY_MS = 86_400_000;
const NS_PER_MS = 1_000_000n;
/** Files that are deleted with one look at what is open, and one fsync of each directory. */
const BATCH = 4096;

export interface OrphansOptions {
  /** Where the state files are, with all subdirectories. Without them it cannot be told what is an orphan. */
  readonly states?: readonly PathLike[];
  /** Believe that a directory of `states` without a state file is empty, and not one that is not mounted. */
  readonly statesGone?: boolean;
  /** Search the subdirectories, too. */
  readonly recursive?: boolean;
  /** Delete orphans that are older than `olderThan` milliseconds. @default a day */
  readonly delete?: boolean;
  readonly olderThan?: number;
}

/** `open`: a process of this host has it open · `young`: it is not older than `olderThan` · `failed`: see the error. */
export type OrphanOutcome = 'found' | 'deleted' | 'young' | 'open' | 'failed';

export interface TemporaryFile {
  readonly path: string;
  readonly pathBytes: Buffer;
  /** The first 16 hex digits of the UUID in its state file. */
  readonly transfer: string;
  /** Its final name; absent if that is too long to be in the temporary one. */
  readonly dest?: string;
  readonly destBytes?: Buffer;
  readonly bytes: number;
  readonly uid: number;
  /** When its contents, owner, mode, times or names were last changed. */
  readonly changed: Date;
  /** Is there no state file that names it? */
  readonly orphan: 'yes' | 'no' | 'cannot tell';
  readonly outcome: OrphanOutcome;
  readonly error?: Failure;
}

export interface Orphans {
  /** All temporary files, also those that state files name. */
  readonly files: readonly TemporaryFile[];
  /** What could not be read. */
  readonly unreadable: readonly Failure[];
  /** Why it cannot be told what is an orphan. */
  readonly unclear: readonly Failure[];
}

/** As root no link of a user leads the way. */
async function canonical(dir: Buffer): Promise<string> {
  try {
    return isRoot() ? canonicalAsRoot(latin1(dir)) : await withoutLinks(dir);
  } catch (error) {
    throw translated(error, dir);
  }
}

/** What is wrong with one directory is told, and ends nothing. */
async function each(
  dirs: readonly Buffer[],
  failed: (failure: Failure) => void,
  visit: (dir: string) => Promise<void>,
): Promise<void> {
  for (const dir of dirs) {
    try {
      await visit(await canonical(dir));
    } catch (error) {
      const { code, message } = error as Failure;
      if (code === undefined) throw error;
      failed({ code, message: message.includes(displayName(dir)) ? message : `${displayName(dir)}: ${message}` });
    }
  }
}

class Finding {
  readonly files = new Map<string, NativeTemporary>();
  readonly unreadable: Failure[] = [];
  readonly unclear: Failure[] = [];
  /** The first 16 digits of each. */
  readonly named = new Set<string>();

  async lookFor(dirs: readonly Buffer[], recursive: boolean): Promise<void> {
    const unseen = (failure: Failure) => this.unclear.push(failure);
    await each(dirs, unseen, async (dir) => {
      const { files, unreadable } = await answer(native().findTemporaries(fromLatin1(dir), recursive));
      for (const file of files) this.files.set(latin1(file.path), file);
      for (const failure of unreadable) {
        const isAll = failure.path !== undefined && latin1(failure.path) === dir;
        (isAll ? this.unclear : this.unreadable).push(toFailure(failure));
      }
    });
  }

  async lookUp(dirs: readonly Buffer[], gone: boolean): Promise<void> {
    const failed = (failure: Failure) => this.unclear.push(failure);
    await each(dirs, failed, async (dir) => {
      const { count, uuids, unclear } = await answer(native().findStateFiles(fromLatin1(dir), DEFAULT_JOBS));
      for (const uuid of uuids) this.named.add(uuid.slice(0, 16));
      for (const failure of unclear) failed(toFailure(failure));
      if (count === 0 && unclear.length === 0 && !gone) failed(empty(dir));
    });
  }
}

function empty(dir: string): Failure {
  const path = fromLatin1(dir);
  const remedy = 'if all of its state files are gone for good, use --states-gone';
  const message = `${displayName(path)}: there is no state file: is its file system mounted? ${remedy}`;
  return { code: 'AXL_CONFLICT', message, path: toText(path) };
}

type Outcome = Pick<TemporaryFile, 'outcome' | 'error'>;

const changedNs = ({ modifiedNs, changedNs: changed }: NativeTemporary): bigint =>
  changed > modifiedNs ? changed : modifiedNs;

function outcomeOf({ open, failure }: NativeRemoval): Outcome {
  if (!failure) return { outcome: 'deleted' };
  return { outcome: open ? 'open' : 'failed', error: toFailure(failure) };
}

/** As root: its own where nobody else can write, and those of others by processes of theirs. */
async function removeAsRoot(files: readonly NativeTemporary[]): Promise<Map<NativeTemporary, NativeRemoval>> {
  const [{ removeForOwners }, { exposed }] = await Promise.all([
    import('./as-root/removals.js'),
    import('./as-root/owners.js'),
  ]);
  const own: NativeTemporary[] = [];
  const removals = new Map<NativeTemporary, NativeRemoval>();
  for (const file of files.filter(({ uid }) => uid === 0)) {
    const path = latin1(file.path);
    const why = await exposed(path.slice(0, path.lastIndexOf('/')));
    const detail = `it belongs to root, but others can write to ${displayName(fromLatin1(why?.dir ?? ''))}`;
    if (why) removals.set(file, { open: false, failure: { code: 'AXL_UNSAFE_PATH', path: file.path, detail } });
    else own.push(file);
  }
  const theirs = files.filter(({ uid }) => uid !== 0);
  const done = [...(await answer(native().removeTemporaries(own))), ...(await removeForOwners(theirs))];
  for (const [i, file] of [...own, ...theirs].entries()) removals.set(file, done[i] as NativeRemoval);
  return removals;
}

async function remove(files: readonly NativeTemporary[]): Promise<Map<NativeTemporary, NativeRemoval>> {
  const removals = new Map<NativeTemporary, NativeRemoval>();
  for (let at = 0; at < files.length; at += BATCH) {
    const batch = files.slice(at, at + BATCH);
    if (isRoot()) for (const [file, removal] of await removeAsRoot(batch)) removals.set(file, removal);
    else
      for (const [i, removal] of (await answer(native().removeTemporaries(batch))).entries())
        removals.set(batch[i] as NativeTemporary, removal);
  }
  return removals;
}

function toFile(file: NativeTemporary, orphan: TemporaryFile['orphan'], outcome: Outcome): TemporaryFile {
  const { path, digits, dest, bytes, uid } = file;
  const shown = {
    path: toText(path),
    transfer: digits,
    ...(dest && { dest: toText(dest) }),
    ...{ bytes, uid, changed: new Date(Number(changedNs(file) / NS_PER_MS)), orphan },
    ...outcome,
  };
  Object.defineProperty(shown, 'destBytes', { value: dest });
  return Object.defineProperty(shown, 'pathBytes', { value: path }) as TemporaryFile;
}

/**
 * Finds the temporary files in these directories, and which of them no state file names. Those are listed before the
 * state files are looked at: a transfer makes its state file first.
 * @throws {TypeError} what is no path
 */
export async function orphans(dirs: readonly PathLike[], options: OrphansOptions = {}): Promise<Orphans> {
  const { states = [], statesGone = false, recursive = false, olderThan = DAY_MS } = options;
  const finding = new Finding();
  await finding.lookFor(
    dirs.map((dir) => absoluteDirectory(dir, 'a directory')),
    recursive,
  );
  await finding.lookUp(
    states.map((dir) => absoluteDirectory(dir, 'a state directory')),
    statesGone,
  );
  const known = states.length > 0 && finding.unclear.length === 0;
  const isOrphan = ({ digits }: NativeTemporary) => (finding.named.has(digits) ? 'no' : known ? 'yes' : 'cannot tell');
  const until = BigInt(Math.round(Date.now() - olderThan)) * NS_PER_MS;
  const files = [...finding.files.values()];
  const isWanted = (file: NativeTemporary) => options.delete === true && isOrphan(file) === 'yes';
  const removals = await remove(files.filter((file) => isWanted(file) && changedNs(file) <= until));
  const outcome = (file: NativeTemporary): Outcome => {
    const removal = removals.get(file);
    return removal ? outcomeOf(removal) : { outcome: isWanted(file) ? 'young' : 'found' };
  };
  return {
    files: files.map((file) => toFile(file, isOrphan(file), outcome(file))),
    unreadable: finding.unreadable,
    unclear: finding.unclear,
  };
}
