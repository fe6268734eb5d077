// What the addon does for operators: temporary files that no state file names, which state files there are, and one that is
// removed.
import type { NativeFailure } from './errors.js';
import type { NativeWord } from './native-word.js';

export interface NativeTemporary {
  /** Absolute, without links. */
  readonly path: Buffer;
  /** The first 16 hex digits of its transfer's UUID. */
  readonly digits: string;
  /** Unless the temporary name may not hold all of it. */
  readonly dest?: Buffer;
  readonly symlink: boolean;
  readonly bytes: number;
  readonly uid: number;
  readonly modifiedNs: bigint;
  readonly changedNs: bigint;
}

export interface NativeRemoval {
  /** Left, because a process has the file open. */
  readonly open: boolean;
  /** Why it was left, or may come back. */
  readonly failure?: NativeFailure;
}

/** By number: whom a lock keeps out. */
export const LOCK_REACHES = ['unknown', 'this host', 'everybody'] as const;

/** Of a directory, by the tables of native/os. */
export interface NativeFileSystem {
  /** f_type of statfs(2). */
  readonly magic: number;
  /** With FUSE's subtype; '' if it is not known. */
  readonly type: string;
  readonly options: string;
  /** An index of LOCK_REACHES. */
  readonly locks: number;
  /** Does a file keep its inode number over a rename and a remount? */
  readonly files: boolean;
  readonly directories: boolean;
}

/** What was tried. `''` of a field that names an errno: it worked. Answers are indexes of ANSWERS. */
export interface NativeProbed {
  readonly fileSystem: NativeFileSystem;
  /** 0: not told. */
  readonly nameMax: number;
  readonly lock: string;
  readonly excludes: number;
  readonly renamed: number;
  readonly linked: number;
  readonly listed: number;
  readonly reopened: number;
  readonly directory: number;
  readonly birth: boolean;
  /** Nanoseconds; 0: times do not come back. */
  readonly granularity: number;
  readonly xattr: string;
  readonly xattrMax: number;
  readonly renameNew: string;
  readonly linkNew: boolean;
  readonly fsyncDirectory: string;
  readonly acl: string;
  readonly links: boolean;
}

/** A lock on a probe's file. */
export interface NativeHold {
  beat(): Promise<void>;
  release(): Promise<void>;
}

export interface NativeHoldSeen {
  readonly found: boolean;
  /** By a process of this kernel. */
  readonly here: boolean;
  /** An index of ANSWERS. */
  readonly locked: number;
  readonly lock: string;
  /** The holder was seen to write. */
  readonly alive: boolean;
}

export interface NativeUpkeep {
  /** Below a canonical directory. No link is followed. */
  findTemporaries(
    dir: Buffer,
    recursive: boolean,
  ): Promise<{ readonly files: readonly NativeTemporary[]; readonly unreadable: readonly NativeFailure[] }>;
  /** In their order. What is not what it was when it was found is left. */
  removeTemporaries(files: readonly NativeTemporary[]): Promise<readonly NativeRemoval[]>;
  /** Below a canonical directory, by their headers alone. `unclear`: what may be one, or could not be read. */
  findStateFiles(
    dir: Buffer,
    jobs: number,
  ): Promise<{
    readonly count: number;
    readonly uuids: readonly string[];
    readonly unclear: readonly NativeFailure[];
  }>;
  /** Are these state files, and of which transfers? `is`: an index of ANSWERS. */
  identify(
    packed: Buffer,
    jobs: number,
  ): Promise<readonly { readonly is: number; readonly name: string; readonly why?: NativeFailure }[]>;
  /** Of a KVTree file: the keys in their order, each ended by a NUL and before those below it; and how deep each is. */
  readKvTree(path: Buffer): Promise<{ readonly keys: Buffer; readonly depths: Buffer }>;
  fileSystem(dir: Buffer): Promise<NativeFileSystem>;
  /** Tries what the file system can do, in a directory that is made in this one, and removed. */
  probe(dir: Buffer): Promise<NativeProbed>;
  hold(dir: Buffer): Promise<NativeHold>;
  seeHold(dir: Buffer, host: Buffer, patienceMs: number): Promise<NativeHoldSeen>;
  /** Removes a state file, if it was last written then, and is nobody's who may be alive. */
  forget(stateFile: Buffer, modifiedNs: bigint, word: NativeWord): Promise<void>;
}
