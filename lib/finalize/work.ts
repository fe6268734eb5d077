// Hands candidates to the addon, batch by batch, and tells what became of each. Decides nothing about a transfer:
// native/finalizer.cc does.
import type { NativeFailure } from '../base/errors.js';
import { fromLatin1, hash } from '../base/names.js';
import {
  ACTIONS,
  answer,
  DECIDED,
  FOR_DATASET,
  IN_PHASES,
  type NativeBatch,
  type NativeCommitted,
  type NativeFinalized,
  type NativePolicy,
  type NativeResumed,
  type NativeSurveyed,
  native,
} from '../base/native.js';
import { mayHaveBeen, notStateFile } from '../base/strangers.js';
import type { Failure } from '../base/types.js';
import { jittered, sleep } from '../base/waiting.js';
import type { Jobs } from '../movers/jobs.js';
import { Destinations } from './destinations.js';
import type { Patience } from './patience.js';
import type { Candidates } from './scan.js';
import { finalizedAs, type ScrRanks, surveyedAs } from './scr-ranks.js';
import { makeEntry, type Tally, toDone, toEntry } from './tally.js';
import type { FinalizedEntry } from './types.js';

/** State files that share their fsyncs, at most. */
const BATCH = 64;
/** Batches for each job, if there are enough state files: the last to end is then not far behind. */
const TURNS = 4;
/** State files that are open at a time. */
const OPEN = 1024;

export type Decided = keyof typeof DECIDED;
/** As the addon takes them; an empty Buffer: whichever transfers these are. */
export type Uuids = (batch: readonly number[]) => Buffer;
export const ANY: Uuids = () => Buffer.alloc(0);
/** Pauses before what is alive is looked at again: it may be somebody who only looks, and holds its lock for an instant. */
export const INSTANTS_MS = [50, 100, 200] as const;

/** What all of a run's work is done with. */
export interface Terms {
  readonly policy: NativePolicy;
  readonly shard: { readonly index: number; readonly count: number } | undefined;
  readonly signal: AbortSignal | undefined;
  readonly tally: Tally;
  /** Run for what is published, before it is concluded: a command for the shell, or command lines. */
  readonly onPublished?: string | readonly (readonly string[])[] | undefined;
  /** The candidates are the ranks of this dataset of SCR. */
  readonly scr?: ScrRanks | undefined;
  /** Of movers who can be asked. */
  readonly jobs?: Jobs | undefined;
}

/** What became of copies that an earlier pass was to complete, by the paths of their state files. */
export class Resumes {
  readonly done = new Set<string>();
  readonly failed = new Map<string, Failure>();
}

const isBusy = ({ action }: NativeFinalized): boolean => ACTIONS[action] === 'busy';

