// Who moves the bytes of one transfer: submits the job, asks until it has ended, and has what it brought adopted. For our
// own threads there is nothing to ask and nothing to adopt.
import { AxlError } from '../base/errors.js';
import type { Assignment, Engine, Mover, MoverFile, MoverProgress } from '../base/mover.js';
import { answer, type NativeTransfer } from '../base/native.js';
import type { NativePending } from '../base/native-mover.js';
import { pause } from '../base/waiting.js';
import { attached, heard } from '../movers/jobs.js';
import { threads } from '../movers/threads.js';

const FIRST_MS = 10;
const LONGEST_MS = 500;
/** Answers one after the other that tell nothing, until nobody waits for a better one. */
const TRIES = 8;

function* filesOf({ ids, names, sizes }: NativePending): Generator<MoverFile> {
  let at = 0;
  const next = () => {
    const from = at;
    at = names.indexOf(0, from) + 1;
    return names.subarray(from, at - 1);
  };
  for (const [i, id] of ids.entries()) yield { id, source: next(), temporary: next(), size: sizes[i] as number };
}

export class Moving {
  readonly #native: NativeTransfer;
  readonly #mover: Mover;
  /** Of a job that is not known to have ended. */
  #token: string | undefined;
  #isCanceled = false;
  /** Bytes that a job has copied, with those that were there before. */
  #bytes = 0;

  constructor(native: NativeTransfer, mover: Mover = threads) {
    this.#native = native;
    this.#mover = mover;
  }

  /** Copies run when it resolves. They end when the addon is quiet. */
  async begin(call: 'dispatch' | 'resume'): Promise<void> {
    this.#isCanceled = false;
    this.#bytes = 0;
    if (this.#mover === threads) this.#token = await threads.submit(this.#ownAssignment(call));
    else if (call === 'resume' && this.#token !== undefined) await this.#rejoin(this.#token);
    else await this.#submit(call);
  }

  cancel(): void {
    this.#isCanceled = true;
    const token = this.#token;
    if (token !== undefined) heard(() => this.#mover.cancel(token)); // attach says what became of it
    if (this.#mover !== threads) this.#native.cancel(); // what is being adopted
  }

  counters() {
    const counted = this.#native.counters();
    return { ...counted, bytesCopied: Math.max(counted.bytesCopied, Math.min(this.#bytes, counted.bytesTotal)) };
  }

  #ownAssignment(call: 'dispatch' | 'resume'): Assignment {
    const native = this.#native;
    const engine: Engine = {
      start: () => answer(native[call]()),
      quiet: () => native.quiet(),
      whenQuiet: () => native.whenQuiet(),
      cancel: () => native.cancel(),
      bytes: () => native.counters().bytesCopied,
    };
    return { files: () => [], submitted: async () => {}, engine };
  }

  async #submit(call: 'dispatch' | 'resume'): Promise<void> {
    const pending = await answer(this.#native.seal(call === 'resume', this.#mover.capabilities.keepsPartial));
    if (pending.ids.length === 0) return answer(this.#native.adopt([], false)); // links are made there
    const submitted = async (token: string) => {
      if (token === '' || token.length > 1024 || token.includes('\0'))
        throw new RangeError('a token has 1 to 1024 characters');
      await answer(this.#native.submitted(this.#mover.name, token));
      this.#token = token;
    };
    try {
      const token = await this.#mover.submit({ files: () => filesOf(pending), submitted });
      if (this.#token === undefined) await submitted(token);
    } catch (error) {
      // With a token the job may run, whatever went wrong: then it is asked.
      if (this.#token === undefined) {
        await answer(this.#native.abandon(this.#says(`could not begin: ${(error as Error)?.message}`)));
        throw error;
      }
    }
    this.#follow().catch(() => {}); // what goes wrong there, the addon tells to whoever waits
  }

  /** A job that nobody could ask about is asked again. */
  async #rejoin(token: string): Promise<void> {
    if ((await attached(this.#mover, token)) === 'unknown')
      throw new AxlError('AXL_BACKEND_UNAVAILABLE', `resume: ${this.#says(`cannot tell whether job ${token} runs`)}`);
    await answer(this.#native.rejoin());
    this.#follow().catch(() => {});
  }

  async #follow(): Promise<void> {
    const token = this.#token as string;
    const before = this.#native.counters().bytesCopied;
    for (let ms = FIRST_MS, tries = TRIES; tries > 0; ms = Math.min(2 * ms, LONGEST_MS)) {
      const state = await attached(this.#mover, token);
      const told = await heard(() => this.#mover.progress(token));
      this.#bytes = before + (Number(told?.bytes) || 0);
      if (state === 'ended') return this.#adopt(told?.failures ?? []);
      tries = state === 'unknown' ? tries - 1 : TRIES;
      await pause(ms, new Promise(() => {}));
    }
    await answer(this.#native.abandon(this.#says(`cannot tell whether job ${token} runs`)));
  }

  #adopt(failures: NonNullable<MoverProgress['failures']>): Promise<void> {
    this.#token = undefined;
    const known = failures.map(({ id, message }) => ({ id: Number(id), message: `${message}` }));
    return answer(this.#native.adopt(known, this.#isCanceled));
  }

  #says(what: string): string {
    return `mover ${JSON.stringify(this.#mover.name)} ${what}`;
  }
}
