// axl-finalize, step by step: survey; for each dataset decide, look again, make a verdict durable; act; clear. The order is that
// of lib/finalize/settle.ts and native/finalizer.cc; what is decided, rules.ts asks. A step has one look at, or one change of, what others see.
import type { Outcome, Standing } from '../../lib/finalize/decide.js';
import { breaks, hasCome, publish, rollBack, tellPublished } from './files.js';
import { allEnded, endFinalizer, sees } from './ranks.js';
import { datasets, isAsked, membersOf, outcomeOf, pathOf } from './rules.js';
import {
  type Decision,
  type Finalizer,
  type Inputs,
  isWritten,
  type Journal,
  numbers,
  type Part,
  type Phase,
  partOf,
  type Seen,
  type State,
  type Step,
  transferOf,
  type World,
} from './world.js';

/** One finalizer in one state, and what it is to do. */
interface Turn {
  readonly world: World;
  readonly state: State;
  readonly at: number;
  readonly inputs: Inputs;
  readonly my: Finalizer;
}

const STANDING: Partial<Record<Phase, Standing>> = {
  ...{ created: 'never-dispatched', dispatched: 'incomplete', done: 'complete', settled: 'complete' },
  ...{ final: 'published', 'given up': 'rolled-back' },
};
const ACTED_ON = ['each', 'as it is', 'incomplete', 'keep', 'roll back'];

const isCopy = ({ transfers }: World, c: number): boolean => c >= transfers.length && c < 2 * transfers.length;
const isStandIn = ({ transfers }: World, c: number): boolean => c >= 2 * transfers.length;

function journalOf({ world, state }: Turn, c: number): Journal | undefined {
  const i = c % world.transfers.length;
  if (isCopy(world, c)) return state.copies[i];
  const part = partOf(state, i);
  return isWritten(part.phase) && part.replaced === isStandIn(world, c) ? part : undefined;
}

function isLocked({ world, state, at, inputs }: Turn, c: number): boolean {
  return state.finalizers.some(({ open, at: where }, other) => {
    const works = where === 'act' || where === 'remove';
    return other !== at && works && open.includes(c) && sees(world, world.finalizers[other]?.host ?? 0, inputs.host);
  });
}

/** docs/state-format.md, "Who is alive". */
function isAlive(turn: Turn, c: number): Seen['alive'] {
  const { world, state, inputs } = turn;
  const { host } = transferOf(world, c);
  const lives = partOf(state, c % world.transfers.length).writer === 'alive' && !isCopy(world, c);
  if (isLocked(turn, c) || (lives && sees(world, host, inputs.host))) return 'yes';
  if (host === inputs.host || inputs.said || world.reach || world.without === 'lock' || isCopy(world, c)) return 'no';
  return 'cannot tell';
}

function lookAt(turn: Turn, c: number): Seen {
  const journal = journalOf(turn, c);
  if (!journal) return { standing: 'gone', alive: 'no' };
  if (isStandIn(turn.world, c)) return { standing: 'not-state', alive: 'no' };
  if (isCopy(turn.world, c) && turn.world.without !== 'copy') return { standing: 'copy', alive: 'no' };
  return { standing: STANDING[journal.phase] as Standing, alive: isAlive(turn, c) };
}

/** What is listed: what was asked for; and in the same directory what else there is of its dataset. */
function scan({ my, ...turn }: Turn): void {
  const { world, inputs } = turn;
  const isWide = world.without !== 'narrowed' && !world.apart;
  const all = numbers(world).flatMap((i) => [0, 1, 2].map((kind) => i + kind * world.transfers.length));
  const isSkipped = (c: number) => isStandIn(world, c) && world.without === 'stand-in';
  my.todo = all.filter((c) => journalOf({ my, ...turn }, c) && !isSkipped(c) && (isWide || isAsked(world, inputs, c)));
  my.at = 'look';
  if (my.todo.length === 0) endFinalizer(turn.state, turn.at);
}

function look(turn: Turn, c: number): void {
  const { world, inputs, my } = turn;
  my.first[c] = lookAt(turn, c);
  if (my.todo.some((other) => !my.first[other])) return;
  my.queue = datasets(world, inputs, my);
  const isOfDataset = new Set(my.queue.flatMap((dataset) => membersOf(world, inputs, my, dataset)));
  if (inputs.each) for (const one of my.todo) if (!isOfDataset.has(one)) my.plan[one] = 'each';
  my.at = my.queue.length > 0 ? 'read' : 'open';
}

