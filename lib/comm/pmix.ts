// PMIx, which Open MPI's mpirun and srun --mpi=pmix speak, through the client library of the machine: the addon loads it
// when first needed, so that nothing depends on it. Its calls block, on a thread of their own (native/comm/pmix.cc).
import { AxlError } from '../base/errors.js';
import { native } from '../base/native.js';
import type { NativePmix } from '../base/native-pmix.js';
import { pmixLibrary } from '../base/options.js';
import { isElsewhere, type Provider } from './provider.js';

/** Node's longest. */
const FOREVER_MS = 0x7fff_ffff;

/**
 * Each answer is put under a key of its own; a fence brings all keys to all ranks. None is ever removed, so that calls
 * become slower by and by; but a key that is put again can bring its old value, or none (seen with OpenPMIx 4.2.2).
 */
export class Pmix implements Provider {
  readonly name = 'pmix';
  rank = 0;
  size = 1;
  #lost: Promise<never> = new Promise(() => {});
  #isLost = false;
  #asking = 0;
  #calls = 0;

  /** @throws {AxlError} AXL_BACKEND_UNAVAILABLE where the library does not load */
  static load(): Pmix {
    const problem = native().pmixLoad(pmixLibrary);
    if (problem === '') return new Pmix();
    const hint = "install PMIx's library (Debian: libpmix2), or name it in AXL_PMIX_LIBRARY";
    throw new AxlError('AXL_BACKEND_UNAVAILABLE', `openComm: PMIx: ${problem}; ${hint}`);
  }

  async open(): Promise<void> {
    const { problem, rank, size } = await this.#ask(native().pmixOpen());
    if (problem !== '') throw new AxlError('AXL_BACKEND_UNAVAILABLE', `openComm: PMIx: ${problem}`);
    this.rank = rank;
    this.size = size;
    this.#lost = native()
      .pmixLost()
      .then((why) => {
        this.#isLost = true;
        throw new Error(why);
      });
    this.#lost.catch(() => {});
  }

  async allTrue(value: boolean, question: number): Promise<boolean> {
    return (await this.#answered(native().pmixAllTrue(this.#calls++, value, question))).all;
  }

  async share(text: string, question: number): Promise<string> {
    return (await this.#answered(native().pmixShare(this.#calls++, text, question))).text;
  }

  async barrier(): Promise<void> {
    await this.#answered(native().pmixBarrier());
  }

  /** Behind a call without an answer there is no goodbye: its thread stays in it until the process ends. */
  async close(): Promise<void> {
    if (this.#asking === 0 && !this.#isLost) await this.#ask(native().pmixClose());
  }

  async #answered(asked: Promise<NativePmix>): Promise<NativePmix> {
    const answer = await this.#ask(asked);
    if (answer.elsewhere >= 0) throw new Error(isElsewhere(answer.elsewhere));
    if (answer.problem !== '') throw new Error(answer.problem);
    return answer;
  }

  /** The addon's promises do not keep the process alive, since some are never settled. */
  async #ask<T>(answer: Promise<T>): Promise<T> {
    const alive = setInterval(() => {}, FOREVER_MS);
    this.#asking++;
    try {
      const answered = await Promise.race([answer, this.#lost]);
      this.#asking--;
      return answered;
    } finally {
      clearInterval(alive);
    }
  }
}
