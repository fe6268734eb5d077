// Goes through the states of a world, all of them or at random, and looks at the invariants; what breaks one is printed as the
// steps that led there. Wherever all processes have ended, finalizers are run to the end with everything given.

import { breaks, goTogether } from './files.js';
import { stepOf } from './finalizer.js';
import { allEnded, stepsOfRanks } from './ranks.js';
import {
  begin,
  copyOf,
  IDLE,
  isWritten,
  numbers,
  ofRun,
  partOf,
  type State,
  type Step,
  transferOf,
  type World,
} from './world.js';

/** How often each finalizer begins. */
const LIVES = 1;

/** A state of the search: `lives` are those that finalizers have left. */
interface Node {
  readonly state: State;
  readonly lives: number[];
}

function steps(world: World, { state, lives }: Node): [Step, number?][] {
  const finalizers = world.finalizers.flatMap((_, at): [Step, number?][] => {
    const isIdle = state.finalizers[at]?.at === 'idle';
    const step = isIdle && !lives[at] ? undefined : stepOf(world, state, at);
    return step ? [isIdle ? [step, at] : [step]] : [];
  });
  return [...stepsOfRanks(world, state).map((step): [Step] => [step]), ...finalizers];
}

interface Last {
  readonly last: World;
  /** With `--overwrite keep`. */
  readonly keeping: World;
}

const lasts = new WeakMap<World, Last>();

/** The same world, and finalizers to which everything is given. */
function lastOf(world: World): Last {
  const inputs = { host: 0, said: true, each: world.finalizers.some(({ each }) => each) };
  const made = {
    last: { ...world, finalizers: [inputs] },
    keeping: { ...world, finalizers: [{ ...inputs, keep: true }] },
  };
  const known = lasts.get(world) ?? made;
  lasts.set(world, known);
  return known;
}

function runLast(world: World, state: State): void {
  for (let count = 0; count < 200 && !state.broken; count++) {
    stepOf(world, state, 0)?.do(state);
    if (state.finalizers[0]?.at === 'idle') return;
  }
  breaks(state, '(5) a finalizer does not end');
}

/** Another transfer of its dataset has its rank: nobody knows which counts. */
const isDouble = (world: World, i: number): boolean => {
  const { rank, dataset } = transferOf(world, i);
  return world.transfers.some((other, j) => j !== i && other.dataset === dataset && other.rank === rank);
};

const left = (world: World, state: State): number[] => numbers(world).filter((i) => isWritten(partOf(state, i).phase));

/**
 * What an operator does about AXL_CONFLICT and AXL_VERIFY, as the messages say: frees one of two runs that cannot be told
 * apart; forgets what was published, and replaced before that was written down.
 */
function helpOut(world: World, state: State): void {
  const doubles = left(world, state).filter((i) => isDouble(world, i));
  const freed = Math.max(...doubles.map((i) => transferOf(world, i).run));
  for (const i of left(world, state)) {
    const part = partOf(state, i);
    const isLost = part.phase === 'settled' && part.temporary === '';
    if (transferOf(world, i).run === freed) Object.assign(part, { phase: 'gone', temporary: '', fate: 'rolled back' });
    else if (isLost && part.fate === 'published') part.phase = 'gone';
  }
}

/** All is mounted, brought back, and ended: does it come to rest, and how? */
function rest(world: World, given: State): State {
  const state = copyOf(given);
  Object.assign(state, { unmounted: false, copies: {}, finalizers: [copyOf(IDLE)] });
  for (const part of state.parts) part.replaced = false;
  const { last, keeping } = lastOf(world);
  runLast(last, state);
  const once = JSON.stringify(state);
  runLast(last, state);
  if (!state.broken && JSON.stringify(state) !== once) breaks(state, '(5) to finalize twice is not to finalize once');
  runLast(keeping, state);
  helpOut(world, state);
  runLast(keeping, state);
  if (!state.broken) checkRest(world, state);
  return state;
}

function checkRest(world: World, state: State): void {
  for (const i of numbers(world)) {
    const { temporary, phase, fate } = partOf(state, i);
    if (isWritten(phase)) breaks(state, `(5) ${transferOf(world, i).path} is refused for ever`);
    if (temporary !== '') breaks(state, '(0) a temporary file has lost its state file');
    const { run } = transferOf(world, i);
    const isForward = (mate: number) => ['published', 'kept'].includes(partOf(state, mate).fate);
    if (goTogether(world, run) && fate === 'published' && !ofRun(world, run).every(isForward))
      breaks(state, '(2) a dataset is published by half');
  }
}

const isQuiet = (world: World, { state }: Node): boolean =>
  allEnded(world, state) && state.finalizers.every(({ at }) => at === 'idle');

function after(node: Node, [step, began]: [Step, number?]): Node {
  const { state, lives } = copyOf(node);
  step.do(state);
  if (began !== undefined) lives[began] = (lives[began] ?? 0) - 1;
  return { state, lives };
}

function start(world: World): Node {
  return { state: begin(world), lives: world.finalizers.map(() => LIVES) };
}

export interface Found {
  readonly states: number;
  /** The bound was reached. */
  readonly cut: boolean;
  /** The steps that break an invariant, and which. */
  readonly steps?: readonly string[];
  readonly broken?: string;
}

/** What the state breaks, be it only at the end. */
function brokenBy(world: World, node: Node): string | undefined {
  return node.state.broken ?? (isQuiet(world, node) ? rest(world, node.state).broken : undefined);
}

/** Breadth first, so that what it finds is short. @param most states */
export function search(world: World, most = Number.POSITIVE_INFINITY): Found {
  const first = JSON.stringify(start(world));
  const from = new Map<string, { before: string; what: string } | undefined>([[first, undefined]]);
  const trace = (key: string, what: string) => {
    const steps = [what];
    for (let at = from.get(key); at; at = from.get(at.before)) steps.unshift(at.what);
    return steps;
  };
  for (const key of from.keys()) {
    if (from.size > most) return { states: from.size, cut: true };
    const node = JSON.parse(key) as Node;
    for (const step of steps(world, node)) {
      const to = after(node, step);
      const next = JSON.stringify(to);
      if (from.has(next)) continue;
      const broken = brokenBy(world, to);
      if (broken) return { states: from.size, cut: false, broken, steps: trace(key, step[0].what) };
      from.set(next, { before: key, what: step[0].what });
    }
  }
  return { states: from.size, cut: false };
}

/** One way through it. @param random from 0 to 1 */
export function walk(world: World, random: () => number, most = 200): Found {
  let node = start(world);
  const told: string[] = [];
  for (let count = 0; count < most; count++) {
    const all = steps(world, node);
    const step = all[Math.floor(random() * all.length)];
    if (!step) break;
    told.push(step[0].what);
    node = after(node, step);
    const broken = brokenBy(world, node);
    if (broken) return { states: count, cut: false, broken, steps: told };
  }
  return { states: told.length, cut: false };
}
