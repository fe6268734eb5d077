// How long what is busy is waited for.
import { now } from '../base/clock.js';
import { jittered, sleep } from '../base/waiting.js';
import type { Tally } from './tally.js';

/** Somebody who surveys holds a lock for an instant: what is busy is tried again before it counts as busy. */
const GRACES_MS = [50, 250] as const;
const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 10_000;

interface Waiting {
  readonly signal: AbortSignal | undefined;
  readonly tally: Tally;
}

/** When to try again what is busy: twice at once, then for as long as the caller would wait, ever more rarely. */
export class Patience {
  readonly #terms: Waiting;
  readonly #until: number;
  #graces = 0;
  #pause = FIRST_PAUSE_MS;

  constructor(terms: Waiting, wait: number) {
    this.#terms = terms;
    this.#until = now() + wait;
  }

  /** Pauses. False, and at once, if there is no time left. */
  async another(busy: number): Promise<boolean> {
    const { signal, tally } = this.#terms;
    if (busy === 0 || signal?.aborted) return false;
    const grace = GRACES_MS[this.#graces++];
    if (grace !== undefined) await sleep(jittered(grace), signal);
    else {
      const remaining = this.#until - now();
      if (remaining <= 0) return false;
      tally.tell({ event: 'wait', busy, remaining });
      await sleep(Math.min(jittered(this.#pause), remaining), signal);
      this.#pause = Math.min(LAST_PAUSE_MS, 2 * this.#pause);
    }
    return !signal?.aborted;
  }
}
