// The worlds that are gone through: each has few runs, finalizers and faults, so that all of its states can be. Worlds that show
// what a rule is for; and worlds at random.
import { FAULTS, type Flaw, type Scenario } from './world.js';

const here = { host: 0 };
const there = { host: 1 };
const said = { host: 0, said: true };

/** A run and its rerun. */
const turns = (kind: Scenario['runs'][number]['kind']): Scenario['runs'] => [
  { kind, attempt: 0 },
  { kind, attempt: 1, rerun: true },
];

function worldFor(what: string, more: Partial<Scenario>): Scenario {
  return { what, runs: [{ kind: 'leave', attempt: 0 }], reach: true, finalizers: [here], ...more };
}

/** Which of two was dispatched later, the clocks say: the only rule that needs them. */
export const CLOCKS = worldFor('clocks', {
  runs: turns('leave'),
  shared: true,
  finalizers: [said],
  faults: { kill: 2, clock: 1 },
});

export const SCENARIOS: readonly Scenario[] = [
  {
    what: 'ranks that leave, and two finalizers of one host',
    ...{
      runs: [{ kind: 'leave', attempt: 0 }],
      reach: true,
      finalizers: [here, here],
      faults: { kill: 1, finalizer: 1 },
    },
  },
  {
    what: 'ranks of two hosts, whose locks do not reach each other',
    ...{ runs: [{ kind: 'leave', attempt: 0 }], hosts: [0, 1], reach: false, finalizers: [here, said] },
    faults: { kill: 1, host: 1 },
  },
  {
    what: 'ranks of two hosts, whose locks do, and finalizers of both',
    ...{ runs: [{ kind: 'leave', attempt: 0 }], hosts: [0, 1], reach: true, finalizers: [here, there] },
    faults: { host: 1 },
  },
  {
    what: 'ranks that agree, a host that dies, a power cut',
    ...{ runs: [{ kind: 'together', attempt: 0 }], hosts: [0, 1], reach: true, finalizers: [here] },
    faults: { kill: 1, host: 1, power: 1, finalizer: 1 },
  },
  {
    what: 'ranks that agree, and locks that do not reach',
    ...{ runs: [{ kind: 'together', attempt: 0 }], hosts: [0, 1], reach: false, finalizers: [here, there] },
    faults: { kill: 1 },
  },
  {
    what: 'finalizers that are given one rank each, and a power cut',
    ...{ runs: [{ kind: 'leave', attempt: 0 }], reach: true, faults: { kill: 1, power: 1 } },
    finalizers: [
      { host: 0, ranks: [0] },
      { host: 0, ranks: [1] },
    ],
  },
  {
    what: 'state directories apart, and one finalizer for each',
    ...{ runs: [{ kind: 'together', attempt: 0 }], reach: true, apart: true, faults: { kill: 1, finalizer: 1 } },
    finalizers: [
      { host: 0, ranks: [0] },
      { host: 0, ranks: [1] },
    ],
  },
  {
    what: 'an attempt and a rerun to the same destinations',
    ...{
      runs: [
        { kind: 'leave', attempt: 0 },
        { kind: 'leave', attempt: 1, rerun: true },
      ],
      shared: true,
    },
    ...{ reach: true, finalizers: [said], faults: { kill: 1 } },
  },
  {
    what: 'an attempt that is finalized while its rerun publishes for itself',
    ...{
      runs: [
        { kind: 'alone', attempt: 0 },
        { kind: 'alone', attempt: 1, rerun: true },
      ],
      shared: true,
    },
    ...{ reach: true, finalizers: [{ host: 0, each: true }], faults: { kill: 2 } },
  },
  {
    what: 'two runs that say the same of themselves',
    ...{
      runs: [
        { kind: 'leave', attempt: 0 },
        { kind: 'leave', attempt: 0 },
      ],
      reach: true,
    },
    ...{ finalizers: [said], faults: { kill: 2 } },
  },
  {
    what: 'two attempts, each of which lacks a rank',
    runs: [
      { kind: 'leave', attempt: 0, absent: [0] },
      { kind: 'leave', attempt: 1, absent: [1] },
    ],
    ...{ reach: true, finalizers: [here] },
  },
  {
    what: 'copies of state files, and what replaces them',
    ...{
      runs: [{ kind: 'leave', attempt: 0 }],
      reach: true,
      finalizers: [here],
      faults: { copy: 1, replace: 1, kill: 1 },
    },
  },
  {
    what: 'destinations that are not mounted, and a power cut',
    ...{ runs: [{ kind: 'leave', attempt: 0 }], reach: true, finalizers: [here, here] },
    faults: { unmount: 1, power: 1 },
  },
];