function* batches(numbers: Iterable<number>, size: number): Generator<number[]> {
  let batch: number[] = [];
  for (const i of numbers) {
    batch.push(i);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** With the name and the rank that it has for SCR. */
function knownIn({ terms: { scr }, candidates }: Work, i: number, entry: NativeFinalized): NativeFinalized {
  return scr ? finalizedAs(scr, candidates.path(i), entry) : entry;
}

function seenIn({ terms: { scr }, candidates }: Work, i: number, surveyed: NativeSurveyed): NativeSurveyed {
  return scr ? surveyedAs(scr, candidates.path(i), surveyed) : surveyed;
}

/** Those of several members, by the first of each. */
function groupsOf(heads: Uint32Array): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (const [i, head] of heads.entries()) if (head !== i) groups.set(head, [...(groups.get(head) ?? [head]), i]);
  return groups;
}

/** Those that meet are in one batch. */
function* apart(numbers: Iterable<number>, meeting: ReadonlyMap<number, number>, size: number): Generator<number[]> {
  if (meeting.size === 0) return yield* batches(numbers, size);
  const together = new Map<number, number[]>();
  const alone: number[] = [];
  for (const i of numbers) {
    const head = meeting.get(i);
    if (head === undefined) alone.push(i);
    else together.set(head, [...(together.get(head) ?? []), i]);
  }
  for (const group of together.values()) yield* batches(group, OPEN);
  yield* batches(alone, size);
}

/** With why an earlier pass could not complete its copies. What is no state file, and was not asked for, needs no excuse. */
function entryOf(entry: NativeFinalized, path: string, { done, failed }: Resumes): FinalizedEntry {
  const made = toEntry(entry, done.has(path));
  const { action, error, ...rest } = made;
  const isIncomplete = action === 'kept' || action === 'rolled-back';
  const resume = isIncomplete ? failed.get(path) : undefined;
  const why = action === 'not-state' ? undefined : (resume ?? error);
  return why === error ? made : makeEntry(made.stateFileBytes, action, { ...rest, ...(why && { error: why }) });
}

/** What was given by its own path and is no state file, or is not known as one any more. */
async function strangerOf(entry: NativeFinalized, path: string): Promise<FinalizedEntry> {
  const bytes = fromLatin1(path);
  const damaged = await mayHaveBeen(bytes);
  const details = { ...toEntry(entry, false), error: damaged ?? notStateFile(bytes) };
  return makeEntry(bytes, damaged ? 'corrupt' : 'not-state', details);
}

/** State files of one call. */
function batchOf(candidates: number, jobs: number): number {
  const fair = Math.ceil(candidates / (jobs * TURNS));
  return Math.max(1, Math.min(BATCH, Math.floor(OPEN / jobs), fair));
}

/** The candidates of one listing, and what can be done with them. */
export class Work {
  readonly candidates: Candidates;
  readonly terms: Terms;
  readonly resumes: Resumes;
  /** Paths of what is left to do; undefined: all. */
  readonly #only: ReadonlySet<string> | undefined;
  readonly #asked: number;
  readonly #jobs: number;
  readonly #batch: number;
  /** Of candidates that have final names in common with others: the one of these whose name comes first. */
  readonly meeting = new Map<number, number>();
  /** Those of AXL that have a temporary name in common with another one of AXL. */
  shared: readonly number[] = [];

  /** @param asked how many of the candidates, from the first, were asked for; the others are only looked at */
  constructor(
    candidates: Candidates,
    terms: Terms,
    resumes = new Resumes(),
    only?: ReadonlySet<string>,
    asked = candidates.size,
  ) {
    this.candidates = candidates;
    this.#asked = asked;
    this.terms = terms;
    this.resumes = resumes;
    this.#only = only;
    this.#jobs = terms.policy.jobs;
    this.#batch = batchOf(candidates.size, terms.policy.jobs);
  }

  get stopped(): boolean {
    return this.terms.signal?.aborted ?? false;
  }

  /** Is this candidate of our shard, and left to do? */
  isOurs(i: number): boolean {
    const { shard } = this.terms;
    if (shard && hash(this.candidates.name(this.meeting.get(i) ?? i)) % shard.count !== shard.index) return false;
    return this.#only?.has(this.candidates.path(i)) ?? true;
  }

  /** Was it asked for, be it another shard's? */
  isAsked(i: number): boolean {
    return i < this.#asked;
  }

  *ours(): Generator<number> {
    for (let i = 0; i < this.candidates.size; i++) if (this.isOurs(i)) yield i;
  }

  /**
   * Finds out which candidates have final names in common: those are of one shard, and finalized in one batch, by the order
   * of their dispatch.
   */
  async findMeetings(): Promise<void> {
    const { candidates } = this;
    const { first: heads, shared } = await answer(
      native().meetings(candidates.pack([...candidates.numbers()]), this.#jobs),
    );
    this.shared = [...candidates.numbers()].filter((i) => shared[i] === 1);
    const groups = groupsOf(heads);
    this.meeting.clear();
    for (const group of groups.values()) {
      // The same for shards whose directories list in other orders.
      const first = group.reduce((a, b) => (candidates.name(a) < candidates.name(b) ? a : b));
      for (const i of group) this.meeting.set(i, first);
    }
  }

  /** Calls the addon for batch after batch, several at a time, until all are done or the signal fires. */
  async #run<T>(
    numbers: Iterable<number>,
    call: (packed: Buffer, batch: readonly number[], policy: NativePolicy) => Promise<T>,
    hear: (batch: readonly number[], result: T) => void,
  ): Promise<void> {
    const { policy, jobs } = this.terms;
    const queue = apart(numbers, this.meeting, this.#batch);
    const lane = async () => {
      for (let next = queue.next(); !next.done && !this.stopped; next = queue.next()) {
        const packed = this.candidates.pack(next.value);
        const informed = jobs ? { ...policy, answers: await jobs.ask(packed) } : policy;
        const result = await answer(call(packed, next.value, informed));
        hear(next.value, result);
      }
    };
    const ends = await Promise.allSettled(Array.from({ length: this.#jobs }, lane));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed) throw failed.reason; // not before the other lanes have ended
  }

  /**
   * Reports what has no entry; the entries are the caller's.
   * @param decided what is to become of them
   * @param uuids which transfers these were when that was decided
   * @param tried these have been, before any of them is heard
   */
  finalize(
    numbers: Iterable<number>,
    decided: Decided,
    uuids: Uuids,
    hear: (i: number, result: NativeFinalized) => void,
    tried: (batch: readonly number[]) => void = () => {},
  ): Promise<void> {
    const call = (packed: Buffer, batch: readonly number[], policy: NativePolicy) =>
      native().finalize(packed, this.#listening(policy, batch), uuids(batch), DECIDED[decided]);
    return this.#run(numbers, call, (batch, result) => {
      tried(batch);
      for (const entry of result.entries)
        hear(batch[entry.at] as number, knownIn(this, batch[entry.at] as number, entry));
      if (result.entries.length < batch.length) this.#reportRest(batch, result);
    });
  }

  /** What was given by its own path is to be a state file: if it is none, that is told. So is why a resume failed. */
  #listening(policy: NativePolicy, batch: readonly number[]): NativePolicy {
    const isTold = (i: number) => this.candidates.isNamed(i) || this.resumes.failed.has(this.candidates.path(i));
    const allEntries = policy.allEntries || batch.some(isTold);
    return { ...policy, allEntries, together: this.meeting.has(batch[0] as number) };
  }

  /** Completes copies; nothing is reported. */
  resume(numbers: Iterable<number>, uuids: Uuids, hear: (i: number, result: NativeResumed) => void): Promise<void> {
    const call = (packed: Buffer, batch: readonly number[], policy: NativePolicy) =>
      native().resume(packed, policy, uuids(batch));
    return this.#run(numbers, call, (batch, results) => {
      for (const [at, result] of results.entries()) hear(batch[at] as number, result);
    });
  }

  /** Copies become the state files of their transfers; why one does not, is heard. */
  adopt(numbers: Iterable<number>, hear: (failure: NativeFailure) => void): Promise<void> {
    const call = (packed: Buffer, _: readonly number[], policy: NativePolicy) =>
      native().adoptCopies(packed, policy, Buffer.alloc(0));
    return this.#run(numbers, call, (_, failures) => {
      for (const failure of failures) if (failure) hear(failure);
    });
  }

  /**
   * Has state files say durably that they are complete, if they are: a power cut must not take that back once others are
   * published for it. Nothing is published, and nothing reported.
   * @returns what could not be published now, of what is complete; how many could be, or are; and where their files go
   */
  async commit(numbers: readonly number[], uuids: Uuids) {
    const refused = new Map<number, NativeFinalized>();
    const destinations = new Destinations();
    let committed = 0;
    let busy: number[] = [];
    const call = (packed: Buffer, batch: readonly number[], policy: NativePolicy) =>
      native().commit(packed, policy, uuids(batch));
    const hear = (batch: readonly number[], result: NativeCommitted) => {
      committed += result.committed;
      destinations.add(batch, result, uuids(batch));
      for (const entry of result.refused) {
        const i = batch[entry.at] as number;
        if (isBusy(entry)) busy.push(i);
        else refused.set(i, knownIn(this, i, entry));
      }
    };
    await this.#run(numbers, call, hear);
    for (const ms of INSTANTS_MS) {
      const again = busy;
      if (again.length === 0 || this.stopped) break;
      await sleep(jittered(ms), this.terms.signal);
      busy = [];
      await this.#run(again, call, hear);
    }
    return { refused, committed, destinations };
  }

  #reportRest(batch: readonly number[], result: NativeBatch): void {
    const entries = new Set(result.entries.map(({ at }) => at));
    const paths = () => batch.filter((_, at) => !entries.has(at)).map((i) => this.candidates.path(i));
    const { done } = this.resumes;
    const more = done.size === 0 ? 0 : paths().filter((path) => done.has(path)).length;
    this.terms.tally.done(toDone(result, more), paths);
  }

  survey(numbers: Iterable<number>, hear: (i: number, result: NativeSurveyed) => void): Promise<void> {
    const call = (packed: Buffer, _: readonly number[], policy: NativePolicy) => native().survey(packed, 1, policy);
    return this.#run(numbers, call, (batch, results) => {
      for (const [at, result] of results.entries())
        hear(batch[at] as number, seenIn(this, batch[at] as number, result));
    });
  }

  /**
   * Does what the state files say, and reports nothing.
   * @param how instead of what the policy says
   * @returns what has an entry
   */
  async act(
    numbers: Iterable<number>,
    uuids: Uuids,
    how: Pick<NativePolicy, 'allEntries'> & Partial<Pick<NativePolicy, 'until' | 'clears'>>,
  ): Promise<Map<number, NativeFinalized>> {
    const entries = new Map<number, NativeFinalized>();
    const call = (packed: Buffer, batch: readonly number[], policy: NativePolicy) =>
      native().finalize(packed, { ...this.#listening(policy, batch), ...how }, uuids(batch), DECIDED['as it is']);
    await this.#run(numbers, call, (batch, result) => {
      for (const entry of result.entries) {
        const i = batch[entry.at] as number;
        entries.set(i, knownIn(this, i, entry));
      }
    });
    return entries;
  }

  report(i: number, entry: FinalizedEntry | NativeFinalized): void {
    this.terms.tally.entry('stateFileBytes' in entry ? entry : entryOf(entry, this.candidates.path(i), this.resumes));
  }

  /**
   * Finalizes candidates and reports each once; what is busy is tried again, and reported when there is no time left.
   * @param choices what is decided about some of them, in the order in which that is done
   * @param decided about candidate `i`, one of these
   * @param uuids as of finalize
   * @returns paths of what was left, not reported, because it is published only with all ranks of its dataset; and what is
   *   published, and neither concluded nor reported, because the policy says so
   */
  async conclude(
    numbers: Iterable<number>,
    choices: readonly Decided[],
    decided: (i: number) => Decided,
    patience: Patience,
    uuids: Uuids = ANY,
  ): Promise<{ readonly left: Set<string>; readonly came: Map<number, NativeFinalized> }> {
    const [left, came] = [new Set<string>(), new Map<number, NativeFinalized>()];
    const strangers = new Map<number, NativeFinalized>();
    let busy = new Map<number, NativeFinalized>();
    let todo: Iterable<number> = numbers;
    do {
      const still = new Map<number, NativeFinalized>();
      const tried = (batch: readonly number[]) => {
        for (const i of batch) busy.delete(i);
      };
      const hear = (i: number, result: NativeFinalized) => {
        if (isBusy(result)) still.set(i, result);
        else if (result.action === FOR_DATASET) left.add(this.candidates.path(i));
        else if (result.action === IN_PHASES) came.set(i, result);
        else if (ACTIONS[result.action] === 'not-state' && this.candidates.isNamed(i)) strangers.set(i, result);
        else this.report(i, result);
      };
      for (const choice of choices) await this.finalize(chosen(todo, choice, decided), choice, uuids, hear, tried);
      busy = new Map([...busy, ...still]); // of those, the ones before were not tried any more: we were stopped
      todo = [...busy.keys()];
    } while (await patience.another(busy.size));
    for (const [i, result] of busy) this.report(i, result);
    for (const [i, result] of strangers) this.report(i, await strangerOf(result, this.candidates.path(i)));
    return { left, came };
  }
}

function* chosen(numbers: Iterable<number>, choice: Decided, decided: (i: number) => Decided): Generator<number> {
  for (const i of numbers) if (decided(i) === choice) yield i;
}
