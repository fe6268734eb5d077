// Brings one dataset from what was seen to what was decided: asks decide(), sees to it that its answer still holds, and
// makes the decision durable in the home before anything is done.
// The order that makes it safe beside others: survey; then, alone (homes.ts), read the verdict, look again whether all is
// as it was surveyed, write one. Whoever removes a state file has written the verdict before; so what is there at both
// looks was not decided about in between.
import { failureOf } from '../base/errors.js';
import { displayName, fromLatin1 } from '../base/names.js';
import { INCOMPLETE, type NativeFinalized } from '../base/native.js';
import type { Failure } from '../base/types.js';
import {
  concerns,
  decide,
  isWhole,
  NAMED,
  type Outcome,
  publishes,
  sizeOf,
  type Verdict,
  type View,
  type Wanted,
} from './decide.js';
import { sharedDestination } from './destinations.js';
import type { Home, Homes } from './homes.js';
import type { Look } from './look.js';
import type { Group } from './surveys.js';
import { INSTANTS_MS } from './work.js';

/** What is left for later. */
export interface Undecided {
  /** Ids of datasets that are busy. */
  readonly busy: Set<string>;
  /** Has something changed since the survey, or is another finalizer deciding? */
  overtaken: boolean;
}

/** A verdict that was followed, or written, and whose home that is. */
export interface Followed {
  readonly home: Home;
  readonly verdict: Verdict;
  readonly group: Group;
}

const WORDS = Object.entries(INCOMPLETE) as [Wanted['incomplete'], number][];

export class Settling {
  readonly undecided: Undecided = { busy: new Set(), overtaken: false };
  readonly followed: Followed[] = [];
  readonly #look: Look;
  readonly #homes: Homes;
  readonly #isSeen: (home: Home, group: Group) => Promise<boolean>;
  readonly #wanted: Wanted;

  /** @param isSeen is every state file that may be of this dataset among the candidates? */
  constructor(look: Look, homes: Homes, isSeen: (home: Home, group: Group) => Promise<boolean>) {
    this.#look = look;
    this.#homes = homes;
    this.#isSeen = isSeen;
    const { incomplete, fallback, dryRun } = look.work.terms.policy;
    const word = (number: number) => WORDS.find(([, n]) => n === number)?.[0] ?? 'keep';
    this.#wanted = { incomplete: word(incomplete), fallback: word(fallback) as Wanted['fallback'], dryRun };
  }

