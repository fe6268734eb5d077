// Datasets: surveys all candidates, decides about each dataset, and has its transfers published or not, as one.
// The order that makes it safe beside others: survey; then, alone (verdict-lock.ts), read verdict files, look again
// whether all is as it was surveyed, write one; then act, on no other transfers than those. Whoever removes a state file
// has written the verdict before; so what is there at both looks was not decided about in between.

import { failureOf, toFailure } from '../base/errors.js';
import { displayName, fromLatin1 } from '../base/names.js';
import { INCOMPLETE, type NativeFinalized, type NativeFinalizeOptions, type NativeSurveyed } from '../base/native.js';
import type { Failure } from '../base/types.js';
import { jittered, sleep } from '../base/waiting.js';
import { decided, disagreement, type Group, isDoubtful, isWhole, judge, NAMED, Surveys, wish } from './surveys.js';
import { makeEntry } from './tally.js';
import type { DatasetVerdict, FinalizeAction } from './types.js';
import { type Decision, inOrder, PATIENCE_MS, readEarlier, verdictPath } from './verdict.js';
import { decideIn } from './verdict-file.js';
import { lockVerdicts } from './verdict-lock.js';
import { INSTANTS_MS, type Patience, type Work } from './work.js';

/** A create that was killed has no name yet. */
const DRAFT = /^\.[0-9a-f]{32}\.new$/;

export interface DatasetTerms {
  /** True: every dataset; false: those whose transfers ask for it themselves. */
  readonly dataset: boolean | string;
  readonly patience: Patience;
  /** Lists all again; undefined if that cannot be done. */
  readonly rescan: () => Promise<Work | undefined>;
}

/** What is to be done with a candidate. The first four are the addon's; the others it never sees. */
type Choice = 'plain' | 'told' | 'keep' | 'roll back' | 'busy' | 'held' | 'failed' | 'leave';
/** Added to the patience with who decides, for each transfer that he may be looking at. */
const LOOK_MS = 2;
const CHOICES: readonly Choice[] = ['plain', 'told', 'keep', 'roll back', 'busy', 'held', 'failed', 'leave'];

/** One survey and what follows from it. */
class Round {
  readonly surveys: Surveys;
  readonly busy = new Set<string>();
  readonly #work: Work;
  readonly #terms: DatasetTerms;
  /** The datasets that were busy before: the others have been finalized and reported. */
  readonly #only: ReadonlySet<string> | undefined;
  readonly #plan: Uint8Array;
  /** Paths of verdict files, to be cleared away when they are carried out. */
  readonly verdicts = new Set<string>();
  readonly #reasons = new Map<string, Failure>();
  readonly #unread = new Map<number, Failure>();
  #doubt: boolean;
  /** Has something changed since the survey, or is another finalizer deciding? */
  #overtaken = false;

  /** @param allListed false: there may be state files that nobody listed */
  constructor(work: Work, terms: DatasetTerms, allListed: boolean, only: ReadonlySet<string> | undefined) {
    this.#work = work;
    this.#terms = terms;
    this.#only = only;
    this.surveys = new Surveys(work.candidates.size);
    this.#plan = new Uint8Array(work.candidates.size).fill(CHOICES.indexOf('leave'));
    this.#doubt = !allListed || !work.terms.native.scanComplete;
  }

  readonly #uuids = (batch: readonly number[]): Buffer => this.surveys.uuids(batch);

