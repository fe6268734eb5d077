// What is done to files, by whomever, and which invariants that breaks. Who does it has decided already.
import { type Journal, ofRun, type Part, partOf, type State, transferOf, type World } from './world.js';

export function breaks(state: State, what: string): void {
  state.broken ??= what;
}

/** Are its ranks published all or none? Where each is published for itself, they are not. */
export const goTogether = ({ runs, finalizers }: World, run: number): boolean =>
  runs[run]?.kind === 'together' || (runs[run]?.kind === 'leave' && finalizers.every(({ each }) => !each));

const isWhole = ({ phase, fate }: Part): boolean =>
  fate === 'published' || phase === 'done' || phase === 'settled' || phase === 'final';

function mates(world: World, state: State, i: number): Part[] {
  const { run } = transferOf(world, i);
  return (goTogether(world, run) ? ofRun(world, run) : [i]).map((mate) => partOf(state, mate));
}

function checkHalf(world: World, state: State, i: number): void {
  const fates = new Set(mates(world, state, i).map(({ fate }) => fate));
  if (fates.has('published') && fates.has('rolled back')) breaks(state, '(2) a dataset is published by half');
}

/** What stands at the final name was not there at the dispatch, nor has an older transfer of this run put it there. */
export function hasCome(world: World, state: State, i: number, { stood, replaces }: Journal): boolean {
  const there = state.dests[transferOf(world, i).dest] as number;
  return world.without !== 'since' && there !== stood && !replaces.includes(there);
}

/** The temporary file is renamed. */
export function publish(world: World, state: State, i: number): void {
  const part = partOf(state, i);
  const { dest } = transferOf(world, i);
  const before = state.dests[dest] as number;
  if (before >= 0 && partOf(state, before).order > part.order)
    breaks(state, '(3) an older file has replaced a newer one');
  if (part.temporary !== 'whole') breaks(state, '(4) half a file is published');
  state.dests[dest] = i;
  part.temporary = '';
  part.fate = 'published';
  checkHalf(world, state, i);
}

/** The temporary file is deleted, and the transfer told to be rolled back. */
export function rollBack(world: World, state: State, i: number): void {
  const part = partOf(state, i);
  const of = mates(world, state, i);
  if (of.some(({ writer }) => writer === 'alive')) breaks(state, '(1) rolled back while a writer lives');
  if (of.every(isWhole)) breaks(state, '(1) rolled back though all of it was complete');
  if (part.fate === 'published') breaks(state, '(4) told to be rolled back, and it is published');
  if (!state.unmounted) part.temporary = '';
  part.fate ||= 'rolled back';
  checkHalf(world, state, i);
}

export function tellPublished(state: State, i: number): void {
  if (partOf(state, i).fate !== 'published') breaks(state, '(4) told to be published, and it never was');
}
