// Datasets and shards: what finalize() does with transfers that belong together.
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { finalize, inspect } from '../../lib/index.js';
import { corrupt, cutBefore, quiet, TYPE } from '../journals.js';
import { axlFinalize, isRoot, Place, script, temporaries, tree } from '../support.js';
import { encodeVerdict, summed, verdictName } from '../verdicts.js';
import { leaveRanks, published } from './datasets.js';

t.test('a dataset is published only if every rank has a complete transfer', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 1, 2], 3);
  await leaveRanks(place, [0, 2], 4, 'part');
  const report = await finalize(place.states, { dataset: true, incomplete: 'keep' });
  t.match(report.counts, { published: 3, kept: 2 });
  t.same(report.datasets, [
    { name: 'ckpt', verdict: 'complete', size: 3, missing: [], missingCount: 0 },
    { name: 'part', verdict: 'incomplete', size: 4, missing: [1, 3], missingCount: 2 },
  ]);
  t.same(published(place), ['ckpt.0', 'ckpt.1', 'ckpt.2']);
  t.same(fs.readdirSync(place.states).sort(), ['part.0', 'part.2']);
});

t.test('all of an incomplete dataset is rolled back, what is complete too', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 1, 3], 4);
  const dry = await finalize(place.states, { dataset: true, dryRun: true });
  t.equal(fs.readdirSync(place.states).length, 3);
  const report = await finalize(place.states, { dataset: true });
  t.match(report.counts, { published: 0, 'rolled-back': 3 });
  t.same(dry.counts, report.counts);
  t.same(dry.datasets, report.datasets);
  t.same([...published(place), ...temporaries(place.dest)], []);
  t.same(tree(place.states), {});
});

t.test('a named dataset is finalized alone, and other transfers are not counted', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 1], 2, 'this');
  await leaveRanks(place, [0], 2, 'other');
  const { counts, datasets } = await finalize(place.states, { dataset: 'this' });
  t.match(counts, { published: 2, 'rolled-back': 0, kept: 0 });
  t.match(datasets, [{ name: 'this' }]);
  t.same(fs.readdirSync(place.states), ['other.0']);
});

t.test('nothing of a dataset is touched while a rank of it lives', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0], 2);
  await using live = await place.create({ name: 'ckpt', stateFile: place.path('states/live'), rank: 1, size: 2 });
  const report = await finalize(place.states, { dataset: true });
  t.match(report.counts, { published: 0, 'rolled-back': 0, busy: 2 });
  t.match(report.datasets, [{ verdict: 'busy', missing: [1] }]);
  t.equal(live.state, 'created');
  t.equal(fs.readdirSync(place.states).length, 2);
});

t.test(
  'transfers that disagree on the size of their dataset are told of, and nothing of them is touched',
  async (t) => {
    const place = new Place(t);
    await leaveRanks(place, [0], 2);
    await leaveRanks(place, [1], 3);
    const before = tree(place.root);
    const { counts, problems } = await finalize(place.states, { dataset: true });
    t.match(counts, { failed: 2, 'rolled-back': 0 });
    t.match(problems, [{ error: { code: 'AXL_CONFLICT' } }, { error: { code: 'AXL_CONFLICT' } }]);
    t.same(tree(place.root), before);
  },
);

t.test('an incomplete dataset is kept if a state file is corrupt: it may be the missing rank', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 1, 2], 3);
  corrupt(place.path('states/ckpt.1'));
  const { counts } = await finalize(place.states, { dataset: true });
  t.match(counts, { kept: 2, corrupt: 1, 'rolled-back': 0 });
  t.equal(temporaries(place.dest).length, 3);
});

t.test(
  'as root: an incomplete dataset is kept if a state file is where others can write: it may be the missing rank',
  async (t) => {
    if (!isRoot) return t.plan(0, 'only root is root');
    const place = new Place(t);
    await leaveRanks(place, [0, 1], 2, 'ckpt', { home: place.states });
    const open = place.mkdir('open');
    fs.renameSync(place.path('states/ckpt.1'), join(open, 'ckpt.1'));
    fs.chmodSync(open, 0o777);
    const { counts, problems } = await finalize([place.states, open], { dataset: true });
    t.match(counts, { kept: 1, failed: 1, 'rolled-back': 0 });
    t.match(problems.find(({ action }) => action === 'failed')?.error, { code: 'AXL_UNSAFE_PATH' });
    fs.chmodSync(open, 0o755);
    t.match((await finalize([place.states, open], { dataset: true })).counts, { published: 2 });
  },
);

