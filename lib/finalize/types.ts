// The public types of finalize(), inspect() and list(). No code. Sizes are bytes, durations milliseconds.
import type { Mover } from '../base/mover.js';
import type { Durability, Failure, OwnerPolicy, PathLike } from '../base/types.js';

/** The options of {@link finalize}. */
export interface FinalizeOptions {
  /**
   * What to do with transfers that are not complete: `delete` their temporary files and state files, `keep` them, or
   * `resume`: copy what is missing from the sources, then publish. @default 'delete'
   */
  readonly incomplete?: 'delete' | 'keep' | 'resume';
  /** What to do with a transfer that `resume` could not complete. @default 'keep' */
  readonly fallback?: 'delete' | 'keep';
  /**
   * Transfers that share a name form a dataset, which is published only if every rank has a complete transfer. `true`:
   * every dataset; a name: only that dataset, and other transfers are left alone. @default false
   */
  readonly dataset?: boolean | string;
  /** Milliseconds to wait for live writers and other finalizers; `Infinity` waits for ever. @default 0 */
  readonly wait?: number;
  /** The job is over: treat writers of which nothing can be told as dead. @default false */
  readonly jobEnded?: boolean;
  /**
   * Movers that can be asked about their jobs: while one runs, its transfer is `busy`. A transfer whose mover is not
   * here, or cannot tell, is left alone. As root, those of other users are. @default none but our own threads
   */
  readonly movers?: readonly Mover[];
  /** Names of hosts that are down: treat writers on them of which nothing can be told as dead. @default none */
  readonly writerDead?: readonly string[];
  /** Threads, 1 to 256. @default 8 */
  readonly jobs?: number;
  /** Finalize only part `index` (from 0) of `count`; `auto`: rank and size of the launcher. @default everything */
  readonly shard?: { readonly index: number; readonly count: number } | 'auto';
  /** Directories: a transfer with a destination outside of all of them fails, and its files are not touched. */
  readonly roots?: readonly PathLike[];
  /** What to compare with the state file before publishing. @default 'size' */
  readonly verify?: 'none' | 'size' | 'checksum';
  /**
   * What to do where a destination exists: `replace` it, `fail` the transfer before any file of it is published, or
   * `keep` it. @default 'replace'
   */
  readonly overwrite?: 'replace' | 'fail' | 'keep';
  /** What to do when an owner cannot be set. @default as each transfer was created */
  readonly owner?: OwnerPolicy;
  /** Keep the state files and mark them final. @default false */
  readonly keepState?: boolean;
  /** When another finalizer has locked a state directory: `skip` that directory, or `fail`. @default 'skip' */
  readonly onLock?: 'skip' | 'fail';
  /** Search the subdirectories, too. @default false */
  readonly recursive?: boolean;
  /** Only state files whose names match one of these patterns (fast-glob, relative to the state directory). */
  readonly pattern?: readonly string[];
  /** No state files whose names match one of these patterns. */
  readonly exclude?: readonly string[];
  /** Change nothing, and report what would be done. @default false */
  readonly dryRun?: boolean;
  /** Ends the work after the state files under way. Copies of a resume stop, and their chunks are kept. */
  readonly signal?: AbortSignal;
  /** Which state files get an `entry` event; `problems`: those that are failed, corrupt or busy. @default 'all' */
  readonly entries?: 'all' | 'problems';
  /** Called for each event, in the order things happen. */
  readonly onEvent?: (event: FinalizeEvent) => void;
}

/**
 * What was done with a state file: `published` · `rolled-back` · `kept`: it is incomplete · `removed`: it was never
 * dispatched, or published and never freed, so only the state file was deleted · `busy`: its writer or a finalizer is
 * at work · `gone`: another finalizer was faster · `not-state`: it is no state file, and was left alone · `corrupt`: it
 * is corrupt, of another version or of an unknown mover, and was left alone · `failed`: see the error; it can be
 * finalized again.
 */
export type FinalizeAction =
  | 'published'
  | 'rolled-back'
  | 'kept'
  | 'removed'
  | 'busy'
  | 'gone'
  | 'not-state'
  | 'corrupt'
  | 'failed';

/** The outcome of one state file; with `dryRun`, the outcome that it would have. */
export interface FinalizedEntry {
  /** The path of the state file, as UTF-8; `stateFileBytes` has the name itself. */
  readonly stateFile: string;
  /** The bytes of the path; not enumerable. */
  readonly stateFileBytes: Buffer;
  /** What was done. */
  readonly action: FinalizeAction;
  /** The transfer's name. */
  readonly name: string;
  /** The transfer's rank. */
  readonly rank: number;
  /** How many files the transfer has. */
  readonly files: number;
  /** How many files are complete. */
  readonly filesDone: number;
  /** Bytes of all files. */
  readonly bytes: number;
  /** The copies were completed from the sources first. */
  readonly resumed: boolean;
  /** Why the transfer is `busy`, `corrupt`, `failed` or `kept`. */
  readonly error?: Failure;
}

