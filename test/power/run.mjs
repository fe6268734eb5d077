// Power cuts on real file systems, as root: a transfer, or a dataset, runs on two disks that write down all they do; then
// for each state that the disks may be in after a power cut at any point, the file systems are mounted again, as they
// recover, a reader looks, finalize() runs, and every destination must be complete or as it was before.
//   node test/power/run.mjs [--samples N] [--more N] [--nosync KIND] [--only KIND,...] [FILE SYSTEM...]
// --more: small files beside the four, so that the state file has many pages. --only: some of what scenes.mjs has.
// Needs root, /dev/fuse, loop devices, cc, and the Debian packages e2fsprogs xfsprogs btrfs-progs fuse3 libfuse3-dev.
// With --nosync (directories, temporaries or journals) the transfer skips those fsyncs: then it is to fail.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Disks, FILE_SYSTEMS, run } from './disks.mjs';
import { crashStates, markAt, random, readLog } from './log.mjs';
import { KINDS, makeScene } from './scenes.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const SEED = 20261121;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    samples: { type: 'string', default: '150' },
    more: { type: 'string', default: '0' },
    nosync: { type: 'string' },
    only: { type: 'string', default: KINDS.join() },
  },
});

/** Why it cannot run here; '' if it can. */
function missing() {
  if (process.geteuid() !== 0) return 'needs root';
  if (!fs.existsSync('/dev/fuse')) return 'needs /dev/fuse';
  if (spawnSync('losetup', ['-f']).status !== 0) return 'needs loop devices';
  if (spawnSync('pkg-config', ['--exists', 'fuse3']).status !== 0) return 'needs the Debian package libfuse3-dev';
  const programs = ['fusermount3', 'cc', ...Object.values(FILE_SYSTEMS).map(({ make }) => make[0])];
  const lacking = programs.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0);
  return lacking.length > 0 ? `needs ${[...new Set(lacking)].join(', ')}` : '';
}

function build(root) {
  const flags = run('pkg-config', ['--cflags', '--libs', 'fuse3']).split(/\s+/);
  const recorder = join(root, 'recorder');
  const nosync = join(root, 'nosync.so');
  run('cc', ['-O1', '-Wall', '-Wextra', '-o', recorder, join(here, 'recorder.c'), ...flags]);
  run('cc', ['-O1', '-Wall', '-Wextra', '-shared', '-fPIC', '-o', nosync, join(here, 'nosync.c'), '-ldl']);
  return { recorder, nosync };
}

/** The names in a state directory. The courtesy lock of a finalizer may stay: it is stale, and harmless. */
const statesIn = (dirs) =>
  dirs.flatMap((dir) => fs.readdirSync(dir)).filter((name) => !name.startsWith('.axl-finalize.'));

class Trial {
  constructor(root, system, kind, { samples, more, nosync }, tools) {
    Object.assign(this, { samples, nosync, tools });
    this.disks = new Disks(root, system);
    this.scene = makeScene(kind, this.disks.mounts, join(root, 'source'), { more });
  }

  /** Runs the transfers on disks that are recorded. */
  record() {
    const { disks, scene, nosync, tools } = this;
    scene.makeSource();
    disks.record(tools.recorder);
    try {
      scene.makeBefore();
      this.before = scene.look();
      run('sync', []);
      const mark = join(disks.fuse, 'mark');
      fs.writeFileSync(mark, 'start');
      const env = { ...process.env, ...(nosync && { LD_PRELOAD: tools.nosync, NOSYNC: nosync }) };
      run(process.execPath, [join(here, 'workload.mjs'), mark, JSON.stringify(scene.workload)], { env });
      this.after = scene.look();
    } finally {
      disks.stopRecording();
    }
    this.log = readLog(disks.log);
    this.start = markAt(this.log, 'start');
    disks.base(this.log, this.start);
  }

