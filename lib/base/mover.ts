// The contract of a mover: whoever brings the bytes of a transfer to their temporary names. Public types, no code.

/** What a mover says of a job. `unknown`: it cannot tell; that is never taken for `ended`. */
export type JobState = 'running' | 'ended' | 'unknown';

/** A file that a mover copies. Names are bytes. */
export interface MoverFile {
  /** Its number in the transfer. */
  readonly id: number;
  /** The absolute path of the source, a regular file. */
  readonly source: Buffer;
  /** The absolute path that the copy gets. Its directory exists; no other name may be written. */
  readonly temporary: Buffer;
  /** The size in bytes. */
  readonly size: number;
}

/** What a mover is asked to do. */
export interface Assignment {
  /** The files, which can be gone through again and again. */
  files(): Iterable<MoverFile>;
  /**
   * Makes durable in the state file that the job is the mover's. A mover calls it, once, before it writes a byte.
   * @param token what the mover calls the job: 1 to 1024 characters, never used again, enough for another process to
   *   ask
   * @throws {AxlError} AXL_IO when the state file cannot be written: then the mover does not begin, and rejects
   */
  submitted(token: string): Promise<void>;
  /** @internal Our own threads, for the mover of that name: it writes no token, and the files are the engine's. */
  readonly engine?: Engine;
}

/** @internal Threads that copy for one transfer, and end with the process. */
export interface Engine {
  start(): Promise<void>;
  quiet(): boolean;
  whenQuiet(): Promise<void>;
  cancel(): void;
  bytes(): number;
}

/** How far a job is. */
export interface MoverProgress {
  /** Bytes copied so far. */
  readonly bytes: number;
  /** Files that the mover has given up, and why, in a sentence. */
  readonly failures?: readonly { readonly id: number; readonly message: string }[];
}

/** What a mover can do, as it declares it. */
export interface MoverCapabilities {
  /** Do jobs go on when the process that submitted them is dead? */
  readonly outlivesProcess: boolean;
  /** Can a new job go on with what an earlier one has left at a temporary name? If not, that is deleted before. */
  readonly keepsPartial: boolean;
}

/**
 * Moves the bytes of transfers, in place of the threads of this library: see docs/explanation/movers.md for the order of
 * steps. It copies to temporary names and does nothing else; checksums, metadata, fsync and final names are the
 * library's. Each call ends in a bounded time. A promise that rejects is taken for `unknown`.
 */
export interface Mover {
  /** Under this name state files record it, and finalize() finds it again. Not `threads`, which is the library's. */
  readonly name: string;
  /** What it can do. */
  readonly capabilities: MoverCapabilities;
  /**
   * Begins a job, and resolves to its token once that is in the state file and the job runs.
   * @throws anything, if no job was begun. After {@link Assignment.submitted} the answer counts as lost, and the mover
   *   is asked by the token
   */
  submit(assignment: Assignment): Promise<string>;
  /**
   * Does the job still run? In whatever process it is asked. `ended`: nothing of it will be written any more, whether or
   * not it has copied everything. A job that it does not know is `unknown`.
   */
  attach(token: string): Promise<JobState>;
  /** How far the job is. */
  progress(token: string): Promise<MoverProgress>;
  /** Has the job end early. It resolves when the mover has heard it; `attach` says when the job has ended. */
  cancel(token: string): Promise<void>;
  /** Lets go of what the mover holds in this process. Jobs that outlive the process go on. The caller calls it. */
  close(): Promise<void>;
}