/** The verdict on a dataset. */
export interface DatasetVerdict {
  /** The dataset's name. */
  readonly name: string;
  /** `complete`: all ranks are published · `incomplete`: no rank is · `busy`: a rank is alive, or may be, and none is touched. */
  readonly verdict: 'complete' | 'incomplete' | 'busy';
  /** How many ranks the dataset should have. */
  readonly size: number;
  /** The first 100 ranks without a complete transfer. */
  readonly missing: readonly number[];
  /** How many ranks have no complete transfer. */
  readonly missingCount: number;
}

/** What `onEvent` of {@link FinalizeOptions} is called with. */
export type FinalizeEvent =
  | { readonly event: 'start'; readonly time: string; readonly version: string }
  /** After a scan: how many names of this shard may be state files. */
  | { readonly event: 'scan'; readonly candidates: number }
  | ({ readonly event: 'dataset' } & DatasetVerdict)
  | { readonly event: 'entry'; readonly entry: FinalizedEntry }
  /** Counts of state files without an `entry` event; `files` and `bytes` are those of the published ones. */
  | {
      readonly event: 'done';
      readonly counts: Readonly<Partial<Record<FinalizeAction, number>>>;
      readonly files: number;
      readonly bytes: number;
      readonly resumed: number;
    }
  /** A failure of a directory or an input, not of a state file. */
  | { readonly event: 'problem'; readonly failure: Failure }
  /** Waiting for `busy` transfers, for at most `remaining` ms more. */
  | { readonly event: 'wait'; readonly busy: number; readonly remaining: number }
  | { readonly event: 'end'; readonly report: FinalizeReport };

/** The result of {@link finalize}. */
export interface FinalizeReport {
  /** How many state files had each action. */
  readonly counts: Readonly<Record<FinalizeAction, number>>;
  /** How many files were published. */
  readonly files: number;
  /** The bytes of published files. */
  readonly bytes: number;
  /** How many transfers were completed from their sources. */
  readonly resumed: number;
  /** The entries whose action is `failed`, `corrupt` or `busy`. */
  readonly problems: readonly FinalizedEntry[];
  /** Inputs that could not be read. If there is one, nothing was deleted in any. */
  readonly unreadable: readonly Failure[];
  /** State directories that were left to another finalizer. */
  readonly locked: readonly Failure[];
  /** The verdict on each dataset. */
  readonly datasets: readonly DatasetVerdict[];
  /** Milliseconds of each phase. */
  readonly timings: {
    readonly scan: number;
    readonly survey: number;
    readonly finalize: number;
    readonly total: number;
  };
  /** Nothing was changed. */
  readonly dryRun: boolean;
  /** A signal ended the work early. */
  readonly interrupted: boolean;
}

/** One line of `axl-finalize list`. */
export interface ListedTransfer {
  /** The path of the state file, as UTF-8. */
  readonly stateFile: string;
  /** The bytes of the path; not enumerable. */
  readonly stateFileBytes: Buffer;
  /** The transfer's name. */
  readonly name: string;
  /** The transfer's rank. */
  readonly rank: number;
  /** How many ranks take part. */
  readonly size: number;
  /** The identity of the state file, 32 hex digits. */
  readonly uuid: string;
  /** What the state file says. */
  readonly state: ListedState;
  /** Is its writer alive, or a finalizer at work on it? */
  readonly alive: 'no' | 'yes' | 'cannot tell';
  /** How many files the transfer has. */
  readonly files: number;
  /** How many files are complete. */
  readonly filesDone: number;
  /** How many files have failed. */
  readonly filesFailed: number;
  /** How many files are at their final names. */
  readonly filesPublished: number;
  /** Bytes of all files. */
  readonly bytes: number;
  /** Bytes of complete files and chunks. */
  readonly bytesDone: number;
  /** The transfer was canceled. */
  readonly canceled: boolean;
  /** The host of the writer. */
  readonly host: string;
  /** The process id of the writer. */
  readonly pid: number;
  /** It is published only with all ranks of its dataset. */
  readonly allRanks: boolean;
  /** The id of its dataset: 32 hex digits, the same for all ranks, and for no other dataset. */
  readonly dataset: string;
  /** How often the job was started again. */
  readonly attempt: number;
  /** The directory where the dataset's verdict lives; empty: the directory of the state file. */
  readonly home: string;
  /** The user id of the state file's owner. */
  readonly uid: number;
  /** When the state file was last written. */
  readonly modified: Date;
  /** Why the state file cannot be read or believed. */
  readonly error?: Failure;
}

