// Publishes datasets in phases: no rank goes on to its commit files before all ranks have their data at final names,
// durably; nor to the pointer before all commit files are there. No state file of such a dataset is removed before all
// of it is published: what is gone, was. docs/state-format.md, "Phases".

import { now } from '../base/clock.js';
import { failureOf } from '../base/errors.js';
import { displayName, fromLatin1 } from '../base/names.js';
import { ACTIONS, IN_PHASES, type NativeFinalized, OVERWRITE } from '../base/native.js';
import { UNTIL } from '../base/phases.js';
import type { Failure } from '../base/types.js';
import { jittered, sleep } from '../base/waiting.js';
import type { Look } from './look.js';
import type { Patience } from './patience.js';
import type { Followed } from './settle.js';

const STEPS = ['cleared', 'data', 'commit', 'pointer'] as const;
type Step = (typeof STEPS)[number];

/** What is at its final names before each step. */
const BEFORE: Readonly<Record<Step, string>> = {
  cleared: 'nothing of it is published',
  data: 'nothing of it is published',
  commit: 'its data are published, its commit files are not',
  pointer: 'its data and its commit files are published, the rest is not',
};
/** So long another shard may be at work on its part of a dataset without any progress that is seen. */
const STALL_MS = 30_000;
const PAUSE_MS = 250;

/** Why a dataset stays where it is. */
type Stuck = { readonly rank: number | undefined; readonly failed: boolean };

export class Phases {
  readonly #look: Look;
  readonly #patience: Patience;
  readonly #report: (i: number, error: Failure) => void;
  readonly #conclude: (members: readonly number[]) => Promise<void>;
  /** What stays for a later run. */
  readonly #stuck: Followed[] = [];

  /**
   * @param busy reports that a candidate stays
   * @param conclude of a dataset that has all phases behind it: removes its state files, and reports them
   */
  constructor(
    look: Look,
    patience: Patience,
    busy: (i: number, error: Failure) => void,
    conclude: (members: readonly number[]) => Promise<void>,
  ) {
    this.#look = look;
    this.#patience = patience;
    this.#report = busy;
    this.#conclude = conclude;
  }