function members({ world, inputs, my }: Turn): number[] {
  return membersOf(world, inputs, my, my.queue[0] as string);
}

const outcome = ({ world, inputs, my }: Turn, earlier?: Decision): Outcome =>
  outcomeOf(world, inputs, my, my.queue[0] as string, earlier);

/** The next dataset; or all are settled. */
function plan(turn: Turn, parts: readonly string[] | string): void {
  const { my } = turn;
  for (const [at, c] of members(turn).entries()) my.plan[c] = typeof parts === 'string' ? parts : (parts[at] as string);
  my.queue.shift();
  my.right = '';
  my.open = [];
  my.at = my.queue.length > 0 ? 'read' : 'open';
}

const concerns = ({ scope, uuids }: Decision, uuid: string): boolean => scope !== 'listed' || uuids.includes(uuid);

/** A verdict on these transfers; whoever reads it makes it durable. */
function earlier(turn: Turn): Decision | undefined {
  const { world, state, my } = turn;
  const found = state.verdicts[my.queue[0] as string];
  if (!found || world.size === 1) return undefined;
  if (world.without !== 'verdict') found.durable = true;
  return members(turn).some((c) => concerns(found, transferOf(world, c).uuid)) ? found : undefined;
}

function follow(turn: Turn, verdict: Decision): void {
  turn.my.followed.push(turn.my.queue[0] as string);
  plan(turn, outcome(turn, verdict).parts);
}

const after = { nothing: 'write', commit: 'commit', 'look again': 'again' } as const;

function check({ my, world }: Turn, first: Outcome['first']): void {
  my.at = world.without === 'commit' && first === 'commit' ? 'write' : after[first];
}

function read(turn: Turn) {
  const before = earlier(turn);
  if (before) {
    follow(turn, before);
    return;
  }
  const { verdict, first, write, parts } = outcome(turn);
  if (verdict === 'busy' || verdict === 'conflict' || (!write && first === 'nothing')) return plan(turn, parts);
  if (write) turn.my.at = 'right';
  else check(turn, first);
}

function takeRight(turn: Turn) {
  const { world, state, at, inputs, my } = turn;
  const [dataset = ''] = my.queue;
  const isTaken = state.finalizers.some(
    ({ right }, other) =>
      other !== at && right === dataset && sees(world, world.finalizers[other]?.host ?? 0, inputs.host),
  );
  if (isTaken) return plan(turn, 'wait');
  my.right = dataset;
  const before = earlier(turn);
  if (before) follow(turn, before);
  else check(turn, outcome(turn).first);
}

/** What was looked into holds: it is written down, or, where nothing has to be, planned. */
function holds(turn: Turn): void {
  const hasVanished = Object.values(turn.my.first).some(({ standing }) => standing === 'gone');
  const isInDoubt = hasVanished && turn.world.without !== 'vanished' && outcome(turn).write === 'roll back';
  turn.my.open = [];
  if (turn.my.right && isInDoubt) plan(turn, 'wait');
  else if (turn.my.right) turn.my.at = 'write';
  else plan(turn, outcome(turn).parts);
}

function lookAgain(turn: Turn, c: number) {
  const { my } = turn;
  const before = my.first[c] as Seen;
  const now = lookAt(turn, c);
  my.now[c] = now;
  my.open.push(c);
  if (now.standing === 'gone' ? before.standing !== 'gone' : now.standing !== before.standing || now.alive !== 'no')
    return plan(turn, 'wait');
  if (my.open.length === members(turn).length) holds(turn);
}

/** Why it cannot be published now: a word of the plan. */
function refusal(turn: Turn, c: number): string | undefined {
  const { world, state, inputs } = turn;
  const i = c % world.transfers.length;
  const journal = journalOf(turn, c);
  if (!journal || isAlive(turn, c) !== 'no') return 'wait';
  if (journal.phase === 'final') return undefined;
  if (journal.phase !== 'done' && journal.phase !== 'settled') return 'wait';
  if (state.unmounted) return 'hold';
  if (state.dests[transferOf(world, i).dest] === i) return undefined;
  const isExpected = inputs.keep || !hasCome(world, state, i, journal);
  return partOf(state, i).temporary === 'whole' && isExpected ? undefined : 'hold';
}

