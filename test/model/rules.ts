// The product's own rules, driven with the model's values: Look, Surveys, standIns and decide() of lib/finalize. Only where a
// flaw is to be shown is an answer changed.

import { fromLatin1 } from '../../lib/base/names.js';
import { INCOMPLETE, type NativeSurveyed, STANDINGS } from '../../lib/base/native.js';
import { ANSWERS } from '../../lib/base/native-word.js';
import { decide, isWhole, type Outcome, type Verdict, type View, type Wanted } from '../../lib/finalize/decide.js';
import { Look } from '../../lib/finalize/look.js';
import { Candidates } from '../../lib/finalize/scan.js';
import type { Group } from '../../lib/finalize/surveys.js';
import type { Work } from '../../lib/finalize/work.js';
import { type Decision, type Finalizer, type Inputs, type Seen, transferOf, type World } from './world.js';

const WANTED: Wanted = { incomplete: 'delete', fallback: 'keep', dryRun: false };
const NO_UUID = '0'.repeat(32);

/** A candidate's path: a state file, its copy, or what has replaced it. */
export function pathOf(world: World, candidate: number): string {
  const { path } = transferOf(world, candidate);
  return path + ['', '~', '.gz'][Math.floor(candidate / world.transfers.length)];
}

function surveyed(world: World, candidate: number, { standing, alive }: Seen): NativeSurveyed {
  const { run, rank, dataset, uuid } = transferOf(world, candidate);
  const { attempt, kind } = world.runs[run] as World['runs'][number];
  const isRead = standing !== 'gone' && standing !== 'not-state';
  const seen = {
    ...{ standing: STANDINGS.indexOf(standing), alive: ANSWERS.indexOf(alive), uuid: isRead ? uuid : NO_UUID },
    ...{ rank, size: world.size, dataset, name: 'ckpt', job: '7', attempt, allRanks: kind === 'together' },
    ...{ home: fromLatin1(world.apart ? '/home' : ''), files: 1, filesDone: 1, bytes: 1 },
    ...{ inPhases: false, replacesData: false, oldCommit: false, filesByPhase: [1, 0, 0], phases: 0, dispatchedNs: 0n },
  };
  return seen as unknown as NativeSurveyed;
}

export const isAsked = (world: World, { ranks }: Inputs, candidate: number): boolean =>
  ranks === undefined || ranks.includes(transferOf(world, candidate).rank);

/** Their names by directory, and the candidates in that order. */
function listed(world: World, todo: readonly number[]): { candidates: Candidates; order: number[] } {
  const byDir = new Map<string, number[]>();
  for (const c of todo) {
    const dir = pathOf(world, c).replace(/\/[^/]*$/, '');
    byDir.set(dir, [...(byDir.get(dir) ?? []), c]);
  }
  const name = (c: number) => pathOf(world, c).replace(/.*\//, '');
  const directories = [...byDir].map(([dir, all]) => ({ dir, names: all.map(name), searched: dir, whole: true }));
  return { candidates: new Candidates(directories), order: [...byDir.values()].flat() };
}

interface Sight {
  readonly look: Look;
  /** The model's number of each of Look's candidates. */
  readonly order: readonly number[];
}

function lookAt(world: World, inputs: Inputs, { todo, first, now }: Finalizer): Sight {
  const { candidates, order } = listed(world, todo);
  let seen = first;
  const policy = { mayDelete: true, incomplete: INCOMPLETE.delete };
  const work = {
    ...{ candidates, stopped: true, terms: { policy, tally: { problem: () => {} } } },
    isOurs: (i: number) => isAsked(world, inputs, order[i] as number),
    isAsked: (i: number) => isAsked(world, inputs, order[i] as number),
    survey: (all: Iterable<number>, hear: (i: number, result: NativeSurveyed) => void) => {
      for (const i of all) hear(i, surveyed(world, order[i] as number, seen[order[i] as number] as Seen));
      return Promise.resolve();
    },
  };
  const look = new Look(work as unknown as Work, { dataset: inputs.each !== true, allListed: true, only: undefined });
  void look.survey();
  seen = now;
  void look.again(order.flatMap((c, i) => (now[c] ? [i] : [])));
  return { look, order };
}

const known = new WeakMap<World, Map<string, Sight>>();

/** What the survey tells; the same for the same survey. */
function sightOf(world: World, inputs: Inputs, finalizer: Finalizer): Sight {
  const all = known.get(world) ?? new Map<string, Sight>();
  known.set(world, all);
  const key = JSON.stringify([inputs, finalizer.todo, finalizer.first, finalizer.now]);
  const sight = all.get(key) ?? lookAt(world, inputs, finalizer);
  all.set(key, sight);
  return sight;
}

const groupOf = ({ look }: Sight, dataset: string): Group => look.wanted.find(({ id }) => id === dataset) as Group;

export const datasets = (world: World, inputs: Inputs, finalizer: Finalizer): string[] =>
  sightOf(world, inputs, finalizer).look.wanted.map(({ id }) => id);

export function membersOf(world: World, inputs: Inputs, finalizer: Finalizer, dataset: string): number[] {
  const sight = sightOf(world, inputs, finalizer);
  return groupOf(sight, dataset).members.map((i) => sight.order[i] as number);
}

/** As if a rank could not have two transfers. */
function decideBlindly(view: View, wanted: Wanted): Outcome {
  const whole = (rank: number) => view.members.find((other) => other.rank === rank && isWhole(other.standing));
  const counts = view.members.filter((member) => (whole(member.rank) ?? member) === member);
  const { parts, ...rest } = decide({ ...view, members: counts }, wanted);
  return { ...rest, parts: view.members.map((member) => parts[counts.indexOf(member)] ?? 'as it is') };
}

function verdictOf(world: World, dataset: string, { decision, scope, uuids }: Decision): Verdict {
  const transfers = new Map(uuids.map((uuid) => [uuid, uuid]));
  return { decision, scope, dataset, name: 'ckpt', size: world.size, transfers };
}

export function outcomeOf(
  world: World,
  inputs: Inputs,
  finalizer: Finalizer,
  dataset: string,
  earlier?: Decision,
): Outcome {
  const sight = sightOf(world, inputs, finalizer);
  const group = groupOf(sight, dataset);
  const isSeen = world.without === 'narrowed' || !(world.apart && inputs.ranks);
  const view = sight.look.view(group, [...group.homes], isSeen);
  const blind = world.without === 'runs' || world.without === 'attempts';
  const known = { ...view, earlier: earlier && verdictOf(world, dataset, earlier) };
  return (blind ? decideBlindly : decide)(known, WANTED);
}
