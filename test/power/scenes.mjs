// What is published when the power goes: where its files are on the two disks, what was there before, what a reader may see at
// any time, and how it is finalized afterwards.
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { finalize } from '../../dist/lib/index.js';

const OWNER = 12345;

/** What is at a path: contents and metadata, or nothing. */
function nodeAt(path) {
  const stats = fs.lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return 'nothing';
  if (stats.isSymbolicLink()) return `link to ${fs.readlinkSync(path)}`;
  const sum = stats.isFile()
    ? createHash('sha256').update(fs.readFileSync(path)).digest('hex').slice(0, 16)
    : 'directory';
  return [sum, stats.mode.toString(8), stats.uid, stats.gid, stats.mtimeMs].join(' ');
}

function makeFile(path, { size, mode, text, uid = 0, gid = 0, mtime = 1.6e9 }) {
  fs.mkdirSync(dirname(path), { recursive: true });
  fs.writeFileSync(path, Buffer.alloc(size, createHash('sha512').update(text).digest()));
  fs.chownSync(path, uid, gid);
  fs.chmodSync(path, mode);
  fs.utimesSync(path, 1.5e9, mtime);
}

/**
 * Four files in a directory of the first disk, of which one replaces another: bytes, a new directory, setuid, another owner. State
 * files are on the second disk, for one disk's journal would hide a missing fsync of a directory. Of a dataset of two ranks,
 * one state file is on the destinations' disk.
 */
class Tree {
  constructor(kind, mounts, source, { more }) {
    const [data, state] = mounts;
    Object.assign(this, { kind, source, dests: [join(data, 'dest')], states: [join(state, 'states')] });
    if (kind === 'dataset') this.states.push(join(data, 'states'));
    this.files = {
      ...{ a: [70_000, 0o640], old: [100_000, 0o600], program: [1_300_000, 0o4751], 'sub/b': [130_000, 0o644] },
      ...Object.fromEntries(Array.from({ length: more }, (_, i) => [`sub/more${i}`, [100 + i, 0o600]])),
    };
  }

  get workload() {
    const { kind, source, dests, states } = this;
    const adds = states.map((_, rank) => {
      const names = fs.readdirSync(source).filter((_, i) => i % states.length === rank);
      return names.map((name) => [join(source, name), dests[0]]);
    });
    return { ends: kind === 'wait' ? 'wait' : 'finalize', states, adds, points: [], options: {} };
  }

  makeSource() {
    for (const [i, [name, [size, mode]]] of Object.entries(this.files).entries())
      makeFile(join(this.source, name), {
        ...{ size, mode, text: name, uid: OWNER, gid: i % 2 ? OWNER : 0, mtime: 1.6e9 + i + 0.25 },
      });
    fs.chmodSync(join(this.source, 'sub'), 0o711);
    fs.utimesSync(join(this.source, 'sub'), 1.5e9, 1.6e9);
  }

  makeBefore() {
    for (const dir of [...this.dests, ...this.states]) fs.mkdirSync(dir);
    fs.writeFileSync(join(this.dests[0], 'old'), 'of before');
  }

  look() {
    const names = [...Object.keys(this.files), 'sub'];
    return Object.fromEntries(names.map((name) => [name, nodeAt(join(this.dests[0], name))]));
  }

  /** No file of a state directory. */
  mayStay() {
    return false;
  }

  /** Without phases nothing is promised of two files together before they are finalized. */
  readerWrongs() {
    return [];
  }

  /** To the end. Before that, a dataset's finalizer may be given only one of its directories. */
  async finalize(cut) {
    const dataset = this.kind === 'dataset';
    const alone = this.states[cut % 3];
    if (dataset && alone) await finalize(alone, { dataset });
    return (await finalize(this.states, { dataset })).problems;
  }
}

/**
 * A checkpoint of two ranks, each of which has its data on a disk of its own and its state file on the other one. The
 * commit file is on the first disk (kind `...0`) or the second (`...1`), the pointer beside it. Each rank has a
 * manifest. In the place of an older checkpoint (`over`), or new. It is left to finalize() and a command, or ranks with
 * a `comm` publish it themselves (`comm`).
 */
