// A transfer of all ranks of a job: every rank makes each call, and all of them come to the same outcome. This file
// knows the order in which ranks ask each other; what a transfer is, is its own rank's (transfer.ts).

import { AxlError, CanceledError, TransferError } from './base/errors.js';
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
  PointOptions,
  Progress,
  ProgressOptions,
  ResumeOptions,
  TransferReport,
  TransferStateName,
  WaitOptions,
} from './base/types.js';
import { Agreement } from './comm/agreement.js';
import { anyInPhases, publishTogether } from './comm/in-phases.js';
import type { OwnPart, OwnTransfer } from './transfer/own.js';
import { ownPlace } from './transfer/place.js';

/** How the copies of all ranks ended. */
type Outcome = 'complete' | 'failed' | 'canceled';

function differentHomes(home: Buffer | undefined): AxlError {
  const own = home === undefined ? '' : `, on this rank ${displayName(home)}`;
  return new AxlError(
    'AXL_CONFLICT',
    `create: ranks have different homes${own}; give all of them the same option home`,
  );
}

/** Why wait has not published: this rank's own failure, if it is one, or another's. */
async function whyNotPublished(
  own: OwnTransfer,
  outcome: Outcome,
  ready: boolean,
  refused?: AxlError,
): Promise<unknown> {
  if (!ready && own.state === outcome) {
    const [ended] = await Promise.allSettled([own.wait()]);
    if (ended.status === 'rejected') return ended.reason;
  }
  const report = await own.report();
  const name = displayName(own.name);
  if (outcome === 'canceled') return new CanceledError(`wait: transfer ${name} was canceled on a rank`, { report });
  const cause = refused ?? new AxlError('AXL_RANK_FAILED', 'wait: it failed on another rank; the error there says why');
  return new TransferError(`wait: transfer ${name} failed on a rank`, report, { cause });
}

/**
 * A transfer of all ranks of a {@link Comm}. Every rank makes the same calls in the same order; each call resolves on
 * all ranks or rejects on all of them: with a rank's own error, or AXL_RANK_FAILED where another's is the reason.
 *
 * `wait` publishes on every rank or on none. `progress`, `state`, `ref`, `unref` and leaving `await using` are this
 * rank's own. After AXL_RANK_LOST all further calls reject with it: the rest is left to `axl-finalize`.
 *
 * @example
 * ```ts
 * await using comm = await openComm();
 * await using transfer = await Transfer.create({ name: 'ckpt.42', stateDir: '/p/job/state', comm });
 * await transfer.add(`/l/ssd/ckpt.42.${comm.rank}`, '/p/lustre/run/');
 * await transfer.dispatch();
 * computeNextStep();
 * await transfer.wait();
 * await transfer.free();
 * ```
 */
export class CollectiveTransfer {
  readonly #own: OwnTransfer;
  readonly #part: OwnPart;
  readonly #ranks: Agreement;
  /** Does this rank write and remove what all have agreed? */
  readonly #isFirst: boolean;
  /** Are the transfers published all or none, and several? */
  readonly #together: boolean;
  /** Are the state files of all ranks in the home? */
  readonly #atHome: boolean;
  /** The call that failed on a rank, so that the ranks' plans are not what they should be. */
  #spoiled: string | undefined;
  /** What all came to, where that is not what this rank did. */
  #outcome: Outcome | undefined;
  /** It is decided that all are published, so that some may be: from here on only forward. */
  #publishing: boolean;
  /** To decide it has failed: it may be decided, or not. */
  #isUnsure = false;

  private constructor(part: OwnPart | undefined, ranks: Agreement, comm: Comm, together: boolean, atHome: boolean) {
    if (!part) throw new TypeError('CollectiveTransfer has no constructor: await Transfer.create({ comm, ... })');
    this.#own = part.transfer;
    this.#part = part;
    this.#ranks = ranks;
    this.#isFirst = comm.rank === 0;
    this.#together = together && comm.size > 1;
    this.#atHome = atHome;
    this.#publishing = part.isDecided;
  }

  /** @internal Transfer.create with `comm`; `make` begins this rank's own. */
  static async create(
    options: CollectiveOptions,
    make: (own: CreateOptions, dataset: Buffer) => Promise<OwnPart>,
  ): Promise<CollectiveTransfer> {
    const { comm, commTimeoutMs } = options;
    checkOptions('create', { comm, commTimeoutMs }, shapes.collective);
    const ranks = new Agreement(comm, commTimeoutMs ?? DEFAULT_COMM_TIMEOUT_MS);
    // Both take their turn at once.
    const own = ownPlace(options);
    const met = ranks.meet('create', own);
    met.catch(() => {}); // the call that follows says so
    const part = await ranks.all(
      'create',
      async () => {
        const mine = (await own).options;
        const { dataset, home, isOne } = await met;
        if (!isOne) throw differentHomes(home);
        return make({ ...mine, ...(home && { home }) }, dataset);
      },
      (made) => made.transfer.free(),
    );
    return new CollectiveTransfer(part, ranks, comm, options.allRanks !== false, (await met).atHome);
  }

