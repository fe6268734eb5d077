// How long cancel() takes until no copy runs, at arbitrary moments of a copy.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { duration, number, quantile } from '../format.mjs';
import { inNode } from '../programs.mjs';
import { makeFile, makeTree, smallSize } from '../scratch.mjs';

export const title = 'Cancel';
export const text =
  'Time of `cancel()` until it resolves, which is when no copy runs any more; called at many moments of a copy from ' +
  'memory to the place named. "In flight" says how many of the calls found copies to stop.';
export const columns = {
  p50: ['p50', duration],
  p99: ['p99', duration],
  max: ['max', duration],
  inFlight: ['in flight', number],
  rounds: ['rounds', number],
};

const MIB = 1 << 20;

export function cases({ quick }) {
  const rounds = quick ? 8 : 300;
  const large = quick ? 128 : 512;
  const small = quick ? 1000 : 5000; // on the disk fewer: it minds how many were deleted, see scratch.mjs
  const ways = [
    ['memory', 'none'],
    ['disk', 'none'],
    ['disk', 'full'],
  ];
  return ways.flatMap(([place, durability]) => [
    { name: `${large} MiB to ${place}, ${durability}`, size: large * MIB, place, durability, rounds },
    smallCase(place === 'disk' ? 1000 : small, { place, durability, rounds }),
  ]);
}

const smallCase = (files, c) => ({ name: `${files} small files to ${c.place}, ${c.durability}`, files, ...c });

/** Runs in a process of its own. The moments are spread evenly over the time of one whole copy. */
export async function rounds({ from, to, stateFile, durability, rounds }) {
  const { Transfer } = await import('../../dist/lib/index.js');
  const begin = async () => {
    const t = await Transfer.create({ name: 'bench', stateFile, durability });
    await t.add(from, to);
    await t.dispatch();
    return t;
  };
  const whole = await begin();
  const start = performance.now();
  for await (const _ of whole.progress());
  const length = performance.now() - start;
  await whole.cancel();
  await whole.free();

  const samples = [];
  let inFlight = 0;
  for (let i = 0; i < rounds; i++) {
    const t = await begin();
    await delay((length * i) / rounds);
    const before = performance.now();
    if ((await t.cancel()) === 'canceled') inFlight++;
    samples.push((performance.now() - before) / 1000);
    await t.free();
    await rm(to, { recursive: true, force: true });
  }
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => quantile(samples, share));
  return { p50, p99, max, inFlight, rounds };
}

export async function open({ size, files, place, durability, rounds }, places) {
  const source = join(places.memory, 'source');
  const from = size ? makeFile(source, size) : makeTree(source, files, smallSize);
  const to = join(places[place], 'copy');
  const given = { from, to, stateFile: join(places[place], 'state-file'), durability, rounds };
  return { 'axl-transfer': () => inNode('cancel', 'rounds', given) };
}
