// Datasets: surveys all candidates, decides about each dataset, and has its transfers published or not, as one.
// The order that makes it safe beside others: survey, then read verdict files, then write one, then act. Whoever
// removes a state file has written the verdict before; so if one is missing in our survey, we see that verdict.

import { decided, type Group, isDoubtful, isWhole, judge, NAMED, Surveys } from './dataset.js';
import { AxlError, failureOf, toFailure } from './errors.js';
import type { DatasetVerdict, FinalizeAction } from './finalize-types.js';
import { displayName, fromLatin1 } from './names.js';
import { INCOMPLETE, type NativeFinalizeOptions, type NativeSurveyed } from './native.js';
import { makeEntry } from './tally.js';
import type { Failure } from './types.js';
import { type Decision, decide, readVerdict, verdictPath } from './verdict-file.js';
import type { Patience, Work } from './work.js';

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
  readonly #verdicts = new Set<string>();
  readonly #reasons = new Map<string, Failure>();
  readonly #unread = new Map<number, Failure>();
  #doubt: boolean;

  /** @param allListed false: there may be state files that nobody listed */
  constructor(work: Work, terms: DatasetTerms, allListed: boolean, only: ReadonlySet<string> | undefined) {
    this.#work = work;
    this.#terms = terms;
    this.#only = only;
    this.surveys = new Surveys(work.candidates.size);
    this.#plan = new Uint8Array(work.candidates.size).fill(CHOICES.indexOf('leave'));
    this.#doubt = !allListed || !work.terms.native.scanComplete;
  }

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
    await this.whenDead([50, 100, 200]);
  }

  /** Looks again at what is alive, after each of these pauses. True once nothing is. */
  async whenDead(pauses: readonly number[]): Promise<boolean> {
    const alive = () => this.#wanted.flatMap(({ members }) => members.filter((i) => this.surveys.alive(i)));
    for (const ms of pauses) {
      const numbers = alive();
      if (numbers.length === 0 || this.#work.stopped) break;
      await new Promise((resolve) => setTimeout(resolve, ms * (0.5 + Math.random())));
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
      (i, { resumed, failure }) => {
        if (resumed) this.#work.resumed.add(this.#work.candidates.path(i));
        else if (failure) this.#work.terms.tally.problem(toFailure(failure));
      },
    );
    await this.#work.survey(lacking, (i, seen) => this.#see(i, seen));
    await this.whenDead([50, 100, 200]);
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
    const { tally } = this.#work.terms;
    const now = judge(group, this.surveys, (i) => this.#counts(i));
    const dirs = [...new Set(group.members.map((i) => this.#work.candidates.dir(i)))].sort();
    const found = await Promise.all(dirs.map((dir) => readVerdict(verdictPath(dir, group.name))));
    const earlier = found.find((decision) => decision !== undefined);
    if (earlier && this.#lists(earlier, group)) return this.#carryOut(group, earlier, now, dirs);
    if (now.verdict === 'busy') {
      this.busy.add(group.name);
      for (const i of group.members) this.#plans(i, 'busy');
      return;
    }
    if (now.verdict === 'incomplete' && (await this.#isGone(group))) {
      for (const i of group.members) this.#plans(i, 'plain');
      return;
    }
    if (group.sizes.size > 1) tally.problem(disagreement(group));
    if (now.verdict === 'complete' && (await this.#isRefused(group, now))) return;
    const decision = await this.#makeDurable(group, now, dirs);
    if (decision) return this.#carryOut(group, decision, now, dirs);
    tally.dataset(now);
    const choice = now.verdict === 'complete' ? 'plain' : this.#isKept(group) ? 'keep' : 'told';
    for (const i of group.members) this.#plans(i, choice);
  }

  /** Has another finalizer dealt with all of it, and removed its verdict, since we began to look? It has told of it. */
  async #isGone({ members }: Group): Promise<boolean> {
    const isThere = (i: number) => this.surveys.standing(i) !== 'gone';
    for (const some of [members.slice(0, 1), members]) {
      await this.#work.survey(some, (i, seen) => this.#see(i, seen));
      if (some.some(isThere)) return false;
    }
    return true;
  }

  /**
   * Is there a rank that is complete and cannot be published, for want of a permission or over a destination that is to
   * stay? Then none of the dataset is; what can go wrong after this look, only the verdict file holds together.
   */
  async #isRefused({ members, name }: Group, now: DatasetVerdict): Promise<boolean> {
    const { native, tally } = this.#work.terms;
    if (native.dryRun || members.length === 1) return false;
    const refused = await this.#work.refused(members, native);
    if (refused.size === 0) return false;
    const ranks = [...refused.keys()].map((i) => this.surveys.rank(i)).sort((a, b) => a - b);
    tally.dataset({ ...now, verdict: 'incomplete', missing: ranks.slice(0, NAMED), missingCount: ranks.length });
    const why = `dataset ${displayName(name)}: rank ${ranks[0]} cannot be published`;
    for (const i of members.filter((member) => this.#work.isOurs(member))) {
      const entry = refused.get(i);
      if (entry) this.#work.report(i, entry);
      else this.#say(i, 'kept', { code: 'AXL_CONFLICT', message: `${this.#shown(i)}: ${why}` });
    }
    return true;
  }

  #shown(i: number): string {
    return displayName(fromLatin1(this.#work.candidates.path(i)));
  }

  /** Does an earlier verdict concern any of these transfers? */
  #lists({ transfers }: Decision, { members }: Group): boolean {
    return members.some((i) => transfers.has(this.surveys.uuid(i)));
  }

  /** Is an incomplete dataset to stay, whatever was told? What was not seen, or not resumed yet, may be what it lacks. */
  #isKept({ members }: Group): boolean {
    const { incomplete } = this.#work.terms.native;
    const others = (i: number) => this.surveys.standing(i) === 'incomplete' && !this.#work.isOurs(i);
    return this.#doubt || (incomplete === INCOMPLETE.resume && members.some(others));
  }

  /** Writes what is to be done before anything is; undefined if one transfer is all, or nothing is to be done. */
  async #makeDurable(group: Group, now: DatasetVerdict, dirs: readonly string[]): Promise<Decision | undefined> {
    const { incomplete, fallback, dryRun } = this.#work.terms.native;
    const deletes = (incomplete === INCOMPLETE.resume ? fallback : incomplete) === INCOMPLETE.delete;
    if (dryRun || (group.members.length === 1 && now.size === 1)) return undefined;
    if (now.verdict === 'incomplete' && (!deletes || this.#isKept(group))) return undefined;
    const publish = now.verdict === 'complete';
    const concerned = group.members.filter((i) => !publish || isWhole(this.surveys.standing(i)));
    if (publish && !concerned.some((i) => this.surveys.standing(i) === 'complete')) return undefined;
    const transfers = new Map(concerned.map((i) => [this.surveys.uuid(i), this.#work.candidates.name(i)]));
    const wanted = {
      decision: publish ? 'publish' : 'roll back',
      name: group.name,
      size: now.size,
      transfers,
    } as const;
    // In an order that all share: the first directory decides.
    let counts: Decision = wanted;
    for (const dir of dirs) {
      const there = await decide(dir, counts);
      if (!this.#lists(there, group) || (dir !== dirs[0] && there.decision !== counts.decision)) throw conflict(group);
      counts = there;
    }
    return counts;
  }

  #carryOut(group: Group, decision: Decision, now: DatasetVerdict, dirs: readonly string[]): void {
    for (const dir of dirs) this.#verdicts.add(verdictPath(dir, group.name));
    this.#work.terms.tally.dataset(decided(decision, now));
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
    while (!(await this.whenDead([0]))) if (!(await this.#terms.patience.another(this.busy.size))) return false;
    return !this.#work.stopped;
  }

  /** The end of waiting. */
  giveUp(): void {
    for (const group of this.#wanted.filter(({ name }) => this.busy.has(name))) {
      this.#work.terms.tally.dataset(judge(group, this.surveys, (i) => this.#counts(i)));
      for (const i of group.members.filter((member) => this.#work.isOurs(member))) {
        const message = `${this.#shown(i)}: ${this.surveys.alive(i) ? 'its writer' : 'a rank of its dataset'} is alive`;
        this.#say(i, 'busy', { code: 'AXL_STATE_LOCKED', message });
      }
    }
  }

  get verdicts(): ReadonlySet<string> {
    return this.#verdicts;
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
    const dead = await round.waitForDeath();
    if (!dead) round.giveUp();
    if (!dead) return verdicts;
    const again: Work | undefined = await tally.time('scan', terms.rescan);
    work = again ?? work;
    round = new Round(work, terms, allListed && again !== undefined, round.busy);
  }
}

function disagreement({ name, sizes }: Group): Failure {
  const all = [...sizes].sort((a, b) => a - b).slice(0, 10);
  return {
    code: 'AXL_CONFLICT',
    message: `dataset ${displayName(name)}: its transfers disagree on its size: ${all.join(', ')}`,
  };
}

function conflict({ name }: Group): AxlError {
  return new AxlError('AXL_CONFLICT', `dataset ${displayName(name)}: its verdict files disagree`);
}
