// The model's world as plain values: what runs are started where, what may go wrong, and all that there is at one moment.
// No step, no rule. docs/explanation/reliability.md says what the model has and what it leaves out.
import type { Standing, Verdict } from '../../lib/finalize/decide.js';

/** `together`: ranks with a comm; `leave`: end when all is settled, and leave the rest to axl-finalize; `alone`: each publishes. */
export interface Run {
  readonly kind: 'together' | 'leave' | 'alone';
  readonly attempt: number;
  /** Begins when the one before has ended. */
  readonly rerun?: boolean;
  /** Ranks that never came so far as to make a state file. */
  readonly absent?: readonly number[];
}

export interface Inputs {
  readonly host: number;
  /** Ranks whose state files are given; undefined: their directory. */
  readonly ranks?: readonly number[];
  /** `--job-ended`, said when it is true. */
  readonly said?: boolean;
  /** `--overwrite keep`. */
  readonly keep?: boolean;
  /** Without `--dataset`. */
  readonly each?: boolean;
}

/** What may happen, and how often. */
export const FAULTS = ['kill', 'host', 'power', 'copy', 'replace', 'unmount', 'finalizer', 'clock'] as const;
export type Faults = Partial<Record<(typeof FAULTS)[number], number>>;

/** A rule that is taken out, to see that the checker notices. */
export const FLAWS = {
  lock: 'a lock that was granted is believed, wherever the writer is',
  narrowed: 'what was not asked for is taken for absent',
  'stand-in': 'what stands in the place of a state file is taken for nothing',
  attempts: 'two attempts are one dataset',
  runs: 'two runs that say the same of themselves are one dataset',
  copy: 'a copy of a state file is acted on',
  since: 'what has come since the dispatch is replaced',
  name: 'transfers are published in the order of their names',
  vanished: 'what is listed, and not there any more, is taken for absent',
  unmounted: 'what is not mounted is taken for absent',
  verdict: 'a verdict is acted on before it is durable',
  commit: 'ranks are published before all are settled durably',
} as const;
export type Flaw = keyof typeof FLAWS;

export interface Scenario {
  readonly what: string;
  readonly runs: readonly Run[];
  readonly ranks?: number;
  /** Of rank r; all others on host 0. */
  readonly hosts?: readonly number[];
  /** Do locks reach other hosts? */
  readonly reach: boolean;
  readonly finalizers: readonly Inputs[];
  readonly faults?: Faults;
  /** Do all runs go to the same final names? */
  readonly shared?: boolean;
  /** Each rank has a state directory of its own, and the home is another. */
  readonly apart?: boolean;
}

/** What never changes of a transfer. */
export interface Transfer {
  readonly run: number;
  readonly rank: number;
  readonly host: number;
  readonly dest: number;
  readonly path: string;
  /** 32 hex digits, as that of its dataset. */
  readonly uuid: string;
  readonly dataset: string;
}

export interface World extends Scenario {
  readonly size: number;
  readonly transfers: readonly Transfer[];
  readonly without: Flaw | undefined;
}

export type Phase = 'none' | 'created' | 'dispatched' | 'done' | 'settled' | 'final' | 'given up' | 'gone';

/** What a state file says. */
export interface Journal {
  phase: Phase;
  /** What stood at the final name at the dispatch: a transfer, or -1. */
  stood: number;
  replaces: number[];
  /** When it was dispatched, by the clock of its host. */
  at: number;
}

/** A transfer, its writer, and what has become of it. */
export interface Part extends Journal {
  writer: 'waits' | 'alive' | 'ended';
  temporary: '' | 'part' | 'whole';
  /** `kept`: what had come to its final name was to stay. */
  fate: '' | 'published' | 'rolled back' | 'kept';
  /** The true order of dispatches to its final name. */
  order: number;
  /** Something else has the name of its state file with an ending. */
  replaced: boolean;
}

export interface Seen {
  readonly standing: Standing;
  readonly alive: 'yes' | 'no' | 'cannot tell';
}

