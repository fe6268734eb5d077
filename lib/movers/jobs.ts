// Asks movers about jobs: running, ended, or nobody can tell, which is never taken for ended.

import type { JobState, Mover } from '../base/mover.js';
import { answer, native } from '../base/native.js';
import { NO_WORD } from '../base/native-word.js';

/** What a mover answers; undefined if it throws instead. */
export async function heard<T>(call: () => Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await call();
  } catch {
    return undefined;
  }
}

/** Does that job of this mover still run? What is no answer is `unknown`. */
export async function attached(mover: Mover | undefined, token: string): Promise<JobState> {
  const said = await heard(() => mover?.attach(token));
  return said === 'running' || said === 'ended' ? said : 'unknown';
}

/** The jobs that state files name. */
export class Jobs {
  readonly #movers: ReadonlyMap<string, Mover>;

  constructor(movers: readonly Mover[]) {
    this.#movers = new Map(movers.map((mover) => [mover.name, mover]));
  }

  /**
   * Asks about the jobs that these state files name. A token is never used again: who has `ended` does not run later.
   * @param packed paths, each ended by a NUL
   * @returns what is known, as the addon takes it
   */
  async ask(packed: Buffer): Promise<Buffer> {
    const surveyed = await answer(native().survey(packed, 1, NO_WORD));
    const told = surveyed.flatMap(({ jobs }) => jobs).map(({ mover, token }) => this.#ask(mover, token));
    return Buffer.from((await Promise.all(told)).join(''));
  }

  async #ask(mover: string, token: string): Promise<string> {
    const state = token.includes('\0') ? 'unknown' : await attached(this.#movers.get(mover), token);
    return state === 'unknown' ? '' : `${mover}\0${token}\0${state}\0`;
  }
}