class Phases {
  constructor(kind, mounts, source) {
    const [, how, where] = /^phases-(new|over|comm)-([01])$/.exec(kind);
    const commit = Number(where);
    this.dests = mounts.map((mount) => join(mount, 'dest'));
    this.states = [...mounts].reverse().map((mount) => join(mount, 'states'));
    this.data = this.dests.flatMap((dest, rank) => [0, 1].map((i) => join(dest, 'step', `__${rank}_${i}.distcp`)));
    this.commits = [
      join(this.dests[commit], 'step/.metadata'),
      ...this.dests.map((dest, rank) => join(dest, `step/.axl-manifest.${rank}`)),
    ];
    this.pointer = join(this.dests[commit], 'latest');
    this.ran = join(this.dests[0], 'ran');
    // It is run when everything is published, and has to make durable itself what it does.
    this.command = `test "$(readlink ${this.pointer})" = step && cp ${this.commits[0]} ${this.ran} && sync ${this.ran} ${this.dests[0]}`;
    Object.assign(this, { source, how, commit, isOver: how !== 'new' });
  }

  get workload() {
    const { how, source, dests, states, pointer, command } = this;
    return {
      ends: how === 'comm' ? 'comm' : 'finalize',
      states,
      adds: dests.map((dest, rank) => [[`${join(source, `${rank}`)}/`, join(dest, 'step')]]),
      points: [[pointer, 'step']],
      options: { manifest: true },
      ...(how !== 'comm' && { command }),
    };
  }

  #sourceOf(path) {
    const rank = this.dests.findIndex((dest) => path.startsWith(`${dest}/`));
    return join(this.source, `${rank}`, path.slice(join(this.dests[rank], 'step/').length));
  }

  makeSource() {
    for (const [i, path] of [...this.data, this.commits[0]].entries())
      makeFile(this.#sourceOf(path), { size: i % 2 ? 3_000 : 120_000, mode: 0o640, text: `new ${i}` });
  }

  makeBefore() {
    for (const dir of [...this.dests, ...this.states]) fs.mkdirSync(dir);
    if (!this.isOver) return;
    for (const [i, path] of [...this.data, ...this.commits].entries())
      makeFile(path, { size: 2_000, mode: 0o600, text: `old ${i}` });
    fs.symlinkSync('step.old', this.pointer);
  }

  look() {
    return Object.fromEntries([...this.data, ...this.commits, this.pointer].map((path) => [path, nodeAt(path)]));
  }

  /** A commit file, or a manifest, speaks of the data of all ranks; the pointer leads to a commit file. */
  readerWrongs(now, { before, after }) {
    const isNew = (path) => now[path] === after[path];
    const wrongs = [];
    for (const path of this.commits) {
      const all = isNew(path) ? after : before;
      if (now[path] === 'nothing') continue;
      if (!isNew(path) && now[path] !== before[path]) wrongs.push(`${path} torn: ${now[path]}`);
      for (const one of this.data.filter((data) => now[data] !== all[data]))
        wrongs.push(`${isNew(path) ? 'the new' : 'an old'} ${path} over ${one}: ${now[one]}`);
    }
    if (isNew(this.pointer))
      for (const path of this.commits)
        if (!isNew(path)) wrongs.push(`the pointer lead to a checkpoint without ${path}`);
    for (const path of [...this.data, this.pointer])
      if (now[path] !== before[path] && !isNew(path)) wrongs.push(`${path}: ${now[path]}`);
    return wrongs;
  }

  /** Of ranks that agreed, and have state files in several directories, the verdict does. */
  mayStay(name) {
    return this.how === 'comm' && name.startsWith('.axl-verdict.');
  }

  /**
   * In two steps, of which the first has one rank only, where the reader looks again. Of ranks that agreed no list says
   * where the others are: one that has all phases behind it, given alone, takes those that it does not see for done.
   */
  async finalize(cut, look) {
    const options = { dataset: true, ...(this.how !== 'comm' && { onPublished: this.command }) };
    const alone = this.how === 'comm' ? undefined : this.states[cut % 3];
    if (alone) {
      await finalize(alone, options);
      look();
    }
    const { problems } = await finalize(this.states, options);
    return [...problems, ...this.#ofCommand()];
  }

  /** At least once, for what is published, and never before. */
  #ofCommand() {
    if (this.how === 'comm') return [];
    const isPublished = nodeAt(this.pointer) === 'link to step';
    const has = fs.existsSync(this.ran);
    if (has === isPublished && (!has || fs.readFileSync(this.ran).equals(fs.readFileSync(this.commits[0])))) return [];
    const message = has ? 'it ran before all was published' : 'it did not run for what is published';
    return [{ action: 'command', error: { code: 'WRONG', message } }];
  }
}

const PHASES = ['new', 'over', 'comm'].flatMap((how) => [0, 1].map((disk) => `phases-${how}-${disk}`));
export const KINDS = ['wait', 'finalize', 'dataset', ...PHASES];

export function makeScene(kind, mounts, source, options) {
  return kind.startsWith('phases-') ? new Phases(kind, mounts, source) : new Tree(kind, mounts, source, options);
}
