// Bytes a second of large files, many and one: the library beside cp and beside C loops without a checksum.
import { join } from 'node:path';
import { duration, rate } from '../format.mjs';
import { makeFile, makeTree, space } from '../scratch.mjs';
import { copyDrivers, cpNames, floorNames } from './copying.mjs';

export { transfer } from './copying.mjs';

const PREALLOCATED = {
  none: ['C: preallocated', 'p'],
  full: ['C: preallocated, fsync', 'pew'],
};

export const title = 'Throughput';
export const text =
  'Large files from memory to the place named, checksum and journal on. The C loops use as many threads as the ' +
  'library and make no checksum.';
export const columns = { total: ['total', duration], cpu: ['CPU', duration], rate: ['rate', rate] };
const bestOf = [...floorNames, ...Object.values(PREALLOCATED).map(([name]) => name)];
export const compare = { key: 'total', baselines: { before: /^before /, cp: cpNames, 'best C': bestOf } };

const MIB = 1 << 20;

/** Both shapes have the same bytes: 4 GiB, or what fits twice into memory. */
export function cases({ quick, places }) {
  const fits = Math.floor(space(places.memory) / 2 / (64 * MIB));
  const each = quick ? 4 : Math.min(64, fits);
  const shapes = [
    { files: 64, size: each * MIB, label: `64 x ${each} MiB` },
    { files: 1, size: 64 * each * MIB, label: `1 x ${64 * each} MiB` },
  ];
  const ways = [
    { place: 'memory', durability: 'none' },
    { place: 'disk', durability: 'none' },
    { place: 'disk', durability: 'full' },
  ];
  return shapes.flatMap(({ label, ...shape }) =>
    ways.map((way) => ({ ...shape, ...way, name: `${label} to ${way.place}, ${way.durability}` })),
  );
}

export async function open(c, places) {
  const source = join(places.memory, 'large');
  const from = c.files === 1 ? makeFile(source, c.size) : makeTree(source, c.files, () => c.size);
  const extra = c.place === 'disk' ? [PREALLOCATED[c.durability]] : [];
  const drivers = copyDrivers('throughput', { ...c, from, place: places[c.place], extra });
  const withRate = (measured) => ({ ...measured, rate: (c.files * c.size) / measured.total });
  const wrapped = Object.entries(drivers).map(([name, run]) => [name, async () => withRate(await run())]);
  return Object.fromEntries(wrapped);
}
