// The public types: what callers pass and get. No code.
// Sizes are numbers below 2^53, times bigint nanoseconds, paths bytes: string (UTF-8) | Buffer | URL.
import type { MetadataPolicy, OwnerPolicy } from './metadata.js';
import type { Mover } from './mover.js';
import type { TransferStateName } from './reported.js';

export type * from './metadata.js';
export type * from './reported.js';

/** A path: a string (encoded as UTF-8), the bytes themselves, or a `file:` URL. */
export type PathLike = string | Uint8Array | URL;

/**
 * `full` (default): files, directories and state file are on the disk before success is reported.
 * `none`: nothing is fsynced; a power loss may lose or tear files. For benchmarks and scratch data.
 */
export type Durability = 'full' | 'none';

/** What to do with a symbolic link: copy what it points to, copy the link itself, or leave it out. */
export type LinkPolicy = 'follow' | 'copy' | 'skip';

/**
 * The way in which the ranks of a job agree. `openComm` gives one; an application with an MPI binding brings its own.
 * Every rank makes the same calls in the same order.
 */
export interface Comm {
  /** This process's rank, 0 to size-1. */
  readonly rank: number;
  /** How many ranks there are. */
  readonly size: number;
  /**
   * Did every rank say true? Resolves on all ranks, to the same, when all have called it; rejects if one is lost.
   * @param call the question's name. It is the same on all ranks, unless they are out of step; then the call may reject
   */
  allTrue(value: boolean, call?: string): Promise<boolean>;
  /** Resolves when all ranks have called it; rejects if one is lost. */
  barrier(): Promise<void>;
  /**
   * Resolves on all ranks to rank 0's text, when all have called it. The text has up to 6,000 letters, digits, `.`, `-`
   * and `_`. The method is optional: without it, `create` with `comm` asks allTrue 128 times, and ranks with different
   * state directories have to give `home`.
   * @param text rank 0's text; the other ranks give undefined
   * @param call the question's name, as for allTrue
   */
  share?(text: string | undefined, call?: string): Promise<string>;
}

/** How the ranks of an {@link OpenedComm} reach each other. `alone`: there is one rank. */
export type CommProvider = 'pmi' | 'pmix' | 'directory' | 'alone';

/** The options of openComm. */
export interface OpenCommOptions {
  /**
   * The way to the other ranks. `pmi`: the launcher's descriptor PMI_FD (MPICH's mpiexec, srun --mpi=pmi2, Flux) ·
   * `pmix`: the PMIx library of the machine (Open MPI's mpirun, srun --mpi=pmix) · `directory`: files in a directory
   * that all ranks see. It must be the same on all ranks. @default 'auto': the launcher's own if there is one, then
   * `directory` if that option is given
   */
  readonly provider?: 'auto' | 'pmi' | 'pmix' | 'directory';
  /** A directory on a file system that all ranks share; a subdirectory `.axl-comm-ID` is made there, and removed. */
  readonly directory?: PathLike;
  /**
   * A name of this launch that no other launch has at the same time in the same directory: letters, digits, `.`, `_`,
   * `-`.
   * @default from the step of Slurm, the job of Flux or the namespace of PMIx; elsewhere `directory` needs it
   */
  readonly id?: string;
  /**
   * This process's rank, 0 to size-1, where no launcher sets it: ranks that a script starts by ssh, or containers.
   * Needs `size`, and for more than one rank `directory` and `id`. @default the launcher's
   */
  readonly rank?: number;
  /** How many ranks call openComm. Needs `rank`. @default the launcher's */
  readonly size?: number;
  /** Milliseconds within which all ranks must have called openComm. @default 300000 (5 min) */
  readonly timeoutMs?: number;
}

/**
 * The {@link Comm} of openComm. Calls are answered in their order; after the first failure all later calls fail with
 * it.
 */