  /** One dataset after the other. All of them are reported afterwards, and planned no more. */
  async publish(followed: readonly Followed[]): Promise<void> {
    const all = followed.filter(({ verdict }) => verdict.decision === 'publish in phases');
    if (all.length === 0) return;
    // What would be done is said of each by itself.
    if (this.#look.work.terms.policy.dryRun) {
      for (const one of all) this.#tell(one);
      return;
    }
    all.sort((a, b) => (this.#dispatched(a) < this.#dispatched(b) ? -1 : 1));
    // All at once: those of a later dispatch learn what the earlier ones are going to put in their places.
    await this.#advance(
      all.flatMap((one) => this.#left(one, UNTIL.data)),
      'cleared',
      false,
    );
    await this.#look.again(all.flatMap(({ group }) => group.members).filter((i) => this.#look.work.meeting.has(i)));
    for (const one of all) await this.#publishOne(one);
  }

  #dispatched({ group }: Followed): bigint {
    const times = group.members.map((i) => this.#look.surveys.dispatched(i));
    return times.reduce((a, b) => (a < b ? a : b), 2n ** 62n);
  }

  async #publishOne(one: Followed): Promise<void> {
    if (this.#waitsForOlder(one)) return this.#leave(one, 'data', { rank: undefined, failed: false });
    for (const step of STEPS) {
      const stuck = await this.#bring(one, step);
      if (this.#look.work.stopped) return this.#forget(one);
      if (stuck) return this.#leave(one, step, stuck);
    }
    if (!(await this.#pass(one))) return this.#leave(one, 'pointer', { rank: undefined, failed: false });
    this.#tell(one);
    await this.#conclude(one.group.members);
  }

  /** Says so in the home, before the first state file is removed. False: somebody else is at work there. */
  async #pass({ home, verdict: { dataset }, group }: Followed): Promise<boolean> {
    try {
      return (await home.alone(dataset, group.members.length, () => home.pass(dataset))) !== undefined;
    } catch (error) {
      this.#look.work.terms.tally.problem(failureOf(error));
      return false;
    }
  }

  #tell({ verdict: { name, size } }: Followed): void {
    this.#look.work.terms.tally.dataset({ name, verdict: 'complete', size, missing: [], missingCount: 0 });
  }

  /** Does one that could not be published go to the same final names? It comes first. */
  #waitsForOlder({ group }: Followed): boolean {
    const { work } = this.#look;
    const heads = new Set(this.#stuck.flatMap((older) => older.group.members.map((i) => work.meeting.get(i))));
    heads.delete(undefined);
    return group.members.some((i) => heads.has(work.meeting.get(i)));
  }

  /** What this run may act on, ours first, and what has not come so far. */
  #left({ group }: Followed, phases: number): number[] {
    const { work, surveys, plan } = this.#look;
    const isLeft = (i: number) =>
      work.isAsked(i) &&
      plan.part(i) === 'as it is' &&
      surveys.standing(i) === 'complete' &&
      surveys.phases(i) < phases;
    const left = group.members.filter(isLeft);
    return [...left.filter((i) => work.isOurs(i)), ...left.filter((i) => !work.isOurs(i))];
  }

  async #advance(numbers: readonly number[], step: Step, clears: boolean): Promise<Map<number, NativeFinalized>> {
    const { work, surveys, uuids } = this.#look;
    const left = await work.act(numbers, uuids, { until: UNTIL[step], clears, allEntries: true });
    for (const [i, { action }] of left) if (action === IN_PHASES) left.delete(i);
    for (const i of numbers) if (!left.has(i)) surveys.reaches(i, UNTIL[step]);
    return left;
  }

  /** Brings all of a dataset as far as a step. @returns why that is not so */
  async #bring(one: Followed, step: Step): Promise<Stuck | undefined> {
    if (step === 'cleared') return this.#clear(one);
    const { work, surveys } = this.#look;
    const { signal, shard } = work.terms;
    const goal = UNTIL[step];
    let least = -1;
    let moved = now();
    while (!work.stopped) {
      const left = await this.#advance(this.#left(one, goal), step, false);
      const ended = [...left].filter(([, { action }]) => !['busy', 'gone'].includes(ACTIONS[action] as string));
      for (const [i, entry] of ended) if (work.isOurs(i)) this.#end(i, entry);
      // Of one that has FINAL all is published, as of the others then.
      const failed = ended.filter(([, { action }]) => !['published', 'removed'].includes(ACTIONS[action] as string));
      if (failed[0]) return { rank: surveys.rank(failed[0][0]), failed: true };
      const behind = await this.#behind(one, goal);
      if (!behind) return undefined;
      if (behind.ranks > least) moved = now();
      least = behind.ranks;
      const waits = await this.#patience.another(behind.busy + left.size);
      if (!waits && !(shard && now() - moved < STALL_MS)) return { rank: behind.rank, failed: false };
      if (!waits) await sleep(jittered(PAUSE_MS), signal);
    }
    return undefined;
  }

