// A place for one trial: five sources of different kinds, destinations of which one exists beforehand, a state directory.
// And what has to hold of it: each destination as before or complete, with all its metadata.
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { records, TYPE } from '../journals.js';
import { bytes, isRoot, program, temporaries } from '../support.js';

const OTHER_USER = 1234;
const OTHER_GROUP = 5678;

/** By name: what is there, with mode, owner, time and a sum of the bytes. */
type Tree = ReadonlyMap<string, string>;

const isTemporary = (name: string): boolean => /\._AXL([0-9a-f]{16})?$/.test(name);

const isDirectory = (path: string): boolean => fs.lstatSync(path).isDirectory();

function describe(path: string): string {
  const { mode, uid, gid, mtimeNs } = fs.lstatSync(path, { bigint: true });
  const stats = [mode.toString(8), uid, gid, mtimeNs].join(' ');
  if (isDirectory(path)) return stats;
  const link = fs.lstatSync(path).isSymbolicLink();
  const content = link ? fs.readlinkSync(path) : createHash('md5').update(fs.readFileSync(path)).digest('hex');
  return `${stats} ${content}`;
}

function treeOf(dir: string): Tree {
  const names = fs.readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort();
  return new Map(names.map((name) => [name, describe(join(dir, name))]));
}

/** What one tree has and the other has not, or has in another way. */
function difference(now: Tree, wanted: Tree): string[] {
  const names = [...new Set([...now.keys(), ...wanted.keys()])].filter((name) => now.get(name) !== wanted.get(name));
  return names.map((name) => `${name}: ${now.get(name) ?? 'not there'}, not ${wanted.get(name) ?? 'missing'}`);
}

/** What has become, or has to become, of the transfer as a whole. */
export type Outcome = 'published' | 'as before';

/** Where all trials of a test come from: made once, copied for each. */
export class Template {
  readonly root = fs.mkdtempSync(fs.existsSync('/dev/shm') ? '/dev/shm/axl-faults-' : '/tmp/axl-faults-');
  readonly #model = join(this.root, 'model');
  #made = 0;

  /** @param flat without directories and links, of which AXL knows nothing */
  constructor(flat = false) {
    fs.chmodSync(this.root, 0o755);
    for (const dir of ['source', 'dest', 'states']) fs.mkdirSync(join(this.#model, dir), { recursive: true });
    this.#write('source/small', bytes(3000), 0o640);
    this.#write('source/big', bytes(200_001, 2), 0o444);
    this.#write('dest/small', 'as it was before', 0o604);
    this.#write('dest/other', 'nothing to do with it', 0o644);
    this.#write(flat ? 'source/setuid' : 'source/sub/setuid', bytes(9000, 3), 0o4751);
    this.#write(flat ? 'source/empty' : 'source/sub/empty', Buffer.alloc(0), 0o600);
    if (flat) return;
    fs.symlinkSync('empty', join(this.#model, 'source/sub/link'));
    fs.chmodSync(join(this.#model, 'source/sub'), 0o751);
  }

  #write(name: string, content: string | Buffer, mode: number): void {
    const path = join(this.#model, name);
    fs.mkdirSync(dirname(path), { recursive: true });
    fs.writeFileSync(path, content);
    if (isRoot && name.endsWith('setuid')) fs.chownSync(path, OTHER_USER, OTHER_GROUP);
    fs.chmodSync(path, mode);
  }

  /** @param user whom all of it is given */
  async copy(user?: number): Promise<World> {
    const place = join(this.root, `trial-${++this.#made}`);
    await program('cp', ['-a', this.#model, place]);
    if (user) await program('chown', ['-R', `${user}:${user}`, place]);
    return new World(place);
  }

  remove(): void {
    fs.rmSync(this.root, { recursive: true, force: true });
  }
}

export class World {
  readonly place: string;
  readonly #before: Tree;
  readonly #after: Tree;

  constructor(place: string) {
    this.place = place;
    this.#before = treeOf(join(place, 'dest'));
    this.#after = new Map([...this.#before, ...treeOf(join(place, 'source'))]);
  }

  get states(): string {
    return join(this.place, 'states');
  }

  /** What is wrong already: a destination neither as before nor complete, a temporary file without a state file. */
  wrongNow(): string[] {
    const now = treeOf(join(this.place, 'dest'));
    const wrong = [...now].filter(([name, is]) => {
      if (isTemporary(name) || isDirectory(join(this.place, 'dest', name))) return false;
      return is !== this.#before.get(name) && is !== this.#after.get(name);
    });
    const lost = [...this.#before.keys()].filter((name) => !now.has(name));
    const orphans = this.stateFiles().length > 0 ? [] : temporaries(join(this.place, 'dest'));
    return [...wrong.map(([name, is]) => `${name} is ${is}`), ...lost, ...orphans.map((name) => `orphan ${name}`)];
  }

  /** How the destinations differ from an outcome. */
  differs(outcome: Outcome): string[] {
    return difference(treeOf(join(this.place, 'dest')), outcome === 'published' ? this.#after : this.#before);
  }

  /** What differs from both outcomes. */
  differsFromBoth(): string[] {
    const published = this.differs('published');
    return published.length === 0 || this.differs('as before').length === 0 ? [] : published;
  }

  /** The state directory, or those in it. */
  stateDirs(): string[] {
    const parts = fs.readdirSync(this.states).filter((name) => !name.startsWith('.'));
    const dirs = parts.map((name) => join(this.states, name)).filter(isDirectory);
    return dirs.length > 0 ? dirs : [this.states];
  }

  /** What is in the state directory, and below it. */
  left(): string[] {
    const names = fs.readdirSync(this.states, { recursive: true, encoding: 'utf8' });
    return names.filter((name) => name.endsWith('.lock') || !isDirectory(join(this.states, name)));
  }

  stateFiles(): string[] {
    return this.left().filter((name) => !name.endsWith('.lock'));
  }

  /** What the state files promise: of one that is settled, or has all files complete, that it is published. */
  promised(): Outcome | undefined {
    const [path, ...more] = fs.readdirSync(this.states).filter((name) => /^rank\d+$/.test(name));
    if (!path || more.length > 0) return undefined;
    const types = records(join(this.states, path)).map(({ type }) => type);
    const count = (type: number) => types.filter((each) => each === type).length;
    if (count(TYPE.final) + count(TYPE.failed) + count(TYPE.canceled) > 0) return undefined;
    const complete = count(TYPE.sealed) > 0 && count(TYPE.done) === count(TYPE.file);
    return count(TYPE.settled) > 0 || complete ? 'published' : undefined;
  }

  remove(): void {
    fs.rmSync(this.place, { recursive: true });
  }
}