t.test('an incomplete dataset is kept after an incomplete scan', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0], 2);
  const { counts, unreadable } = await finalize([place.states, place.path('missing')], { dataset: true });
  t.match(counts, { kept: 1, 'rolled-back': 0 });
  t.match(unreadable, [{ code: 'AXL_IO', errnoName: 'ENOENT', path: place.path('missing') }]);
});

t.test('a rank that has two transfers, one of them complete, is not missing', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 1], 2);
  const again = place.path('states/again');
  {
    await using transfer = await place.create({ name: 'ckpt', stateFile: again, rank: 1, size: 2 });
    await transfer.add(place.write('source/again'), place.path('dest/again'));
    await transfer.dispatch();
    await quiet(transfer);
  }
  cutBefore(again, TYPE.done);
  const { counts } = await finalize(place.states, { dataset: true });
  t.match(counts, { published: 2, 'rolled-back': 1 });
  t.same(published(place), ['ckpt.0', 'ckpt.1']);
});

t.test('a dataset is finalized to its end though a finalizer was killed in the middle of it', async (t) => {
  for (const ranks of [64, 63]) {
    const place = new Place(t);
    await leaveRanks(
      place,
      Array.from({ length: ranks }, (_, i) => i),
      64,
    );
    const code = `await axl.finalize(args[0], { dataset: true, jobs: 1, shard: { index: 0, count: 2 } })`;
    t.equal((await script(code, [place.states])).status, 0);
    const left = fs.readdirSync(place.states);
    t.ok(
      left.length < ranks && left.some((name) => name.startsWith('.axl-verdict.')),
      'half is done, and the verdict is there',
    );
    const { counts, datasets } = await finalize(place.states, { dataset: true });
    t.equal(counts[ranks === 64 ? 'published' : 'rolled-back'], left.length - 1);
    t.match(datasets, [{ verdict: ranks === 64 ? 'complete' : 'incomplete' }]);
    t.equal(published(place).length, ranks === 64 ? 64 : 0);
    t.same(tree(place.states), {}, 'no verdict is left');
  }
});

t.test("another user's verdict, or none, in the name of one is not believed, and the dataset stays", async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 1], 2);
  await finalize(place.states, { dataset: true, shard: { index: 0, count: 2 } });
  const verdict = fs.readdirSync(place.states).find((name) => name.startsWith('.axl-verdict.'));
  t.ok(verdict);
  fs.writeFileSync(place.path('states', `${verdict}`), '{}');
  const { counts, problems } = await finalize(place.states, { dataset: true });
  t.match(counts, { failed: 1 });
  t.match(problems, [{ error: { code: 'AXL_STATE_CORRUPT' } }]);
});

t.test('a verdict that nobody can have written fails its dataset, and nothing else', async (t) => {
  const uuid = '1'.repeat(32);
  const forgeries: readonly ((dataset: string) => Buffer)[] = [
    () => Buffer.from('{}'),
    (dataset) => encodeVerdict({ dataset, transfers: [[uuid, 'a']] }).subarray(0, -1),
    (dataset) => encodeVerdict({ dataset, transfers: [[uuid, '../a']] }),
    (dataset) => encodeVerdict({ dataset, transfers: [[uuid, 'a\0b']] }),
    (dataset) => encodeVerdict({ dataset }),
    (dataset) => encodeVerdict({ dataset, scope: 2, transfers: [[uuid, 'a']] }),
    (dataset) => encodeVerdict({ dataset, scope: 4 }),
    (dataset) => encodeVerdict({ dataset, decision: 4, scope: 2 }),
    () => encodeVerdict({ dataset: uuid, scope: 2 }),
    (dataset) => summed(Buffer.concat([encodeVerdict({ dataset, scope: 2 }), Buffer.of(0)])),
  ];
  for (const forge of forgeries) {
    const place = new Place(t);
    await leaveRanks(place, [0, 1], 2);
    await leaveRanks(place, [0, 1], 2, 'other');
    const { dataset } = await inspect(place.path('states/ckpt.0'));
    fs.writeFileSync(place.path('states', verdictName(dataset)), forge(dataset));
    const { counts, problems } = await finalize(place.states, { dataset: true });
    t.match(counts, { published: 2, failed: 2 });
    t.match(problems, [{ error: { code: 'AXL_STATE_CORRUPT' } }, { error: { code: 'AXL_STATE_CORRUPT' } }]);
    t.same(published(place), ['other.0', 'other.1']);
  }
});

