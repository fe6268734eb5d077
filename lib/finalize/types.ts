// The public types of finalize(), inspect() and list(). No code. Sizes are bytes, durations milliseconds.
import type { Durability, Failure, OwnerPolicy, PathLike } from '../base/types.js';

export interface FinalizeOptions {
  /**
   * Transfers that are not complete: `delete` their temporary files and state file, `keep` them, or `resume`: copy what
   * is missing from the sources, then publish. @default 'delete'
   */
  readonly incomplete?: 'delete' | 'keep' | 'resume';
  /** What to do with a transfer that `resume` could not complete. @default 'keep' */
  readonly fallback?: 'delete' | 'keep';
  /**
   * Transfers that share a name form a dataset, which is published only if every rank has a complete transfer. `true`:
   * every dataset; a name: only that dataset, and other transfers are left alone. @default false
   */
  readonly dataset?: boolean | string;
  /** Milliseconds to wait for transfers whose writer is alive, and for other finalizers; `Infinity` for ever. @default 0 */
  readonly wait?: number;
  /** The job has ended: where locks do not work, writers on other hosts count as dead. @default false */
  readonly jobEnded?: boolean;
  /** Threads, 1 to 256. @default 8 */
  readonly jobs?: number;
  /** Only the state files of one of `count` parts, `index` from 0; `auto`: the rank and size of the launcher. */
  readonly shard?: { readonly index: number; readonly count: number } | 'auto';
  /** Directories; if given, a transfer with a destination outside of all of them fails, and nothing of it is touched. */
  readonly roots?: readonly PathLike[];
  /** What to compare with the state file before publishing. @default 'size' */
  readonly verify?: 'none' | 'size' | 'checksum';
  /** Where a destination exists: `replace` it, `fail` the transfer before anything of it is published, or `keep` it. @default 'replace' */
  readonly overwrite?: 'replace' | 'fail' | 'keep';
  /** Instead of what each transfer was created with. */
  readonly owner?: OwnerPolicy;
  /** State files stay, and say that they are final. @default false */
  readonly keepState?: boolean;
  /** When another finalizer works on a state directory: leave that directory to it, or fail. @default 'skip' */
  readonly onLock?: 'skip' | 'fail';
  /** Search below the directories, too. @default false */
  readonly recursive?: boolean;
  /** Only names that match one of these patterns (fast-glob, relative to the state directory). */
  readonly pattern?: readonly string[];
  /** No names that match one of these. */
  readonly exclude?: readonly string[];
  /** Changes nothing, and reports what would be done. @default false */
  readonly dryRun?: boolean;
  /** Ends the work after the state files that are under way; copies of a resume stop and are kept. */
  readonly signal?: AbortSignal;
  /** Which state files have an `entry` event of their own; `problems`: what is failed, corrupt or busy. @default 'all' */
  readonly entries?: 'all' | 'problems';
  /** Called for each event, in the order things happen. */
  readonly onEvent?: (event: FinalizeEvent) => void;
}

/**
 * What was done with a state file: `published` · `rolled-back` · `kept`: incomplete · `removed`: never dispatched, or
 * published and never freed, so only the state file went · `busy`: its writer or a finalizer is at work · `gone`:
 * another finalizer was faster · `not-state`: something else, left alone · `corrupt`: not to be believed, left alone ·
 * `failed`: see the error; it can be finalized again.
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

/** What became of one state file; with `dryRun`, what would. */
export interface FinalizedEntry {
  /** As UTF-8; `stateFileBytes` (not enumerable) has the name itself. */
  readonly stateFile: string;
  readonly stateFileBytes: Buffer;
  readonly action: FinalizeAction;
  /** The transfer's. */
  readonly name: string;
  readonly rank: number;
  readonly files: number;
  readonly filesDone: number;
  /** Of all its files. */
  readonly bytes: number;
  /** The copies were completed first. */
  readonly resumed: boolean;
  /** Why, of what is `busy`, `corrupt`, `failed` or `kept`. */
  readonly error?: Failure;
}

/** The verdict on a dataset. */
export interface DatasetVerdict {
  readonly name: string;
  /** `complete`: all of it is published · `incomplete`: none is · `busy`: a rank is alive, none is touched. */
  readonly verdict: 'complete' | 'incomplete' | 'busy';
  /** How many ranks it should have. */
  readonly size: number;
  /** Ranks without a complete transfer, the first 100 of them; and how many they are. */
  readonly missing: readonly number[];
  readonly missingCount: number;
}

export type FinalizeEvent =
  | { readonly event: 'start'; readonly time: string; readonly version: string }
  /** After a scan: names to look at, of this shard. */
  | { readonly event: 'scan'; readonly candidates: number }
  | ({ readonly event: 'dataset' } & DatasetVerdict)
  | { readonly event: 'entry'; readonly entry: FinalizedEntry }
  /** So many state files have no `entry` event; `files` and `bytes` are of those published. */
  | {
      readonly event: 'done';
      readonly counts: Readonly<Partial<Record<FinalizeAction, number>>>;
      readonly files: number;
      readonly bytes: number;
      readonly resumed: number;
    }
  /** Something about a directory or an input, not about a state file. */
  | { readonly event: 'problem'; readonly failure: Failure }
  /** Waiting for `busy` transfers, for at most `remaining` ms more. */
  | { readonly event: 'wait'; readonly busy: number; readonly remaining: number }
  | { readonly event: 'end'; readonly report: FinalizeReport };

