// The public types of finalize(), inspect() and list(). No code. Sizes are bytes, durations milliseconds.
import type { Mover } from '../base/mover.js';
import type { ListedTransfer } from '../base/recorded.js';
import type { Failure, MetadataPart, MetadataPolicy, OwnerPolicy, PathLike } from '../base/types.js';

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
  /**
   * How many state files the inputs have at least; with a `dataset` by name, of that dataset. If fewer are seen, also at a
   * second look some seconds later, the listing is not believed and nothing is done: see `fewer`. Not with `shard`.
   * @default any number
   */
  readonly expect?: number;
  /**
   * If no state file is seen (with a `dataset` by name, none of that dataset), also at a second look, nothing is done: the
   * same as `expect: 1`. Not with `shard`. @default false
   */
  readonly failIfNone?: boolean;
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
  /**
   * State files were moved or restored: take over each copy whose original is not among the inputs. @default false
   */
  readonly adopt?: boolean;
  /** Threads, 1 to 256. @default 8 */
  readonly jobs?: number;
  /** Finalize only part `index` (from 0) of `count`; `auto`: rank and size of the launcher. @default everything */
  readonly shard?: { readonly index: number; readonly count: number } | 'auto';
  /** Directories: a transfer with a destination outside of all of them fails, and its files are not touched. */
  readonly roots?: readonly PathLike[];
  /** What to compare with the state file before publishing. @default 'size' */
  readonly verify?: 'none' | 'size' | 'checksum';
  /**
   * What to do where a destination exists. `newer`: replace what stood there when the transfer was dispatched, and what
   * an older transfer of this call has put there; the transfer fails if something else has come since. `replace` whatever
   * is there, `fail` the transfer before any file of it is published, or `keep` what is there. @default 'newer'
   */
  readonly overwrite?: 'newer' | 'replace' | 'fail' | 'keep';
  /**
   * What to do when a file cannot be given its source's owner, mode, times, xattrs or access control lists; what was
   * refused before is tried again, unless this says `skip`. @default as each transfer was created
   */
  readonly metadata?: MetadataPolicy;
  /** Short for `metadata: {owner}`. */
  readonly owner?: OwnerPolicy;
  /** Keep the state files and mark them final. @default false */
  readonly keepState?: boolean;
  /**
   * With `incomplete: 'delete'`, of transfers that the C library AXL has copied to the final names themselves: delete
   * destinations of which only a part is there. @default false
   */
  readonly axlInPlace?: boolean;
  /**
   * A command for /bin/sh, run once for each transfer or dataset that this call has published: when all of it is durable,
   * before its state files are deleted, as the user of the state files. Its environment has AXL_NAME, AXL_DESTINATIONS (the
   * directories of its files, one a line) and AXL_STATE_DIR. If it fails, the state files stay, their entries are `failed`
   * with AXL_COMMAND_FAILED, and the next call runs it again; so it does when this one is killed. Not with `shard`.
   */
  readonly onPublished?: string;
  /**
   * The input is a prefix of SCR: finalizes the datasets that SCR was flushing below it, as SCR's post-stage is to: outputs in
   * their order up to the first that is not complete, then checkpoints before that one, the newest first. The state files of a
   * dataset are published together or not at all. `incomplete` is `keep` by default, and never `delete`. Without `onPublished`,
   * SCR's own `scr_flush_file` and `scr_index`, if they are on the PATH, are told of each dataset that was published. Not with
   * `dataset`, `expect`, `failIfNone`, `shard`, `recursive`, `pattern`, `exclude`, `adopt`, `keepState`. @default false
   */
  readonly scr?: boolean;
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
  /** Which state files get an `entry` event; `problems`: those of `problems` of the report. @default 'all' */
  readonly entries?: 'all' | 'problems';
  /** Called for each event, in the order things happen. */
  readonly onEvent?: (event: FinalizeEvent) => void;
}

/**
 * What was done with a state file: `published` · `rolled-back` · `kept`: it is incomplete · `removed`: it was never
 * dispatched, or published and never freed, so only the state file was deleted · `busy`: its writer or a finalizer is
 * at work · `gone`: another finalizer was faster · `not-state`: it is no state file, and was left alone · `corrupt`: it
 * is corrupt, a copy, of another version or of an unknown mover, and was left alone · `failed`: see the error; it can be
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
  /** It is a state file of the C library AXL; missing for those of this library. */
  readonly format?: 'axl';
  /** How many files the transfer has. */
  readonly files: number;
  /** How many files are complete. */
  readonly filesDone: number;
  /** Bytes of all files. */
  readonly bytes: number;
  /** How many of the files are commit files, published after all data; missing: none. */
  readonly commitFiles?: number;
  /** How many of the files are pointers, published last; missing: none. */
  readonly pointers?: number;
  /** How much that is older is deleted once all is published, see {@link Transfer.retire}; missing: nothing. */
  readonly retires?: number;
  /** How many published files and directories lack a part of their source's metadata. */
  readonly lacking: number;
  /** What any of them lacks. */
  readonly lacks: readonly MetadataPart[];
  /** The copies were completed from the sources first. */
  readonly resumed: boolean;
  /** Why the transfer is `busy`, `corrupt`, `failed`, `kept` or `rolled-back`, or what the input is instead. */
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
  /** Why it is not complete, if that is not a matter of ranks. */
  readonly why?: string;
}

