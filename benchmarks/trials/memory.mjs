// Memory of a rank: how much more than Node alone it needs at its peak, by number and by size of files.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytes } from '../format.mjs';
import { inNode } from '../programs.mjs';
import { makeFile, makeTree, remove, smallSize, space } from '../scratch.mjs';

export const title = 'Memory';
export const text =
  'Peak resident memory of a process that imports the library, copies, publishes and frees, above the peak of the ' +
  'same process before the import. Reading `report.files` makes an object for each file.';
export const columns = {
  above: ['above Node', bytes],
  perFile: ['a file, above that for one file', bytes],
  peak: ['peak', bytes],
};

const MIB = 1 << 20;

export function cases({ quick, places }) {
  const large = quick ? 256 * MIB : 4096 * MIB;
  const all = [
    { name: `1 file of ${64} MiB`, files: 1, size: 64 * MIB },
    { name: `1 file of ${large / MIB} MiB`, files: 1, size: large },
    { name: `${quick ? 2000 : 100_000} files of 1 to 4 KiB`, files: quick ? 2000 : 100_000 },
  ];
  return all.filter(({ size = 0 }) => size < space(places.memory) && size < space(places.disk));
}

const peak = () => Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;

/** Runs in a process of its own. */
export async function rank({ from, to, stateFile, readFiles, idle }) {
  const before = peak();
  if (idle) return { peak: before, above: 0 };
  const { Transfer } = await import('../../dist/lib/index.js');
  const t = await Transfer.create({ name: 'bench', stateFile, durability: 'none' });
  await t.add(from, to);
  await t.dispatch();
  const report = await t.wait();
  if (readFiles && report.files.length === 0) throw new Error('an empty report');
  await t.free();
  return { peak: peak(), above: peak() - before };
}

let forOneFile = 0;

export async function open({ files, size }, places) {
  const source = join(places.memory, 'source');
  const from = size ? makeFile(source, size) : makeTree(source, files, smallSize);
  let copies = 0;
  const stateFile = join(places.disk, 'state-file');
  const run = (how) => async () => {
    const to = join(places.disk, `copy.${++copies}`);
    const measured = await inNode('memory', 'rank', { from, to, stateFile, ...how });
    if (size) await remove(to);
    if (files === 1 && !how.idle) forOneFile = measured.above;
    return files === 1 || how.idle ? measured : { ...measured, perFile: (measured.above - forOneFile) / files };
  };
  const drivers = { 'axl-transfer': run({}), 'Node alone': run({ idle: true }) };
  if (files > 1) drivers['axl-transfer, report.files read'] = run({ readFiles: true });
  return drivers;
}
