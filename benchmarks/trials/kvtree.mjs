// axl-finalize over the state files that the C library AXL leaves, beside our own state files of the same work, and beside a shell
// loop that starts a process for each of them, as `axl_cp -S FILE -U` is to be used.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { bytes, duration } from '../format.mjs';
import { builds, command, finalizer, finalizerOf, inNode, shell, systemCalls } from '../programs.mjs';
import { remove, settle } from '../scratch.mjs';
import { realJob } from './finalize.mjs';

export const title = "AXL's state files";
export const text =
  'Wall time of `axl-finalize --job-ended DIR`, start of Node included, for state files of AXL (KVTree): killed when all was ' +
  'copied and nothing renamed, USE_EXTENSION and COPY_METADATA on. Beside it, our own state files of the same work, whose ' +
  'copies are durable and have their metadata already; and a process for each state file, with `axl-finalize` in the place ' +
  'of `axl_cp -U`, over a part of them. All destinations lie in one directory.';
export const columns = {
  seconds: ['total', duration],
  perState: ['a state file', duration],
  calls: ['system calls each', (n) => n.toFixed(1)],
  cpu: ['CPU', duration],
  rss: ['peak memory', bytes],
};
export const compare = {
  key: 'perState',
  baselines: { 'our own': ['our own'], 'a process each': ['a process each'], before: /^before / },
};

/** Of those that have a process each: thousands would take an hour, and tell no more. */
const LOOP = 128;
const MTIME = 1_700_000_000;

export function cases({ quick }) {
  const grid = [1024, 16_384].flatMap((n) =>
    ['memory', 'disk'].map((place) => ({ states: quick ? n / 32 : n, place })),
  );
  const named = grid.map((c) => ({ ...c, files: 4, name: `${c.states} x 4 on ${c.place}` }));
  const traced = { states: quick ? 32 : 1024, files: 4, place: 'memory', calls: true, runs: 1 };
  return [...named, { ...traced, name: `system calls of ${traced.states} x 4` }];
}

// ---- what AXL writes

const counted = (entries) => {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(entries.length);
  return Buffer.concat([count, ...entries]);
};
const key = (name, below = counted([])) => Buffer.concat([Buffer.from(`${name}\0`), below]);
const value = ([name, is]) => key(name, counted([key(is)]));
const values = (of) => Object.entries(of).map(value);

function kvTree(entries) {
  const header = Buffer.from('951fc3f500010001000000000000000000000001', 'hex');
  const file = Buffer.concat([header, counted(entries), Buffer.alloc(4)]);
  file.writeBigUInt64BE(BigInt(file.length), 8);
  file.writeUInt32BE(crc32(file.subarray(0, -4)), file.length - 4);
  return file;
}

function fileEntry(source, temporary) {
  const times = ['ATIME', 'CTIME', 'MTIME'].flatMap((name) => [
    [`${name}_SECS`, MTIME],
    [`${name}_NSECS`, 123_456_789],
  ]);
  const given = {
    ...Object.fromEntries(times),
    SIZE: 1024,
    GID: process.getgid(),
    UID: process.getuid(),
    MODE: 0o100640,
  };
  return key(source, counted(values({ ...given, STATUS: 1, DEST: temporary })));
}

/** Runs in a process of its own. */
export function makeStates({ states, files, state, dest }) {
  const content = Buffer.alloc(1024, 7);
  for (let rank = 0; rank < states; rank++) {
    const entries = Array.from({ length: files }, (_, f) => {
      const name = `rank.${rank}.part${f}`;
      writeFileSync(join(dest, `${name}._AXL`), content, { mode: 0o600 });
      return fileEntry(`/scratch/ckpt.1/${name}`, join(dest, `${name}._AXL`));
    });
    const kept = { COPY_METADATA: 1, USE_EXTENSION: 1, MKDIR: 1, FILE_BUF_SIZE: 33_554_432, NAME: 'ckpt.1', TYPE: 7 };
    const path = join(state, `rank_${rank}.state_file`);
    const top = [
      ...values({ STATUS: 2, STATE: 2 }),
      key('FILE', counted(entries)),
      ...values({ ...kept, STATE_FILE: path }),
    ];
    writeFileSync(path, kvTree(top), { mode: 0o600 });
  }
  return {};
}

/** For each run other state files, and other temporary files. */
class AxlJob {
  #runs = 0;

  constructor(place, name, given) {
    this.base = join(place, name);
    this.given = given;
    mkdirSync(this.base);
  }

  async next() {
    const [state, dest] = ['state', 'dest'].map((name) => join(this.base, `${name}.${this.#runs}`));
    if (this.#runs > 0) await remove(join(this.base, `dest.${this.#runs - 1}`));
    this.#runs++;
    this.now = { state, dest };
    for (const directory of [state, dest]) mkdirSync(directory);
    await inNode('kvtree', 'makeStates', { ...this.given, state, dest });
    await settle(this.base);
    return state;
  }

  check() {
    const left = readdirSync(this.now.state).length;
    const temporary = readdirSync(this.now.dest).filter((name) => name.endsWith('._AXL')).length;
    if (left + temporary > 0) throw new Error(`${left} state files and ${temporary} temporary files are left`);
  }
}

const ENDED = '--job-ended';

function countCalls({ states }, axl, own, empty) {
  const each =
    (job, ...options) =>
    async () => {
      const before = systemCalls(process.execPath, finalizer, ...options, empty);
      if (before === undefined) return {};
      return { calls: (systemCalls(process.execPath, finalizer, ...options, await job.next()) - before) / states };
    };
  return { KVTree: each(axl, ENDED), 'our own': each(own) };
}

export async function open(c, places) {
  const place = places[c.place];
  const own = realJob(places, { ...c, durability: 'full' });
  const axl = new AxlJob(place, 'kvtree', c);
  if (c.calls) {
    const empty = join(place, 'empty');
    mkdirSync(empty);
    return countCalls(c, axl, own, empty);
  }
  const driver = (job, states, run) => async () => {
    const measured = await run(await job.next());
    job.check();
    return { ...measured, perState: measured.seconds / states };
  };
  const drivers = {};
  for (const [name, build] of builds) {
    const run = (state) => command(process.execPath, finalizerOf(build), ENDED, state);
    const job = drivers.KVTree ? new AxlJob(place, `kvtree.before`, c) : axl;
    drivers[name === 'axl-transfer' ? 'KVTree' : name] = driver(job, c.states, run);
  }
  drivers['our own'] = driver(own, c.states, (state) => command(process.execPath, finalizer, state));
  const few = Math.min(LOOP, c.states);
  const loop = 'for file in "$3"/*; do "$1" "$2" --job-ended --quiet "$file"; done';
  drivers['a process each'] = driver(new AxlJob(place, 'each', { ...c, states: few }), few, (state) =>
    shell(loop, process.execPath, finalizer, state),
  );
  return drivers;
}
