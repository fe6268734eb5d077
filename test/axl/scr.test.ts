// A prefix of SCR as its libraries leave it: three datasets of four ranks, each rank killed when all was copied and nothing
// renamed. The files are written again with the paths of the test in place of /p and /l.
import * as fs from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { finalize } from '../../lib/index.js';
import { FIXTURES, format, parse, type Tree } from '../kvtree.js';
import { bytes, isRoot, Place } from '../support.js';

const RANKS = [0, 1, 2, 3] as const;
const SIZE = 100_000;

class Scr {
  readonly place: Place;
  readonly dot: string;

  constructor(t: Test) {
    this.place = new Place(t);
    this.dot = this.place.path('p', '.scr');
    fs.cpSync(join(FIXTURES, 'dot-scr'), this.dot, { recursive: true });
    const moved = (below: Tree): Tree =>
      below.map(([key, more]): Tree[number] => [key.replace(/^\/(p|l)\//, `${this.place.root}/$1/`), moved(more)]);
    for (const dataset of [5, 6, 7])
      for (const rank of RANKS) {
        const stateFile = join(this.of(dataset), `rank_${rank}.state_file`);
        fs.writeFileSync(stateFile, format(moved(parse(fs.readFileSync(stateFile)))));
        this.place.write(`p/ds.${dataset}/data.${rank}._AXL`, bytes(SIZE, rank + 1));
      }
  }

  of = (dataset: number): string => join(this.dot, `scr.dataset.${dataset}`);
  dest = (dataset: number): string => this.place.path('p', `ds.${dataset}`);

  /** With the sources gone, as node-local storage is after a job. */
  published(t: Test, dataset: number, ranks: readonly number[] = RANKS): void {
    for (const rank of ranks) {
      const path = join(this.dest(dataset), `data.${rank}`);
      t.ok(fs.readFileSync(path).equals(bytes(SIZE, rank + 1)), path);
      const { mode, mtimeNs } = fs.statSync(path, { bigint: true });
      t.equal(mtimeNs, BigInt(Date.UTC(2026, 0, 1, 0, 0, rank)) * 1_000_000n + 123_456_789n);
      if (isRoot) t.equal(mode & 0o7777n, 0o640n);
    }
  }
}

t.test("what the ranks of SCR had flushed is published, dataset by dataset, and SCR's own files stay", async (t) => {
  const scr = new Scr(t);
  const own = ['flush.scr', 'index.scr'].map((name) => join(scr.dot, name));
  const before = own.map((path) => fs.readFileSync(path));
  for (const dataset of [5, 7, 6]) {
    const { counts, problems } = await finalize(scr.of(dataset), { jobEnded: true });
    t.match({ counts, problems }, { counts: { published: 4 }, problems: [] });
    scr.published(t, dataset);
    t.same(fs.readdirSync(scr.of(dataset)), []);
    t.same(
      fs.readdirSync(scr.dest(dataset)),
      RANKS.map((rank) => `data.${rank}`),
    );
  }
  t.match(await finalize(scr.dot, { jobEnded: true, recursive: true }), { problems: [], counts: { 'not-state': 2 } });
  t.same(
    own.map((path) => fs.readFileSync(path)),
    before,
  );
});

t.test('a whole prefix is finalized at once', async (t) => {
  const scr = new Scr(t);
  const { counts } = await finalize(scr.dot, { jobEnded: true, recursive: true });
  t.match(counts, { published: 12, corrupt: 0, failed: 0 });
  for (const dataset of [5, 6, 7]) scr.published(t, dataset);
});

t.test('a rank whose file was cut keeps it with --incomplete keep', async (t) => {
  const scr = new Scr(t);
  const cut = join(scr.dest(6), 'data.2._AXL');
  fs.truncateSync(cut, SIZE / 2);
  const { counts, problems } = await finalize(scr.of(6), { jobEnded: true, incomplete: 'keep' });
  t.match(
    { counts, problems },
    { counts: { published: 3, kept: 1 }, problems: [{ error: { code: 'AXL_VERIFY', path: cut } }] },
  );
  scr.published(t, 6, [0, 1, 3]);
  t.same(fs.readdirSync(scr.of(6)), ['rank_2.state_file']);
  t.equal(fs.statSync(cut).size, SIZE / 2);
});
