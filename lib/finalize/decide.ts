// What becomes of a dataset, by what was seen of its transfers: a value for a value, without I/O. Who asks has to see to it
// that what was seen still holds (`first`), and that the decision is durable (`write`), before it is carried out.

import type { AxlCode } from '../base/errors.js';
import { displayName, fromLatin1 } from '../base/names.js';
import type { STANDINGS } from '../base/native.js';
import type { ANSWERS } from '../base/native-word.js';
import type { DatasetVerdict } from './types.js';

/** To a question that may have none: what cannot be told is never taken for a yes or a no. */
export type Answer = (typeof ANSWERS)[number];
export type Standing = (typeof STANDINGS)[number];

/** How many missing ranks are named. */
export const NAMED = 100;

/** A transfer of the dataset, as it was seen. */
export interface Member {
  /** 32 hex digits. */
  readonly uuid: string;
  readonly rank: number;
  readonly standing: Standing;
  /** Is its writer, or a finalizer, at work on it? */
  readonly alive: Answer;
  /** Has it files of other phases than data? */
  readonly inPhases: boolean;
  /** Has it a file of the last phase? */
  readonly points: boolean;
  /** Is it this finalizer's to resume and to finalize, or another shard's? */
  readonly ours: boolean;
}

/** Transfers of the same name, job and attempt that could be of this dataset, if their homes or sizes were not others. */
export interface Rival {
  readonly home: string;
  readonly size: number;
  /** Of those that are complete. */
  readonly ranks: readonly number[];
}

/** A decision that was written down. */
export interface Verdict {
  readonly decision: 'publish' | 'roll back' | 'publish in phases';
  /** `everyone`: every transfer of the dataset; its ranks agreed. `everyone at home`: so, and all their state files are there. */
  readonly scope: 'listed' | 'everyone' | 'everyone at home';
  /** 32 hex digits. */
  readonly dataset: string;
  readonly name: string;
  readonly size: number;
  /** Of scope `listed`: by UUID, the name of each state file in the home, or its absolute path elsewhere; in latin1. */
  readonly transfers: ReadonlyMap<string, string>;
}

export interface View {
  readonly name: string;
  /** How many ranks its transfers say that it has; more than one answer is a contradiction. */
  readonly sizes: readonly number[];
  /** Does one of its transfers ask to be published only with all? */
  readonly allRanks: boolean;
  readonly members: readonly Member[];
  /** Directories that its transfers name as its home; more than one is a contradiction. */
  readonly homes: readonly string[];
  readonly rivals: readonly Rival[];
  /** Has everything been seen that may be of this dataset? */
  readonly allSeen: Answer;
  /** What was decided before, if that is about any of the members. */
  readonly earlier: Verdict | undefined;
  /** What else it lacks, whatever its ranks say. */
  readonly lacks?: string;
  /** A verdict to publish is written for one rank alone, too, and for what is published: it stays, for later runs to see. */
  readonly lasting?: boolean;
}

/** What the caller of the finalizer wants. */
export interface Wanted {
  readonly incomplete: 'delete' | 'keep' | 'resume';
  readonly fallback: 'delete' | 'keep';
  readonly dryRun: boolean;
}

/**
 * What is done with a transfer. `as it is`: what its own state file says · `incomplete`: what is wanted of incomplete
 * ones · `keep`, `roll back`: so, whatever is wanted · `wait`: nothing, it is busy · `hold`: nothing, an earlier
 * verdict comes first · `fail`: nothing, see `why` · `doubt`: nothing, it may be what a dataset lacks · `leave`: nothing,
 * and it is not told of.
 */
export const PARTS = ['leave', 'as it is', 'incomplete', 'keep', 'roll back', 'wait', 'hold', 'fail', 'doubt'] as const;
export type Part = (typeof PARTS)[number];

export interface Outcome {
  /** `conflict`: what was seen contradicts itself, so that nothing is touched. */
  readonly verdict: DatasetVerdict['verdict'] | 'conflict';
  readonly missing: readonly number[];
  readonly missingCount: number;
  /** Before anything is done: make durable that all are complete, and see that they can be published; or look again. */
  readonly first: 'nothing' | 'commit' | 'look again';
  /** What has to be durable in the home first. */
  readonly write: Verdict['decision'] | undefined;
  /** Of each member, in their order. */
  readonly parts: readonly Part[];
  /** As the view has it. */
  readonly lacks?: string;
  readonly why?: { readonly code: AxlCode; readonly message: string };
}