  /** @internal Transfer.open with `comm`; `take` takes over this rank's own. */
  static async open(options: OpenOptions, comm: Comm, take: () => Promise<OwnPart>): Promise<CollectiveTransfer> {
    checkOptions('open', options, shapes.open);
    const ranks = new Agreement(comm, options.commTimeoutMs ?? DEFAULT_COMM_TIMEOUT_MS);
    const part = await ranks.all('open', take, ({ transfer }) => transfer[Symbol.asyncDispose]());
    return new CollectiveTransfer(part, ranks, comm, true, false);
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
   * Plans a pointer of rank 0, for all; other ranks' is not looked at. If it fails, the transfer can only be freed.
   * @throws as {@link Transfer.point}; {AxlError} AXL_RANK_FAILED, AXL_RANK_LOST
   */
  point(path: PathLike, target: string | Uint8Array, options?: PointOptions): Promise<void> {
    return this.#plan('point', async () => (this.#isFirst ? this.#own.point(path, target, options) : undefined));
  }

  /** As {@link Transfer.retire}, on any rank. @throws {AxlError} also AXL_RANK_FAILED, AXL_RANK_LOST */
  retire(paths: PathLike | readonly PathLike[]): Promise<void> {
    return this.#plan('retire', () => this.#own.retire(paths));
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
   * Goes on, on all ranks or none. @throws as {@link Transfer.resume}; {AxlError} AXL_RANK_FAILED, AXL_RANK_LOST
   * @see AXL_Resume_comm
   */
  async resume(options?: ResumeOptions): Promise<void> {
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
   * Waits for the copies of all ranks; if all are complete, every rank publishes, otherwise none does. That they do is
   * durable in the home of the dataset before the first rank publishes: whoever is killed then, and whichever state
   * directories `axl-finalize` is given, all are published.
   *
   * If a rank cannot publish, as far as that can be told before the first rename, or if that cannot be written, nothing is published, and wait can be called again. If publishing itself fails on a rank
   * after that, wait rejects on all ranks, though others have published: call it again, or let `axl-finalize` publish
   * the rest.
   * @param options `signal` ends the waiting, on all ranks
   * @returns this rank's report
   * @throws {TransferError} AXL_TRANSFER_FAILED when a rank failed: its own failure, or a `cause` AXL_RANK_FAILED
   * @throws {CanceledError} AXL_CANCELED when a rank was canceled, and none failed
   * @throws {AxlError} AXL_INVALID_STATE as {@link Transfer.wait}; AXL_STATE_LOCKED when a finalizer has decided to roll the
   *   dataset back, or decides just now; AXL_CONFLICT when the home is not there; AXL_IO; AXL_RANK_FAILED, AXL_RANK_LOST
   * @see AXL_Wait_comm
   */
  async wait(options?: WaitOptions): Promise<TransferReport> {
    const [ready, refused] = await this.#ranks.all('wait', () => this.#part.settle(options));
    const outcome = await this.#common('wait', ready && (refused === undefined || this.#publishing));
    if (outcome !== 'complete') throw await whyNotPublished(this.#own, outcome, ready, refused);
    const inPhases = this.#together && (await anyInPhases(this.#ranks, this.#part));
    await this.#decide(inPhases);
    this.#publishing = true;
    try {
      const byFirst = (work: () => Promise<void>) => this.#byFirst(work);
      return await publishTogether(this.#ranks, this.#part, inPhases, byFirst, () => this.#own.wait());
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
        `free: transfer ${displayName(this.name)} is not published on all ranks yet: call wait again`,
      );
    // What was perhaps decided must not publish some while others are rolled back.
    if (this.#isUnsure) await this.#ranks.all('free', () => this.#byFirst(() => this.#part.withdraw()));
    this.#isUnsure = false;
    await this.#ranks.all('free', async () => (this.#own.state === 'freed' ? undefined : this.#own.free()));
    // Its id is never used again: what stays is in nobody's way.
    if (this.#publishing) await this.#byFirst(() => this.#part.withdraw()).catch(() => {});
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

  /** As {@link Transfer.setBandwidth}, for this rank's copies. @throws {RangeError} of a wrong number */
  setBandwidth(bandwidth: number): this {
    this.#own.setBandwidth(bandwidth);
    return this;
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

  /** The first rank's doing; the others do nothing. */
  async #byFirst(work: () => Promise<void>): Promise<void> {
    if (this.#isFirst && this.#together) await work();
  }

  /** Has it durable that all are published, before one is. */
  async #decide(inPhases: boolean): Promise<void> {
    if (this.#publishing) return;
    try {
      await this.#ranks.all('wait', () => this.#byFirst(() => this.#part.agreeToPublish(this.#atHome, inPhases)));
    } catch (error) {
      this.#isUnsure = true;
      const isAnothers = error instanceof AxlError && error.code === 'AXL_RANK_FAILED';
      if (!isAnothers || !(await this.#part.isRolledBack().catch(() => false))) throw error;
      const why = 'a finalizer has decided to roll its dataset back: run axl-finalize';
      throw new AxlError('AXL_STATE_LOCKED', `wait: transfer ${displayName(this.name)}: ${why}`, { cause: error });
    }
    this.#isUnsure = false;
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
    const why = `${this.#spoiled} failed on a rank, so the transfer can only be freed`;
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
}
