// Looks at all candidates, and again at some of them: what there is of each dataset, and whether it is alive. Decides about
// what is of no dataset, and about nothing else.
import { toFailure } from '../base/errors.js';
import { displayName, fromLatin1 } from '../base/names.js';
import { INCOMPLETE, type NativeSurveyed } from '../base/native.js';
import { DRAFT } from '../base/own-files.js';
import type { Failure } from '../base/types.js';
import { jittered, sleep } from '../base/waiting.js';
import { isWhole, sizeOf, type View } from './decide.js';
import { sharedByAxl } from './destinations.js';
import { Plan } from './plan.js';
import { shortfall } from './scr-ranks.js';
import { type Group, isDoubtful, isTransfer, Surveys } from './surveys.js';
import { standIns } from './whereabouts.js';
import { INSTANTS_MS, type Work } from './work.js';

/** What of a listing is looked at. */
export interface Sight {
  /** True: every dataset; a name: those of that name; false: those whose transfers ask for it themselves. */
  readonly dataset: boolean | string;
  /** False: there may be state files that nobody listed. */
  readonly allListed: boolean;
  /** Ids of the datasets that were busy before: the others have been finalized and reported. */
  readonly only: ReadonlySet<string> | undefined;
}

export class Look {
  readonly work: Work;
  readonly surveys: Surveys;
  readonly plan: Plan;
  readonly #sight: Sight;
  #doubt: boolean;
  /** What is no state file. */
  readonly #others: number[] = [];
  /** Of transfers of AXL: why they have to be left alone. */
  conflicts: ReadonlyMap<number, Failure> = new Map();
  /** Was something listed that was not there when it was looked at? It may have another name by now, or be hidden for a while. */
  hasVanished = false;

  constructor(work: Work, sight: Sight) {
    this.work = work;
    this.#sight = sight;
    this.surveys = new Surveys(work.candidates.size);
    this.plan = new Plan(work.candidates.size);
    this.#doubt = !sight.allListed || !work.terms.policy.mayDelete;
  }

  /** The datasets that are to be decided about. */
  get wanted(): Group[] {
    const { dataset, only } = this.#sight;
    const isAsked = ({ name, allRanks }: Group) =>
      dataset === true || dataset === name || (dataset === false && allRanks);
    return this.surveys.groups.filter((group) => isAsked(group) && (only?.has(group.id) ?? true));
  }

  /** The datasets of which not every rank was seen to be complete. */
  get partial(): Group[] {
    return this.wanted.filter((group) => !this.surveys.hasEveryRank(group, (i) => isWhole(this.surveys.standing(i))));
  }

  readonly uuids = (batch: readonly number[]): Buffer => this.surveys.uuids(batch);

  /** What there is of a dataset, but for what was decided about it. @param homes that its transfers have, each once */
  view(group: Group, homes: readonly string[], isSeen: boolean): View {
    const { name, allRanks, members, sizes } = group;
    const allSeen = !this.#doubt && (isSeen || this.surveys.hasEveryRank(group)) && !this.#inPlaceOf(group);
    return {
      ...{ name, allRanks, homes, sizes: [...sizes], rivals: this.surveys.rivals(group) },
      members: members.map((i) => this.surveys.member(i, this.work.isOurs(i))),
      allSeen: allSeen ? 'yes' : 'cannot tell',
      earlier: undefined,
      ...this.#inScr(group),
    };
  }

