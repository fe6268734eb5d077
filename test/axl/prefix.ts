// A prefix of SCR as its libraries leave it: three datasets of four ranks, each rank killed when all was copied and nothing
// renamed. The files are written again with other paths in place of /p and /l, and with what a test wants to be different.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { FIXTURES, format, parse, type Tree } from '../kvtree.js';
import { bytes, isRoot } from '../support.js';

export const RANKS = [0, 1, 2, 3] as const;
export const DATASETS = [5, 6, 7] as const;
export const SIZE = 100_000;

type Change = (tree: Tree) => Tree;

/** The value of a key, wherever it is below others. */
export const withValue =
  (key: string, value: string | number): Change =>
  (tree) =>
    tree.map(([one, below]): Tree[number] => [one, one === key ? [[`${value}`, []]] : withValue(key, value)(below)]);

/** Without a key, wherever it is. */
export const without =
  (...keys: readonly string[]): Change =>
  (tree) =>
    tree.filter(([key]) => !keys.includes(key)).map(([key, below]): Tree[number] => [key, without(...keys)(below)]);

/** Below the keys on the way. */
export const within =
  (way: readonly string[], change: Change): Change =>
  (tree) => {
    const [first, ...more] = way;
    if (first === undefined) return change(tree);
    return tree.map(([key, below]): Tree[number] => [key, key === first ? within(more, change)(below) : below]);
  };

/** `p`, the prefix, and `l`, where the sources were, in a directory. */
export class Prefix {
  readonly root: string;
  readonly prefix: string;
  readonly dot: string;

  /** @param uid whose the sources were */
  constructor(root: string, uid?: number) {
    this.root = root;
    this.prefix = join(root, 'p');
    this.dot = join(this.prefix, '.scr');
    fs.cpSync(join(FIXTURES, 'dot-scr'), this.dot, { recursive: true });
    for (const dataset of DATASETS)
      for (const rank of RANKS) {
        this.change(this.stateFile(dataset, rank), (tree) => this.#moved(tree));
        if (uid !== undefined)
          for (const key of ['UID', 'GID']) this.change(this.stateFile(dataset, rank), withValue(key, uid));
        fs.mkdirSync(this.dest(dataset), { recursive: true });
        fs.writeFileSync(this.temporary(dataset, rank), this.bytesOf(rank));
      }
  }

  #moved(below: Tree): Tree {
    return below.map(([key, more]): Tree[number] => [key.replace(/^\/(p|l)\//, `${this.root}/$1/`), this.#moved(more)]);
  }

  /** Writes a KVTree file anew. */
  change(path: string, change: Change): void {
    fs.writeFileSync(path, format(change(parse(fs.readFileSync(path)))));
  }

  get flush(): string {
    return join(this.dot, 'flush.scr');
  }

  get index(): string {
    return join(this.dot, 'index.scr');
  }

  of = (dataset: number): string => join(this.dot, `scr.dataset.${dataset}`);
  stateFile = (dataset: number, rank: number): string => join(this.of(dataset), `rank_${rank}.state_file`);
  dest = (dataset: number): string => join(this.prefix, `ds.${dataset}`);
  final = (dataset: number, rank: number): string => join(this.dest(dataset), `data.${rank}`);
  temporary = (dataset: number, rank: number): string => `${this.final(dataset, rank)}._AXL`;
  bytesOf = (rank: number): Buffer => bytes(SIZE, rank + 1);
  mtimeNs = (rank: number): bigint => BigInt(Date.UTC(2026, 0, 1, 0, 0, rank)) * 1_000_000n + 123_456_789n;

  cut(dataset: number, rank = 2): string {
    fs.truncateSync(this.temporary(dataset, rank), SIZE / 2);
    return this.temporary(dataset, rank);
  }

  /** The node-local source is there. */
  restore(dataset: number, rank: number): void {
    const path = join(this.root, 'l', `ds.${dataset}`, `data.${rank}`);
    fs.mkdirSync(join(path, '..'), { recursive: true });
    fs.writeFileSync(path, this.bytesOf(rank));
    const seconds = `${this.mtimeNs(rank)}`.replace(/(\d{9})$/, '.$1'); // beyond what a number of JavaScript holds
    spawnSync('touch', ['-d', `@${seconds}`, path]);
  }

  /** What is wrong with a dataset that was published, if anything is; with the sources gone, as after a job. */
  wrong(dataset: number, ranks: readonly number[] = RANKS): string[] {
    return ranks.flatMap((rank) => {
      const path = this.final(dataset, rank);
      if (!fs.existsSync(path)) return [`${path} is missing`];
      const { mode, mtimeNs } = fs.statSync(path, { bigint: true });
      const isRight = fs.readFileSync(path).equals(this.bytesOf(rank)) && mtimeNs === this.mtimeNs(rank);
      return isRight && (!isRoot || (mode & 0o7777n) === 0o640n) ? [] : [path];
    });
  }

  published(t: Test, dataset: number, ranks: readonly number[] = RANKS): void {
    t.same(this.wrong(dataset, ranks), [], `dataset ${dataset} is published`);
  }

  /** What stands at the destinations of a dataset, and what state files it has. */
  names = (dataset: number) => ({
    dest: fs.readdirSync(this.dest(dataset)).sort(),
    states: fs
      .readdirSync(this.of(dataset))
      .filter((name) => name.endsWith('.state_file'))
      .sort(),
  });

  /** Does it have all that SCR and AXL left, and nothing else? */
  untouched(t: Test, dataset: number): void {
    const names = {
      dest: RANKS.map((rank) => `data.${rank}._AXL`),
      states: RANKS.map((rank) => `rank_${rank}.state_file`),
    };
    t.same(this.names(dataset), names, `dataset ${dataset} is as it was`);
  }
}
