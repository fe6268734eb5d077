// Transfers of this process that go to the same final names are published in the order of their dispatch.
import { answer, type NativeTransfer, ORDER } from '../base/native.js';

/** Weak: who forgets a transfer lets go of it. */
const turns = new Set<WeakRef<Turn>>();

function* others(own: Turn): Generator<Turn> {
  for (const ref of turns) {
    const turn = ref.deref();
    if (turn === undefined) turns.delete(ref);
    else if (turn !== own) yield turn;
  }
}

/** Of one transfer. */
export class Turn {
  readonly #addon: NativeTransfer;
  readonly #ref = new WeakRef<Turn>(this);
  #waiting: Promise<unknown> | undefined;

  constructor(addon: NativeTransfer) {
    this.#addon = addon;
  }

  /** It is dispatched. */
  begin(): void {
    turns.add(this.#ref);
  }

  /** It is published, or nobody's here any more. */
  end(): void {
    turns.delete(this.#ref);
  }

  /** Newer ones wait for this, too. */
  wait<T>(waiting: () => Promise<T>): Promise<T> {
    const published = waiting();
    this.#waiting = published;
    return published;
  }

  /**
   * Waits for older transfers to the same names that are being waited for, and lets newer ones replace what is about to
   * be published. REQUIRES: copies have ended.
   */
  async come(): Promise<void> {
    for (const other of [...others(this)]) {
      // One that has been freed, or closed, or whose journal cannot be written, meets nobody any more.
      const order = await answer(other.#addon.meet(this.#addon)).catch(() => 0);
      if (ORDER[order] === 'older') await other.#waiting?.catch(() => {});
    }
  }
}
