// A transfer: which call fits which state, and what each promises. The work is the addon's; this file is its manners.
import type { AxlError } from './base/errors.js';
import { absolutePath, displayName, toText } from './base/names.js';
import { answer, type NativeReport, type NativeTransfer, native } from './base/native.js';
import { checkOptions, DEFAULT_INTERVAL_MS, shapes } from './base/options.js';
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
import { until } from './base/waiting.js';
import { CollectiveTransfer } from './collective.js';
import { Copies } from './transfer/copies.js';
import { nativeOptions } from './transfer/identity.js';
import { type OwnPart, partOf } from './transfer/own.js';
import { Planned } from './transfer/planned.js';
import { makeReport, waitError } from './transfer/report.js';
import { DISPATCHED, expectPhase, type Phase, phaseOf, STATES, UNPUBLISHED } from './transfer/states.js';
import { takeOver } from './transfer/take-over.js';
import { Turn } from './transfer/turns.js';

/** What only this file can say to the constructor, which JavaScript lets everybody call. */
const MAKING = Symbol('making');

/**
 * A set of files to copy, with one state file. Copies run and are journalled on native threads while JavaScript
 * computes. States: `created -> dispatched -> completed | failed | canceled -> freed`; a call that does not fit rejects
 * with AXL_INVALID_STATE. Calls on one transfer take effect in the order they are made. `await using` is TypeScript, or
 * JavaScript since Node 24; before that, `const`.
 * @example examples/api/Transfer.ts
 */
export class Transfer {
  readonly #native: NativeTransfer = new (native().Transfer)();
  readonly #copies: Copies;
  readonly #stateFile: Buffer;
  #name: string;
  #phase: Phase = 'created';
  #closed = false;
  #isDecided = false;
  #publishing: Promise<TransferReport> | undefined;
  readonly #turn = new Turn(this.#native);
  readonly #planned = new Planned(this.#native, (call) => this.#expect(call, 'created'));

  private constructor(name: string, stateFile: Buffer, options: Pick<OpenOptions, 'mover'>, made?: typeof MAKING) {
    if (made !== MAKING)
      throw new TypeError('Transfer has no constructor: use await Transfer.create({...}), or Transfer.open');
    this.#copies = new Copies(this.#native, options.mover, () => this.cancel());
    this.#name = name;
    this.#stateFile = stateFile;
  }