/**
 * What a state file says of its transfer. `complete`: every file is complete, so that it can be published ·
 * `incomplete` · `never-dispatched` · `published`, and not yet freed · `rolled-back`: a roll back has begun, or has
 * ended and the state file was to be kept. Or why it says nothing: `not-state`: it is no state file · `gone`: it was
 * deleted meanwhile · `corrupt`: it is corrupt or of another version · `unreadable`: it cannot be opened or read, see
 * `error`.
 */
export type ListedState =
  | 'complete'
  | 'incomplete'
  | 'never-dispatched'
  | 'published'
  | 'rolled-back'
  | 'not-state'
  | 'gone'
  | 'corrupt'
  | 'unreadable';

/** The options of {@link list}. */
export interface ListOptions {
  /** Search the subdirectories, too. @default false */
  readonly recursive?: boolean;
  /** Only state files whose names match one of these patterns. */
  readonly pattern?: readonly string[];
  /** No state files whose names match one of these patterns. */
  readonly exclude?: readonly string[];
  /** How many state files are read at a time, 1 to 256. @default 8 */
  readonly jobs?: number;
}

/** The result of {@link list}. */
export interface Listed {
  /** The state files, in the order of the directories. */
  readonly transfers: readonly ListedTransfer[];
  /** Inputs that could not be read. */
  readonly unreadable: readonly Failure[];
}

/** Metadata in a state file: the source's at the time of dispatch. */
export interface RecordedMetadata {
  /** The permission bits, with setuid, setgid and sticky. */
  readonly mode: number;
  /** The owner's user id. */
  readonly uid: number;
  /** The group id. */
  readonly gid: number;
  /** The access time, nanoseconds since 1970. */
  readonly atimeNs: bigint;
  /** The modification time, nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  /** How many extended attributes. */
  readonly xattrs: number;
}

/** A file of a transfer. Names are UTF-8; their bytes are in `sourceBytes`, `destBytes` and `temporaryBytes`. */
export interface InspectedFile {
  /** A regular file or a symbolic link. */
  readonly kind: 'file' | 'symlink';
  /** The source. */
  readonly source: string;
  /** The final name. */
  readonly dest: string;
  /** The temporary name. */
  readonly temporary: string;
  /** The bytes of the source's name; not enumerable. */
  readonly sourceBytes: Buffer;
  /** The bytes of the final name; not enumerable. */
  readonly destBytes: Buffer;
  /** The bytes of the temporary name; not enumerable. */
  readonly temporaryBytes: Buffer;
  /** The size in bytes. */
  readonly size: number;
  /** How far the file is; `kept`: its destination existed and was to be kept. */
  readonly state: 'pending' | 'done' | 'failed' | 'published' | 'kept';
  /** The temporary file has its source's owner. */
  readonly ownerGiven: boolean;
  /** How many chunks are known to be complete. */
  readonly chunks: number;
  /** The metadata that the file gets. */
  readonly metadata: RecordedMetadata;
  /** CRC-32C of the contents, once complete. */
  readonly crc32c?: number;
  /** Why the file failed. */
  readonly error?: Failure;
}

/** A directory of a transfer. */
export interface InspectedDirectory {
  /** Its path, as UTF-8. */
  readonly path: string;
  /** The bytes of the path; not enumerable. */
  readonly pathBytes: Buffer;
  /** This transfer made the directory, and deletes it in a roll back if it is empty. */
  readonly made: boolean;
  /** The metadata that the directory gets, if a source describes it. */
  readonly metadata?: RecordedMetadata;
}

/** Everything that a state file says. */
export interface InspectedTransfer extends ListedTransfer {
  /** Every file is complete, and every temporary name is durable, so that the transfer can be published. */
  readonly committed: boolean;
  /** The last record was cut short by a crash. */
  readonly torn: boolean;
  /** How many bytes of the state file can be read. */
  readonly validBytes: number;
  /** How many records can be read. */
  readonly records: number;
  /** The mover of the bytes; `native` is the threads of this library. */
  readonly backend: string;
  /** The boot id of the writer's host. */
  readonly bootId: string;
  /** When the writer started, in clock ticks after boot. */
  readonly startTime: number;
  /** The durability of the transfer. */
  readonly durability?: Durability;
  /** What to do when an owner cannot be set. */
  readonly owner?: OwnerPolicy;
  /** Bytes of a chunk. */
  readonly chunkSize: number;
  /** The job's name, from the scheduler or launcher; empty if none was known. */
  readonly job: string;
  /** The rank among those of its node. */
  readonly localRank?: number;
  /** The files of the transfer. */
  readonly fileList: readonly InspectedFile[];
  /** The directories of the transfer. */
  readonly directoryList: readonly InspectedDirectory[];
}
