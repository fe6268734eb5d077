// A transfer of all ranks of a job: every rank makes each call, and all of them come to the same outcome. This file
// knows the order in which ranks ask each other; what a transfer is, is its own rank's (transfer.ts).

import { AxlError, CanceledError, TransferError } from './base/errors.js';
import { launched } from './base/launch.js';
import { displayName } from './base/names.js';
import { checkOptions, DEFAULT_COMM_TIMEOUT_MS, shapes } from './base/options.js';
import type {
  Added,
  AddGlobOptions,
  AddOptions,
  CollectiveOptions,
  Comm,
  CreateOptions,
  DispatchOptions,
  OpenOptions,
  PathLike,
  Progress,
  ProgressOptions,
  TransferReport,
  TransferStateName,
  WaitOptions,
} from './base/types.js';
import { Agreement } from './comm/agreement.js';

/** This rank's part: a Transfer. */
export interface OwnTransfer {
  readonly name: string;
  readonly stateFile: string;
  readonly state: TransferStateName;
  add(source: PathLike, dest: PathLike, options?: AddOptions): Promise<Added>;
  addAll(pairs: readonly (readonly [PathLike, PathLike])[], options?: AddOptions): Promise<Added>;
  addGlob(patterns: string | readonly string[], options: AddGlobOptions): Promise<Added>;
  dispatch(options?: DispatchOptions): Promise<void>;
  resume(options?: DispatchOptions): Promise<void>;
  test(): boolean;
  settle(options?: WaitOptions): Promise<boolean>;
  report(): Promise<TransferReport>;
  wait(options?: WaitOptions): Promise<TransferReport>;
  cancel(): Promise<TransferStateName>;
  free(): Promise<void>;
  progress(options?: ProgressOptions): AsyncGenerator<Progress, void, undefined>;
  unref(): unknown;
  ref(): unknown;
  [Symbol.asyncDispose](): Promise<void>;
}

/** How the copies of all ranks ended. */
type Outcome = 'complete' | 'failed' | 'canceled';

/** This rank's options, with its place in the Comm; an explicit size says that the Comm is not all of the job. */
function ownOptions({ comm, commTimeoutMs: _, ...options }: CollectiveOptions): CreateOptions {
  const { rank = comm.rank, size = comm.size } = options;
  if (rank !== comm.rank || size !== comm.size)
    throw new RangeError(`rank ${rank} of ${size} is not what comm says, rank ${comm.rank} of ${comm.size}`);
  const place = launched();
  if (options.size === undefined && place.launcher !== 'none' && place.size !== size) {
    const why = `comm has ${size} ranks, but the launcher (${place.launcher}) started ${place.size}`;
    throw new AxlError('AXL_CONFLICT', `create: ${why}; give size if comm is a part of them`);
  }
  return { allRanks: true, ...options, rank, size };
}

/**
 * A transfer of all ranks of a {@link Comm}. Every rank makes the same calls in the same order; each call resolves on
 * all ranks or rejects on all of them: with a rank's own error, or AXL_RANK_FAILED where another's is the reason.
 *
 * `wait` publishes on every rank or on none. `progress`, `state`, `ref`, `unref` and leaving `await using` are
 * this rank's own. After AXL_RANK_LOST all further calls reject with it: what is there is left to `axl-finalize`, which
 * publishes the transfers of all ranks or none.
 *
 * @example
 * ```ts
 * await using comm = await openComm();
 * await using transfer = await Transfer.create({ name: 'ckpt.42', stateDir: '/p/job/state', comm });
 * await transfer.add(`/l/ssd/ckpt.42.${comm.rank}`, '/p/lustre/run');
 * await transfer.dispatch();
 * computeNextStep();
 * await transfer.wait();
 * await transfer.free();
 * ```
 */
export class CollectiveTransfer {
  readonly #own: OwnTransfer;
  readonly #ranks: Agreement;
  /** The call that failed on a rank, so that the ranks' plans are not what they should be. */
  #spoiled: string | undefined;
  /** What all came to, where that is not what this rank did. */
  #outcome: Outcome | undefined;
  /** All ranks were complete, so that some may be published: from here on only forward. */
  #publishing = false;

  private constructor(own: OwnTransfer, ranks: Agreement) {
    this.#own = own;
    this.#ranks = ranks;
  }

  /** @internal Transfer.create with `comm`; `make` begins this rank's own. */
  static async create(
    options: CollectiveOptions,
    make: (own: CreateOptions) => Promise<OwnTransfer>,
  ): Promise<CollectiveTransfer> {
    const { comm, commTimeoutMs } = options;
    checkOptions('create', { comm, commTimeoutMs }, shapes.collective);
    const ranks = new Agreement(comm, commTimeoutMs ?? DEFAULT_COMM_TIMEOUT_MS);
    const own = await ranks.all(
      'create',
      () => make(ownOptions(options)),
      (made) => made.free(),
    );
    return new CollectiveTransfer(own, ranks);
  }