function commit(turn: Turn, c: number) {
  const { my } = turn;
  const isTold = ['complete', 'published'].includes((my.now[c] ?? my.first[c])?.standing ?? '');
  const refused = isTold ? refusal(turn, c) : undefined;
  if (refused) return plan(turn, refused);
  const journal = journalOf(turn, c);
  if (isTold && journal?.phase === 'done') journal.phase = 'settled';
  my.open.push(c);
  if (my.open.length === members(turn).length) holds(turn);
}

function isCarriedOut(world: World, state: State, { uuids, scope }: Decision, dataset: string): boolean {
  const is = (i: number) => ['none', 'gone', 'final', 'given up'].includes(partOf(state, i).phase);
  const of = numbers(world).filter((i) => world.transfers[i]?.dataset === dataset);
  return of.filter((i) => scope !== 'listed' || uuids.includes(world.transfers[i]?.uuid ?? '')).every(is);
}

function write(turn: Turn): void {
  const { world, state, my } = turn;
  const [dataset = ''] = my.queue;
  const before = state.verdicts[dataset];
  const decision = outcome(turn).write ?? 'roll back';
  const isWhole = (c: number) => ['complete', 'published'].includes((my.now[c] ?? my.first[c])?.standing ?? '');
  const of = members(turn).filter((c) => decision === 'roll back' || isWhole(c));
  const uuids = of.map((c) => transferOf(world, c).uuid);
  if (before && !uuids.some((uuid) => concerns(before, uuid)) && isCarriedOut(world, state, before, dataset))
    delete state.verdicts[dataset];
  state.verdicts[dataset] ??= { decision, scope: 'listed', uuids, durable: false };
  my.at = 'sync';
}

function sync(turn: Turn): void {
  const found = turn.state.verdicts[turn.my.queue[0] as string] as Decision;
  if (turn.world.without !== 'verdict') found.durable = true;
  if (members(turn).some((c) => concerns(found, transferOf(turn.world, c).uuid))) follow(turn, found);
  else plan(turn, 'fail');
}

const isOlder = (turn: Turn, a: number, b: number): boolean => {
  if (turn.world.without === 'name') return pathOf(turn.world, a) < pathOf(turn.world, b);
  const [first, second] = [journalOf(turn, a)?.at ?? 0, journalOf(turn, b)?.at ?? 0];
  return first < second || (first === second && a < b);
};

const isToBePublished = (turn: Turn, c: number): boolean =>
  ['each', 'as it is'].includes(turn.my.plan[c] ?? '') && ['done', 'settled'].includes(journalOf(turn, c)?.phase ?? '');

function letReplace({ replaces }: Journal, older: number): void {
  if (!replaces.includes(older)) replaces.push(older);
}

/** All of them, in the order in which they are acted on: each newer one says what the older ones will put there. */
function open(turn: Turn): void {
  const { world, inputs, my } = turn;
  const isOriginal = (c: number) => !isStandIn(world, c) && (!isCopy(world, c) || world.without === 'copy');
  const isWanted = (c: number) => ACTED_ON.includes(my.plan[c] ?? '') && isAsked(world, inputs, c) && isOriginal(c);
  const mayOpen = (c: number) => isWanted(c) && journalOf(turn, c) && isAlive(turn, c) === 'no';
  const order = my.todo.filter(mayOpen).sort((a, b) => (isOlder(turn, a, b) ? -1 : 1));
  for (const c of order)
    for (const older of order.slice(0, order.indexOf(c)))
      if (isToBePublished(turn, c) && isToBePublished(turn, older) && meet(world, c, older))
        letReplace(journalOf(turn, c) as Journal, older % world.transfers.length);
  Object.assign(my, { todo: order, first: {}, now: {} });
  my.open = [...order];
  my.at = order.length > 0 ? 'act' : 'clear';
}

const meet = (world: World, a: number, b: number): boolean =>
  transferOf(world, a).dest === transferOf(world, b).dest && a % world.transfers.length !== b % world.transfers.length;

function keep(state: State, i: number): Part['fate'] {
  const part = partOf(state, i);
  part.temporary = '';
  part.fate ||= 'kept';
  return 'kept';
}

/** Undefined: it is left as it is. */
function publishOne(turn: Turn, c: number, journal: Journal): Part['fate'] | undefined {
  const { world, state } = turn;
  const i = c % world.transfers.length;
  const lost = () => (journal.phase === 'done' ? rollBackOne(turn, c, journal) : undefined);
  if (state.unmounted) return world.without === 'unmounted' ? lost() : undefined;
  const { temporary } = partOf(state, i);
  if (temporary === '' && state.dests[transferOf(world, i).dest] === i && journal.phase === 'settled')
    return 'published';
  if (temporary !== 'whole') return lost();
  if (hasCome(world, state, i, journal)) return turn.inputs.keep ? keep(state, i) : undefined;
  journal.phase = turn.my.open.some((other) => meet(world, c, other)) ? 'final' : 'settled';
  publish(world, state, i);
  return 'published';
}

