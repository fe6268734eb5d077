// The public types: what callers pass and get. No code.
// Sizes are numbers below 2^53, times bigint nanoseconds, paths bytes: string (UTF-8) | Buffer | URL.

/** A path: a string (encoded as UTF-8), the bytes themselves, or a `file:` URL. */
export type PathLike = string | Uint8Array | URL;

/**
 * `full` (default): files, directories and state file are on the disk before success is reported.
 * `none`: nothing is fsynced; a power loss may lose or tear files. For benchmarks and scratch data.
 */
export type Durability = 'full' | 'none';

/** What to do when the owner of a file cannot be set: see `owner` of {@link CreateOptions}. */
export type OwnerPolicy = 'fail' | 'warn' | 'skip';

/** What to do with a symbolic link: copy what it points to, copy the link itself, or leave it out. */
export type LinkPolicy = 'follow' | 'copy' | 'skip';

/**
 * How the ranks of a job agree: what an application that owns MPI hands in, or what `openComm` gives. Every rank
 * makes the same calls in the same order.
 */
export interface Comm {
  /** 0 to size-1. */
  readonly rank: number;
  readonly size: number;
  /**
   * Did every rank say true? Resolves on all ranks, to the same, when all have called it; rejects if one is lost.
   * @param call what is asked for, the same on all ranks unless they have come out of step: then it may reject
   */
  allTrue(value: boolean, call?: string): Promise<boolean>;
  /** Resolves when all ranks have called it; rejects if one is lost. */
  barrier(): Promise<void>;
}

/** How the ranks of an {@link OpenedComm} reach each other. `alone`: there is one rank. */
export type CommProvider = 'pmi' | 'pmix' | 'directory' | 'alone';

export interface OpenCommOptions {
  /**
   * `pmi`: the launcher's descriptor PMI_FD (MPICH's mpiexec, srun --mpi=pmi2, Flux) · `pmix`: the PMIx library of the
   * machine (Open MPI's mpirun, srun --mpi=pmix) · `directory`: files in a directory that all ranks see. It must be the
   * same on all ranks. @default 'auto': the launcher's own if there is one, then `directory` if that option is given
   */
  readonly provider?: 'auto' | 'pmi' | 'pmix' | 'directory';
  /** A directory on a file system that all ranks share; a subdirectory `.axl-comm-ID` is made there, and removed. */
  readonly directory?: PathLike;
  /**
   * What no other launch that runs at the same time and in the same directory is called: letters, digits, `.`, `_`, `-`.
   * @default from the step of Slurm, the job of Flux or the namespace of PMIx; elsewhere `directory` needs it
   */
  readonly id?: string;
  /** Milliseconds until all ranks must have called it. @default 300000 (5 min) */
  readonly timeoutMs?: number;
}

