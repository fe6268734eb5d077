// Counts what was done, tells it to the caller, and makes the report of it.
import { now } from '../base/clock.js';
import { toFailure } from '../base/errors.js';
import { partsOf } from '../base/keep.js';
import { latin1, toText } from '../base/names.js';
import { ACTIONS, type NativeBatch, type NativeFinalized, type NativePolicy } from '../base/native.js';
import type { Failure, MetadataPart } from '../base/types.js';
import type {
  Absence,
  DatasetVerdict,
  FinalizeAction,
  FinalizedEntry,
  FinalizeEvent,
  FinalizeReport,
  ScrDataset,
} from './types.js';

type Phase = keyof FinalizeReport['timings'];

/** What an entry says beside its state file and action. */
export type Details = Omit<FinalizedEntry, 'stateFile' | 'stateFileBytes' | 'action'>;

/** An entry; the bytes of its name are not enumerable, and so neither printed nor in JSON. */
export function makeEntry(stateFile: Buffer, action: FinalizeAction, details: Details): FinalizedEntry {
  const { name, rank, format, files, filesDone, bytes, lacking, lacks, resumed, error } = details;
  const { commitFiles, pointers, retires } = details;
  const few = { ...(commitFiles && { commitFiles }), ...(pointers && { pointers }), ...(retires && { retires }) };
  const known = { ...(format && { format }), files, filesDone, bytes, ...few, lacking, lacks, resumed };
  const entry = { stateFile: toText(stateFile), action, name, rank, ...known, ...(error && { error }) };
  return Object.defineProperty(entry as FinalizedEntry, 'stateFileBytes', { value: stateFile });
}

/** @param resumed whether its copies were completed before this */
export function toEntry(finalized: NativeFinalized, resumed: boolean): FinalizedEntry {
  const { at: _, action, stateFile, failure, axl, ...details } = finalized;
  const known = {
    ...details,
    ...(axl && { format: 'axl' as const }),
    lacks: partsOf(details.lacks),
    resumed: details.resumed || resumed,
    ...(failure && { error: toFailure(failure) }),
  };
  return makeEntry(stateFile, ACTIONS[action] as FinalizeAction, known);
}

/** Codes of reasons that are told elsewhere: another rank's by its dataset, a signal by the run. */
const TOLD_ELSEWHERE: readonly string[] = ['AXL_INVALID_STATE', 'AXL_CANCELED'];
const PROBLEMS: readonly FinalizeAction[] = ['failed', 'corrupt', 'busy'];

/** Is there something about it that its owner has to hear? */
export function isProblem({ action, error }: Pick<FinalizedEntry, 'action' | 'error'>): boolean {
  if (PROBLEMS.includes(action)) return true;
  // Of what is published: that something older, which it retires, stays.
  const mayHaveReason = ['kept', 'rolled-back', 'not-state', 'published'].includes(action);
  return mayHaveReason && error !== undefined && !TOLD_ELSEWHERE.includes(error.code);
}

type Counted = Omit<Extract<FinalizeEvent, { event: 'done' }>, 'event'>;

/** @param resumed how many more than the addon knows had their copies completed */
export function toDone({ counts, files, bytes, lacking, lacks, resumed }: NativeBatch, more: number): Counted {
  const named = Object.fromEntries(ACTIONS.map((action, i) => [action, counts[i] as number]).filter(([, n]) => n));
  return { counts: named, files, bytes, lacking, lacks: partsOf(lacks), resumed: resumed + more };
}