  #plans(i: number, choice: Choice): void {
    this.#plan[i] = CHOICES.indexOf(choice);
  }

  #choice(i: number): Choice {
    return CHOICES[this.#plan[i] as number] as Choice;
  }

  #isWanted({ name, allRanks }: Group): boolean {
    const { dataset } = this.#terms;
    return (dataset === true || dataset === name || (dataset === false && allRanks)) && (this.#only?.has(name) ?? true);
  }

  get #wanted(): Group[] {
    return this.surveys.groups.filter((group) => this.#isWanted(group));
  }

  /** What belongs to no dataset that we know of is looked at once. If it may be a rank of one, nothing is published. */
  #planOthers(i: number, name: string): void {
    const { dataset } = this.#terms;
    // Without a dataset that was asked for, what is left to do was seen to belong to one: it is told of here, or nowhere.
    if (this.#only || (dataset === false && !this.#work.isOurs(i))) return;
    if (typeof dataset === 'string' && name !== '' && name !== dataset) return;
    this.#plans(i, this.#unread.has(i) ? 'failed' : isDoubtful(this.surveys.standing(i)) ? 'keep' : 'plain');
  }

  #see(i: number, seen: NativeSurveyed): void {
    this.surveys.see(i, seen);
    const standing = this.surveys.standing(i);
    if (isDoubtful(standing)) this.#doubt = true;
    if (standing === 'unreadable' && seen.failure) this.#unread.set(i, toFailure(seen.failure));
  }

  /** All but drafts. */
  *#surveyed(): Generator<number> {
    const { candidates } = this.#work;
    for (let i = 0; i < candidates.size; i++) {
      if (!DRAFT.test(candidates.name(i))) yield i;
      else if (!this.#only && this.#terms.dataset === true) this.#plans(i, 'plain');
    }
  }

  async survey(): Promise<void> {
    const see = (i: number, seen: NativeSurveyed) => {
      this.#see(i, seen);
      const standing = this.surveys.standing(i);
      if (isDoubtful(standing) || standing === 'not-state' || standing === 'gone') this.#planOthers(i, seen.name);
    };
    await this.#work.survey(this.#surveyed(), see);
    await this.whenDead(INSTANTS_MS);
  }

  /** Looks again at what is alive, after each of these pauses. True once nothing is. */
  async whenDead(pauses: readonly number[], groups?: readonly Group[]): Promise<boolean> {
    const alive = () => (groups ?? this.#wanted).flatMap(({ members }) => members.filter((i) => this.surveys.alive(i)));
    for (const ms of pauses) {
      const numbers = alive();
      if (numbers.length === 0 || this.#work.stopped) break;
      await sleep(jittered(ms), this.#work.terms.signal);
      await this.#work.survey(numbers, (i, seen) => this.#see(i, seen));
    }
    return alive().length === 0;
  }

  /** Copies what our shard's incomplete transfers lack, and looks at them again. */
  async resume(): Promise<void> {
    const { native } = this.#work.terms;
    if (native.incomplete !== INCOMPLETE.resume) return;
    const isLacking = (i: number) =>
      this.surveys.standing(i) === 'incomplete' && !this.surveys.alive(i) && this.#work.isOurs(i);
    const lacking = this.#wanted.flatMap(({ members }) => members.filter(isLacking));
    if (native.dryRun || lacking.length === 0) return;
    await this.#work.finalize(
      lacking,
      { ...native, leaveDatasets: false, resumeOnly: true, allEntries: true },
      this.#uuids,
      (i, { resumed, failure }) => {
        if (resumed) this.#work.resumed.add(this.#work.candidates.path(i));
        else if (failure) this.#work.terms.tally.problem(toFailure(failure));
      },
    );
    await this.#work.survey(lacking, (i, seen) => this.#see(i, seen));
    await this.whenDead(INSTANTS_MS);
  }

  #counts(i: number): boolean {
    const standing = this.surveys.standing(i);
    const { incomplete, dryRun } = this.#work.terms.native;
    return isWhole(standing) || (dryRun && incomplete === INCOMPLETE.resume && standing === 'incomplete');
  }

  async decide(): Promise<void> {
    for (const group of this.#wanted) {
      if (this.#work.stopped) return;
      try {
        await this.#decide(group);
      } catch (error) {
        const failure = failureOf(error);
        this.#reasons.set(group.name, failure);
        this.#work.terms.tally.problem(failure);
        for (const i of group.members) this.#plans(i, 'failed');
      }
    }
  }

  async #decide(group: Group): Promise<void> {
    const now = judge(group, this.surveys, (i) => this.#counts(i));
    const dirs = await inOrder(group.members.map((i) => this.#work.candidates.dir(i)));
    const earlier = await this.#earlier(group, dirs);
    if (earlier) return this.#carryOut(group, earlier, now, dirs);
    if (now.verdict === 'busy') return this.#leave(group);
    if (!this.#isToBeWritten(group, now)) return this.#doWithout(group, now);
    const paths = dirs.map((dir) => verdictPath(dir, group.name));
    const release = await lockVerdicts(paths, PATIENCE_MS + LOOK_MS * group.members.length);
    if (!release) return this.#again(group);
    try {
      await this.#decideAlone(group, now, dirs);
    } finally {
      await release();
    }
  }

  /** While nobody else does. */
  async #decideAlone(group: Group, now: DatasetVerdict, dirs: readonly string[]): Promise<void> {
    const earlier = await this.#earlier(group, dirs);
    if (!earlier && !(await this.#holds(group, now))) return;
    const wanted = wish(group, this.surveys, now, (i) => this.#work.candidates.name(i));
    const counts = earlier ?? (await decideIn(dirs, wanted, (decision) => this.#lists(decision, group)));
    return this.#carryOut(group, counts, now, dirs);
  }

  /** Nothing is to be decided durably: one transfer is all, or nothing is to be done. */
  async #doWithout(group: Group, now: DatasetVerdict): Promise<void> {
    if (!(await this.#holds(group, now))) return;
    this.#tell(group, now);
    const choice = now.verdict === 'complete' ? 'plain' : this.#isKept(group) ? 'keep' : 'told';
    for (const i of group.members) this.#plans(i, choice);
  }

  /** A verdict on these transfers that somebody has written. */
  #earlier(group: Group, dirs: readonly string[]): Promise<Decision | undefined> {
    return readEarlier(dirs, group.name, (found) => this.#lists(found, group));
  }

  /** Can be done what was judged? If not, what is to be done instead is planned. */
  async #holds(group: Group, now: DatasetVerdict): Promise<boolean> {
    return now.verdict === 'complete' ? !(await this.#isRefused(group, now)) : this.#isAsSurveyed(group);
  }

  #tell(group: Group, verdict: DatasetVerdict): void {
    const { tally } = this.#work.terms;
    if (group.sizes.size > 1) tally.problem(disagreement(group));
    tally.dataset(verdict);
  }

  #leave({ name, members }: Group): void {
    this.busy.add(name);
    for (const i of members) this.#plans(i, 'busy');
  }

  /** Somebody else is about it, or was: what we know of it is not true any more. */
  #again(group: Group): void {
    this.#overtaken = true;
    this.#leave(group);
  }

  /**
   * Is it still as it was when it was judged? If another finalizer has dealt with all of it meanwhile, it has told of
   * it; otherwise all begins anew.
   */
  async #isAsSurveyed(group: Group): Promise<boolean> {
    const { members } = group;
    const before = members.map((i) => this.surveys.standing(i));
    await this.#work.survey(members, (i, seen) => this.#see(i, seen));
    await this.whenDead(INSTANTS_MS, [group]);
    const standings = members.map((i) => this.surveys.standing(i));
    if (standings.every((standing) => standing === 'gone')) for (const i of members) this.#plans(i, 'plain');
    else if (members.some((i, at) => standings[at] !== before[at] || this.surveys.alive(i))) this.#again(group);
    else return true;
    return false;
  }

  /**
   * Is there a rank that is complete and cannot be published, for want of a permission or over a destination that is to
   * stay? Then none of the dataset is; what can go wrong after this look, only the verdict file holds together. True,
   * too, if one is not there any more.
   */
  async #isRefused(group: Group, now: DatasetVerdict): Promise<boolean> {
    const { native } = this.#work.terms;
    if (native.dryRun || group.members.length === 1) return false;
    const { refused, publishable } = await this.#work.refused(group.members, native, this.#uuids);
    const isTold = (i: number) => isWhole(this.surveys.standing(i));
    if (publishable + [...refused.keys()].filter(isTold).length < group.members.filter(isTold).length)
      this.#again(group);
    else if (refused.size > 0) this.#reportRefused(group, now, refused);
    else return false;
    return true;
  }

  #reportRefused({ members, name }: Group, now: DatasetVerdict, refused: ReadonlyMap<number, NativeFinalized>): void {
    const ranks = [...refused.keys()].map((i) => this.surveys.rank(i)).sort((a, b) => a - b);
    const missing = { missing: ranks.slice(0, NAMED), missingCount: ranks.length };
    this.#work.terms.tally.dataset({ ...now, verdict: 'incomplete', ...missing });
    const why = `dataset ${displayName(name)}: rank ${ranks[0]} cannot be published`;
    for (const i of members.filter((member) => this.#work.isOurs(member))) {
      const entry = refused.get(i);
      if (entry) this.#work.report(i, entry);
      else this.#say(i, 'kept', { code: 'AXL_CONFLICT', message: `${this.#shown(i)}: ${why}` });
    }
  }

  #shown(i: number): string {
    return displayName(fromLatin1(this.#work.candidates.path(i)));
  }

  /** Does an earlier verdict concern any of these transfers? */
  #lists({ name, transfers }: Decision, group: Group): boolean {
    return name === group.name && group.members.some((i) => transfers.has(this.surveys.uuid(i)));
  }

  /** Is an incomplete dataset to stay, whatever was told? What was not seen, or not resumed yet, may be what it lacks. */
  #isKept({ members }: Group): boolean {
    const { incomplete } = this.#work.terms.native;
    const others = (i: number) => this.surveys.standing(i) === 'incomplete' && !this.#work.isOurs(i);
    return this.#doubt || (incomplete === INCOMPLETE.resume && members.some(others));
  }

  /** Is there something to be done, with more than one transfer? */
  #isToBeWritten(group: Group, now: DatasetVerdict): boolean {
    const { incomplete, fallback, dryRun } = this.#work.terms.native;
    const deletes = (incomplete === INCOMPLETE.resume ? fallback : incomplete) === INCOMPLETE.delete;
    if (dryRun || (group.members.length === 1 && now.size === 1)) return false;
    if (now.verdict === 'complete') return group.members.some((i) => this.surveys.standing(i) === 'complete');
    return deletes && !this.#isKept(group);
  }

  #carryOut(group: Group, decision: Decision, now: DatasetVerdict, dirs: readonly string[]): void {
    for (const dir of dirs) this.verdicts.add(verdictPath(dir, group.name));
    this.#tell(group, decided(decision, now));
    const publish = decision.decision === 'publish';
    for (const i of group.members) {
      if (decision.transfers.has(this.surveys.uuid(i))) this.#plans(i, publish ? 'plain' : 'roll back');
      // One that came later: not part of what was decided, and only to be judged when that has been done.
      else this.#plans(i, isWhole(this.surveys.standing(i)) ? 'held' : publish ? 'plain' : 'told');
    }
  }

  async act(): Promise<void> {
    const native = { ...this.#work.terms.native, leaveDatasets: false };
    const told = { ...native, datasetIncomplete: true };
    const options: Partial<Record<Choice, NativeFinalizeOptions>> = {
      plain: native,
      told,
      keep: { ...told, incomplete: INCOMPLETE.keep },
      'roll back': { ...told, incomplete: INCOMPLETE.delete },
    };
    const ours = [...this.#work.ours()].filter((i) => options[this.#choice(i)]);
    const choices = Object.values(options).filter((choice) => ours.some((i) => options[this.#choice(i)] === choice));
    await this.#work.conclude(
      ours,
      choices,
      (i) => options[this.#choice(i)] as NativeFinalizeOptions,
      this.#terms.patience,
      this.#uuids,
    );
    for (const i of this.#work.ours()) this.#reportUntouched(i);
  }

  #reportUntouched(i: number): void {
    const choice = this.#choice(i);
    const of = (code: string, why: string): Failure => ({ code, message: `${this.#shown(i)}: ${why}` });
    if (choice === 'held') this.#say(i, 'kept', of('AXL_CONFLICT', 'an earlier verdict on its dataset comes first'));
    if (choice === 'failed')
      this.#say(i, 'failed', this.#unread.get(i) ?? this.#reasons.get(this.surveys.details(i).name));
  }

  #say(i: number, action: FinalizeAction, error: Failure | undefined): void {
    const stateFile = fromLatin1(this.#work.candidates.path(i));
    const resumed = this.#work.resumed.has(this.#work.candidates.path(i));
    this.#work.report(
      i,
      makeEntry(stateFile, action, { ...this.surveys.details(i), resumed, ...(error && { error }) }),
    );
  }

  async look(): Promise<void> {
    await this.survey();
    await this.resume();
  }

  async finish(): Promise<void> {
    await this.decide();
    await this.act();
  }

  /** False: no time is left. */
  async waitForDeath(): Promise<boolean> {
    if (this.#overtaken && !(await this.#terms.patience.another(this.busy.size))) return false;
    while (!(await this.whenDead([0]))) if (!(await this.#terms.patience.another(this.busy.size))) return false;
    return !this.#work.stopped;
  }

  /** The end of waiting. */
  giveUp(): void {
    for (const group of this.#wanted.filter(({ name }) => this.busy.has(name))) {
      const now = judge(group, this.surveys, (i) => this.#counts(i));
      this.#work.terms.tally.dataset({ ...now, verdict: 'busy' });
      const why = this.#overtaken ? 'another finalizer is at work on its dataset' : 'a rank of its dataset is alive';
      for (const i of group.members.filter((member) => this.#work.isOurs(member))) {
        const message = `${this.#shown(i)}: ${this.surveys.alive(i) ? 'its writer is alive' : why}`;
        this.#say(i, 'busy', { code: 'AXL_STATE_LOCKED', message });
      }
    }
  }
}

/** Surveys, decides, acts; and again for the datasets that were busy, while there is time. @returns verdict files */
export async function finalizeDatasets(first: Work, terms: DatasetTerms, allListed: boolean): Promise<Set<string>> {
  const verdicts = new Set<string>();
  const { tally } = first.terms;
  let round = new Round(first, terms, allListed, undefined);
  for (let work: Work | undefined = first; ; ) {
    await tally.time('survey', () => round.look());
    await tally.time('finalize', () => round.finish());
    for (const path of round.verdicts) verdicts.add(path);
    if (round.busy.size === 0) return verdicts;
    if (!(await round.waitForDeath())) {
      round.giveUp();
      return verdicts;
    }
    const again: Work | undefined = await tally.time('scan', terms.rescan);
    work = again ?? work;
    round = new Round(work, terms, allListed && again !== undefined, round.busy);
  }
}
