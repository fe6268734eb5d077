// The state files of a prefix of SCR, given by hand: each is a transfer of its own. What finds them itself: post-stage.test.ts.
import * as fs from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { finalize } from '../../lib/index.js';
import { Place } from '../support.js';
import { Prefix, RANKS, SIZE } from './prefix.js';

class Scr extends Prefix {
  constructor(t: Test) {
    super(new Place(t).root);
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