export interface OpenedComm extends Comm, AsyncDisposable {
  /** The way to the other ranks that was found. */
  readonly provider: CommProvider;
  /**
   * Takes leave of the launcher, without asking other ranks. Calls without an answer reject. If a process ends without
   * close, the launcher may take that for a crash and end the other ranks.
   */
  close(): Promise<void>;
  /** The same as close. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The options of {@link Transfer.create}. */
export interface CreateOptions {
  /** The transfer's name in reports, e.g. `ckpt.42`. The transfers of all ranks that share a name form a dataset. */
  readonly name: string;
  /** The state file of this transfer. It must not exist, but its directory must. Give either this or `stateDir`. */
  readonly stateFile?: PathLike;
  /** An existing directory, in which the state file gets the name `NAME.RANK`. */
  readonly stateDir?: PathLike;
  /** What has to be on the disk before success is reported. @default 'full' */
  readonly durability?: Durability;
  /**
   * What to do when a file cannot be given its source's owner, mode, times, xattrs or access control lists.
   * @default see {@link MetadataPolicies}
   */
  readonly metadata?: MetadataPolicy;
  /** Short for `metadata: {owner}`. */
  readonly owner?: OwnerPolicy;
  /** `skip`: short for `metadata: {acls: 'skip'}`. @default 'copy' */
  readonly acls?: 'copy' | 'skip';
  /**
   * What to do with sources that are names of one file. `keep`: their copies are names of one file, too, where the file
   * system has hard links, and the file is copied once. `copy`: each name becomes a file. A name of which no other is in
   * this transfer becomes a file in either case. @default 'keep'
   */
  readonly hardLinks?: 'keep' | 'copy';
  /** This process's rank, 0 to size-1. @default the launcher's, see {@link launched}; 0 without a launcher */
  readonly rank?: number;
  /** How many ranks take part. @default the launcher's; 1 without a launcher */
  readonly size?: number;
  /**
   * The rank among those of this node, recorded in the state file for people who inspect it. @default the launcher's
   */
  readonly localRank?: number;
  /** The scheduler's name of the job, also recorded. @default from the environment */
  readonly job?: string;
  /**
   * How often the job was started again under the same name. Transfers of two attempts are never one dataset.
   * @default the scheduler's (SLURM_RESTART_COUNT); otherwise 0
   */
  readonly attempt?: number;
  /**
   * How often the state file is touched, in milliseconds, 5,000 to 3,600,000, from create to free, from a thread of its own. It is
   * for file systems on which neither a lock nor a process shows other hosts that this rank is alive: there `axl-finalize --wait`
   * takes a writer for dead after three beats without a change, and at least one minute. Each beat is a metadata
   * operation of each rank. @default none
   */
  readonly heartbeatMs?: number;
  /**
   * How fast this transfer may be copied, in bytes a second; 0: as fast as the process may, see {@link ConfigOptions}.
   * Change it with {@link Transfer.setBandwidth}. Not for a `mover`. @default 0
   */
  readonly bandwidth?: number;
  /**
   * What `wait` compares with the state file before it publishes: nothing, the size of each temporary file, or also its
   * CRC-32C, for which it reads every file. @default 'size'
   */
  readonly verify?: 'none' | 'size' | 'checksum';
  /**
   * `axl-finalize` publishes this transfer only if every rank of its dataset is complete; otherwise it treats all of
   * them as incomplete. If you call wait() without `comm`, also after open, you guarantee that every rank is complete:
   * see {@link Transfer.settle}. @default false; with `comm` true
   */
  readonly allRanks?: boolean;
  /**
   * The home of the dataset: the directory that holds the verdict on all its ranks. It must exist, be the same for all
   * ranks, and stay until all ranks are finalized. Ranks with different state directories and no `comm` need it.
   * @default with `comm` the state directory of rank 0, otherwise the transfer's own
   */
  readonly home?: PathLike;
  /**
   * Which files are commit files, which get their final names after all others: patterns as of fnmatch(3), of names without
   * directories, instead of the default list; `[]`: none. See `publish` of {@link AddOptions}. A pattern of which no file
   * has the name is a warning of the report. @default `.metadata`, `__*.metadata`, `commit_success.txt`,
   * `_CHECKPOINT_METADATA`, `*.index.json`, `summary.scr`, `index.scr`
   */
  readonly commitFiles?: readonly string[];
  /**
   * Makes a manifest, a commit file that names each file with its CRC-32C, for `axl-verify` and `rhash -c`. `true`: it is
   * called `.axl-manifest.RANK`, in the deepest directory that the final paths of this transfer have in common. A path: in
   * this directory, or, if it is none, this file; all final paths are below its directory (AXL_UNSAFE_PATH in dispatch).
   * It belongs to the user and group of the process, with the mode 0666 less the umask. @default false
   */
  readonly manifest?: boolean | PathLike;
  /**
   * Who copies the files to their temporary names. Its jobs may outlive this process; `finalize` needs its option
   * `movers` then. @default the threads of this library
   */
  readonly mover?: Mover;
}

/** The options of a collective transfer. Every rank creates its own transfer, with the same name. */
export interface CollectiveOptions extends CreateOptions {
  /** The way to the other ranks. */
  readonly comm: Comm;
  /**
   * Milliseconds that a collective call waits for the other ranks, once this one is ready, before it rejects with
   * AXL_RANK_LOST. Allow for the time between the end of the fastest and of the slowest rank's copies. @default 1800000
   * (30 min)
   */
  readonly commTimeoutMs?: number;
}

/** The options of {@link Transfer.open}. */
export interface OpenOptions {
  /** The way to the other ranks, of which each takes over its own transfer: see {@link CollectiveOptions}. */
  readonly comm?: Comm;
  /** Milliseconds, as in {@link CollectiveOptions}. @default 1800000 */
  readonly commTimeoutMs?: number;
  /**
   * The caller has seen that every rank of the dataset is complete. Without this and without `comm`, wait() does not
   * publish a transfer that is to be published only with all ranks (`allRanks`). @default false
   */
  readonly agreed?: boolean;
  /** The job is over: treat a writer of which nothing can be told as dead. @default false */
  readonly jobEnded?: boolean;
  /** Names of hosts that are down: treat a writer there of which nothing can be told as dead. @default none */
  readonly writerDead?: readonly string[];
  /** Take over a copy of a state file, as a move or a restore leaves it: its original is gone. @default false */
  readonly adopt?: boolean;
  /** What `wait` compares before it publishes, as in {@link CreateOptions}. @default 'size' */
  readonly verify?: 'none' | 'size' | 'checksum';
  /** The mover of the transfer: it is asked whether its job has ended, and copies the rest. @default our threads */
  readonly mover?: Mover;
}

/** The options of {@link Transfer.add}. */
export interface AddOptions {
  /**
   * What to do with symbolic links. @default a named source is followed; a link inside a directory is copied as a link
   */
  readonly links?: LinkPolicy;
  /**
   * Copies what is in the source, a directory, into the destination, which is made if it is missing: as if the source's
   * path ended with `/.`. Done twice, it replaces what it copied the first time. @default false
   */
  readonly contents?: boolean;
  /**
   * Fsyncs each source file before it is described. Only then stores of a program that has the file mapped (mmap) are
   * sure to change its times, so that such a file fails with AXL_SOURCE_CHANGED instead of being copied torn. On tmpfs
   * nothing tells of them: AXL_NOT_SUPPORTED. @default false
   */
  readonly syncSource?: boolean;
  /** With fewer files nothing is added: AXL_IO, ENOENT. @default 0; a pattern without a file is a warning */
  readonly atLeast?: number;
  /**
   * When the files get their final names. `last`: all are commit files · `as-added`: none is. Without it, those files are
   * that `commitFiles` of {@link CreateOptions} names, and a tree is copied without drafts of them: `.metadata.tmp`,
   * `__*.metadata.tmp`. @default by their names
   */
  readonly publish?: PublishPolicy;
  /**
   * Manifests, or directories with manifests (`.axl-manifest.<rank>`): each source must be named by one of them, and every
   * file that they name below a source must be there. A file whose size or CRC-32C is another fails with AXL_VERIFY
   * before anything is published. A manifest that is cut short is AXL_STATE_CORRUPT. Manifests themselves and symbolic links are copied as they are. @default nothing is expected
   */
  readonly expect?: PathLike | readonly PathLike[];
}

/** The options of {@link Transfer.addGlob}. */
export interface AddGlobOptions extends Omit<AddOptions, 'contents'> {
  /** The directory in which relative patterns start. @default process.cwd() */
  readonly cwd?: PathLike;
  /** The directory that receives the matches, each under its path below the pattern's base. */
  readonly dest: PathLike;
  /** Patterns of paths to leave out. */
  readonly ignore?: readonly string[];
  /** Do `*` and `**` match names that begin with a dot? @default false */
  readonly dot?: boolean;
}

/** When the files of an add get their final names. */
export type PublishPolicy = 'last' | 'as-added';

/** The options of {@link Transfer.point}. */
export interface PointOptions {
  /** A symbolic link to the target, or a text file whose only line is the target. @default 'symlink' */
  readonly as?: 'symlink' | 'text';
}

/** The options of {@link Transfer.wait} and {@link Transfer.settle}. */
export interface WaitOptions {
  /** Ends the waiting, which rejects with an AbortError; the copies go on. */
  readonly signal?: AbortSignal;
}

/** The options of {@link Transfer.resume}. */
export interface ResumeOptions {
  /** Cancels the transfer. */
  readonly signal?: AbortSignal;
}

/** The options of {@link Transfer.dispatch}. */
export interface DispatchOptions extends ResumeOptions {
  /** With fewer files nothing is dispatched: AXL_IO, ENOENT. @default 0; a transfer without a file is a warning */
  readonly atLeast?: number;
}

/** The options of {@link Transfer.progress}. */
export interface ProgressOptions extends WaitOptions {
  /** Milliseconds between snapshots, at least 1. @default 1000 */
  readonly intervalMs?: number;
}

/** A snapshot of a transfer. Chunks and files that a resume kept are included. */
export interface Progress {
  /** Where the transfer stands. */
  readonly state: TransferStateName;
  /** Bytes of all files. */
  readonly bytesTotal: number;
  /** Bytes that are at their temporary names. */
  readonly bytesCopied: number;
  /** How many files there are. */
  readonly filesTotal: number;
  /** How many files are complete. */
  readonly filesDone: number;
  /** How many files have failed. */
  readonly filesFailed: number;
}

/** The plan of one add. */
export interface Added {
  /** Files and symbolic links to copy. */
  readonly files: number;
  /** Directories to make, if they do not exist by then. */
  readonly directories: number;
  /** Bytes to copy. */
  readonly bytes: number;
  /**
   * Files that were left out, since they are no data: temporary files and state files of transfers, drafts of commit files.
   * Absent if there are none.
   */
  readonly skipped?: number;
}

/** The options of {@link config}. */
export interface ConfigOptions {
  /**
   * Threads of this process that copy, 1 to 256. They can be set before the first transfer only. @default AXL_THREADS,
   * or the number of CPUs that this rank may use (of those that it is bound to, or its part of the node's, and within the
   * CPU limit of its control group), at least 2 and at most 8
   */
  readonly threads?: number;
  /**
   * Bytes of a chunk, a multiple of 4096. A chunk is the unit of resume and of parallel copying inside a file. @default
   * AXL_CHUNK_SIZE, or 8 MiB
   */
  readonly chunkSize?: number;
  /** The durability of transfers that do not say otherwise. @default AXL_DURABILITY, or 'full' */
  readonly durability?: Durability;
  /**
   * How fast the threads of this process may copy, in bytes a second; 0: without a limit. It can be changed at any time,
   * and counts for running copies, too, of which every transfer gets the same share. @default AXL_BANDWIDTH (also with K, M
   * or G: 2^10, 2^20, 2^30), or 0
   */
  readonly bandwidth?: number;
}