  /** What SCR says of a dataset beside its ranks. */
  #inScr({ members }: Group): Pick<View, 'lacks' | 'lasting'> {
    const { scr } = this.work.terms;
    if (!scr) return {};
    const seen = { files: 0, bytes: 0 };
    for (const i of members) {
      const { files, bytes } = this.surveys.details(i);
      seen.files += files;
      seen.bytes += bytes;
    }
    const lacks = shortfall(scr, seen);
    return { lasting: true, ...(lacks !== '' && { lacks }) };
  }

  /** Does something stand where the state file of a missing rank would be? Then it is told of. */
  #inPlaceOf(group: Group): boolean {
    const { name, members, sizes, apart } = group;
    const { candidates } = this.work;
    if (this.#others.length === 0 || this.surveys.hasEveryRank(group)) return false;
    const known = members.map((i) => ({ path: candidates.path(i), rank: this.surveys.rank(i) }));
    const byPath = new Map(this.#others.map((i) => [candidates.path(i), i]));
    const found = standIns(known, sizeOf([...sizes]), [...byPath.keys()], apart);
    for (const [path, rank] of found) {
      const why = `this stands where rank ${rank} of dataset ${displayName(name)} would have its state file, but is none`;
      const remedy = 'bring the state file back, or move this away if that rank is lost';
      const message = `${displayName(fromLatin1(path))}: ${why}: ${remedy}`;
      this.#doubtAbout(byPath.get(path) as number, { code: 'AXL_STATE_CORRUPT', message });
    }
    return found.size > 0;
  }

  /** What was reported as a stranger before, or is another shard's, has no entry of its own. */
  #doubtAbout(i: number, why: Failure): void {
    const isNew = this.plan.why(i) === undefined;
    this.plan.set(i, 'doubt', why);
    if (isNew && !this.work.isOurs(i)) this.work.terms.tally.problem(why);
  }

  /** Surveys all. */
  async survey(): Promise<void> {
    const see = (i: number, seen: NativeSurveyed) => {
      this.#see(i, seen);
      const standing = this.surveys.standing(i);
      if (standing === 'not-state') this.#others.push(i);
      if (standing === 'gone') this.hasVanished = true;
      if (!isTransfer(standing)) this.#planOther(i, seen);
    };
    await this.work.survey(this.#surveyed(), see);
    this.#doubt ||= this.surveys.hasStrayCopy();
    await this.whenDead(INSTANTS_MS);
  }

  /** Looks again at what is alive, after each of these pauses. True once nothing is. */
  async whenDead(pauses: readonly number[], groups?: readonly Group[]): Promise<boolean> {
    const alive = () =>
      (groups ?? this.wanted).flatMap(({ members }) => members.filter((i) => this.surveys.alive(i) !== 'no'));
    for (const ms of pauses) {
      const numbers = alive();
      if (numbers.length === 0 || this.work.stopped) break;
      await sleep(jittered(ms), this.work.terms.signal);
      await this.again(numbers);
    }
    return alive().length === 0;
  }

  again(numbers: readonly number[]): Promise<void> {
    return this.work.survey(numbers, (i, seen) => this.#see(i, seen));
  }

  /**
   * Finds out which transfers have final names in common. Two ranks of one dataset that meet are a conflict, which a commit
   * finds; but of AXL's, even the one that is incomplete may not be touched.
   */
  async findMeetings(): Promise<void> {
    const isByAxl = ({ members }: Group) => members.some((i) => this.surveys.isByAxl(i));
    if (this.wanted.length < 2 && !this.wanted.some(isByAxl)) return;
    await this.work.findMeetings();
    this.conflicts = sharedByAxl(new Map(this.work.shared.map((i) => [i, this.work.candidates.path(i)])));
  }

  /** Copies what our shard's incomplete transfers lack, and looks at them again. */
  async resume(): Promise<void> {
    const { policy } = this.work.terms;
    if (policy.incomplete !== INCOMPLETE.resume || policy.dryRun) return;
    const isLacking = (i: number) =>
      this.surveys.standing(i) === 'incomplete' && this.surveys.alive(i) === 'no' && this.work.isOurs(i);
    const isFree = ({ members }: Group) => !members.some((i) => this.conflicts.has(i));
    const lacking = this.wanted.filter(isFree).flatMap(({ members }) => members.filter(isLacking));
    if (lacking.length === 0) return;
    const { done, failed } = this.work.resumes;
    await this.work.resume(lacking, this.uuids, (i, { resumed, failure }) => {
      const path = this.work.candidates.path(i);
      failed.delete(path);
      if (resumed) done.add(path);
      else if (failure && failure.code !== 'AXL_CANCELED') failed.set(path, toFailure(failure));
    });
    await this.again(lacking);
    await this.whenDead(INSTANTS_MS);
  }

  #see(i: number, seen: NativeSurveyed): void {
    this.surveys.see(i, seen, this.work.candidates.dir(i));
    const standing = this.surveys.standing(i);
    // What was given by its own path and is no state file may have been what a dataset lacks.
    const isNamed = standing === 'not-state' && this.work.isAsked(i) && this.work.candidates.isNamed(i);
    if (isNamed || isDoubtful(standing)) this.#doubt = true;
  }

  /** All but drafts. */
  *#surveyed(): Generator<number> {
    const { candidates } = this.work;
    for (let i = 0; i < candidates.size; i++) {
      if (!DRAFT.test(candidates.name(i))) yield i;
      else if (!this.#sight.only && this.#sight.dataset === true) this.plan.set(i, 'as it is');
    }
  }

  /** What belongs to no dataset that we know of is looked at once. If it may be a rank of one, nothing is published. */
  #planOther(i: number, { name, failure }: NativeSurveyed): void {
    const { dataset, only } = this.#sight;
    // Without a dataset that was asked for, what is left to do was seen to belong to one: it is told of here, or nowhere.
    if (only || (dataset === false && !this.work.isOurs(i))) return;
    if (typeof dataset === 'string' && name !== '' && name !== dataset) return;
    const standing = this.surveys.standing(i);
    if (standing === 'unreadable' && failure) this.plan.set(i, 'fail', toFailure(failure));
    else this.plan.set(i, isDoubtful(standing) ? 'keep' : 'as it is');
  }
}