  /** @internal Transfer.open with `comm`; `take` takes over this rank's own. */
  static async open(options: OpenOptions, comm: Comm, take: () => Promise<OwnTransfer>): Promise<CollectiveTransfer> {
    checkOptions('open', options, shapes.collective);
    const ranks = new Agreement(comm, options.commTimeoutMs ?? DEFAULT_COMM_TIMEOUT_MS);
    const own = await ranks.all('open', take, (taken) => taken[Symbol.asyncDispose]());
    return new CollectiveTransfer(own, ranks);
  }

  /** The transfer's name, the same on all ranks. */
  get name(): string {
    return this.#own.name;
  }

  /** The absolute path of this rank's state file. */
  get stateFile(): string {
    return this.#own.stateFile;
  }

  /** As {@link Transfer.state}; after a wait or cancel it is the same on all ranks. */
  get state(): TransferStateName {
    const { state } = this.#own;
    const differs = state === 'dispatched' || (state === 'canceled' && this.#outcome === 'failed');
    return differs && this.#outcome && this.#outcome !== 'complete' ? this.#outcome : state;
  }

  /**
   * Plans a file or directory of each rank; use {@link addAll} where ranks have different numbers of them. If it fails
   * on a rank, the transfer can only be freed.
   * @throws as {@link Transfer.add}; {AxlError} AXL_RANK_FAILED, AXL_RANK_LOST
   * @see AXL_Add
   */
  add(source: PathLike, dest: PathLike, options?: AddOptions): Promise<Added> {
    return this.#plan('add', () => this.#own.add(source, dest, options));
  }

  /**
   * Plans this rank's files, of which there may be none. If it fails on a rank, the transfer can only be freed.
   * @throws as {@link Transfer.addAll}; {AxlError} AXL_RANK_FAILED, AXL_RANK_LOST
   * @see AXL_Add_comm
   */
  addAll(pairs: readonly (readonly [PathLike, PathLike])[], options?: AddOptions): Promise<Added> {
    return this.#plan('addAll', () => this.#own.addAll(pairs, options));
  }

  /**
   * Plans the files that patterns match on this rank. If it fails on a rank, the transfer can only be freed.
   * @throws as {@link Transfer.addGlob}; {AxlError} AXL_RANK_FAILED, AXL_RANK_LOST
   * @see AXL_Add
   */
  addGlob(patterns: string | readonly string[], options: AddGlobOptions): Promise<Added> {
    return this.#plan('addGlob', () => this.#own.addGlob(patterns, options));
  }

  /**
   * Starts the copies of all ranks or of none: if it fails on one rank, the copies of the others are canceled.
   * @param options `signal` cancels this rank's copies, so that no rank publishes
   * @throws as {@link Transfer.dispatch}; {AxlError} AXL_RANK_FAILED, AXL_RANK_LOST
   * @see AXL_Dispatch_comm
   */
  dispatch(options?: DispatchOptions): Promise<void> {
    return this.#plan(
      'dispatch',
      () => this.#own.dispatch(options),
      () => this.#own.cancel(),
    );
  }

  /**
   * Goes on after a cancel or a failure, on all ranks or on none.
   * @throws as {@link Transfer.resume}; {AxlError} AXL_RANK_FAILED, AXL_RANK_LOST
   * @see AXL_Resume_comm
   */
  async resume(options?: DispatchOptions): Promise<void> {
    const part = () => {
      this.#expectUnspoiled('resume');
      return this.#own.resume(options);
    };
    await this.#ranks.all('resume', part, () => this.#own.cancel());
    this.#outcome = undefined;
  }

  /**
   * Would {@link CollectiveTransfer.wait} return at once, on all ranks?
   * @throws as {@link Transfer.test}; {AxlError} AXL_RANK_FAILED, AXL_RANK_LOST
   * @see AXL_Test_comm
   */
  async test(): Promise<boolean> {
    const mine = await this.#ranks.all('test', async () => this.#own.test());
    return this.#ranks.agree('test', mine);
  }