function rollBackOne({ world, state }: Turn, c: number, journal: Journal): 'rolled back' | undefined {
  const i = c % world.transfers.length;
  if (state.unmounted && world.without !== 'unmounted') return undefined;
  const isThere = state.dests[transferOf(world, i).dest] === i && !state.unmounted;
  if (journal.phase === 'settled' && isThere) return undefined;
  rollBack(world, state, i);
  if (journal.phase === 'settled') journal.phase = 'given up';
  return 'rolled back';
}

/** Undefined: it is left as it is. */
function actOn(turn: Turn, c: number, journal: Journal): Part['fate'] | 'removed' | undefined {
  if (turn.my.plan[c] === 'keep') return undefined;
  if (journal.phase === 'created' || journal.phase === 'final') return 'removed';
  return isToBePublished(turn, c) ? publishOne(turn, c, journal) : rollBackOne(turn, c, journal);
}

function act(turn: Turn, c: number): void {
  const { my } = turn;
  const journal = journalOf(turn, c);
  my.todo.shift();
  // Without locks another may have been faster.
  const done = journal && actOn(turn, c, journal);
  if (!done) my.open = my.open.filter((other) => other !== c);
  if (done === 'published') tellPublished(turn.state, c % turn.world.transfers.length);
  if (my.todo.length === 0) my.at = my.open.length > 0 ? 'remove' : 'clear';
}

function remove({ world, state, my }: Turn, c: number): void {
  const i = c % world.transfers.length;
  const part = partOf(state, i);
  if (isCopy(world, c)) delete state.copies[i];
  else part.phase = 'gone';
  if (!isCopy(world, c) && part.temporary !== '') breaks(state, '(0) a temporary file has lost its state file');
  my.open.shift();
  if (my.open.length === 0) my.at = 'clear';
}

function clear({ world, state, at, my }: Turn): void {
  for (const dataset of my.followed) {
    const found = state.verdicts[dataset];
    const isFree = state.finalizers.every(({ right }) => right !== dataset);
    if (found && isFree && isCarriedOut(world, state, found, dataset)) delete state.verdicts[dataset];
  }
  endFinalizer(state, at);
}

/** The first that is not among these. */
const firstBut = (all: readonly number[], known: readonly number[]): number =>
  all.find((c) => !known.includes(c)) as number;

/** The kind of its next step, and of which candidate. */
function next(turn: Turn): [string, (turn: Turn) => void] {
  const { my, world } = turn;
  const about = (what: string, c: number, act: (turn: Turn, c: number) => void): [string, (turn: Turn) => void] => [
    `${what} ${pathOf(world, c)}`,
    (to) => act(to, c),
  ];
  switch (my.at) {
    case 'idle':
      return ['lists', scan];
    case 'look':
      return about('looks at', firstBut(my.todo, Object.keys(my.first).map(Number)), look);
    case 'read':
      return ['reads the verdict and decides', read];
    case 'right':
      return ['takes the right to decide', takeRight];
    case 'again':
      return about('looks again at', firstBut(members(turn), my.open), lookAgain);
    case 'commit':
      return about('settles', firstBut(members(turn), my.open), commit);
    case 'write':
      return ['writes a verdict', write];
    case 'sync':
      return ['makes the verdict durable', sync];
    case 'open':
      return ['locks what it acts on', open];
    case 'act':
      return about(`acts (${my.plan[my.todo[0] as number]}) on`, my.todo[0] as number, act);
    case 'remove':
      return about('removes', my.open[0] as number, remove);
    case 'clear':
      return ['clears verdicts away', clear];
  }
}

/** The next step of a finalizer; undefined: it is not to begin yet. */
export function stepOf(world: World, state: State, at: number): Step | undefined {
  const inputs = world.finalizers[at] as Inputs;
  const turn = (to: State): Turn => ({ world, state: to, at, inputs, my: to.finalizers[at] as Finalizer });
  const now = turn(state);
  if (now.my.at === 'idle' && inputs.said && !allEnded(world, state)) return undefined;
  const [what, act] = next(now);
  return { what: `finalizer ${at} ${what}`, do: (to) => act(turn(to)) };
}
