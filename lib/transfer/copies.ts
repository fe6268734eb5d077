// The copies of one transfer while they run: begun, watched, canceled by a signal, counted. What may be called when is
// transfer.ts's business.
import type { Mover } from '../base/mover.js';
import { displayName } from '../base/names.js';
import type { NativeTransfer } from '../base/native.js';
import type { Progress, TransferStateName } from '../base/types.js';
import { abortError, pause, until } from '../base/waiting.js';
import { Moving } from './moving.js';

/** Transfers of this environment whose copies may run. */
const inFlight = new Set<Copies>();

/** Cancels all of them. Resolves when no copy runs. */
export async function cancelAll(): Promise<void> {
  await Promise.all([...inFlight].map((copies) => copies.cancel()));
}

export class Copies {
  readonly #native: NativeTransfer;
  readonly moving: Moving;
  /** Of the transfer, which knows more than how to stop copies. */
  readonly cancel: () => Promise<unknown>;
  /** Why a signal canceled them. */
  cancelReason: unknown;
  #starting: Promise<void> | undefined;
  #ended: Promise<void> = Promise.resolve();
  #last: Omit<Progress, 'state'> | undefined;

  constructor(native: NativeTransfer, mover: Mover | undefined, cancel: () => Promise<unknown>) {
    this.#native = native;
    this.moving = new Moving(native, mover);
    this.cancel = cancel;
  }

  /**
   * @param what for whom the signal canceled
   * @param begin journals the plan, or drops what a resume does not keep; copies run when it resolves
   */
  async start(what: string, begin: () => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) throw abortError(what, signal);
    this.cancelReason = undefined;
    this.#last = undefined;
    inFlight.add(this);
    this.#starting = this.#start(begin, signal);
    await this.#starting;
    if (!signal?.aborted) return;
    await this.cancel();
    throw abortError(what, signal);
  }

  async #start(begin: () => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    try {
      await begin();
      this.#ended = this.#watch(signal);
    } catch (error) {
      inFlight.delete(this);
      throw error;
    } finally {
      this.#starting = undefined;
    }
  }

  /** Until none runs: listens to the signal; then keeps the last counters. */
  async #watch(signal: AbortSignal | undefined): Promise<void> {
    const onAbort = () => {
      this.cancelReason = signal?.reason;
      this.moving.cancel();
    };
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    await this.#native.whenQuiet();
    signal?.removeEventListener('abort', onAbort);
    inFlight.delete(this);
    this.#last = this.#native.counters();
  }

  /** Until a start under way has ended. Never rejects. */
  async started(): Promise<void> {
    await this.#starting?.catch(() => {});
  }

  /** Until a start under way has ended, and the copies that it began. Never rejects. */
  async settled(): Promise<void> {
    await this.started();
    await this.#ended;
  }

  /** Has them stop. When it resolves, none runs. */
  async stop(): Promise<void> {
    await this.started();
    this.moving.cancel();
    await this.settled();
  }

  /** See Transfer.progress. `of`: whose copies these are, and how it stands. */
  async *snapshots(
    of: () => { readonly name: string; readonly state: TransferStateName },
    ms: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Progress, void, undefined> {
    const what = `progress: no longer watching transfer ${displayName(of().name)}`;
    for (let running = true; running; ) {
      if (signal?.aborted) throw abortError(what, signal);
      running = inFlight.has(this);
      yield { state: of().state, ...(this.#last ?? this.moving.counters()) };
      if (running) await until(pause(ms, this.settled()), what, signal);
    }
  }
}