  /**
   * Waits for the copies of all ranks; if all are complete, every rank publishes, otherwise none does.
   *
   * If publishing itself fails on a rank after that, wait rejects on all ranks, though others have published. Call it
   * again, or let `axl-finalize` publish the rest.
   * @param options `signal` ends the waiting, on all ranks
   * @returns this rank's report
   * @throws {TransferError} AXL_TRANSFER_FAILED when a rank failed: its own failure, or a `cause` AXL_RANK_FAILED
   * @throws {CanceledError} AXL_CANCELED when a rank was canceled, and none failed
   * @throws {AxlError} AXL_INVALID_STATE as {@link Transfer.wait}; AXL_RANK_FAILED, AXL_RANK_LOST
   * @see AXL_Wait_comm
   */
  async wait(options?: WaitOptions): Promise<TransferReport> {
    const ready = await this.#ranks.all('wait', () => this.#own.settle(options));
    const outcome = await this.#common('wait', ready);
    if (outcome !== 'complete') throw await this.#notPublished(outcome, ready);
    this.#publishing = true;
    try {
      return await this.#ranks.all('wait', () => this.#own.wait());
    } catch (error) {
      if (!(error instanceof AxlError) || error.code !== 'AXL_RANK_FAILED') throw error;
      const message = `wait: transfer ${displayName(this.name)} is not published on all ranks`;
      throw new TransferError(message, await this.#own.report(), { cause: error });
    }
  }

  /**
   * Stops the copies of all ranks.
   * @returns the state, the same on all: `canceled`; `failed` if a file of a rank had failed; `dispatched` if
   *   everything was complete on all ranks already, so that wait publishes
   * @throws as {@link Transfer.cancel}; {AxlError} AXL_RANK_FAILED, AXL_RANK_LOST
   * @see AXL_Cancel_comm
   */
  async cancel(): Promise<TransferStateName> {
    const mine = await this.#ranks.all('cancel', () => this.#own.cancel());
    await this.#common('cancel', mine === 'dispatched');
    return this.state;
  }

  /**
   * Ends the transfer on all ranks. If no rank has published, it is rolled back; if only some ranks have, free refuses.
   * @throws as {@link Transfer.free}; {AxlError} AXL_INVALID_STATE also while the transfer is published on some ranks
   *   only; AXL_RANK_FAILED, AXL_RANK_LOST. It can be called again
   * @see AXL_Free_comm
   */
  async free(): Promise<void> {
    const { state } = this.#own;
    const published = await this.#ranks.agree('free', state === 'completed' || state === 'freed');
    if (!published && !(await this.#ranks.agree('free', await this.#isUntouched())))
      throw new AxlError(
        'AXL_INVALID_STATE',
        `free: transfer ${displayName(this.name)} is not published on all ranks yet; wait goes on`,
      );
    await this.#ranks.all('free', async () => (this.#own.state === 'freed' ? undefined : this.#own.free()));
  }

  /**
   * The outcome of this rank's files, as {@link Transfer.report}.
   * @throws as {@link Transfer.report}
   */
  report(): Promise<TransferReport> {
    return this.#own.report();
  }

  /**
   * How far this rank's copies are, as {@link Transfer.progress}.
   * @throws as {@link Transfer.progress}
   */
  progress(options?: ProgressOptions): AsyncGenerator<Progress, void, undefined> {
    return this.#own.progress(options);
  }

  /** As {@link Transfer.unref}. */
  unref(): this {
    this.#own.unref();
    return this;
  }

  /** As {@link Transfer.ref}. */
  ref(): this {
    this.#own.ref();
    return this;
  }

  /**
   * Lets go of this rank's transfer, after a cancel if copies run, without asking other ranks.
   * @throws {AxlError} AXL_IO when the state file cannot be written
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#own[Symbol.asyncDispose]();
  }

  /** Is none of this rank's files published, nor agreed to be? */
  async #isUntouched(): Promise<boolean> {
    const { state } = this.#own;
    if (this.#publishing || state === 'completed') return false;
    if (state === 'created' || state === 'freed') return true;
    const report = await this.#own.report().catch(() => undefined); // copies run: then free says so
    return report === undefined || report.filesPublished === 0;
  }

  #expectUnspoiled(call: string): void {
    if (this.#spoiled === undefined) return;
    const why = `${this.#spoiled} failed on a rank; free it`;
    throw new AxlError('AXL_INVALID_STATE', `${call}: transfer ${displayName(this.name)}: ${why}`);
  }

  async #plan<T>(call: string, part: () => Promise<T>, undo?: () => Promise<unknown>): Promise<T> {
    const checked = () => {
      this.#expectUnspoiled(call);
      return part();
    };
    try {
      return await this.#ranks.all(call, checked, undo);
    } catch (error) {
      this.#spoiled ??= call;
      throw error;
    }
  }

  async #common(call: string, ready: boolean): Promise<Outcome> {
    const complete = await this.#ranks.agree(call, ready);
    const failed = !complete && !(await this.#ranks.agree(call, ready || this.#own.state === 'canceled'));
    this.#outcome = complete ? 'complete' : failed ? 'failed' : 'canceled';
    return this.#outcome;
  }

  /** Why wait has not published: this rank's own failure, if it is one, or another's. */
  async #notPublished(outcome: Outcome, ready: boolean): Promise<unknown> {
    if (!ready && this.#own.state === outcome) {
      const [own] = await Promise.allSettled([this.#own.wait()]);
      if (own.status === 'rejected') return own.reason;
    }
    const report = await this.#own.report();
    const name = displayName(this.name);
    if (outcome === 'canceled') return new CanceledError(`wait: transfer ${name} was canceled on a rank`, { report });
    const cause = new AxlError('AXL_RANK_FAILED', 'wait: another rank failed');
    return new TransferError(`wait: transfer ${name} failed on a rank`, report, { cause });
  }
}
