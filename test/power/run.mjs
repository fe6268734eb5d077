// Power cuts on real file systems, as root: a transfer, or a dataset, runs on two disks that write down all they do; then
// for each state that the disks may be in after a power cut at any point, the file systems are mounted again, as they
// recover, finalize() runs, and every destination must be complete or as it was before.
//   node test/power/run.mjs [--samples N] [--more N] [--nosync KIND] [FILE SYSTEM...]
// --more: small files beside the four, so that the state file has many pages.
// Needs root, /dev/fuse, loop devices, cc, and the Debian packages e2fsprogs xfsprogs btrfs-progs fuse3 libfuse3-dev.
// With --nosync (directories, temporaries or journals) the transfer skips those fsyncs: then it is to fail.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { finalize } from '../../dist/lib/index.js';
import { Disks, FILE_SYSTEMS, run } from './disks.mjs';
import { crashStates, markAt, random, readLog } from './log.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const SEED = 20261121;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    samples: { type: 'string', default: '150' },
    more: { type: 'string', default: '0' },
    nosync: { type: 'string' },
  },
});
const FILES = {
  ...{ a: [70_000, 0o640], old: [100_000, 0o600], program: [1_300_000, 0o4751], 'sub/b': [130_000, 0o644] },
  ...Object.fromEntries(Array.from({ length: Number(values.more) }, (_, i) => [`sub/more${i}`, [100 + i, 0o600]])),
};
const OWNER = 12345;
/** The last: two ranks, of which one has its state file on the destinations' disk. */
const KINDS = ['wait', 'finalize', 'dataset'];

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

function makeSource(source) {
  fs.mkdirSync(join(source, 'sub'), { recursive: true });
  for (const [i, [name, [size, mode]]] of Object.entries(FILES).entries()) {
    const block = createHash('sha512').update(name).digest();
    fs.writeFileSync(join(source, name), Buffer.alloc(size, block));
    fs.chownSync(join(source, name), OWNER, i % 2 ? OWNER : 0);
    fs.chmodSync(join(source, name), mode);
    fs.utimesSync(join(source, name), 1.5e9, 1.6e9 + i + 0.25);
  }
  fs.chmodSync(join(source, 'sub'), 0o711);
  fs.utimesSync(join(source, 'sub'), 1.5e9, 1.6e9);
}

/** What is at a destination: contents and metadata, or nothing. */
function nodeAt(path) {
  const stats = fs.lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return 'nothing';
  const sum = stats.isFile()
    ? createHash('sha256').update(fs.readFileSync(path)).digest('hex').slice(0, 16)
    : 'directory';
  return [sum, stats.mode.toString(8), stats.uid, stats.gid, stats.mtimeMs].join(' ');
}

const NAMES = [...Object.keys(FILES), 'sub'];
/** The names in a state directory. The courtesy lock of a finalizer may stay: it is stale, and harmless. */
const statesIn = (dirs) =>
  dirs.flatMap((dir) => fs.readdirSync(dir)).filter((name) => !name.startsWith('.axl-finalize.'));
const look = (dir) => Object.fromEntries(NAMES.map((name) => [name, nodeAt(join(dir, name))]));

class Trial {
  constructor(root, system, kind, { samples, nosync }, tools) {
    Object.assign(this, { kind, samples, nosync, tools, system });
    this.disks = new Disks(root, system);
    this.source = join(root, 'source');
    const [data, state] = this.disks.mounts;
    this.dest = join(data, 'dest');
    this.states = [join(state, 'states')];
    if (kind === 'dataset') this.states.push(join(data, 'states'));
  }

  /** Runs the transfer on disks that are recorded. */
  record() {
    const { disks, dest, states, source, kind, nosync, tools } = this;
    makeSource(source);
    disks.record(tools.recorder);
    try {
      for (const dir of [dest, ...states]) fs.mkdirSync(dir);
      fs.writeFileSync(join(dest, 'old'), 'of before');
      this.before = look(dest);
      run('sync', []);
      const mark = join(disks.fuse, 'mark');
      fs.writeFileSync(mark, 'start');
      const env = { ...process.env, ...(nosync && { LD_PRELOAD: tools.nosync, NOSYNC: nosync }) };
      run(process.execPath, [join(here, 'workload.mjs'), kind, source, dest, mark, ...states], { env });
      this.after = look(dest);
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
    try {
      const since = (mark) => cut > markAt(this.log, mark);
      // The lock beside a verdict says nothing, and goes with the next run: its removal need not last.
      const came = since('gone') ? statesIn(this.states).filter((name) => !name.endsWith('.flock')) : [];
      const { problems } = await this.#finalize(cut);
      return [
        ...came.map((name) => `${name} has come back`),
        ...problems.map(({ action, error }) => `${action}: ${error?.code} ${error?.message}`),
        ...this.#leftovers(),
        ...this.#destinations(since('promised')),
      ];
    } finally {
      this.disks.unmount();
    }
  }

  /** To the end. Before that, a dataset's finalizer may be given only one of its directories. */
  async #finalize(cut) {
    const dataset = this.kind === 'dataset';
    const alone = this.states[cut % 3];
    if (dataset && alone) await finalize(alone, { dataset });
    return finalize(this.states, { dataset });
  }

  #leftovers() {
    const temporary = fs.readdirSync(this.dest, { recursive: true }).filter((name) => name.includes('._AXL'));
    return [...temporary, ...statesIn(this.states)].map((name) => `${name} is left`);
  }

  /** All as before, or all complete. */
  #destinations(promised) {
    const now = look(this.dest);
    const isBefore = NAMES.every((name) => now[name] === this.before[name]);
    if (isBefore && promised) return ['what was reported as published is lost'];
    if (isBefore) return [];
    return NAMES.filter((name) => now[name] !== this.after[name]).map((name) => `${name} is ${now[name]}`);
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

const options = { samples: Number(values.samples), nosync: values.nosync };
const why = missing();
if (why) console.error(`SKIPPED power cuts: ${why}`);
const passed = { true: 0, false: 0 };
const systems = positionals.length > 0 ? positionals : Object.keys(FILE_SYSTEMS);
for (const system of why ? [] : systems) for (const kind of KINDS) passed[await trial(system, kind, options)]++;
console.log(`${passed.true} passed, ${passed.false} failed${why ? `, ${KINDS.length * systems.length} skipped` : ''}`);
process.exitCode = passed.false > 0 ? 1 : 0;
