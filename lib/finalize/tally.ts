// Counts what was done, tells it to the caller, and makes the report of it.
import { now } from '../base/clock.js';
import { toFailure } from '../base/errors.js';
import { latin1, toText } from '../base/names.js';
import { ACTIONS, type NativeBatch, type NativeFinalized, type NativePolicy } from '../base/native.js';
import type { Failure } from '../base/types.js';
import type { DatasetVerdict, FinalizeAction, FinalizedEntry, FinalizeEvent, FinalizeReport } from './types.js';

type Phase = keyof FinalizeReport['timings'];

/** What an entry says beside its state file and action. */
export type Details = Omit<FinalizedEntry, 'stateFile' | 'stateFileBytes' | 'action'>;

/** An entry; the bytes of its name are not enumerable, and so neither printed nor in JSON. */
export function makeEntry(stateFile: Buffer, action: FinalizeAction, details: Details): FinalizedEntry {
  const { name, rank, files, filesDone, bytes, resumed, error } = details;
  const entry = { stateFile: toText(stateFile), action, name, rank, files, filesDone, bytes, resumed };
  return Object.defineProperty({ ...entry, ...(error && { error }) } as FinalizedEntry, 'stateFileBytes', {
    value: stateFile,
  });
}

/** @param resumed whether its copies were completed before this */
export function toEntry(finalized: NativeFinalized, resumed: boolean): FinalizedEntry {
  const { at: _, action, stateFile, failure, ...details } = finalized;
  const known = { ...details, resumed: details.resumed || resumed, ...(failure && { error: toFailure(failure) }) };
  return makeEntry(stateFile, ACTIONS[action] as FinalizeAction, known);
}

type Counted = Omit<Extract<FinalizeEvent, { event: 'done' }>, 'event'>;

/** @param resumed how many more than the addon knows had their copies completed */
export function toDone({ counts, files, bytes, resumed }: NativeBatch, more: number): Counted {
  const named = Object.fromEntries(ACTIONS.map((action, i) => [action, counts[i] as number]).filter(([, n]) => n));
  return { counts: named, files, bytes, resumed: resumed + more };
}

/** For what is known of a state file by its name only. */
export const NOTHING_KNOWN = { name: '', rank: 0, files: 0, filesDone: 0, bytes: 0, resumed: false } as const;

/** `paths` of a `done` event: of what it counts, as latin1 text. */
type Listener = (event: FinalizeEvent, paths?: () => string[]) => void;

export class Tally {
  readonly #onEvent: Listener | undefined;
  readonly #dryRun: boolean;
  readonly #allEntries: boolean;
  readonly #started = now();
  readonly #counts = Object.fromEntries(ACTIONS.map((action) => [action, 0])) as Record<FinalizeAction, number>;
  readonly #problems: FinalizedEntry[] = [];
  readonly #unreadable: Failure[] = [];
  readonly #locked: Failure[] = [];
  readonly #datasets: DatasetVerdict[] = [];
  readonly #timings = { scan: 0, survey: 0, finalize: 0, total: 0 };
  #fewer: FinalizeReport['fewer'];
  #files = 0;
  #bytes = 0;
  #resumed = 0;
  interrupted = false;

  constructor({ dryRun, allEntries }: NativePolicy, onEvent: Listener | undefined) {
    this.#dryRun = dryRun;
    this.#allEntries = allEntries;
    this.#onEvent = onEvent;
  }

  /** Is anybody listening? */
  get heard(): boolean {
    return this.#onEvent !== undefined;
  }

  tell(event: FinalizeEvent): void {
    this.#onEvent?.(event);
  }

  entry(entry: FinalizedEntry): void {
    const { action, files, bytes, resumed } = entry;
    const isProblem = action === 'failed' || action === 'corrupt' || action === 'busy';
    const published = action === 'published' ? { files, bytes } : { files: 0, bytes: 0 };
    const done = { counts: { [action]: 1 }, ...published, resumed: resumed ? 1 : 0 };
    if (isProblem) this.#problems.push(entry);
    if (!isProblem && !this.#allEntries) {
      this.done(done, () => [latin1(entry.stateFileBytes)]);
      return;
    }
    this.#count(done);
    this.#onEvent?.({ event: 'entry', entry });
  }

  #count({ counts, files, bytes, resumed }: Counted): void {
    for (const action of ACTIONS) this.#counts[action] += counts[action] ?? 0;
    this.#files += files;
    this.#bytes += bytes;
    this.#resumed += resumed;
  }

  /** Counts what has no entry. */
  done(counted: Counted, paths: () => string[]): void {
    this.#count(counted);
    this.#onEvent?.({ event: 'done', ...counted }, paths);
  }

  dataset(verdict: DatasetVerdict): void {
    this.#datasets.push(verdict);
    this.tell({ event: 'dataset', ...verdict });
  }

  problem(failure: Failure): void {
    this.tell({ event: 'problem', failure });
  }

  /** Once, however often it is met. */
  unreadable(failure: Failure): void {
    if (this.#unreadable.some(({ message }) => message === failure.message)) return;
    this.#unreadable.push(failure);
    this.problem(failure);
  }

  locked(failure: Failure): void {
    this.#locked.push(failure);
    this.problem(failure);
  }

  fewer(fewer: NonNullable<FinalizeReport['fewer']>): void {
    this.#fewer = fewer;
    const { expected, seen } = fewer;
    const message = `${seen} of ${expected} expected state files were seen, so nothing was done`;
    this.problem({ code: 'AXL_CONFLICT', message });
  }

  /** Runs one phase, and adds up how long it took. */
  async time<T>(phase: Phase, work: () => Promise<T>): Promise<T> {
    const began = now();
    try {
      return await work();
    } finally {
      this.#timings[phase] += now() - began;
    }
  }

  /** What a process on behalf of another user counted that is not told by events. */
  absorb({ locked, timings, interrupted }: FinalizeReport): void {
    this.#locked.push(...locked);
    for (const phase of ['survey', 'finalize'] as const)
      this.#timings[phase] = Math.max(this.#timings[phase], timings[phase]);
    this.interrupted ||= interrupted;
  }

  report(): FinalizeReport {
    this.#timings.total = now() - this.#started;
    return {
      counts: this.#counts,
      files: this.#files,
      bytes: this.#bytes,
      resumed: this.#resumed,
      problems: this.#problems,
      unreadable: this.#unreadable,
      locked: this.#locked,
      datasets: this.#datasets,
      timings: this.#timings,
      dryRun: this.#dryRun,
      interrupted: this.interrupted,
      ...(this.#fewer && { fewer: this.#fewer }),
    };
  }
}
