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
  fileSystem(dir: Buffer): Promise<NativeFileSystem>;
  /** Removes a state file, if it was last written then, and is nobody's who may be alive. */
  forget(stateFile: Buffer, modifiedNs: bigint, word: NativeWord): Promise<void>;
}
