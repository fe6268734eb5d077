// Transfers of two attempts, or of two runs, are never one dataset, whatever they are called.
import * as fs from 'node:fs';
import t from 'tap';
import { type CreateOptions, finalize, list } from '../../lib/index.js';
import { quiet } from '../journals.js';
import { Place, script, temporaries, tree } from '../support.js';
import { published } from './datasets.js';

/** Leaves a complete transfer of a run that has its own names for files. */
async function leaveRank(place: Place, run: string, rank: number, more: Partial<CreateOptions> = {}): Promise<void> {
  const stateFile = place.path(`states/${run}.${rank}`);
  await using transfer = await place.create({ name: 'ckpt', rank, size: 2, allRanks: true, stateFile, ...more });
  await transfer.add(place.write(`source/${run}.${rank}`), place.path(`dest/${run}.${rank}`));
  await transfer.dispatch();
  await quiet(transfer);
}

const attempts = [{ attempt: 0 }, { attempt: 1 }];
const jobs = [{ job: '7.0' }, { job: '8.0' }];

for (const [what, [first, second]] of [
  ['attempts of one job', attempts],
  ['jobs', jobs],
] as const) {
  t.test(`half a dataset of each of two ${what} is no dataset`, async (t) => {
    const place = new Place(t);
    await leaveRank(place, 'a', 0, first);
    await leaveRank(place, 'b', 1, second);
    t.match((await finalize(place.states)).counts, { published: 0, 'rolled-back': 2 });
    t.same(published(place), []);
    t.same(temporaries(place.dest), []);
  });

  t.test(`of two ${what} the one that is complete is published, and the other is not`, async (t) => {
    const place = new Place(t);
    for (const rank of [0, 1]) await leaveRank(place, 'a', rank, first);
    await leaveRank(place, 'b', 1, second);
    const report = await finalize(place.states);
    t.match(report.counts, { published: 2, 'rolled-back': 1 });
    t.same(report.datasets.map(({ verdict }) => verdict).sort(), ['complete', 'incomplete']);
    t.same(published(place), ['a.0', 'a.1']);
  });
}

t.test('two runs of which nothing tells that they are two are left as they are', async (t) => {
  const place = new Place(t);
  for (const [run, rank] of [
    ['a', 0],
    ['a', 1],
    ['b', 1],
  ] as const)
    await leaveRank(place, run, rank);
  const before = tree(place.root);
  const { counts, problems } = await finalize(place.states);
  t.match(counts, { published: 0, 'rolled-back': 0, failed: 3 });
  t.match(problems[0]?.error, { code: 'AXL_CONFLICT', message: /rank 1 has two transfers that are complete/ });
  t.same(tree(place.root), before);
  fs.rmSync(place.path('states/b.1'));
  t.match((await finalize(place.states)).counts, { published: 2 });
});

t.test('what two runs have completed together is no dataset, though every rank is there', async (t) => {
  const place = new Place(t);
  for (const [run, whole, begun] of [
    ['a', 0, 1],
    ['b', 1, 0],
  ] as const) {
    await leaveRank(place, run, whole);
    const stateFile = place.path(`states/${run}.${begun}`);
    await using _ = await place.create({ name: 'ckpt', rank: begun, size: 2, allRanks: true, stateFile });
  }
  const before = tree(place.root);
  const { counts, problems } = await finalize(place.states);
  t.match(counts, { published: 0, 'rolled-back': 0, failed: 4 });
  t.match(problems[0]?.error, { code: 'AXL_CONFLICT', message: /ranks 0 and 1 have two transfers each/ });
  t.same(tree(place.root), before);
  for (const rank of [0, 1]) fs.rmSync(place.path(`states/a.${rank}`));
  t.match((await finalize(place.states)).counts, { published: 0, 'rolled-back': 1, removed: 1 });
  t.same(published(place), []);
});

t.test('the attempt of a job is the one that Slurm counts', async (t) => {
  const place = new Place(t);
  const code = `const t = await axl.Transfer.create({ name: 'x', stateDir: args[0] });`;
  place.mkdir('states');
  await script(code, [place.states], { env: { ...process.env, SLURM_RESTART_COUNT: '3' } });
  t.match((await list(place.states)).transfers, [{ attempt: 3 }]);
});
