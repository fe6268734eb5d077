// axl-finalize over the state files of a whole job, from the start of the process to its end, beside a C loop that
// opens, locks, reads, checks, renames, syncs and removes as much as it must.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytes, duration } from '../format.mjs';
import {
  builds,
  command,
  finalizeFloor,
  finalizerOf,
  floorCalls,
  inNode,
  library,
  systemCalls,
  withoutSync,
} from '../programs.mjs';
import { makeFile, remove, settle } from '../scratch.mjs';

export const title = 'Finalize';
export const text =
  'Wall time of `axl-finalize DIR`, start of Node included, for state files that the library itself wrote, one for ' +
  'each rank; all destinations lie in one directory. The C loop has state files of the same size, which need no ' +
  'decoding, and as many threads.';
export const columns = {
  seconds: ['total', duration],
  perState: ['a state file', duration],
  calls: ['system calls each', (n) => n.toFixed(1)],
  cpu: ['CPU', duration],
  rss: ['peak memory', bytes],
};
const FLOORS = {
  none: { 'C: the least calls': '-', 'C: the same calls': 'c' },
  full: { 'C: fsync each journal': 'e', 'C: syncfs a batch': 's' },
};
const floorNames = Object.values(FLOORS).flatMap(Object.keys);
export const compare = {
  key: 'seconds',
  baselines: {
    before: /^before /,
    'best C': floorNames,
    'C, same calls': ['C: the same calls'],
    'node -e 0': ['node -e 0'],
  },
};

/** Files each. 75,264 x 16 are 2.4 million with those of the C loop: 13 GB of memory, and more patience than a disk leaves. */
const counts = (states, place) => (states > 16_384 && place === 'disk' ? [1, 4] : [1, 4, 16]);

/** As many as are worth their time. */
const runs = (files) => (files > 1_000_000 ? { runs: 1 } : files > 60_000 ? { runs: 2 } : {});

export function cases({ quick }) {
  const states = (n) => (quick ? n / 32 : n);
  const ways = [
    ['memory', 'none'],
    ['disk', 'none'],
    ['disk', 'full'],
  ];
  const grid = [1024, 16_384, 75_264].flatMap((n) =>
    ways.flatMap(([place, durability]) =>
      counts(n, place).map((files) => ({
        ...{ states: states(n), files, place, durability },
        ...runs(n * files),
      })),
    ),
  );
  const named = grid.map((c) => ({ ...c, name: `${c.states} x ${c.files} on ${c.place}, ${c.durability}` }));
  const traced = [1, 4].flatMap((files) =>
    ['none', 'full'].map((durability) => ({ states: 1024, files, place: 'memory', durability, calls: true, runs: 1 })),
  );
  named.push(...traced.map((c) => ({ ...c, name: `system calls of 1024 x ${c.files}, ${c.durability}` })));
  return [{ name: 'an empty directory', states: 0, place: 'memory' }, ...named];
}

/** Runs in a process of its own: transfers that are complete but not published, as a killed rank leaves them. */
export async function makeStates({ states, files, source, state, dest, durability, allRanks = false }) {
  const { Transfer } = await library();
  let next = 0;
  const rank = async (i) => {
    const number = String(i).padStart(6, '0');
    const stateFile = join(state, `rank.${number}`);
    const t = await Transfer.create({ name: 'ckpt.1', stateFile, durability, allRanks, rank: i, size: states });
    for (let f = 0; f < files; f++) await t.add(source, join(dest, `rank.${number}.part${f}`));
    await t.dispatch();
    for await (const _ of t.progress()); // ends with the last copy
    await t[Symbol.asyncDispose]();
  };
  const lane = async () => {
    while (next < states) await rank(next++);
  };
  await Promise.all(Array.from({ length: 64 }, lane));
  return {};
}

const SUFFIX = /\._AXL[0-9a-f]{16}$/;
const finalName = (temporary) => temporary.replace(SUFFIX, '');

/** A state directory, its destinations, and a new state directory for each run. */
class Job {
  runs = 0;

  constructor(place, name) {
    this.base = join(place, name);
    this.state = join(this.base, 'state');
    this.dest = join(this.base, 'dest');
    for (const directory of [this.base, this.dest]) mkdirSync(directory);
  }

  /** @returns the next state directory, and temporary files that are as it says */
  async next() {
    const state = `${this.state}.${++this.runs}`;
    await this.make(state);
    await settle(this.base);
    return state;
  }

