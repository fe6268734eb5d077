// How ranks come to one outcome: every rank does its part of a call, then all ask each other whether all parts succeeded.
// Calls over one Comm ask in the order in which they are made, whatever their parts take: the ranks must not cross.
import { AxlError } from '../base/errors.js';
import type { Comm } from '../base/types.js';
import { within } from '../base/waiting.js';
import { type Meeting, meet, type OwnPlace } from './one-home.js';

interface Line {
  /** The question asked last. Never rejects. */
  last: Promise<unknown>;
  broken: AxlError | undefined;
}

/** One for each Comm: what is asked over it by several transfers is one sequence. */
const lines = new WeakMap<Comm, Line>();

function lineOf(comm: Comm): Line {
  const line = lines.get(comm) ?? { last: Promise.resolve(), broken: undefined };
  lines.set(comm, line);
  return line;
}

/** One rank's side of a series of collective calls. */
export class Agreement {
  readonly #comm: Comm;
  readonly #limitMs: number;
  readonly #line: Line;

  /** @param limitMs how long to wait for the other ranks' answer, from when this rank has given its own */
  constructor(comm: Comm, limitMs: number) {
    this.#comm = comm;
    this.#limitMs = limitMs;
    this.#line = lineOf(comm);
  }

  /** Takes this call's place among those over the Comm; the question is asked with what it is then given. */
  #turn<M, T>(call: string, question: (mine: M) => Promise<T>): (mine: M) => Promise<T> {
    const before = this.#line.last;
    let end: () => void = () => {};
    this.#line.last = new Promise<void>((resolve) => {
      end = resolve;
    });
    return async (mine) => {
      try {
        await before;
        return await this.#ask(call, () => question(mine));
      } finally {
        end();
      }
    };
  }

  async #ask<T>(call: string, question: () => Promise<T>): Promise<T> {
    if (this.#line.broken) throw this.#line.broken;
    try {
      return await within(this.#limitMs, question());
    } catch (cause) {
      const { rank, size } = this.#comm;
      const why = `${call}: rank ${rank} of ${size} has lost the other ranks: ${(cause as Error).message}`;
      // Whoever answers later answers another question: nothing asked over this Comm means anything now.
      this.#line.broken = new AxlError('AXL_RANK_LOST', why, { cause });
      throw this.#line.broken;
    }
  }

  /** Do all ranks say so? @throws {AxlError} AXL_RANK_LOST */
  agree(call: string, mine: boolean): Promise<boolean> {
    return this.#allTrue(call)(mine);
  }

  /** The dataset and the home of all ranks. @param mine rejects: this rank has failed @throws {AxlError} AXL_RANK_LOST */
  meet(call: string, mine: Promise<OwnPlace>): Promise<Meeting> {
    const ask = this.#turn(call, (own: OwnPlace | undefined) => meet(this.#comm, call, own));
    return mine.catch(() => undefined).then(ask);
  }

  #allTrue(call: string): (mine: boolean) => Promise<boolean> {
    return this.#turn(call, (mine: boolean) => this.#comm.allTrue(mine, call));
  }

  /**
   * Does this rank's part; then all agree whether every part succeeded.
   * @param undo takes back a part that succeeded where another's did not, or where that cannot be known
   * @throws this rank's own failure; {AxlError} AXL_RANK_FAILED when it is another's; AXL_RANK_LOST
   */
  async all<T>(call: string, part: () => Promise<T>, undo?: (value: T) => Promise<unknown>): Promise<T> {
    // Who has lost the others does nothing more: what they came to without us is not known.
    if (this.#line.broken) throw this.#line.broken;
    const ask = this.#allTrue(call);
    const [mine] = await Promise.allSettled([(async () => part())()]);
    const succeeded = mine.status === 'fulfilled';
    const everyone = await ask(succeeded).catch((lost: AxlError) => lost);
    if (!succeeded) throw mine.reason;
    if (everyone === true) return mine.value;
    await undo?.(mine.value);
    throw everyone === false
      ? new AxlError('AXL_RANK_FAILED', `${call}: it failed on another rank; the error there says why`)
      : everyone;
  }
}