/** For what is known of a state file by its name only. */
export const NOTHING_KNOWN: Details = {
  ...{ name: '', rank: 0, files: 0, filesDone: 0, bytes: 0 },
  ...{ lacking: 0, lacks: [], resumed: false },
};

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
  readonly #absent: Absence[] = [];
  /** By who does the work. */
  readonly #bytesOf = new Map<string, { readonly done: number; readonly total: number }>();
  readonly #scr: ScrDataset[] = [];
  #told = '';
  #fewer: FinalizeReport['fewer'];
  #files = 0;
  #bytes = 0;
  #resumed = 0;
  #lacking = 0;
  readonly #lacks = new Set<MetadataPart>();
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

  /** Was there a state file? */
  get found(): boolean {
    return ACTIONS.some((action) => action !== 'not-state' && action !== 'gone' && this.#counts[action] > 0);
  }

  /** Was there something that is no state file, or nothing at all? */
  get strangers(): boolean {
    return this.#counts['not-state'] > 0 || Object.values(this.#counts).every((count) => count === 0);
  }

  absent(absence: Absence): void {
    this.#absent.push(absence);
    this.tell({ event: 'absent', ...absence });
  }

  tell(event: FinalizeEvent): void {
    this.#onEvent?.(event);
  }

  entry(entry: FinalizedEntry): void {
    const { action, files, bytes, lacking, lacks, resumed } = entry;
    const published = action === 'published' ? { files, bytes } : { files: 0, bytes: 0 };
    const done = { counts: { [action]: 1 }, ...published, lacking, lacks, resumed: resumed ? 1 : 0 };
    const isToBeHeard = isProblem(entry);
    if (isToBeHeard) this.#problems.push(entry);
    if (!isToBeHeard && !this.#allEntries) {
      this.done(done, () => [latin1(entry.stateFileBytes)]);
      return;
    }
    this.#count(done);
    this.#onEvent?.({ event: 'entry', entry });
  }

  #count({ counts, files, bytes, lacking, lacks, resumed }: Counted): void {
    for (const action of ACTIONS) this.#counts[action] += counts[action] ?? 0;
    this.#files += files;
    this.#bytes += bytes;
    this.#resumed += resumed;
    this.#lacking += lacking;
    for (const part of lacks) this.#lacks.add(part);
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

  scr(dataset: ScrDataset): void {
    this.#scr.push(dataset);
    this.tell({ event: 'scr', ...dataset });
  }

  /** What the tally of a part of this run has told. @param who has it: its bytes are counted apart */
  pass(event: FinalizeEvent, paths: () => string[], who: string): void {
    if (event.event === 'entry') this.entry(event.entry);
    else if (event.event === 'done') this.done(event, paths);
    else if (event.event === 'progress') this.progress(who, event.bytesDone, event.bytesTotal);
    else if (event.event === 'dataset') {
      const { event: _, ...verdict } = event;
      this.dataset(verdict);
    } else if (event.event === 'scr') {
      const { event: _, ...dataset } = event;
      this.scr(dataset);
    } else if (event.event === 'problem' || event.event === 'wait' || event.event === 'scan') this.tell(event);
  }

  /** Tells of the bytes of all, if there are other ones than before. */
  progress(who: string, done: number, total: number): void {
    this.#bytesOf.set(who, { done, total });
    const all = [...this.#bytesOf.values()];
    const sum = (key: 'done' | 'total') => all.reduce((before, one) => before + one[key], 0);
    const [bytesDone, bytesTotal] = [sum('done'), sum('total')];
    const now = `${bytesDone}/${bytesTotal}`;
    if (bytesTotal === 0 || now === this.#told) return;
    this.#told = now;
    this.tell({ event: 'progress', bytesDone, bytesTotal });
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
    const known = expected === 1 ? 'there is no state file' : `${seen} of ${expected} expected state files were seen`;
    const message = `${known}, so nothing was done`;
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

  /**
   * What the tally of a part of this run has counted that is not told by events.
   * @param how its times add to those of other parts: of one that worked beside them, the longest counts
   */
  absorb(
    { locked, unreadable, timings, interrupted }: FinalizeReport,
    how: (a: number, b: number) => number = Math.max,
  ): void {
    this.#locked.push(...locked);
    this.#unreadable.push(...unreadable);
    for (const phase of ['survey', 'finalize'] as const)
      this.#timings[phase] = how(this.#timings[phase], timings[phase]);
    this.interrupted ||= interrupted;
  }

  report(): FinalizeReport {
    this.#timings.total = now() - this.#started;
    return {
      counts: this.#counts,
      files: this.#files,
      bytes: this.#bytes,
      lacking: this.#lacking,
      lacks: [...this.#lacks],
      resumed: this.#resumed,
      problems: this.#problems,
      unreadable: this.#unreadable,
      locked: this.#locked,
      datasets: this.#datasets,
      timings: this.#timings,
      dryRun: this.#dryRun,
      interrupted: this.interrupted,
      absent: this.#absent,
      ...(this.#fewer && { fewer: this.#fewer }),
      ...(this.#scr.length > 0 && { scr: this.#scr }),
    };
  }
}
