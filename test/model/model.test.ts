// The model of the whole protocol: no state that can be reached breaks an invariant; and without any one of the rules, some does.
import t from 'tap';
import { type Found, search, walk } from './check.js';
import { atRandom, CLOCKS, MISSED, SCENARIOS } from './scenarios.js';
import { FLAWS, type Flaw, type Scenario, worldOf } from './world.js';

const isDeep = process.env.AXL_TEST_DEEP === '1';
/** Of each world, the nearest to its beginning. */
const STATES = isDeep ? Number.POSITIVE_INFINITY : 6000;
const WALKS = Number(process.env.AXL_TEST_WALKS ?? 2000);
/** The same walks in each run of npm test; others in each deep run. */
const SEED = Number(process.env.AXL_TEST_SEED ?? (isDeep ? Date.now() % 1_000_000_000 : 1));

/** From 0 to 1; the same for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A counterexample as lines. */
const told = ({ broken, steps = [] }: Found): string[] => (broken ? [...steps, broken] : []);

for (const scenario of SCENARIOS)
  t.test(`${scenario.what}: no state breaks an invariant`, async (t) => {
    const found = search(worldOf(scenario), STATES);
    t.same(told(found), []);
    t.comment(`${found.states} states${found.cut ? ', and there are more' : ', and that is all'}`);
  });

for (const [flaw, [scenario, invariant]] of Object.entries(MISSED) as [Flaw, (typeof MISSED)[Flaw]][])
  t.test(`it is noticed if ${FLAWS[flaw]}`, async (t) => {
    t.same(told(search(worldOf(scenario), STATES)), [], 'with the rule all is well');
    const found = search(worldOf(scenario, flaw));
    t.match(found.broken, invariant);
    for (const line of told(found)) t.comment(line);
  });

t.test('which of two transfers to one destination is the newer one, only clocks tell', async (t) => {
  const found = search(worldOf(CLOCKS));
  t.match(found.broken, /^\(3\)/);
  for (const line of told(found)) t.comment(line);
});

t.test(`${WALKS} walks at random break nothing`, async (t) => {
  t.comment(`AXL_TEST_SEED=${SEED}`);
  const walkOf = (seed: number): [Scenario, Found] => {
    const random = randomOf(seed);
    const scenario = atRandom(random);
    return [scenario, walk(worldOf(scenario), random)];
  };
  for (let i = 0; i < WALKS; i++) {
    const [scenario, found] = walkOf(SEED + i);
    if (i % 1000 === 0) await new Promise(setImmediate);
    if (!found.broken) continue;
    t.same(told(found), [], `AXL_TEST_SEED=${SEED + i} AXL_TEST_WALKS=1`, { scenario });
    return;
  }
});