/** One axl-finalize: where it is in its program, and what it knows. */
export interface Finalizer {
  at: 'idle' | 'look' | 'read' | 'right' | 'again' | 'commit' | 'write' | 'sync' | 'open' | 'act' | 'remove' | 'clear';
  /** Candidates: number i is the state file of transfer i, or what replaced it; behind these their copies. */
  todo: number[];
  first: Record<number, Seen>;
  now: Record<number, Seen>;
  plan: Record<number, string>;
  /** Datasets that are to be settled. */
  queue: string[];
  followed: string[];
  open: number[];
  /** May decide about a dataset. */
  right: string;
}

export interface Decision extends Pick<Verdict, 'decision' | 'scope'> {
  uuids: string[];
  durable: boolean;
}

export interface State {
  parts: Part[];
  /** By transfer: a state file as it was when somebody copied it. */
  copies: Record<number, Journal>;
  /** What stands at each final name: a transfer, or -1. */
  dests: number[];
  unmounted: boolean;
  /** By how much clocks are wrong. */
  skew: number;
  verdicts: Record<string, Decision>;
  finalizers: Finalizer[];
  faults: Faults;
  /** The invariant that was broken. */
  broken?: string;
}

/** Something that one process does next. It changes the state that it is given. */
export interface Step {
  readonly what: string;
  readonly do: (state: State) => void;
}

/** structuredClone keeps memory until the event loop turns. */
export const copyOf = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

export const IDLE: Finalizer = {
  ...{ at: 'idle', todo: [], first: {}, now: {}, plan: {}, queue: [], followed: [], open: [], right: '' },
};

const digits = (n: number): string => n.toString(16).padStart(32, '0');

/** The names of a later run come first. */
const pathOf = ({ apart }: Scenario, run: number, rank: number): string =>
  `${apart ? `/s${rank}` : '/s'}/${'cba'[run]}.${rank}`;

function datasetOf({ runs }: Scenario, run: number, without: Flaw | undefined): string {
  const { kind, attempt } = runs[run] as Run;
  const isDrawn = kind === 'together' && without !== 'attempts';
  return digits(isDrawn ? 0x1000 + run : 0x2000 + (without === 'attempts' ? 0 : attempt));
}

export function worldOf(scenario: Scenario, without?: Flaw): World {
  const { ranks = 2, hosts = [], runs, shared } = scenario;
  const transfers = runs.flatMap((_, run) =>
    Array.from({ length: ranks }, (_, rank) => ({
      ...{ run, rank, host: hosts[rank] ?? 0, dest: shared ? rank : run * ranks + rank },
      ...{ path: pathOf(scenario, run, rank), uuid: digits(run * ranks + rank + 1) },
      dataset: datasetOf(scenario, run, without),
    })),
  );
  return { ...scenario, size: ranks, transfers, without };
}

export function begin({ transfers, finalizers, faults = {} }: World): State {
  const journal = { phase: 'none', stood: -1, replaces: [], at: 0 } as const;
  const part = { ...journal, writer: 'waits', temporary: '', fate: '', order: 0, replaced: false } as const;
  return {
    parts: transfers.map(() => ({ ...part, replaces: [] })),
    ...{ copies: {}, dests: transfers.map(() => -1), unmounted: false, skew: 0, verdicts: {} },
    ...{ finalizers: finalizers.map(() => copyOf(IDLE)), faults: { ...faults } },
  };
}

export const numbers = (world: World): number[] => world.transfers.map((_, i) => i);
export const partOf = (state: State, i: number): Part => state.parts[i] as Part;
export const transferOf = ({ transfers }: World, i: number): Transfer => transfers[i % transfers.length] as Transfer;
export const ofRun = (world: World, run: number): number[] =>
  numbers(world).filter((i) => world.transfers[i]?.run === run);
export const isWritten = (phase: Phase): boolean => phase !== 'none' && phase !== 'gone';