t.test('a verdict on transfers that are still to be finalized comes before any other on their dataset', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0], 2);
  const { dataset } = await inspect(place.path('states/ckpt.0'));
  const another = await inspect(place.path('states/ckpt.0'));
  fs.renameSync(place.path('states/ckpt.0'), place.path('states/first.0'));
  await leaveRanks(place, [1], 2);
  const verdict = encodeVerdict({ dataset, decision: 2, transfers: [[another.uuid, 'first.0']] });
  fs.writeFileSync(place.path('states', verdictName(dataset)), verdict);
  const { counts } = await finalize(place.states, { dataset: true });
  t.match(counts, { published: 0, kept: 1, 'rolled-back': 1 });
  t.same(published(place), []);
});

/** Who looks at all ranks has their locks for an instant. */
const forEachOther = { dataset: true, wait: Number.POSITIVE_INFINITY };

t.test('the shards of a directory together do all of it, each its part', async (t) => {
  const place = new Place(t);
  await leaveRanks(
    place,
    Array.from({ length: 24 }, (_, i) => i),
    24,
  );
  const shards = [0, 1, 2, 3].map((index) => finalize(place.states, { ...forEachOther, shard: { index, count: 4 } }));
  const reports = await Promise.all(shards);
  const sum = reports.reduce((all, { counts }) => all + counts.published, 0);
  t.equal(sum, 24);
  t.ok(reports.filter(({ counts }) => counts.published > 0).length > 1);
  for (const { datasets, counts } of reports) {
    t.match(counts, { busy: 0, failed: 0, gone: 0 });
    t.match(datasets, counts.published > 0 ? [{ verdict: 'complete', size: 24 }] : []);
  }
  t.same(tree(place.states), {});
});

t.test('shard auto takes rank and size from the launcher, from Slurm only in a step', async (t) => {
  const code = `const { counts } = await axl.finalize(args[0], { shard: 'auto', dryRun: true }); console.log(counts.published);`;
  const place = new Place(t);
  await leaveRanks(
    place,
    Array.from({ length: 12 }, (_, i) => i),
    12,
  );
  const seen = async (env: Record<string, string>) => Number((await script(code, [place.states], { env })).stdout);
  const slurm = { SLURM_PROCID: '0', SLURM_STEP_NUM_TASKS: '2', SLURM_NTASKS: '2' };
  t.equal(await seen({}), 12);
  t.equal(await seen(slurm), 12, 'a batch script');
  const parts = [
    await seen({ ...slurm, SLURM_STEP_ID: '0' }),
    await seen({ ...slurm, SLURM_STEP_ID: '0', SLURM_PROCID: '1' }),
  ];
  t.equal((parts[0] as number) + (parts[1] as number), 12);
  const mpirun = { ...slurm, SLURM_STEP_ID: '0', OMPI_COMM_WORLD_RANK: '1', OMPI_COMM_WORLD_SIZE: '2' };
  t.equal(await seen(mpirun), parts[1], 'Open MPI is trusted more');
  t.equal(await seen({ PMI_RANK: '1', PMI_SIZE: '2' }), parts[1]);
  t.equal(await seen({ FLUX_TASK_RANK: '1', FLUX_JOB_SIZE: '2' }), parts[1]);
});

