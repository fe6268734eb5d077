// Datasets: surveys all candidates, decides about each dataset, and has its transfers published or not, as one; again for
// those that were busy, while there is time. What is decided, decide.ts says; that it holds, settle.ts.

import { failureOf, toFailure } from '../base/errors.js';
import { displayName, fromLatin1 } from '../base/names.js';
import { ACTIONS, type DECIDED, INCOMPLETE, type NativeFinalized } from '../base/native.js';
import { UNTIL } from '../base/phases.js';
import type { Failure } from '../base/types.js';
import type { Part } from './decide.js';
import { type Home, Homes, isDoneWith } from './homes.js';
import { Look, type Sight } from './look.js';
import { concludePublished } from './on-published.js';
import type { Patience } from './patience.js';
import { Phases } from './phases.js';
import { type Followed, Settling } from './settle.js';
import type { Group } from './surveys.js';
import { makeEntry } from './tally.js';
import type { FinalizeAction } from './types.js';
import { Wider } from './whereabouts.js';
import type { Work } from './work.js';

export interface DatasetTerms {
  readonly dataset: boolean | string;
  readonly patience: Patience;
  /** Lists all again; undefined if that cannot be done. */
  readonly rescan: () => Promise<Work | undefined>;
  /** The directories whose names were listed, by their canonical paths and as they were given. */
  readonly listed: ReadonlySet<string>;
}

/** What the addon is told; the other parts it never sees. */
const ACTED_ON = ['as it is', 'incomplete', 'keep', 'roll back'] as const satisfies readonly Part[];
type ActedOn = (typeof ACTED_ON)[number] & keyof typeof DECIDED;

class Round {
  readonly look: Look;
  readonly settling: Settling;
  readonly #patience: Patience;

  constructor(work: Work, sight: Sight, { patience }: DatasetTerms, homes: Homes, wider: Wider) {
    this.#patience = patience;
    this.look = new Look(work, sight);
    this.settling = new Settling(this.look, homes, (home, group) => wider.isSeen(home, group));
  }

  async act(): Promise<void> {
    const { work, plan, uuids } = this.look;
    const busy = (i: number, why: Failure) => this.#say(i, 'busy', why);
    const conclude = (members: readonly number[]) => this.#conclude(members);
    await new Phases(this.look, this.#patience, busy, conclude).publish(this.settling.followed);
    const isActedOn = (i: number) => (ACTED_ON as readonly Part[]).includes(plan.part(i));
    const ours = [...work.ours()].filter(isActedOn);
    const choices = ACTED_ON.filter((part) => ours.some((i) => plan.part(i) === part));
    const { came } = await work.conclude(ours, choices, (i) => plan.part(i) as ActedOn, this.#patience, uuids);
    await concludePublished(work, came, (i) => this.#with(i), uuids);
    for (const i of work.ours()) this.#reportUntouched(i);
    const { policy } = work.terms;
    const published = this.settling.followed.filter(({ verdict }) => verdict.decision === 'publish');
    // Shards that keep or resume come to different ends: who finds the dataset complete publishes it, all of it.
    if (policy.incomplete !== INCOMPLETE.delete) await this.#takeOver(published.flatMap(({ group }) => group.members));
  }

  /** Of a dataset that has all phases behind it, so that a newer one in its place may come. */
  async #conclude(members: readonly number[]): Promise<void> {
    const { work, plan, uuids } = this.look;
    const ours = members.filter((i) => work.isOurs(i) && plan.part(i) === 'as it is');
    const { came } = await work.conclude(ours, ['as it is'], () => 'as it is', this.#patience, uuids);
    await concludePublished(work, came, () => ours, uuids);
    await this.#takeOver(members);
    for (const i of members) plan.set(i, 'leave');
  }

  /** What is published together with a candidate. */
  #with(i: number): readonly number[] {
    const { work, plan } = this.look;
    const group = this.settling.followed.find(({ group: { members } }) => members.includes(i))?.group;
    return group ? group.members.filter((one) => work.isOurs(one) && plan.part(one) === 'as it is') : [i];
  }

  /** Publishes what is another shard's, and tells of it. */
  async #takeOver(members: readonly number[]): Promise<void> {
    const { work, surveys, plan, uuids } = this.look;
    const { shard, policy } = work.terms;
    if (!shard || policy.dryRun) return;
    const isLeft = (i: number) =>
      !work.isOurs(i) && work.isAsked(i) && surveys.standing(i) === 'complete' && plan.part(i) === 'as it is';
    // What another one is at work on, or has dealt with, is that one's to tell of.
    const isDone = ({ action }: NativeFinalized) => ['published', 'failed'].includes(ACTIONS[action] as string);
    for (const [i, entry] of await work.act(members.filter(isLeft), uuids, { allEntries: true, until: UNTIL.all }))
      if (isDone(entry)) work.report(i, entry);
  }

  #shown(i: number): string {
    return displayName(fromLatin1(this.look.work.candidates.path(i)));
  }