  /** Does the file system recover? One whose superblock was torn may not. */
  #mounts(writes) {
    try {
      this.disks.mountCrashed(writes);
      return true;
    } catch {
      this.disks.unmount({ allow: true });
      return false;
    }
  }

  /** What is wrong with what a crash left, once it has been finalized; undefined if the file system itself is lost. */
  async wrongs({ cut, writes }) {
    if (!this.#mounts(writes)) return undefined;
    const { scene } = this;
    try {
      const since = (mark) => cut > markAt(this.log, mark);
      // The lock beside a verdict says nothing, and goes with the next run: its removal need not last.
      const came = since('gone') ? statesIn(scene.states).filter((name) => !name.endsWith('.flock')) : [];
      const read = [];
      const look = (when) =>
        read.push(...scene.readerWrongs(scene.look(), this).map((wrong) => `${when}, a reader sees ${wrong}`));
      look('after the cut');
      const problems = await scene.finalize(cut, () => look('once one rank is finalized'));
      look('at the end');
      return [
        ...came.map((name) => `${name} has come back`),
        ...read,
        ...problems.map(({ action, error }) => `${action}: ${error?.code} ${error?.message}`),
        ...this.#leftovers(),
        ...this.#destinations(since('promised')),
      ];
    } finally {
      this.disks.unmount();
    }
  }

  #leftovers() {
    const below = this.scene.dests.flatMap((dest) => fs.readdirSync(dest, { recursive: true }));
    const temporary = below.filter((name) => name.includes('._AXL'));
    const left = statesIn(this.scene.states).filter((name) => !this.scene.mayStay(name));
    return [...temporary, ...left].map((name) => `${name} is left`);
  }

  /** All as before, or all complete. */
  #destinations(promised) {
    const now = this.scene.look();
    const names = Object.keys(now);
    const isBefore = names.every((name) => now[name] === this.before[name]);
    if (isBefore && promised) return ['what was reported as published is lost'];
    if (isBefore) return [];
    return names.filter((name) => now[name] !== this.after[name]).map((name) => `${name} is ${now[name]}`);
  }

  async run() {
    this.record();
    const next = random(SEED);
    const counts = { states: 0, wrong: 0, lost: 0 };
    const examples = new Map();
    for (const state of crashStates(this.log, this.start, this.disks.mounts.length, this.samples, next)) {
      const wrongs = await this.wrongs(state);
      if (wrongs) counts.states++;
      else counts.lost++;
      if (!wrongs) continue;
      if (wrongs.length > 0) counts.wrong++;
      for (const wrong of wrongs) {
        const sort = wrong.replace(/\/\S+/g, 'PATH').replace(/[0-9a-f]{16}|\d+/g, 'X');
        if (!examples.has(sort)) examples.set(sort, `entry ${state.cut - this.start}, ${state.how}: ${wrong}`);
      }
    }
    return { ...counts, examples: [...examples.values()] };
  }
}

async function trial(system, kind, options) {
  const root = fs.mkdtempSync(join(fs.existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'axl-power-'));
  fs.chmodSync(root, 0o755);
  const started = performance.now();
  const one = new Trial(root, system, kind, options, build(root));
  try {
    const { states, wrong, lost, examples } = await one.run();
    const isBad = wrong > 0 || 10 * lost > states;
    const entries = one.log.slice(one.start);
    const count = (op) => entries.filter((entry) => entry.op === op).length;
    const seconds = Math.round((performance.now() - started) / 1000);
    const writes = `${count('write')} writes, ${count('flush')} flushes`;
    const recovered = lost > 0 ? `; ${lost} more that ${system} does not recover from` : '';
    console.log(
      `${isBad ? 'NOT OK' : 'ok'} ${system}, ${kind}: ${writes}; ${states - wrong} of ${states} states${recovered} (${seconds} s)`,
    );
    for (const example of examples.slice(0, 12)) console.log(`    ${example}`);
    return !isBad;
  } finally {
    one.disks.abandon();
    fs.rmSync(root, { recursive: true });
  }
}

const options = { samples: Number(values.samples), more: Number(values.more), nosync: values.nosync };
const kinds = values.only.split(',');
const why = missing();
if (why) console.error(`SKIPPED power cuts: ${why}`);
const passed = { true: 0, false: 0 };
const systems = positionals.length > 0 ? positionals : Object.keys(FILE_SYSTEMS);
for (const system of why ? [] : systems) for (const kind of kinds) passed[await trial(system, kind, options)]++;
console.log(`${passed.true} passed, ${passed.false} failed${why ? `, ${kinds.length * systems.length} skipped` : ''}`);
process.exitCode = passed.false > 0 ? 1 : 0;