  /**
   * Begins a transfer. The state file exists afterwards, locked, and with durability `full` its name is on the disk.
   * With `comm` every rank calls it, and it gives a {@link CollectiveTransfer}.
   * @throws {TypeError} an option that is unknown, missing or of the wrong type; {RangeError} a number out of range
   * @throws {AxlError} AXL_STATE_EXISTS when there is a state file of that name: use {@link Transfer.open};
   *   AXL_IO when it cannot be made
   * @see AXL_Create
   */
  static create(options: CollectiveOptions): Promise<CollectiveTransfer>;
  static create(options: CreateOptions & { readonly comm?: undefined }): Promise<Transfer>;
  static async create(options: CreateOptions | CollectiveOptions): Promise<Transfer | CollectiveTransfer> {
    if (typeof options === 'object' && options !== null && 'comm' in options && options.comm !== undefined)
      return CollectiveTransfer.create(options, async (own, dataset) => (await Transfer.#create(own, dataset)).#part());
    return Transfer.#create(options);
  }

  static async #create(options: CreateOptions, dataset?: Buffer): Promise<Transfer> {
    const own = nativeOptions(options, dataset);
    const transfer = new Transfer(own.name, own.stateFile, options, MAKING);
    return answer(transfer.#native.create(own)).then(() => transfer);
  }

  /**
   * Takes over the transfer of a process that died or closed it. When it resolves, the state file is locked.
   * If every file was complete, the state is `dispatched`, and wait publishes. If not, it is `failed` or `canceled`, and
   * resume goes on. A published transfer is `completed`. With `comm` every rank takes over its own: {@link CollectiveTransfer}.
   * @throws {AxlError} AXL_STATE_LOCKED when its writer, a mover or a finalizer is at work on it, or a finalizer rolls its
   *   dataset back; AXL_BACKEND_UNAVAILABLE when nobody can tell whether its mover is; AXL_CONFLICT when the home of its
   *   dataset does not exist; AXL_STATE_CORRUPT; AXL_STATE_VERSION; AXL_UNSAFE_PATH when it is no regular file of this
   *   user; AXL_IO when it does not exist or cannot be read; AXL_INVALID_STATE when it was never dispatched
   * @see AXL_Create with AXL_XFER_STATE_FILE
   */
  static open(stateFile: PathLike, options: OpenOptions & { readonly comm: Comm }): Promise<CollectiveTransfer>;
  static open(stateFile: PathLike, options?: OpenOptions & { readonly comm?: undefined }): Promise<Transfer>;
  static async open(stateFile: PathLike, options: OpenOptions = {}): Promise<Transfer | CollectiveTransfer> {
    const own = () => Transfer.#open(stateFile, options);
    if (options.comm) return CollectiveTransfer.open(options, options.comm, async () => (await own()).#part());
    checkOptions('open', options, shapes.open);
    return own();
  }

  static async #open(stateFile: PathLike, options: OpenOptions): Promise<Transfer> {
    const path = absolutePath(stateFile, 'stateFile');
    const transfer = new Transfer('', path, options, MAKING);
    const { name, state, forwardOnly } = await takeOver(transfer.#native, path, options);
    [transfer.#name, transfer.#phase, transfer.#isDecided] = [name, phaseOf(state), forwardOnly];
    transfer.#turn.begin();
    return transfer;
  }

  readonly #part = (): OwnPart => partOf(this, this.#native, this.#turn, this.#isDecided);

  /** The transfer's name, as given to create. */
  get name(): string {
    return this.#name;
  }

  /** The absolute path of the state file, as UTF-8; bytes that are not UTF-8 become U+FFFD. */
  get stateFile(): string {
    return toText(this.#stateFile);
  }

  /** Where the transfer stands; `dispatched` until wait, settle or cancel has learned more. */
  get state(): TransferStateName {
    return STATES[this.#phase];
  }

  /**
   * Plans to copy a file, or a directory with everything in it. Nothing is copied or journalled before dispatch.
   * A file goes to `dest`, or into it if that is a directory; a directory becomes `dest`, or goes into it under its own
   * name if it exists. `NAME/` is a directory and made if missing; `SRC/.` is what is in SRC. Missing parents are made.
   * @returns the plan: numbers of files and directories, bytes
   * @throws {AxlError} AXL_CONFLICT when two sources have one destination, or the state file is a destination;
   *   AXL_NOT_SUPPORTED for a FIFO, socket, device or dangling link; AXL_IO when a source cannot be read;
   *   AXL_VERIFY, AXL_STATE_CORRUPT: see `expect`; AXL_INVALID_STATE after dispatch. After an error the plan is what it was before.
   * @see AXL_Add
   */
  async add(source: PathLike, dest: PathLike, options: AddOptions = {}): Promise<Added> {
    return this.#planned.add('add', [[source, dest]], options);
  }

  /**
   * Plans to copy many, each as {@link Transfer.add} does. If one cannot be added, none is.
   * @throws as {@link Transfer.add}
   * @see AXL_Add
   */
  async addAll(pairs: readonly (readonly [PathLike, PathLike])[], options: AddOptions = {}): Promise<Added> {
    return this.#planned.add('addAll', pairs, options);
  }

  /**
   * Plans to copy the files that match patterns. Each keeps its path below the pattern's base, which is the directories
   * before the first wildcard. Of a directory that matches, only what matches is copied (`dir/**`).
   * @param patterns one or several, as fast-glob has them, relative to `cwd` or absolute; `!` at the start excludes
   * @throws {AxlError} AXL_IO when a directory cannot be read; otherwise as {@link Transfer.add}
   * @see AXL_Add
   */
  async addGlob(patterns: string | readonly string[], options: AddGlobOptions): Promise<Added> {
    return this.#planned.addGlob(patterns, options);
  }

  /**
   * Plans a pointer, which is published last: a symbolic link to `target`, as given, or a text file with it as its line.
   * @throws as {@link Transfer.add}; {AxlError} AXL_CONFLICT also on ranks but 0, and where a directory is
   */
  async point(path: PathLike, target: string | Uint8Array, options: PointOptions = {}): Promise<void> {
    return this.#planned.point(path, target, options);
  }

  /**
   * Plans to delete something older once this transfer is published, on the disk, with all ranks of its dataset: files,
   * links (never what they lead to), directories with all that is in them. It is deleted by wait, or by `axl-finalize`, and
   * only if it is then what it is now; otherwise it stays, and the report says why. A directory is deleted as a whole.
   * @throws {AxlError} AXL_IO, ENOENT when there is nothing; AXL_CONFLICT when it holds the state file, or, in dispatch, a
   *   destination; AXL_NOT_SUPPORTED for a mount point, with durability none, and for one of several ranks without `allRanks`
   */
  async retire(paths: PathLike | readonly PathLike[]): Promise<void> {
    return this.#planned.retire(paths);
  }

  /**
   * Starts the copies. When it resolves, the plan is in the state file and on the disk, and copies run. They go on and
   * are journalled while JavaScript computes. They keep the process alive: see {@link Transfer.unref}.
   * A dispatch that fails leaves no temporary file and no directory. The transfer is `created` as before, or `failed`
   * if only a directory could not be made.
   * @param options `signal` cancels the transfer; `atLeast` files are expected
   * @throws {AxlError} AXL_INVALID_STATE when it is not `created`; AXL_SOURCE_CHANGED or AXL_IO when a source is no longer
   *   what was added, or a directory or the state file cannot be written; AXL_NOT_SUPPORTED when a source has no size
   * @throws {CanceledError} AXL_CANCELED when the signal fired first
   * @see AXL_Dispatch
   */
  async dispatch(options: DispatchOptions = {}): Promise<void> {
    checkOptions('dispatch', options, shapes.dispatch);
    this.#expect('dispatch', 'created');
    return this.#start('dispatch', options);
  }

  /**
   * Goes on after a cancel, a failure or the death of a process. Complete files stay, complete chunks are verified and
   * kept, failed files are copied again. When it resolves, copies run.
   * @param options `signal` cancels the transfer
   * @throws {AxlError} AXL_INVALID_STATE when copies run, or it was never dispatched, or is published; AXL_IO when the
   *   journal cannot be written. A source that is gone or has changed (AXL_SOURCE_CHANGED) fails its file: see wait()
   * @throws {CanceledError} AXL_CANCELED when the signal fired first
   * @see AXL_Resume
   */
  async resume(options: ResumeOptions = {}): Promise<void> {
    checkOptions('resume', options, shapes.signal);
    this.#expect('resume', 'complete', 'failed', 'canceled');
    return this.#start('resume', options);
  }

  /**
   * Would {@link Transfer.wait} return at once? It says nothing about success.
   * @throws {AxlError} AXL_INVALID_STATE before dispatch and after free
   * @see AXL_Test
   */
  test(): boolean {
    this.#expect('test', ...DISPATCHED);
    return this.#phase !== 'starting' && this.#native.quiet();
  }

  /**
   * Waits for the copies and publishes nothing: for ranks that agree by themselves before any of them publishes.
   * @param options `signal` ends the waiting only
   * @returns true if every file is complete, so that wait publishes, or has; otherwise `state` says how it ended
   * @throws {AxlError} AXL_INVALID_STATE as {@link Transfer.wait}
   * @throws {CanceledError} AXL_CANCELED when the signal fired
   */
  async settle(options: WaitOptions = {}): Promise<boolean> {
    checkOptions('settle', options, shapes.signal);
    this.#expect('settle', ...DISPATCHED);
    const what = `settle: no longer waiting for transfer ${displayName(this.#name)}`;
    await until(this.#copies.settled(), what, options.signal);
    this.#expect('settle', ...DISPATCHED); // a dispatch that was under way may have failed
    await this.#learn();
    const phase = phaseOf(await answer(this.#native.state())); // a publishing that failed can go on
    return phase === 'complete' || phase === 'completed';
  }

  /**
   * The outcome of each file so far.
   * @throws {AxlError} AXL_INVALID_STATE before dispatch, after free, and while copies run: settle or cancel first
   */
  async report(): Promise<TransferReport> {
    this.#expect('report', 'complete', 'completed', 'failed', 'canceled');
    return this.#reportOn(await answer(this.#native.report()));
  }

  /**
   * Waits for the copies, then publishes: every file gets its owner, mode and times and its final name, all or none.
   * When it resolves, that is on the disk (durability `full`). The state file stays until {@link Transfer.free}.
   * This is the only call that reports a failure of the transfer. Called again, it reports the same, or, if publishing
   * itself failed, tries to go on.
   * @param options `signal` ends the waiting only; the copies, and a publishing that has begun, go on
   * @throws {TransferError} AXL_TRANSFER_FAILED when a file or the publishing failed; `report` says which, `cause` why
   * @throws {CanceledError} AXL_CANCELED when the transfer was canceled (then with a `report`), or the signal fired
   * @throws {AxlError} AXL_INVALID_STATE before dispatch, after free, and after open when resume must come first
   * @see AXL_Wait
   */
  async wait(options: WaitOptions = {}): Promise<TransferReport> {
    checkOptions('wait', options, shapes.signal);
    this.#expect('wait', ...DISPATCHED);
    const what = `wait: no longer waiting for transfer ${displayName(this.#name)}`;
    return this.#turn.wait(async () => {
      await until(this.#copies.settled(), what, options.signal);
      this.#expect('wait', ...DISPATCHED); // a dispatch that was under way may have failed
      this.#publishing ??= this.#publish().finally(() => {
        this.#publishing = undefined;
      });
      return until(this.#publishing, what, options.signal);
    });
  }

  /**
   * Stops each copy within 256 KiB. Then none runs; temporary files and state file stay for resume, or for free.
   * @returns `canceled`; `failed` if a file had failed; `dispatched` if every file was complete, so that wait publishes
   * @throws {AxlError} AXL_INVALID_STATE before dispatch, once published, and after free
   * @see AXL_Cancel
   */
  async cancel(): Promise<TransferStateName> {
    this.#expect('cancel', ...UNPUBLISHED);
    await this.#copies.stop();
    await this.#learn();
    await this.#publishing?.catch(() => {});
    return this.state;
  }

  /**
   * Ends the transfer, and deletes its state file, durably. What is not published is rolled back: it leaves nothing.
   * @throws {AxlError} AXL_INVALID_STATE while copies run or their outcome is unknown: wait or cancel first; or when it
   *   was decided that the dataset is published: wait first; AXL_IO when a file cannot be deleted: free again
   * @see AXL_Free
   */
  async free(): Promise<void> {
    this.#expect('free', 'created', 'complete', 'completed', 'failed', 'canceled');
    const before = this.#phase;
    this.#phase = 'freed';
    try {
      await answer(this.#native.free());
      this.#turn.end();
    } catch (error) {
      this.#phase = before;
      throw error;
    }
  }

  /**
   * How far the copies are, in bytes and files: a snapshot at once, then at most one each `intervalMs`, and always the
   * last. Failed files are in the counts and do not end the loop. Leaving the loop cancels nothing.
   * @throws {AxlError} AXL_INVALID_STATE before dispatch and after free
   * @throws {CanceledError} AXL_CANCELED when the signal fired
   */
  progress(options: ProgressOptions = {}): AsyncGenerator<Progress, void, undefined> {
    checkOptions('progress', options, shapes.progress);
    this.#expect('progress', ...DISPATCHED);
    const state = () => ({ name: this.#name, state: this.state });
    return this.#copies.snapshots(state, options.intervalMs ?? DEFAULT_INTERVAL_MS, options.signal);
  }

  /** Changes how fast it may be copied, also while it is: see {@link CreateOptions}. @throws {RangeError} of a wrong number */
  setBandwidth(bandwidth: number): this {
    checkOptions('setBandwidth', { bandwidth }, shapes.setBandwidth, ['bandwidth']);
    this.#native.setBandwidth(bandwidth);
    return this;
  }

  /** From now on running copies do not keep the process alive. If it ends, they are canceled, and resume can go on. */
  unref(): this {
    this.#native.keepAlive(false);
    return this;
  }

  /** From now on running copies keep the process alive, as they do after create. */
  ref(): this {
    this.#native.keepAlive(true);
    return this;
  }

  /** Lets go of the transfer, after a cancel if copies run. Its temporary files and its state file stay. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed || this.#phase === 'freed') return;
    if (this.#phase !== 'created' && this.#phase !== 'completed') await this.cancel();
    this.#closed = true;
    this.#turn.end();
    await answer(this.#native.close());
  }

  async #start(call: 'dispatch' | 'resume', { signal, atLeast }: DispatchOptions): Promise<void> {
    const what = `${call}: transfer ${displayName(this.#name)} was canceled`;
    await this.#copies.start(what, () => this.#launch(call, atLeast), signal);
  }

  async #launch(call: 'dispatch' | 'resume', atLeast: number | undefined): Promise<void> {
    this.#phase = 'starting';
    try {
      if (call === 'dispatch') await this.#planned.whole(atLeast);
      await this.#copies.moving.begin(call);
      this.#phase = 'running';
      this.#turn.begin();
    } catch (error) {
      // `created` as before, or `failed` if the state file says already that it was dispatched
      this.#phase = phaseOf(await answer(this.#native.state()));
      throw error;
    }
  }

  async #learn(): Promise<void> {
    if (this.#phase !== 'running') return;
    const phase = phaseOf(await answer(this.#native.state()));
    if (this.#phase === 'running') this.#phase = phase; // unless a wait meanwhile found out more
  }

  #reportOn(columns: NativeReport): TransferReport {
    return makeReport(this, this.#planned.warnings, columns);
  }

  async #publish(): Promise<TransferReport> {
    const before = this.#phase;
    this.#phase = 'publishing';
    await this.#turn.come();
    const failure = await answer(this.#native.publish()).catch((error: AxlError) => error);
    if (failure?.code === 'AXL_INVALID_STATE') {
      this.#phase = before;
      throw failure;
    }
    this.#phase = !failure ? 'completed' : failure.code === 'AXL_CANCELED' ? 'canceled' : 'failed';
    const columns = await answer(this.#native.report());
    const report = this.#reportOn(columns);
    return failure ? Promise.reject(waitError(failure, report, columns, this.#copies.cancelReason)) : report;
  }

  #expect(call: string, ...phases: readonly Phase[]): void {
    expectPhase(call, this.#name, this.#closed ? 'closed' : this.#phase, phases);
  }
}