t.test('a dataset that cannot be resumed is not published, and falls back as a whole', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 1, 2], 3);
  cutBefore(place.path('states/ckpt.1'), TYPE.done);
  fs.rmSync(place.path('source/ckpt.1'));
  t.match((await finalize(place.states, { incomplete: 'resume', dataset: true })).counts, { kept: 3 });
  const { counts } = await finalize(place.states, { incomplete: 'resume', dataset: true, fallback: 'delete' });
  t.match(counts, { 'rolled-back': 3 });
  t.same(published(place), []);
});

t.test('nothing of a dataset is published if one of its ranks cannot be, and nothing is rolled back', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 1, 2], 3);
  place.write('dest/ckpt.1', 'somebody else was faster');
  const before = [tree(place.dest), fs.readdirSync(place.states).sort()];
  const report = await finalize(place.states, { dataset: true, overwrite: 'fail' });
  t.match(report.counts, { published: 0, 'rolled-back': 0, kept: 2, failed: 1 });
  t.match(report.datasets, [{ verdict: 'incomplete', missing: [1], missingCount: 1 }]);
  t.match(report.problems, [{ rank: 1, error: { code: 'AXL_CONFLICT' } }]);
  t.same([tree(place.dest), fs.readdirSync(place.states).sort()], before);
  t.match((await finalize(place.states, { dataset: true })).counts, { published: 0, kept: 2, failed: 1 });
  t.match((await finalize(place.states, { dataset: true, overwrite: 'replace' })).counts, { published: 3 });
});

t.test('nothing of a dataset is published if a rank of it lost a file before it was committed', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 1], 2);
  cutBefore(place.path('states/ckpt.1'), TYPE.settled);
  const temporary = fs.readdirSync(place.dest).find((name) => name.startsWith('ckpt.1._AXL'));
  fs.unlinkSync(place.path(`dest/${temporary}`));
  const report = await finalize(place.states, { dataset: true });
  t.match(report.counts, { published: 0, 'rolled-back': 0, kept: 1, failed: 1 });
  t.match(report.problems, [{ rank: 1, error: { code: 'AXL_VERIFY' } }]);
  t.same(published(place), []);
});

t.test('every state file of a dataset says that it is complete before one of it is published', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 1], 2);
  cutBefore(place.path('states/ckpt.0'), TYPE.settled);
  place.write('dest/ckpt.1', 'somebody else was faster');
  t.match((await finalize(place.states, { dataset: true, overwrite: 'fail' })).counts, { published: 0, kept: 1 });
  t.equal((await inspect(place.path('states/ckpt.0'))).committed, true);
});

t.test('under shards too, each of which reports its own part', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 1, 2, 3, 4, 5], 6);
  place.mkdir('dest/ckpt.4');
  const shards = [0, 1, 2].map((index) => finalize(place.states, { ...forEachOther, shard: { index, count: 3 } }));
  const reports = await Promise.all(shards);
  const sum = (action: 'kept' | 'failed' | 'published') => reports.reduce((all, { counts }) => all + counts[action], 0);
  t.same([sum('kept'), sum('failed'), sum('published')], [5, 1, 0]);
});

t.test('shards that resume, one after the other, publish all of a dataset', async (t) => {
  const place = new Place(t);
  const ranks = [0, 1, 2, 3, 4, 5];
  await leaveRanks(place, ranks, ranks.length, 'ckpt', { allRanks: true });
  for (const rank of ranks) cutBefore(place.path(`states/ckpt.${rank}`), TYPE.done);
  const report = place.path('report.json');
  const shard = (index: number) =>
    axlFinalize(['--incomplete=resume', '--report', report, `--shard=${index}/2`, place.states]);
  t.equal((await shard(0)).status, 3);
  t.same(published(place), []);
  t.equal((await shard(1)).status, 0);
  t.same(
    published(place),
    ranks.map((rank) => `ckpt.${rank}`),
  );
  t.same(tree(place.states), {});
  const merged = await axlFinalize(['merge', place.path('report.0-of-2.json'), place.path('report.1-of-2.json')]);
  t.equal(merged.status, 0, merged.stderr);
  t.match(merged.stdout, /6 state files: 6 published;/);
});