/**
 * What became of a dataset of SCR: `published` · `published before`: in an earlier run, or by SCR · `incomplete`: left as it is ·
 * `busy` · `failed` · `left`: not looked at, since an output before it is not published.
 */
export type ScrOutcome = 'published' | 'published before' | 'incomplete' | 'busy' | 'failed' | 'left';

/** A dataset that SCR was flushing. */
export interface ScrDataset {
  /** SCR's number of it. */
  readonly id: number;
  /** Its name, as UTF-8. */
  readonly name: string;
  /** What it is to SCR; a checkpoint may be an output, too. */
  readonly kind: 'output' | 'checkpoint';
  /** What became of it; with `dryRun`, what would. */
  readonly outcome: ScrOutcome;
  /** Why, unless it is published. */
  readonly why?: string;
  /** What is still to be run for SCR to know of it: words of command lines. */
  readonly next?: readonly (readonly string[])[];
}

/** What `onEvent` of {@link FinalizeOptions} is called with. */
export type FinalizeEvent =
  | { readonly event: 'start'; readonly time: string; readonly version: string }
  /** After a scan: how many names of this shard may be state files. */
  | { readonly event: 'scan'; readonly candidates: number }
  | ({ readonly event: 'dataset' } & DatasetVerdict)
  | { readonly event: 'entry'; readonly entry: FinalizedEntry }
  | ({ readonly event: 'scr' } & ScrDataset)
  /** Counts of state files without an `entry` event; `files` and `bytes` are those of the published ones. */
  | {
      readonly event: 'done';
      readonly counts: Readonly<Partial<Record<FinalizeAction, number>>>;
      readonly files: number;
      readonly bytes: number;
      readonly lacking: number;
      readonly lacks: readonly MetadataPart[];
      readonly resumed: number;
    }
  /** A failure of a directory or an input, not of a state file. */
  | { readonly event: 'problem'; readonly failure: Failure }
  /** Waiting for `busy` transfers, for at most `remaining` ms more. */
  | { readonly event: 'wait'; readonly busy: number; readonly remaining: number }
  /** No state file was found in an input. */
  | ({ readonly event: 'absent' } & Absence)
  /** Bytes that are copied by a resume or read by a verification: of all such work that has begun, and done. */
  | { readonly event: 'progress'; readonly bytesDone: number; readonly bytesTotal: number }
  | { readonly event: 'end'; readonly report: FinalizeReport };

/** The result of {@link finalize}. */
export interface FinalizeReport {
  /** How many state files had each action. */
  readonly counts: Readonly<Record<FinalizeAction, number>>;
  /** How many files were published. */
  readonly files: number;
  /** The bytes of published files. */
  readonly bytes: number;
  /** How many published files and directories lack a part of their source's metadata. */
  readonly lacking: number;
  /** What any of them lacks. */
  readonly lacks: readonly MetadataPart[];
  /** How many transfers were completed from their sources. */
  readonly resumed: number;
  /**
   * The entries whose action is `failed`, `corrupt` or `busy`; those that are `kept` or `rolled-back` because of an error;
   * and those of inputs that are no state files.
   */
  readonly problems: readonly FinalizedEntry[];
  /**
   * Inputs that could not be read. If there is one, nothing was deleted in any; as root: nothing of the users who may have
   * state files there.
   */
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
  /** Fewer state files than `expect` (with `failIfNone`: none) were seen, so nothing was done. */
  readonly fewer?: { readonly expected: number; readonly seen: number };
  /** Directories among the inputs in which no state file was found. */
  readonly absent: readonly Absence[];
  /** With `scr`: the datasets, in the order in which they were dealt with. */
  readonly scr?: readonly ScrDataset[];
}

/**
 * What was found where no state file was: `empty`: nothing · `below`: state files in subdirectories, and `recursive` is not
 * set · `dataset`: state files of other datasets · `excluded`: names, none of which `pattern` and `exclude` let through ·
 * `damaged`: what may have been a state file · `foreign`: KVTree files, as SCR writes · `temporaries`:
 * temporary files of transfers · `leftovers`: what finalizers leave behind · `other`: other files.
 */
export type AbsenceCause =
  | 'empty'
  | 'below'
  | 'dataset'
  | 'excluded'
  | 'damaged'
  | 'foreign'
  | 'temporaries'
  | 'leftovers'
  | 'other';

/** A directory in which no state file was found. */
export interface Absence {
  /** The directory, as UTF-8; '' if there was no input at all. */
  readonly input: string;
  /** What was found. */
  readonly cause: AbsenceCause;
  /** A sentence for people: what was found, and what that means. */
  readonly message: string;
}

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
  /** Inputs that could not be read, or are no state files. */
  readonly unreadable: readonly Failure[];
  /** Directories among the inputs in which no state file was found. */
  readonly absent: readonly Absence[];
}