/** A world in which the rule is missed, and the invariant that is broken without it. */
export const MISSED: Record<Flaw, readonly [Scenario, RegExp]> = {
  lock: [worldFor('lock', { hosts: [0, 1], reach: false, finalizers: [here], faults: { kill: 1 } }), /^\(1\)/],
  narrowed: [worldFor('narrowed', { finalizers: [{ host: 0, ranks: [0] }] }), /^\(1\)/],
  'stand-in': [worldFor('stand-in', { faults: { replace: 1 } }), /^\(1\)/],
  attempts: [
    worldFor('attempts', {
      finalizers: [said],
      runs: [
        { kind: 'leave', attempt: 0 },
        { kind: 'leave', attempt: 1 },
      ],
      faults: { kill: 2 },
    }),
    /^\(2\)/,
  ],
  runs: [
    worldFor('runs', {
      finalizers: [said],
      runs: [
        { kind: 'leave', attempt: 0 },
        { kind: 'leave', attempt: 0 },
      ],
      faults: { kill: 2 },
    }),
    /^\(2\)/,
  ],
  copy: [worldFor('copy', { faults: { copy: 1 } }), /^\(1\)/],
  since: [
    worldFor('since', {
      runs: turns('alone'),
      shared: true,
      finalizers: [{ host: 0, each: true }],
      faults: { kill: 1 },
    }),
    /^\(3\)/,
  ],
  name: [worldFor('name', { runs: turns('leave'), shared: true, finalizers: [said], faults: { kill: 2 } }), /^\(3\)/],
  vanished: [worldFor('vanished', { faults: { replace: 1 } }), /^\(1\)/],
  unmounted: [worldFor('unmounted', { faults: { unmount: 1, kill: 1 } }), /^\(0\)/],
  verdict: [worldFor('verdict', { finalizers: [{ host: 0, ranks: [0] }], faults: { power: 1 } }), /^\(1\)/],
  commit: [worldFor('commit', { faults: { kill: 1, power: 1 } }), /^\(2\)/],
};

/** @param random from 0 to 1 */
export function atRandom(random: () => number): Scenario {
  const below = (n: number) => Math.floor(random() * n);
  const maybe = () => below(2) === 0;
  const ranks = 1 + below(4);
  const kinds = ['together', 'leave', 'alone'] as const;
  const run = (attempt: number): Scenario['runs'][number] => ({
    kind: kinds[below(3)] ?? 'leave',
    ...{ attempt, rerun: attempt > 0 && maybe() },
    ...(below(4) === 0 && { absent: [below(ranks)] }),
  });
  const runs = Array.from({ length: 1 + below(3) }, (_, attempt) => run(attempt));
  // Who publishes each rank for itself does not ask for datasets afterwards.
  const each = maybe() || runs.some(({ kind }) => kind === 'alone');
  const finalizer = () => {
    const only = below(3) === 0 && { ranks: [below(ranks)] };
    return { host: below(2), said: maybe(), each, ...only };
  };
  return {
    ...{ what: 'at random', runs, ranks, hosts: Array.from({ length: ranks }, () => below(2)), reach: maybe() },
    ...{ finalizers: [finalizer(), finalizer()], shared: maybe(), apart: below(3) === 0 },
    faults: Object.fromEntries(
      FAULTS.filter((fault) => fault !== 'clock' && maybe()).map((fault) => [fault, 1 + below(2)]),
    ),
  };
}