/** What openComm gives. Calls are answered in their order; the first that fails is the reason why all later ones do. */
export interface OpenedComm extends Comm, AsyncDisposable {
  readonly provider: CommProvider;
  /**
   * Takes leave of the launcher; asks no other rank. Calls without an answer reject. Without it, the launcher may take the
   * end of this process for a crash, and end the other ranks.
   */
  close(): Promise<void>;
  /** As close. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Of {@link Transfer.create}. */
export interface CreateOptions {
  /** What the transfer is called in reports; transfers of all ranks that share a name form a dataset, e.g. `ckpt.42`. */
  readonly name: string;
  /** The journal of this transfer; must not exist. Its directory must. Either this or `stateDir` is needed. */
  readonly stateFile?: PathLike;
  /** The directory of the journal, which is called `NAME.RANK` there. It must exist. */
  readonly stateDir?: PathLike;
  /** @default 'full' */
  readonly durability?: Durability;
  /**
   * When chown is refused: `fail` the file, `warn` (publish it with our owner, without setuid and setgid, and say so
   * in the report), or `skip` (do not try). @default 'fail' as root, otherwise 'warn'
   */
  readonly owner?: OwnerPolicy;
  /** This process's rank, 0 to size-1. @default what the launcher says, see {@link launched}; 0 without one */
  readonly rank?: number;
  /** How many ranks take part. @default what the launcher says; 1 without one */
  readonly size?: number;
  /** Among the ranks of this node; recorded for whoever inspects the state file. @default what the launcher says */
  readonly localRank?: number;
  /** What the scheduler calls the job; recorded, too. @default what the environment says */
  readonly job?: string;
  /**
   * `axl-finalize` publishes this transfer only if every rank of its dataset is complete, whatever it is told; otherwise
   * all of them are treated as incomplete. Whoever calls wait on it without `comm`, also after open, has seen to it that
   * all are: see {@link Transfer.settle}. @default false; with `comm` true
   */
  readonly allRanks?: boolean;
}

/** Of a collective transfer: every rank creates its own, with the same name. */
export interface CollectiveOptions extends CreateOptions {
  readonly comm: Comm;
  /**
   * Milliseconds that a collective call waits for the other ranks, once this one is ready, before it rejects with
   * AXL_RANK_LOST: more than the slowest rank's copies can take longer than the fastest's. @default 1800000 (30 min)
   */
  readonly commTimeoutMs?: number;
}

/** Of {@link Transfer.open}. */
export interface OpenOptions {
  /** Every rank takes over its own transfer: see {@link CollectiveOptions}. */
  readonly comm?: Comm;
  /** As of {@link CollectiveOptions}. @default 1800000 */
  readonly commTimeoutMs?: number;
}

export interface AddOptions {
  /** @default a named source is followed; a link inside a directory is copied as a link */
  readonly links?: LinkPolicy;
}

export interface AddGlobOptions extends AddOptions {
  /** Where relative patterns start. @default process.cwd() */
  readonly cwd?: PathLike;
  /** The directory that receives the matches, each under its path below the pattern's base. */
  readonly dest: PathLike;
  /** Patterns of paths to leave out. */
  readonly ignore?: readonly string[];
  /** Do `*` and `**` match names that begin with a dot? @default false */
  readonly dot?: boolean;
}

export interface WaitOptions {
  /** Stops the waiting (rejects with an AbortError); the copies go on. */
  readonly signal?: AbortSignal;
}

export interface DispatchOptions {
  /** Cancels the transfer. */
  readonly signal?: AbortSignal;
}

export interface ProgressOptions extends WaitOptions {
  /** Milliseconds between snapshots, at least 1. @default 1000 */
  readonly intervalMs?: number;
}

/**
 * Where a transfer stands: `created` · `dispatched`: copies run, or all files are complete and wait publishes them ·
 * `completed`: published · `failed`: a file is not complete; see the report · `canceled` · `freed`.
 */
export type TransferStateName = 'created' | 'dispatched' | 'completed' | 'failed' | 'canceled' | 'freed';

/** A snapshot of a transfer. Bytes and numbers of files; what a resume kept is included. */
export interface Progress {
  readonly state: TransferStateName;
  readonly bytesTotal: number;
  readonly bytesCopied: number;
  readonly filesTotal: number;
  readonly filesDone: number;
  readonly filesFailed: number;
}

/** What one add planned. */
export interface Added {
  readonly files: number;
  readonly directories: number;
  readonly bytes: number;
}

/** Why something failed, as data. */
export interface Failure {
  /** An AXL_* code. */
  readonly code: string;
  readonly message: string;
  /** The errno's name, e.g. `ENOSPC`. */
  readonly errnoName?: string;
  /** Negative, as in Node's own errors. */
  readonly errno?: number;
  readonly syscall?: string;
  /** As UTF-8; bytes that are not become U+FFFD. */
  readonly path?: string;
  readonly dest?: string;
}

/** What became of one file. */
export interface FileReport {
  /** As UTF-8; `sourceBytes` has the name itself. */
  readonly source: string;
  readonly dest: string;
  readonly sourceBytes: Buffer;
  readonly destBytes: Buffer;
  /** Bytes. */
  readonly size: number;
  /** `published`: at its final name · `done`: complete under its temporary name · `failed` · `pending`. */
  readonly state: 'published' | 'done' | 'failed' | 'pending';
  /** CRC-32C of the contents, once done. */
  readonly crc32c?: number;
  /** False: the owner could not be set (see `owner`), so setuid and setgid were dropped. */
  readonly ownerGiven: boolean;
  readonly error?: Failure;
}

/** What became of a transfer; of one shape in success (wait's result) and failure (TransferError.report). */
export interface TransferReport {
  readonly name: string;
  readonly stateFile: string;
  readonly state: TransferStateName;
  readonly bytes: number;
  readonly filesPublished: number;
  readonly filesFailed: number;
  /** Files whose owner could not be set. */
  readonly ownerWarnings: number;
  readonly files: readonly FileReport[];
}

export interface ConfigOptions {
  /** Copying threads of this process. Only before the first transfer. @default from the number of CPUs, at most 8; AXL_THREADS */
  readonly threads?: number;
  /** Bytes of a chunk, the unit of resume and of parallel copying inside a file; a multiple of 4096. @default 8 MiB; AXL_CHUNK_SIZE */
  readonly chunkSize?: number;
  /** @default 'full'; AXL_DURABILITY */
  readonly durability?: Durability;
}