  /** Old commit files, of whichever rank, are deleted before any rank replaces data. */
  async #clear(one: Followed): Promise<Stuck | undefined> {
    const { surveys, work } = this.#look;
    const { members } = one.group;
    const { overwrite } = work.terms.policy;
    const isToCome = (i: number) => surveys.phases(i) < UNTIL.data;
    const replaces = members.some((i) => isToCome(i) && (overwrite === OVERWRITE.replace || surveys.replacesData(i)));
    if (!replaces) return undefined;
    const marked = members.filter((i) => surveys.hasOldCommit(i));
    const ours = this.#left(one, UNTIL.commit).filter((i) => marked.includes(i));
    const left = await this.#advance(ours, 'cleared', true);
    for (const [i, entry] of left) if (ACTIONS[entry.action] !== 'busy' && work.isOurs(i)) this.#end(i, entry);
    const [first] = left;
    if (first) return { rank: surveys.rank(first[0]), failed: ACTIONS[first[1].action] !== 'busy' };
    const missed = marked.find((i) => !ours.includes(i));
    if (missed !== undefined) return { rank: surveys.rank(missed), failed: false };
    return this.#mayUnseenHaveOldCommit(one);
  }

  async #mayUnseenHaveOldCommit(one: Followed): Promise<Stuck | undefined> {
    const { unseen, missing } = await this.#unseen(one);
    const may = missing !== undefined || unseen === undefined || unseen.oldCommit;
    return may ? { rank: missing, failed: false } : undefined;
  }

  /** Of transfers of the dataset that are not among the candidates: a missing rank, or what their state files say. */
  async #unseen({ group, home, verdict }: Followed) {
    const { surveys } = this.#look;
    if (verdict.scope === 'listed') {
      const seen = new Set(group.members.map((i) => surveys.uuid(i)));
      return { missing: undefined, unseen: await home.phasesOf(verdict, (uuid) => seen.has(uuid)) };
    }
    const seen = new Set(group.members.map((i) => surveys.rank(i)));
    const missing = Array.from({ length: verdict.size }, (_, at) => at).find((at) => !seen.has(at));
    return { missing, unseen: { least: UNTIL.pointer as number, oldCommit: false } };
  }

  /** Nothing more is done with it in this run. */
  #end(i: number, entry: NativeFinalized): void {
    this.#look.work.report(i, entry);
    this.#look.plan.set(i, 'leave');
  }

  /** Who has not come so far: a rank, how many of those that were seen have, and how many of the others may yet. */
  async #behind(one: Followed, goal: number) {
    const { surveys } = this.#look;
    const { members } = one.group;
    await this.#look.again(members.filter((i) => surveys.phases(i) < goal));
    const behind = members.filter((i) => surveys.phases(i) < goal);
    const ranks = members.length - behind.length;
    if (behind.length > 0) return { rank: surveys.rank(behind[0] as number), ranks, busy: behind.length };
    const { missing, unseen } = await this.#unseen(one);
    // A rank whose state file is gone had all phases behind it, as then all others have. Elsewhere nobody can look.
    const isAll = one.verdict.scope === 'everyone at home' && members.every((i) => surveys.phases(i) === UNTIL.pointer);
    const has = missing === undefined ? unseen !== undefined && unseen.least >= goal : isAll;
    return has ? undefined : { rank: missing, ranks, busy: 0 };
  }

  /** Its run was interrupted. */
  #forget({ group }: Followed): void {
    for (const i of group.members) this.#look.plan.set(i, 'leave');
  }

  /** It stays as it is, and goes on from there in a later run. */
  #leave(one: Followed, step: Step, { rank, failed }: Stuck): void {
    const { work, plan } = this.#look;
    this.#stuck.push(one);
    const { name, size } = one.verdict;
    const missing = rank === undefined ? [] : [rank];
    work.terms.tally.dataset({ name, verdict: 'busy', size, missing, missingCount: missing.length });
    const who = rank === undefined ? 'another rank' : `rank ${rank}`;
    const why = failed ? `${who} could not be published` : `${who} has not come so far: finalize it, too`;
    for (const i of one.group.members) {
      const path = displayName(fromLatin1(work.candidates.path(i)));
      const message = `${path}: dataset ${displayName(name)}: ${BEFORE[step]}: ${why}`;
      if (work.isOurs(i) && plan.part(i) === 'as it is') this.#report(i, { code: 'AXL_STATE_LOCKED', message });
      plan.set(i, 'leave');
    }
  }
}