export interface FinalizeReport {
  /** State files by what was done with them. */
  readonly counts: Readonly<Record<FinalizeAction, number>>;
  /** Published files, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** How many of the transfers were completed by a resume. */
  readonly resumed: number;
  /** The entries that are `failed`, `corrupt` or `busy`. */
  readonly problems: readonly FinalizedEntry[];
  /** Inputs that could not be read. If there is one, nothing was deleted in any. */
  readonly unreadable: readonly Failure[];
  /** State directories left to another finalizer. */
  readonly locked: readonly Failure[];
  readonly datasets: readonly DatasetVerdict[];
  /** Milliseconds of each phase. */
  readonly timings: {
    readonly scan: number;
    readonly survey: number;
    readonly finalize: number;
    readonly total: number;
  };
  readonly dryRun: boolean;
  /** A signal ended the work early. */
  readonly interrupted: boolean;
}

/** One line of `axl-finalize list`. */
export interface ListedTransfer {
  readonly stateFile: string;
  readonly stateFileBytes: Buffer;
  readonly name: string;
  readonly rank: number;
  readonly size: number;
  readonly uuid: string;
  readonly state: ListedState;
  /** Its writer or a finalizer holds the lock. */
  readonly alive: boolean;
  readonly files: number;
  readonly filesDone: number;
  readonly filesFailed: number;
  readonly filesPublished: number;
  readonly bytes: number;
  readonly bytesDone: number;
  readonly canceled: boolean;
  readonly host: string;
  readonly pid: number;
  /** To be published only with all ranks of its dataset. */
  readonly allRanks: boolean;
  readonly uid: number;
  /** When the state file was last written. */
  readonly modified: Date;
  readonly error?: Failure;
}

/**
 * What a state file says of its transfer: `complete`: every file is, so that it can be published · `incomplete` ·
 * `never-dispatched` · `published`, and not yet freed · `rolled-back`: a roll back has begun, or has ended and the state
 * file was to stay. Or why it says nothing: `not-state`: it is something else · `gone`: it is not there any more ·
 * `corrupt`, or of another version · `unreadable`: it cannot be opened or read, see `error`.
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

export interface ListOptions {
  /** As of FinalizeOptions. */
  readonly recursive?: boolean;
  readonly pattern?: readonly string[];
  readonly exclude?: readonly string[];
  /** State files that are read at a time, 1 to 256. @default 8 */
  readonly jobs?: number;
}

export interface Listed {
  readonly transfers: readonly ListedTransfer[];
  /** Inputs that could not be read. */
  readonly unreadable: readonly Failure[];
}

/** Metadata as the state file has it: the source's when it was dispatched. */
export interface RecordedMetadata {
  /** The permission bits, with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  /** How many extended attributes. */
  readonly xattrs: number;
}

/** A file of a transfer; the bytes of its names are in `sourceBytes`, `destBytes`, `temporaryBytes` (not enumerable). */
export interface InspectedFile {
  readonly kind: 'file' | 'symlink';
  readonly source: string;
  readonly dest: string;
  readonly temporary: string;
  readonly sourceBytes: Buffer;
  readonly destBytes: Buffer;
  readonly temporaryBytes: Buffer;
  readonly size: number;
  /** `kept`: its destination existed, and was to stay. */
  readonly state: 'pending' | 'done' | 'failed' | 'published' | 'kept';
  readonly ownerGiven: boolean;
  /** How many chunks of it are known to be whole. */
  readonly chunks: number;
  readonly metadata: RecordedMetadata;
  readonly crc32c?: number;
  readonly error?: Failure;
}

export interface InspectedDirectory {
  readonly path: string;
  readonly pathBytes: Buffer;
  /** By this transfer, which removes it if it is rolled back. */
  readonly made: boolean;
  readonly metadata?: RecordedMetadata;
}

/** All that a state file says. */
export interface InspectedTransfer extends ListedTransfer {
  /** Every file is whole, and its name durable: it can be published. */
  readonly committed: boolean;
  /** The last record was cut short by a crash. */
  readonly torn: boolean;
  /** How far it can be read. */
  readonly validBytes: number;
  readonly records: number;
  readonly backend: string;
  readonly bootId: string;
  /** Of its writer, in clock ticks after boot. */
  readonly startTime: number;
  readonly durability?: Durability;
  readonly owner?: OwnerPolicy;
  readonly chunkSize: number;
  /** Of the scheduler or launcher; empty if none was known. */
  readonly job: string;
  readonly localRank?: number;
  readonly fileList: readonly InspectedFile[];
  readonly directoryList: readonly InspectedDirectory[];
}