  /** Decides about each dataset, one after the other; what goes wrong with one fails it, untouched. */
  async all(): Promise<void> {
    for (const group of this.#look.wanted) {
      if (this.#look.work.stopped) return;
      try {
        await this.#settle(group);
      } catch (error) {
        this.#fail(group, failureOf(error));
      }
    }
  }

  /** How a dataset stands that is left. */
  outcome(group: Group): Outcome {
    return decide(this.#look.view(group, [], true), this.#wanted);
  }

  #fail(group: Group, failure: Failure): void {
    this.#look.work.terms.tally.problem(failure);
    for (const i of group.members) this.#look.plan.set(i, 'fail', failure);
  }

  async #settle(group: Group): Promise<void> {
    const shared = group.members.map((i) => this.#look.conflicts.get(i)).find((conflict) => conflict !== undefined);
    if (shared) return this.#fail(group, shared);
    const homes = await this.#homesOf(group);
    const [home] = homes as [Home, ...Home[]];
    const paths = homes.map(({ dir }) => dir);
    const isSeen = await this.#isSeen(home, group);
    const view = () => this.#look.view(group, paths, isSeen);
    const earlier = homes.length === 1 ? await this.#earlier(group, home) : undefined;
    const now = decide({ ...view(), earlier }, this.#wanted);
    if (earlier) return this.#follow(group, home, earlier, now);
    if (now.verdict === 'busy') return this.#leave(group);
    if (now.verdict === 'conflict' && now.why) return this.#fail(group, now.why);
    if (!now.write) return (await this.#holds(group, now)) ? this.#do(group, now) : undefined;
    const settled = await home.alone(group.id, group.members.length, () => this.#settleAlone(group, home, now, view));
    if (!settled) this.#again(group);
  }

  /** While nobody else does. */
  async #settleAlone(group: Group, home: Home, now: Outcome, view: () => View): Promise<void> {
    const earlier = await this.#earlier(group, home);
    if (!earlier && !(await this.#holds(group, now))) return;
    // What is not there any more may be what is missing: nobody who finalizes removes it before a verdict is written.
    if (!earlier && now.write === 'roll back' && this.#look.hasVanished) return this.#again(group);
    const counts = earlier ?? (await this.#write(group, home, now));
    return this.#follow(group, home, counts, decide({ ...view(), earlier: counts }, this.#wanted));
  }

  /** The homes of its transfers, each once, by whatever paths they are named. */
  async #homesOf(group: Group): Promise<Home[]> {
    const homes = new Map<string, Home>();
    for (const dir of [...group.homes].sort()) {
      const home = await this.#homes.open(dir);
      if (!homes.has(home.identity)) homes.set(home.identity, home);
    }
    return [...homes.values()];
  }

  #concerned(verdict: Verdict, group: Group): boolean {
    return group.members.some((i) => concerns(verdict, this.#look.surveys.uuid(i)));
  }

  /** A verdict on these transfers that somebody has written. */
  async #earlier(group: Group, home: Home): Promise<Verdict | undefined> {
    // Nothing is ever decided about a transfer that is all of its dataset; but for SCR, whose files say it too late.
    const isOne = group.members.length === 1 && sizeOf([...group.sizes]) === 1;
    if (isOne && !this.#look.work.terms.scr) return undefined;
    const found = await home.read(group.id);
    return found && this.#concerned(found, group) ? found : undefined;
  }

  async #write(group: Group, home: Home, { write }: Outcome): Promise<Verdict> {
    const { surveys, work } = this.#look;
    const decision = write ?? 'roll back';
    const concerned = group.members.filter((i) => decision === 'roll back' || isWhole(surveys.standing(i)));
    const name = (i: number) =>
      work.candidates.dir(i) === home.dir ? work.candidates.name(i) : work.candidates.path(i);
    const transfers = new Map(concerned.map((i) => [surveys.uuid(i), name(i)]));
    await home.clear(group.id, [...transfers.keys()]);
    const size = sizeOf([...group.sizes]);
    const counts = await home.decide({
      decision,
      scope: 'listed',
      dataset: group.id,
      name: group.name,
      size,
      transfers,
    });
    if (!this.#concerned(counts, group)) {
      const message = `dataset ${displayName(group.name)}: an earlier verdict in ${displayName(fromLatin1(home.dir))} comes first`;
      this.#fail(group, { code: 'AXL_CONFLICT', message: `${message}: finalize the transfers that it is about` });
    }
    return counts;
  }

  #follow(group: Group, home: Home, verdict: Verdict, outcome: Outcome): void {
    if (!this.#concerned(verdict, group)) return;
    this.followed.push({ home, verdict, group });
    if (verdict.decision === 'publish in phases') this.#plan(group, outcome);
    else this.#do(group, outcome, publishes(verdict) ? verdict.size : undefined);
  }

  /** Plans it, and tells. @param size as the verdict that is followed has it */
  #do(group: Group, outcome: Outcome, size = sizeOf([...group.sizes])): void {
    const { verdict, missing, missingCount, lacks } = outcome;
    const why = verdict === 'incomplete' && lacks !== undefined ? { why: lacks } : {};
    if (verdict !== 'conflict')
      this.#look.work.terms.tally.dataset({ name: group.name, verdict, size, missing, missingCount, ...why });
    this.#plan(group, outcome);
  }

  #plan(group: Group, { parts }: Outcome): void {
    for (const [at, i] of group.members.entries()) this.#look.plan.set(i, parts[at] ?? 'leave');
  }

  #leave(group: Group): void {
    this.undecided.busy.add(group.id);
    for (const i of group.members) this.#look.plan.set(i, 'wait');
  }

  /** Somebody else is about it, or was: what we know of it is not true any more. */
  #again(group: Group): void {
    this.undecided.overtaken = true;
    this.#leave(group);
  }

  /** Can be done what was decided? If not, what is to be done instead is planned. */
  async #holds(group: Group, now: Outcome): Promise<boolean> {
    if (now.first === 'commit') return !(await this.#isRefused(group, now));
    return now.first === 'nothing' || this.#isAsSurveyed(group);
  }

  /**
   * Is it still as it was when it was looked at? If another finalizer has dealt with all of it meanwhile, it has told of
   * it; otherwise all begins anew.
   */
  async #isAsSurveyed(group: Group): Promise<boolean> {
    const { members } = group;
    const { surveys, plan } = this.#look;
    const before = members.map((i) => surveys.standing(i));
    await this.#look.again(members);
    await this.#look.whenDead(INSTANTS_MS, [group]);
    const standings = members.map((i) => surveys.standing(i));
    if (standings.every((standing) => standing === 'gone')) for (const i of members) plan.set(i, 'as it is');
    else if (members.some((i, at) => standings[at] !== before[at] || surveys.alive(i) !== 'no')) this.#again(group);
    else return true;
    return false;
  }

  /**
   * Is there a rank that is complete and cannot be published, for want of a permission or over a destination that is to
   * stay? Then none of the dataset is; what can go wrong after this look, only the verdict holds together. True, too, if
   * one is not there any more.
   */
  async #isRefused(group: Group, now: Outcome): Promise<boolean> {
    const { refused, committed, destinations } = await this.#look.work.commit(group.members, this.#look.uuids);
    const meeting = destinations.meeting();
    const conflict = meeting && sharedDestination(meeting.map((i) => this.#memberOf(i)));
    const isTold = (i: number) => isWhole(this.#look.surveys.standing(i));
    if (committed + [...refused.keys()].filter(isTold).length < group.members.filter(isTold).length) this.#again(group);
    else if (conflict) this.#fail(group, conflict);
    else if (refused.size > 0) this.#reportRefused(group, now, refused);
    else return false;
    return true;
  }

  #memberOf(i: number) {
    const { work, surveys } = this.#look;
    return { path: work.candidates.path(i), rank: surveys.rank(i) };
  }

  #reportRefused(group: Group, now: Outcome, refused: ReadonlyMap<number, NativeFinalized>): void {
    const { work, surveys, plan } = this.#look;
    const ranks = [...refused.keys()].map((i) => surveys.rank(i)).sort((a, b) => a - b);
    const missing = { missing: ranks.slice(0, NAMED), missingCount: ranks.length };
    this.#do(group, { ...now, ...missing, verdict: 'incomplete', parts: [] });
    const why = `dataset ${displayName(group.name)}: rank ${ranks[0]} cannot be published`;
    for (const i of group.members.filter((member) => work.isOurs(member))) {
      const entry = refused.get(i);
      const path = displayName(fromLatin1(work.candidates.path(i)));
      if (entry) work.report(i, entry);
      else plan.set(i, 'hold', { code: 'AXL_CONFLICT', message: `${path}: ${why}` });
    }
  }
}
