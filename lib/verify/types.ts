// The public types of verify(). No code. Sizes are bytes.
import type { Failure } from '../base/types.js';

/** The options of {@link verify}. */
export interface VerifyOptions {
  /** Report files below the directories of the manifests that no manifest names. @default false */
  readonly strict?: boolean;
  /** Threads, 1 to 256. @default 8 */
  readonly jobs?: number;
  /** Ends the work soon; the report says what was checked until then. */
  readonly signal?: AbortSignal;
  /** Called for each file, in the order of the manifests. */
  readonly onFile?: (file: VerifiedFile) => void;
  /** Called at the beginning, about twice a second while files are read, and at the end. */
  readonly onProgress?: (progress: VerifyProgress) => void;
}

/** How far {@link verify} is. */
export interface VerifyProgress {
  /** Files that were checked. */
  readonly files: number;
  /** Files that the manifests name. */
  readonly filesTotal: number;
  /** Bytes of the files that were checked, and of those under way. */
  readonly bytes: number;
  /** Bytes of all files whose size the manifests name. */
  readonly bytesTotal: number;
}

/**
 * `ok`: size and CRC-32C are those of the manifest · `changed`: they are not, or it is no regular file any more · `missing`:
 * there is no such file · `unreadable`: that cannot be told, see the error · `extra`: no manifest names it (with `strict`).
 */
export type FileVerdict = 'ok' | 'changed' | 'missing' | 'unreadable' | 'extra';

/** What was found of one file. */
export interface VerifiedFile {
  /** The absolute path, as UTF-8; `pathBytes` has the name itself. */
  readonly path: string;
  /** The bytes of the path; not enumerable. */
  readonly pathBytes: Buffer;
  /** What it is, compared with its manifest. */
  readonly verdict: FileVerdict;
  /** The size that the manifest names, if it does. */
  readonly size?: number;
  /** The CRC-32C that the manifest names; absent if the file is `extra`. */
  readonly crc32c?: number;
  /** Why it is `changed`, `missing` or `unreadable`. */
  readonly error?: Failure;
}

/** A manifest that was read. */
export interface VerifiedManifest {
  /** The absolute path, as UTF-8; `pathBytes` has the name itself. */
  readonly path: string;
  /** The bytes of the path; not enumerable. */
  readonly pathBytes: Buffer;
  /** Whose it is; absent if it does not say so, and so are the next two. */
  readonly rank?: number;
  /** How many ranks the checkpoint has. */
  readonly ranks?: number;
  /** The id of the checkpoint's dataset, in hex digits. */
  readonly dataset?: string;
  /** Files that it names. */
  readonly files: number;
}

/** Ranks of a checkpoint whose manifests are in none of the directories. */
export interface MissingRanks {
  /** The id of the checkpoint's dataset; absent if its manifests do not say it. */
  readonly dataset?: string;
  /** How many ranks the manifests say that it has. */
  readonly ranks: number;
  /** The first 100 of those that are missing. */
  readonly missing: readonly number[];
  /** How many are missing. */
  readonly missingCount: number;
}

/** The result of {@link verify}. */
export interface VerifyReport {
  /** The manifests that were read. */
  readonly manifests: readonly VerifiedManifest[];
  /** How many files have each verdict. */
  readonly counts: Readonly<Record<FileVerdict, number>>;
  /** Files whose verdict is not `ok`. */
  readonly problems: readonly VerifiedFile[];
  /** Inputs, manifests, lines of manifests and directories that could not be read or believed. */
  readonly unreadable: readonly Failure[];
  /** Checkpoints of which not all manifests are there. Of manifests that were given by name, nobody asks this. */
  readonly missingRanks: readonly MissingRanks[];
  /** Bytes of the files that are `ok`, as far as the manifests name sizes. */
  readonly bytes: number;
  /** A signal ended the work early: files that were not checked are not counted. */
  readonly interrupted: boolean;
  /** Everything that the manifests name is as they say, all manifests are there and, with `strict`, nothing else is. */
  readonly intact: boolean;
}