/** Can be published, or is. */
export function isWhole(standing: Standing): boolean {
  return standing === 'complete' || standing === 'published';
}

/** Is a verdict about this transfer? */
export function concerns({ scope, transfers }: Verdict, uuid: string): boolean {
  return scope !== 'listed' || transfers.has(uuid);
}

function missingRanks(whole: ReadonlySet<number>, size: number): number[] {
  const missing: number[] = [];
  for (let rank = 0; rank < size && missing.length < NAMED; rank++) if (!whole.has(rank)) missing.push(rank);
  return missing;
}

/**
 * Ranks that go together and have no comm agree by themselves that all are complete before one publishes, and free
 * nothing before all have published: then one that is published says so of those that are gone.
 */
function isProven({ allRanks, members }: View): boolean {
  const left = members.filter(({ standing }) => standing !== 'gone');
  return allRanks && left.some(({ standing }) => standing === 'published') && left.every((m) => isWhole(m.standing));
}

/** The ranks of a dataset that count as whole: in a dry run also those that a resume would complete. */
function wholeRanks({ members, sizes }: View, { incomplete, dryRun }: Wanted): Set<number> {
  const size = sizeOf(sizes);
  const counts = ({ standing }: Member) =>
    isWhole(standing) || (dryRun && incomplete === 'resume' && standing === 'incomplete');
  return new Set(members.filter((member) => member.rank < size && counts(member)).map(({ rank }) => rank));
}

export const sizeOf = (sizes: readonly number[]): number => Math.max(0, ...sizes);

const shown = (dir: string): string => displayName(fromLatin1(dir === '' ? '/' : dir));

const hasBegun = ({ standing }: Member): boolean =>
  isWhole(standing) || standing === 'incomplete' || standing === 'never-dispatched';

/**
 * Why its transfers may be of two runs that say the same of themselves, so that nobody knows which go together: a rank has
 * two that are whole; or all ranks are whole, but several have another one, too, and each run may have completed other
 * ranks. One rank that began twice may be one run's. One rank alone is a dataset in itself.
 */
function whyTwo({ members, sizes }: View, isComplete: boolean): string | undefined {
  const [whole, begun, again] = [new Set<number>(), new Set<number>(), new Set<number>()];
  if (sizeOf(sizes) < 2) return undefined;
  // One that two paths lead to is one.
  const transfers = new Map(members.filter(hasBegun).map((member) => [member.uuid, member]));
  for (const member of transfers.values()) {
    const { rank } = member;
    if (isWhole(member.standing) && whole.has(rank)) return `rank ${rank} has two transfers that are complete`;
    if (isWhole(member.standing)) whole.add(rank);
    if (begun.has(rank)) again.add(rank);
    begun.add(rank);
  }
  const [first, second] = [...again].sort((a, b) => a - b);
  return isComplete && second !== undefined ? `ranks ${first} and ${second} have two transfers each` : undefined;
}

function contradiction({ name, sizes, homes, rivals }: View, twice: string | undefined): Outcome['why'] {
  const dataset = `dataset ${displayName(name)}`;
  if (twice !== undefined) {
    const remedy =
      'free those of one run, or finalize them one by one; give each run a job, an attempt or a state directory';
    return { code: 'AXL_CONFLICT', message: `${dataset}: ${twice}, as of two runs: ${remedy} of its own` };
  }
  const all = [...new Set([...homes, ...rivals.map(({ home }) => home)])].sort();
  if (all.length > 1) {
    const why = `its transfers have different homes, ${all.map(shown).join(' and ')}`;
    return { code: 'AXL_CONFLICT', message: `${dataset}: ${why}: create all of them with the same option home` };
  }
  const different = [...new Set([...sizes, ...rivals.map(({ size }) => size)])].sort((a, b) => a - b).slice(0, 10);
  return { code: 'AXL_CONFLICT', message: `${dataset}: its transfers disagree on its size: ${different.join(', ')}` };
}