  check() {
    const states = readdirSync(`${this.state}.${this.runs}`).length;
    const temporary = readdirSync(this.dest).filter((name) => SUFFIX.test(name)).length;
    if (states + temporary > 0) throw new Error(`${states} state files and ${temporary} temporary files are left`);
  }
}

/** A job whose ranks have left complete transfers: for each run those of new ranks, for a copied state file is none. */
class RealJob extends Job {
  constructor(places, c, build, name) {
    super(places[c.place], name);
    const source = makeFile(join(places.memory, `source.${name}`), 1024);
    this.arguments = { ...c, source, dest: this.dest };
    this.environment = c.durability === 'full' ? { LD_PRELOAD: withoutSync } : {};
    this.build = build;
  }

  async make(state) {
    await remove(this.dest);
    for (const directory of [this.dest, state]) mkdirSync(directory);
    await inNode('finalize', 'makeStates', { ...this.arguments, state }, this.environment, this.build);
  }
}

export const realJob = (places, c, build = builds.get('axl-transfer'), name = 'axl') =>
  new RealJob(places, c, build, name);

/** The same names and sizes, in state files that the C loop can read. */
class FloorJob extends Job {
  constructor(places, c, real) {
    super(places[c.place], 'floor');
    this.real = real;
  }

  async make(state) {
    if (this.runs > 1) {
      for (const name of this.temporary) renameSync(join(this.dest, finalName(name)), join(this.dest, name));
    } else {
      await this.first();
    }
    execFileSync('cp', ['-a', this.state, state]);
  }

  async first() {
    mkdirSync(this.state);
    const model = join(this.real.base, 'model');
    await this.real.make(model);
    this.temporary = readdirSync(this.real.dest);
    const names = new Map();
    for (const name of this.temporary) {
      writeFileSync(join(this.dest, name), Buffer.alloc(1024));
      const rank = name.slice(0, 'rank.000000'.length);
      const pair = `${join(this.dest, name)}\0${join(this.dest, finalName(name))}\0`;
      names.set(rank, (names.get(rank) ?? '') + pair);
    }
    for (const [rank, pairs] of names) {
      const content = Buffer.alloc(Math.max(pairs.length, statSync(join(model, rank)).size));
      content.write(pairs);
      writeFileSync(join(this.state, rank), content, { mode: 0o600 });
    }
    await remove(model);
  }
}

/** The row of a build. */
const rowOf = (name) => (name === 'axl-transfer' ? 'axl-finalize' : name);

async function openEmpty(places) {
  const empty = join(places.memory, 'empty');
  mkdirSync(empty);
  return {
    ...Object.fromEntries(
      [...builds].map(([name, build]) => [rowOf(name), () => command(process.execPath, finalizerOf(build), empty)]),
    ),
    'node -e 0': () => command(process.execPath, '-e', '0'),
  };
}

/** Beyond those of an empty directory: what Node does to start is no matter of the state files. */
function countCalls({ states, durability }, real, floor) {
  const empty = join(floor.base, 'empty');
  mkdirSync(empty);
  const each = (count, job) => async () => {
    const before = count(empty);
    return before === undefined ? {} : { calls: (count(await job.next()) - before) / states };
  };
  const ours = (build) => (directory) => systemCalls(process.execPath, finalizerOf(build), directory);
  const drivers = {};
  for (const { row, build, job } of real) drivers[row] = each(ours(build), job);
  for (const [name, how] of Object.entries(FLOORS[durability]))
    drivers[name] = each((directory) => floorCalls(directory, how), floor);
  return drivers;
}

export async function open(c, places) {
  if (c.states === 0) return openEmpty(places);
  const real = [];
  for (const [name, build] of builds)
    real.push({ row: rowOf(name), build, job: realJob(places, c, build, `axl.${real.length}`) });
  const floor = new FloorJob(places, c, real[0].job);
  if (c.calls) return countCalls(c, real, floor);
  const driver = (job, run) => async () => {
    const measured = await run(await job.next());
    job.check();
    return { ...measured, perState: measured.seconds / c.states };
  };
  const drivers = {};
  for (const { row, build, job } of real)
    drivers[row] = driver(job, (state) => command(process.execPath, finalizerOf(build), state));
  for (const [name, how] of Object.entries(FLOORS[c.durability]))
    drivers[name] = driver(floor, (state) => finalizeFloor(state, how));
  return drivers;
}
