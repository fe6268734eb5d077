// Many small files in one transfer: what each call costs, whether the cost of a file stays the same, and how large
// the state file becomes.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bytes, duration, median } from '../format.mjs';
import { builds, inNode } from '../programs.mjs';
import { makeTree, remove, smallSize } from '../scratch.mjs';
import { copyDrivers, cpNames, floorNames } from './copying.mjs';

export { transfer } from './copying.mjs';

export const title = 'Small files';
export const text =
  'Files of 1 to 4 KiB in directories of 1,000, copied by one transfer, from memory to the place named. ' +
  'Linear means that the time of a file stays the same down the table.';
export const columns = {
  total: ['total', duration],
  cpu: ['CPU', duration],
  perFile: ['a file', duration],
  create: ['create', duration],
  add: ['add', duration],
  dispatch: ['dispatch', duration],
  wait: ['wait', duration],
  free: ['free', duration],
  statePerFile: ['state file, a file', bytes],
};
export const compare = { key: 'total', baselines: { before: /^before /, cp: cpNames, 'best C': floorNames } };

export function cases({ quick }) {
  const all = [
    ['memory', 'none', 1000],
    ['memory', 'none', 10_000],
    ['memory', 'none', 100_000],
    ['disk', 'none', 10_000],
    ['disk', 'full', 1000],
    ['disk', 'full', 10_000],
    ['disk', 'full', 100_000, 2],
  ];
  const scale = quick ? 20 : 1;
  const trees = all.map(([place, durability, n, runs]) => ({ place, durability, files: n / scale, runs }));
  const each = { place: 'memory', durability: 'none', files: quick ? 500 : 10_000, each: true };
  const few = (place, durability) => ({ place, durability, files: 4, rounds: quick ? 20 : 300 });
  return [...trees, each, few('memory', 'none'), few('disk', 'full')].map((c) => ({ ...c, name: nameOf(c) }));
}

function nameOf({ place, durability, files, each, rounds }) {
  const how = each ? ', an add() each' : '';
  const many = rounds ? `, median of ${rounds} transfers` : '';
  return `${files} to ${place}, ${durability}${how}${many}`;
}

/** Pairs for an add() of every single file. */
function single(from, to) {
  const names = (directory) => readdirSync(join(from, directory)).map((name) => join(directory, name));
  const all = readdirSync(from).flatMap(names);
  return all.map((name) => [join(from, name), join(to, name)]);
}

/** Runs in a process of its own: many transfers of a few files, one after the other. */
export async function fewFiles({ rounds, from, place, durability }) {
  const { transfer } = await import('./copying.mjs');
  const adds = (i) =>
    readdirSync(join(from, 'd000')).map((name) => [join(from, 'd000', name), join(place, `${name}.${i}`)]);
  const samples = [];
  for (let i = 0; i < rounds; i++) {
    const stateFile = join(place, `state-file.${i}`);
    samples.push(await transfer({ adds: adds(i), stateFile, durability, files: 4 }));
  }
  return Object.fromEntries(Object.keys(samples[0]).map((key) => [key, median(samples.map((sample) => sample[key]))]));
}

function fewDrivers({ rounds, durability }, from, place) {
  const base = join(place, 'few');
  const axl = (build) => async () => {
    await remove(base);
    mkdirSync(base);
    return inNode('small-files', 'fewFiles', { rounds, from, place: base, durability }, {}, build);
  };
  return Object.fromEntries([...builds].map(([name, build]) => [name, axl(build)]));
}

export async function open(c, places) {
  const from = makeTree(join(places.memory, 'small'), c.files, smallSize);
  const place = places[c.place];
  const pairsTo = (to) => single(from, to);
  const drivers = c.rounds
    ? fewDrivers(c, from, place)
    : copyDrivers('small-files', { ...c, from, place, keep: c.place === 'disk', adds: c.each && pairsTo });
  const perFile = ({ stateBytes, ...measured }) => ({
    ...measured,
    perFile: measured.total / c.files,
    ...(stateBytes && { statePerFile: stateBytes / c.files }),
  });
  const wrapped = Object.entries(drivers).map(([name, run]) => [name, async () => perFile(await run())]);
  return Object.fromEntries(wrapped);
}
