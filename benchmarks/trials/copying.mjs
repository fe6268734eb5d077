// What the trials that copy have in common: one transfer with a stop watch, and the programs beside it.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { builds, command, copyFloor, inNode, library, shell } from '../programs.mjs';
import { remove, settle } from '../scratch.mjs';

/** Runs in a process of its own. Seconds of each call of one transfer. @param adds pairs of source and destination */
export async function transfer({ adds, stateFile, durability, files }) {
  const { Transfer } = await library();
  const measured = {};
  const time = async (name, call) => {
    const start = performance.now();
    const result = await call();
    measured[name] = (performance.now() - start) / 1000;
    return result;
  };
  const begin = performance.now();
  const before = process.cpuUsage();
  const t = await time('create', () => Transfer.create({ name: 'bench', stateFile, durability }));
  await time('add', () => Promise.all(adds.map(([from, to]) => t.add(from, to))));
  await time('dispatch', () => t.dispatch());
  const report = await time('wait', () => t.wait());
  const stateBytes = statSync(stateFile).size;
  await time('free', () => t.free());
  const total = (performance.now() - begin) / 1000;
  if (report.filesPublished !== files) throw new Error(`${report.filesPublished} files published, not ${files}`);
  const { user, system } = process.cpuUsage(before);
  return { total, cpu: (user + system) / 1e6, ...measured, stateBytes };
}

const FLOORS = {
  none: [
    ['C: bytes only', '-'],
    ['C: metadata, rename', 'mr'],
  ],
  full: [
    ['C: fsync each', 'mrew'],
    ['C: one syncfs', 'mrs'],
  ],
};
export const floorNames = Object.values(FLOORS)
  .flat()
  .map(([name]) => name);
export const cpNames = ['cp -a', 'cp -a, sync'];

/**
 * The drivers of one copy: this library, cp and C loops that do part of its work. Each copies to where nothing is, and
 * nothing is left to be written when it starts.
 * @param trial the module whose `transfer` is run
 * @param c `keep`: the copies stay until the end; `extra`: more pairs of a name and letters of the C copy
 */
export function copyDrivers(trial, { from, place, durability, files, adds, keep, extra = [] }) {
  let copies = 0;
  const fresh = (run) => async () => {
    const to = join(place, `copy.${++copies}`);
    await settle(place);
    const { seconds, ...measured } = await run(to);
    if (!keep) await remove(to);
    return seconds === undefined ? measured : { total: seconds, cpu: measured.cpu };
  };
  const axl = (build) => (to) => {
    const given = { adds: adds?.(to) ?? [[from, to]], stateFile: join(place, 'state-file'), durability, files };
    return inNode(trial, 'transfer', given, {}, build);
  };
  const drivers = Object.fromEntries([...builds].map(([name, build]) => [name, fresh(axl(build))]));
  if (durability === 'none') drivers['cp -a'] = fresh((to) => command('cp', '-a', from, to));
  else drivers['cp -a, sync'] = fresh((to) => shell('cp -a "$1" "$2"; sync -f "$2"', from, to));
  for (const [name, how] of [...FLOORS[durability], ...extra]) drivers[name] = fresh((to) => copyFloor(from, to, how));
  return drivers;
}
