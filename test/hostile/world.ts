// A small machine: what is root's, what is bob's, what everybody may write to, and what is mallory's, who attacks. Who
// may write where is by ids; the fingerprint is of everything that mallory could not have done himself.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { Place } from '../support.js';

export const MALLORY = 65534;
export const BOB = 54321;

/** Runs with the rights of another user: every call in between is made by him. */
export function as<T>(uid: number, body: () => T): T {
  const groups = process.getgroups?.() ?? [];
  process.setgroups?.([]);
  process.setegid?.(uid);
  process.seteuid?.(uid);
  try {
    return body();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
    process.setgroups?.(groups);
  }
}

export class World {
  readonly place: Place;
  readonly etc: string;
  readonly bob: string;
  readonly home: string;
  readonly states: string;
  readonly sticky: string;
  readonly rootStates: string;

  constructor(t: Test) {
    this.place = new Place(t);
    this.etc = this.place.mkdir('etc');
    this.place.mkdir('home');
    this.bob = this.#give(this.place.mkdir('home/bob', 0o700), BOB);
    this.home = this.#give(this.place.mkdir('home/mallory'), MALLORY);
    this.sticky = this.place.mkdir('tmp', 0o1777);
    this.place.mkdir('var');
    this.rootStates = this.place.mkdir('var/states', 0o700);
    this.states = join(this.home, 'states');
    as(MALLORY, () => fs.mkdirSync(this.states));
  }

  #give(path: string, uid: number): string {
    fs.chownSync(path, uid, uid);
    return path;
  }

  /** A file of root's or bob's, each with contents of its own. */
  victim(path: string, uid = 0, mode = 0o640): string {
    fs.writeFileSync(path, `of uid ${uid}: ${path}`);
    this.#give(path, uid);
    fs.chmodSync(path, mode);
    return path;
  }

  fifo(path: string): void {
    spawnSync('mkfifo', [path], { uid: MALLORY, gid: MALLORY });
  }
}

export interface Known {
  readonly path: string;
  readonly facts: string;
}

const MOVABLE = '(mallory may move it)';

const isMallorys = (stats: fs.BigIntStats): boolean =>
  stats.uid === BigInt(MALLORY) || (stats.isDirectory() && (stats.mode & 0o002n) !== 0n);

function facts(path: string, stats: fs.BigIntStats, movable: boolean): string {
  const { uid, gid, mode, size, mtimeNs } = stats;
  const sum = stats.isFile() ? createHash('sha256').update(fs.readFileSync(path)).digest('hex').slice(0, 16) : '';
  const link = stats.isSymbolicLink() ? fs.readlinkSync(path) : '';
  // What changes xattrs changes the ctime; so does mallory, who may remove a second name in his own directory.
  const xattrs = !movable && stats.isFile() && stats.nlink === 1n ? stats.ctimeNs : 0;
  return [uid, gid, mode.toString(8), stats.isDirectory() ? 0 : size, mtimeNs, sum, link, xattrs].join(' ');
}

/**
 * What is not mallory's below a directory, by inode: contents, owner, mode and times; where it is, unless mallory may
 * rename it.
 */
export function fingerprint(top: string): Map<string, Known> {
  const out = new Map<string, Known>();
  const walk = (dir: string, movable: boolean) => {
    for (const name of fs.readdirSync(dir)) {
      const path = join(dir, name);
      const stats = fs.lstatSync(path, { bigint: true });
      const at = movable ? MOVABLE : path;
      if (!isMallorys(stats))
        out.set(`${stats.dev}:${stats.ino} ${at}`, { path: at, facts: facts(path, stats, movable) });
      const sticky = (stats.mode & 0o1000n) !== 0n;
      if (stats.isDirectory()) walk(path, isMallorys(stats) && !sticky);
    }
  };
  walk(top, false);
  return out;
}

/** What is new, gone or different, in words. What mallory may move he may also remove. */
export function differences(before: Map<string, Known>, after: Map<string, Known>): string[] {
  const out: string[] = [];
  for (const [key, { path, facts }] of before) {
    const now = after.get(key);
    if (now && now.facts !== facts) out.push(`${path}: ${facts} became ${now.facts}`);
    if (!now && path.startsWith('/')) out.push(`${path}: gone`);
  }
  for (const [key, { path, facts }] of after) if (!before.has(key)) out.push(`${path} (${key}): new, ${facts}`);
  return out;
}