  #reportUntouched(i: number): void {
    const part = this.look.plan.part(i);
    const first = {
      code: 'AXL_CONFLICT',
      message: `${this.#shown(i)}: an earlier verdict on its dataset has to be carried out first`,
    };
    if (part === 'hold') this.#say(i, 'kept', this.look.plan.why(i) ?? first);
    if (part === 'doubt') this.#say(i, 'corrupt', this.look.plan.why(i));
    if (part === 'fail') this.#say(i, 'failed', this.look.plan.why(i));
  }

  #say(i: number, action: FinalizeAction, error: Failure | undefined): void {
    const { work, surveys } = this.look;
    const resumed = work.resumes.done.has(work.candidates.path(i));
    const details = { ...surveys.details(i), resumed, ...(error && { error }) };
    work.report(i, makeEntry(fromLatin1(work.candidates.path(i)), action, details));
  }

  /** False: no time is left. */
  async waitForDeath(): Promise<boolean> {
    const { busy, overtaken } = this.settling.undecided;
    if (overtaken && !(await this.#patience.another(busy.size))) return false;
    while (!(await this.look.whenDead([0]))) if (!(await this.#patience.another(busy.size))) return false;
    return !this.look.work.stopped;
  }

  /** The end of waiting. */
  giveUp(): void {
    const { busy, overtaken } = this.settling.undecided;
    const why = overtaken
      ? 'another finalizer, or somebody else, is at work on its state files'
      : 'a rank of its dataset is alive, or may be';
    for (const group of this.look.wanted.filter(({ id }) => busy.has(id))) this.#giveUp(group, why);
  }

  #giveUp(group: Group, why: string): void {
    const { work, surveys } = this.look;
    const { missing, missingCount } = this.settling.outcome(group);
    const size = Math.max(...group.sizes);
    work.terms.tally.dataset({ name: group.name, verdict: 'busy', size, missing, missingCount });
    for (const i of group.members.filter((member) => work.isOurs(member))) {
      const alive = surveys.whyAlive(i);
      const message = `${this.#shown(i)}: ${why}`;
      this.#say(i, 'busy', alive ? toFailure(alive) : { code: 'AXL_STATE_LOCKED', message });
    }
  }
}

/** Is nothing left to be done that a verdict is about? Ranks that agreed may have state files that nobody gave us. */
async function isCarriedOut({ home, verdict, group }: Followed, { surveys, work }: Look): Promise<boolean> {
  if (verdict.scope === 'listed') return (await home.isPending(verdict)) === 'no';
  const all =
    verdict.scope === 'everyone at home' || new Set(group.members.map((i) => surveys.rank(i))).size === verdict.size;
  if (!all) return false;
  const left = new Set<number>();
  await work.survey(group.members, (i, { standing, uuid }) => {
    if (!isDoneWith(standing) && uuid === surveys.uuid(i)) left.add(i);
  });
  return left.size === 0;
}

/** Removes the verdicts that were followed and are carried out. */
async function clearVerdicts(followed: readonly Followed[], look: Look): Promise<void> {
  const { policy, tally, scr } = look.work.terms;
  // For SCR it says what was published, until SCR's own files do: scr.ts removes it then.
  if (policy.dryRun || !policy.mayDelete || scr) return;
  for (const one of followed) {
    try {
      await one.home.alone(one.verdict.dataset, one.group.members.length, async () => {
        if (!(await isCarriedOut(one, look))) return;
        const dirs = one.group.members.map((i) => look.work.candidates.dir(i) || '/');
        await one.home.remove(one.verdict.dataset, dirs);
      });
    } catch (error) {
      tally.problem(failureOf(error));
    }
  }
}

/** Were all names of this directory asked for? It may be mounted in several places. */
async function isListed(home: Home, { listed }: DatasetTerms, homes: Homes): Promise<boolean> {
  if (listed.has(home.dir)) return true;
  for (const dir of listed) {
    const other = await homes.open(dir).catch(() => undefined);
    if (other?.identity === home.identity) return true;
  }
  return false;
}

/** Looks at all that was asked for, and at what else there is of the datasets that this is a part of. */
async function survey(work: Work, begin: (work: Work) => Round, wider: Wider): Promise<Round> {
  const first = begin(work);
  await first.look.survey();
  const more = await wider.widen(work, first.look.partial);
  const round = more ? begin(more) : first;
  if (more) await round.look.survey();
  await round.look.findMeetings();
  await round.look.resume();
  return round;
}

/** Surveys, decides, acts; and again for the datasets that were busy, while there is time. */
export async function finalizeDatasets(first: Work, terms: DatasetTerms, allListed: boolean): Promise<void> {
  const homes = new Homes();
  try {
    await settleAll(first, terms, allListed, homes);
  } finally {
    await homes.close();
  }
}

async function settleAll(first: Work, terms: DatasetTerms, allListed: boolean, homes: Homes): Promise<void> {
  const { tally } = first.terms;
  const wider = new Wider(homes, (home) => isListed(home, terms, homes));
  let sight: Sight = { dataset: terms.dataset, allListed, only: undefined };
  for (let work = first; ; ) {
    const round = await tally.time('survey', () =>
      survey(work, (seen) => new Round(seen, sight, terms, homes, wider), wider),
    );
    await tally.time('finalize', async () => {
      await round.settling.all();
      await round.act();
      await clearVerdicts(round.settling.followed, round.look);
    });
    const { busy } = round.settling.undecided;
    if (busy.size === 0) return;
    if (!(await round.waitForDeath())) return round.giveUp();
    const again = await tally.time('scan', terms.rescan);
    work = again ?? work;
    sight = { ...sight, allListed: allListed && again !== undefined, only: busy };
  }
}
