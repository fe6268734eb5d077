// What ranks do, and what may happen to all: steps of a state. Ranks as in docs/state-format.md, "What is durable when".
import { hasCome, publish, tellPublished } from './files.js';
import {
  copyOf,
  type Faults,
  IDLE,
  isWritten,
  numbers,
  ofRun,
  type Part,
  partOf,
  type Run,
  type State,
  type Step,
  transferOf,
  type World,
} from './world.js';

/** Can a lock that a process of the first host holds keep out one of the second? */
export const sees = ({ reach }: World, holder: number, other: number): boolean => reach || holder === other;

export const allEnded = (world: World, state: State): boolean =>
  numbers(world).every((i) => partOf(state, i).writer === 'ended');

function beginRun(world: World, state: State, run: number): void {
  for (const i of ofRun(world, run)) {
    const isAbsent = world.runs[run]?.absent?.includes(transferOf(world, i).rank);
    Object.assign(partOf(state, i), isAbsent ? { writer: 'ended' } : { writer: 'alive', phase: 'created' });
  }
}

function beginnings(world: World, state: State): Step[] {
  const waits = (run: number) => ofRun(world, run).every((i) => partOf(state, i).writer === 'waits');
  const ended = (run: number) => ofRun(world, run).every((i) => partOf(state, i).writer === 'ended');
  const mayBegin = ({ rerun }: Run, run: number) => waits(run) && (!rerun || ended(run - 1));
  const next = world.runs.findIndex(mayBegin);
  return next < 0 ? [] : [{ what: `run ${next} begins`, do: (to) => beginRun(world, to, next) }];
}

function dispatch(world: World, state: State, i: number): void {
  const { dest } = transferOf(world, i);
  const order = 1 + state.parts.filter((other, j) => other.order > 0 && transferOf(world, j).dest === dest).length;
  const at = order + state.skew;
  const stood = state.dests[dest] as number;
  Object.assign(partOf(state, i), { phase: 'dispatched', temporary: 'part', stood, order, at });
}

function publishForItself(world: World, state: State, i: number): void {
  const part = partOf(state, i);
  if (hasCome(world, state, i, part) || part.temporary !== 'whole') part.writer = 'ended';
  else publish(world, state, i);
}

function agree(world: World, state: State, run: number, dataset: string): void {
  const scope = world.apart ? 'everyone' : 'everyone at home';
  state.verdicts[dataset] ??= { decision: 'publish', scope, uuids: [], durable: false };
  if (state.verdicts[dataset]?.decision === 'publish') return;
  for (const i of ofRun(world, run)) partOf(state, i).writer = 'ended';
}

type Doing = (part: Part, to: State) => void;

/** What a rank does once its files are settled, together with the others; undefined: it waits for them. */
function together(world: World, state: State, i: number): [string, Doing] | undefined {
  const { run, rank, dataset, host } = transferOf(world, i);
  const mates = ofRun(world, run).map((mate) => partOf(state, mate));
  const end: [string, Doing] = ['loses the others', (part) => Object.assign(part, { writer: 'ended' })];
  if (mates.some(({ writer, phase }) => writer === 'ended' && phase !== 'gone')) return end;
  if (mates.some(({ phase }) => phase === 'created' || phase === 'dispatched' || phase === 'done')) return undefined;
  const verdict = state.verdicts[dataset];
  if (verdict?.durable) return alone(world, state, i);
  if (rank !== 0) return undefined;
  const decides = ({ right }: State['finalizers'][number], at: number) =>
    right === dataset && sees(world, world.finalizers[at]?.host ?? 0, host);
  if (!verdict && state.finalizers.some(decides)) return undefined;
  const sync = (to: State) => Object.assign(to.verdicts[dataset] ?? {}, { durable: true });
  return verdict ? ['syncs the verdict', (_, to) => sync(to)] : ['agrees', (_, to) => agree(world, to, run, dataset)];
}

function alone(world: World, state: State, i: number): [string, Doing] | undefined {
  const { phase, fate } = partOf(state, i);
  if (fate !== 'published') return ['publishes', (_, to) => publishForItself(world, to, i)];
  if (phase === 'settled') return ['is done', (part) => Object.assign(part, { phase: 'final' })];
  const { run, dataset } = transferOf(world, i);
  const mates = ofRun(world, run);
  const isTogether = world.runs[run]?.kind === 'together';
  if (isTogether && mates.some((mate) => partOf(state, mate).fate !== 'published')) return undefined;
  const free: Doing = (part, to) => {
    tellPublished(to, i);
    Object.assign(part, { phase: 'gone', writer: 'ended' });
    if (isTogether && mates.every((mate) => partOf(to, mate).phase === 'gone')) delete to.verdicts[dataset];
  };
  return ['frees', free];
}