/** What would be pointed to is one rank's to say. */
function whyTwoPointers({ name, members }: View): Outcome['why'] {
  const ranks = members.filter(({ points }) => points).map(({ rank }) => rank);
  const [one, other] = ranks.sort((a, b) => a - b);
  if (one === undefined || other === undefined) return undefined;
  const why = `ranks ${one} and ${other} have a pointer each`;
  const remedy = 'only rank 0 may have one: free the other, and dispatch it without';
  return { code: 'AXL_CONFLICT', message: `dataset ${displayName(name)}: ${why}: ${remedy}` };
}

/** Which rivals have ranks that this one lacks? Two runs that both have rank 0 are not parts of one. */
const parted = ({ members, rivals }: View): readonly Rival[] =>
  rivals.filter(({ ranks }) => !members.some(({ rank, standing }) => isWhole(standing) && ranks.includes(rank)));

/** Is that to publish, in whatever way? */
export const publishes = ({ decision }: Pick<Verdict, 'decision'>): boolean => decision !== 'roll back';

function follow({ members }: View, verdict: Verdict, seen: Pick<Outcome, 'missing' | 'missingCount'>): Outcome {
  const publish = publishes(verdict);
  const part = ({ uuid, standing }: Member): Part => {
    if (concerns(verdict, uuid)) return publish ? 'as it is' : 'roll back';
    // One that came later: only to be judged when what was decided has been done.
    return isWhole(standing) ? 'hold' : publish ? 'as it is' : 'incomplete';
  };
  const told = publish ? { missing: [], missingCount: 0 } : seen;
  const verdictNow = publish ? 'complete' : 'incomplete';
  return { ...told, verdict: verdictNow, first: 'nothing', write: undefined, parts: members.map(part) };
}

/** Is an incomplete dataset to stay, whatever is wanted? What was not seen, or not resumed yet, may be what it lacks. */
function isKept({ members, allSeen }: View, { incomplete }: Wanted): boolean {
  const resumedElsewhere = ({ standing, ours }: Member) => standing === 'incomplete' && !ours;
  return allSeen !== 'yes' || (incomplete === 'resume' && members.some(resumedElsewhere));
}

/** @returns what is to be done, for each member, and what has to come first */
export function decide(view: View, wanted: Wanted): Outcome {
  const { members, sizes, homes, earlier } = view;
  const size = sizeOf(sizes);
  const all = (part: Part) => members.map(() => part);
  const ranks = wholeRanks(view, wanted);
  const isComplete = view.lacks === undefined && (ranks.size === size || isProven(view));
  const missing = isComplete ? [] : missingRanks(ranks, size);
  const seen = { missing, missingCount: isComplete ? 0 : size - ranks.size };
  const lacks = view.lacks !== undefined && missing.length === 0 ? { lacks: view.lacks } : {};
  const nothing = { ...seen, first: 'nothing', write: undefined } as const;
  const conflict = (at: View, twice?: string, why = contradiction(at, twice)): Outcome => {
    return { ...nothing, verdict: 'conflict', parts: all('fail'), ...(why && { why }) };
  };
  if (homes.length > 1 || sizes.length > 1) return conflict({ ...view, rivals: [] });
  if (earlier) return follow(view, earlier, seen);
  if (members.some(({ alive }) => alive !== 'no')) return { ...nothing, verdict: 'busy', parts: all('wait') };
  const twice = whyTwo(view, isComplete);
  if (twice !== undefined) return conflict(view, twice);
  const pointers = whyTwoPointers(view);
  if (pointers) return conflict(view, undefined, pointers);
  const isOne = members.length === 1 && size === 1 && !view.lasting;
  if (isComplete) {
    const isDone = wanted.dryRun || (!view.lasting && members.every(({ standing }) => standing !== 'complete'));
    const first = wanted.dryRun ? 'nothing' : isOne ? 'nothing' : 'commit';
    const write = isOne || isDone ? undefined : members.some((one) => one.inPhases) ? 'publish in phases' : 'publish';
    return { ...seen, verdict: 'complete', first, write, parts: all('as it is') };
  }
  const rivals = parted(view);
  if (rivals.length > 0) return conflict({ ...view, rivals });
  const kept = isKept(view, wanted);
  const deletes = (wanted.incomplete === 'resume' ? wanted.fallback : wanted.incomplete) === 'delete';
  const write = deletes && !kept && !isOne && !wanted.dryRun ? 'roll back' : undefined;
  const parts = all(kept ? 'keep' : write ? 'roll back' : 'incomplete');
  return { ...seen, ...lacks, verdict: 'incomplete', first: 'look again', write, parts };
}