function doing(world: World, state: State, i: number): [string, Doing] | undefined {
  const { phase, temporary } = partOf(state, i);
  const { kind } = world.runs[transferOf(world, i).run] as Run;
  const end: Doing = (part) => Object.assign(part, { writer: 'ended' });
  if (phase === 'created') return state.unmounted ? undefined : ['dispatches', (_, to) => dispatch(world, to, i)];
  if (phase === 'dispatched' && (temporary === '' || state.unmounted)) return ['fails', end];
  if (phase === 'dispatched') return ['copies', (part) => Object.assign(part, { phase: 'done', temporary: 'whole' })];
  if (phase === 'done') return ['settles', (part) => Object.assign(part, { phase: 'settled' })];
  if (kind === 'leave' || state.unmounted) return ['leaves', end];
  return kind === 'together' ? together(world, state, i) : alone(world, state, i);
}

function ofRank(world: World, state: State, i: number): Step[] {
  if (partOf(state, i).writer !== 'alive') return [];
  const next = doing(world, state, i);
  return next ? [{ what: `${transferOf(world, i).path} ${next[0]}`, do: (to) => next[1](partOf(to, i), to) }] : [];
}

/** A process ends at once. */
export function endFinalizer(state: State, at: number): void {
  state.finalizers[at] = copyOf(IDLE);
}

function end(world: World, state: State, isHit: (host: number) => boolean): void {
  for (const i of numbers(world)) {
    const part = partOf(state, i);
    if (part.writer === 'alive' && isHit(transferOf(world, i).host)) part.writer = 'ended';
  }
  for (const [at, { host }] of world.finalizers.entries()) if (isHit(host)) endFinalizer(state, at);
}

/** What was not durable is lost; of a journal perhaps. */
function cutPower(world: World, state: State, isLost: boolean): void {
  end(world, state, () => true);
  for (const [dataset, { durable }] of Object.entries(state.verdicts)) if (!durable) delete state.verdicts[dataset];
  for (const part of state.parts) if (isLost && part.phase === 'done') part.phase = 'dispatched';
}

function faultsOf(world: World, state: State): Step[] {
  const may = (fault: keyof Faults) => (state.faults[fault] ?? 0) > 0;
  const steps: Step[] = [];
  const add = (fault: keyof Faults, what: string, act: Step['do']) => {
    const once = (to: State) => {
      to.faults[fault] = (to.faults[fault] ?? 0) - 1;
      act(to);
    };
    steps.push({ what, do: once });
  };
  for (const i of numbers(world)) {
    const { writer, phase, replaced } = partOf(state, i);
    const { path } = transferOf(world, i);
    if (may('kill') && writer === 'alive')
      add('kill', `${path}: its writer is killed`, (to) => Object.assign(partOf(to, i), { writer: 'ended' }));
    const isOpen = state.finalizers.some(({ open }) => open.includes(i));
    if (may('replace') && writer === 'ended' && isWritten(phase) && !replaced && !isOpen)
      add('replace', `${path} is compressed`, (to) => Object.assign(partOf(to, i), { replaced: true }));
    if (may('copy') && isWritten(phase) && phase !== 'created' && !state.copies[i])
      add('copy', `${path} is copied to ${path}~`, (to) => {
        const { stood, replaces, at } = partOf(to, i);
        to.copies[i] = { phase, stood, replaces: [...replaces], at };
      });
  }
  if (may('clock')) add('clock', 'clocks are set back', (to) => Object.assign(to, { skew: -10 }));
  if (may('host')) add('host', 'host 1 dies', (to) => end(world, to, (host) => host === 1));
  if (may('power')) {
    add('power', 'the power fails', (to) => cutPower(world, to, false));
    add('power', 'the power fails, and with it goes what was not durable', (to) => cutPower(world, to, true));
  }
  if (may('unmount')) add('unmount', 'the destination is unmounted', (to) => Object.assign(to, { unmounted: true }));
  for (const [at, { at: where }] of state.finalizers.entries())
    if (may('finalizer') && where !== 'idle')
      add('finalizer', `finalizer ${at} is killed`, (to) => endFinalizer(to, at));
  return steps;
}

export function stepsOfRanks(world: World, state: State): Step[] {
  const ranks = numbers(world).flatMap((i) => ofRank(world, state, i));
  const mounts = state.unmounted
    ? [{ what: 'the destination is mounted', do: (to: State) => Object.assign(to, { unmounted: false }) }]
    : [];
  return [...beginnings(world, state), ...ranks, ...mounts, ...faultsOf(world, state)];
}
