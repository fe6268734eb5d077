// The options of finalize(), and list() and inspect(), through the library.
import * as fs from 'node:fs';
import { basename } from 'node:path';
import t from 'tap';
import { type FinalizeEvent, type FinalizeOptions, finalize, inspect, list } from '../lib/index.js';
import { corrupt, cutBefore, leave, quiet, TYPE, temporaryName } from './journals.js';
import { isRoot, NOBODY, noStrangers, Place, script, temporaries, tree } from './support.js';

/** Leaves the complete transfers of ranks of a dataset. */
async function leaveRanks(place: Place, ranks: readonly number[], size: number, name = 'ckpt'): Promise<void> {
  for (const rank of ranks) {
    const stateFile = place.path('states', `${name}.${rank}`);
    await using transfer = await place.create({ name, stateFile, rank, size });
    await transfer.add(place.write(`source/${name}.${rank}`), place.path(`dest/${name}.${rank}`));
    await transfer.dispatch();
    await quiet(transfer);
  }
}

const published = (place: Place): string[] =>
  fs.existsSync(place.dest)
    ? fs
        .readdirSync(place.dest)
        .filter((name) => !name.includes('._AXL'))
        .sort()
    : [];

async function events(place: Place, options: FinalizeOptions): Promise<FinalizeEvent[]> {
  const all: FinalizeEvent[] = [];
  await finalize(place.states, { ...options, onEvent: (event) => all.push(event) });
  return all;
}

const uid = process.geteuid?.() ?? 0;
const lockOf = (place: Place): string => place.path(`states/.axl-finalize.${uid}.lock`);

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

t.test('a dataset whose transfers disagree on its size is incomplete, and that is told', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0], 2);
  await leaveRanks(place, [1], 3);
  const all = await events(place, { dataset: true, incomplete: 'keep' });
  t.match(
    all.filter(({ event }) => event === 'problem'),
    [{ failure: { code: 'AXL_CONFLICT' } }],
  );
  t.match(
    all.filter(({ event }) => event === 'dataset'),
    [{ verdict: 'incomplete' }],
  );
  t.same(published(place), []);
});

t.test('an incomplete dataset is kept if a state file is corrupt: it may be the missing rank', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 1, 2], 3);
  corrupt(place.path('states/ckpt.1'));
  const { counts } = await finalize(place.states, { dataset: true });
  t.match(counts, { kept: 2, corrupt: 1, 'rolled-back': 0 });
  t.equal(temporaries(place.dest).length, 3);
});

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

t.test('the shards of a directory together do all of it, each its part', async (t) => {
  const place = new Place(t);
  await leaveRanks(
    place,
    Array.from({ length: 24 }, (_, i) => i),
    24,
  );
  const shards = [0, 1, 2, 3].map((index) => finalize(place.states, { dataset: true, shard: { index, count: 4 } }));
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

t.test('resume completes what is missing from the sources, then publishes', async (t) => {
  for (const dataset of [false, true]) {
    const place = new Place(t);
    await leaveRanks(place, [0, 1], 2);
    cutBefore(place.path('states/ckpt.1'), TYPE.done);
    const report = await finalize(place.states, { incomplete: 'resume', dataset });
    t.match(report, { counts: { published: 2 }, resumed: 1 });
    t.same(published(place), ['ckpt.0', 'ckpt.1']);
  }
});

t.test('what cannot be resumed is kept, or deleted if fallback says so', async (t) => {
  for (const [fallback, action] of [
    ['keep', 'kept'],
    ['delete', 'rolled-back'],
  ] as const) {
    const place = new Place(t);
    await leave.incomplete(place, 'a');
    await leave.complete(place, 'b');
    fs.rmSync(place.path('source/a'));
    const { counts } = await finalize(place.states, { incomplete: 'resume', fallback });
    t.match(counts, { published: 1, [action]: 1 });
  }
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

t.test('a transfer with a destination outside of all roots fails, and nothing of it is touched', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  const other = place.mkdir('other');
  const before = tree(place.root);
  const { problems } = await finalize(place.states, { roots: [other] });
  t.match(problems, [{ action: 'failed', error: { code: 'AXL_UNSAFE_PATH' } }]);
  t.same(tree(place.root), before);
  fs.symlinkSync(place.dest, place.path('link'));
  t.match((await finalize(place.states, { roots: [other, place.path('link')] })).counts, { published: 1 });
  await t.rejects(finalize(place.states, { roots: [place.path('missing')] }), { code: 'AXL_IO' });
});

t.test('verify checksum finds what has the right size and other contents', async (t) => {
  const place = new Place(t);
  const stateFile = await leave.complete(place, 'a');
  const temporary = temporaryName(stateFile, place.path('dest/a'));
  const { atime, mtime } = fs.statSync(temporary);
  fs.writeFileSync(temporary, 'SOURCE/a');
  fs.utimesSync(temporary, atime, mtime);
  const { problems } = await finalize(place.states, { verify: 'checksum' });
  t.match(problems, [{ error: { code: 'AXL_VERIFY' } }]);
  t.match((await finalize(place.states, { verify: 'size' })).counts, { published: 1 });
});

t.test(
  'where a destination exists it is replaced, or kept, or fails the transfer before anything is published',
  async (t) => {
    for (const [overwrite, action, content] of [
      ['fail', 'failed', 'before'],
      ['keep', 'published', 'before'],
      ['replace', 'published', 'source/a'],
    ] as const) {
      const place = new Place(t);
      await leave.complete(place, 'a');
      fs.writeFileSync(place.path('dest/a'), 'before');
      const { counts } = await finalize(place.states, { overwrite });
      t.match(counts, { [action]: 1 }, overwrite);
      t.equal(fs.readFileSync(place.path('dest/a'), 'utf8'), content, overwrite);
    }
  },
);

t.test('keepState leaves state files that say they are final, and a second run changes nothing', async (t) => {
  for (const dataset of [false, true]) {
    const place = new Place(t);
    await leaveRanks(place, [0, 1], 2);
    t.match((await finalize(place.states, { keepState: true, dataset })).counts, { published: 2 });
    t.match((await list(place.states)).transfers, [{ state: 'published' }, { state: 'published' }]);
    t.same(fs.readdirSync(place.states).sort(), ['ckpt.0', 'ckpt.1']);
    const after = tree(place.root);
    t.match((await finalize(place.states, { keepState: true, dataset })).counts, { published: 2 });
    t.same(tree(place.root), after);
    t.match((await finalize(place.states, { dataset })).counts, { removed: 2 });
    t.same(tree(place.states), {});
  }
});

/** Ends a live transfer when finalize() begins to wait for it. */
async function whileWaiting(place: Place, options: FinalizeOptions, end: () => Promise<void>) {
  let ended: Promise<void> | undefined;
  const actions: string[] = [];
  const report = await finalize(place.states, {
    ...options,
    onEvent: (event) => {
      if (event.event === 'wait') ended ??= end();
      if (event.event === 'entry') actions.push(`${basename(event.entry.stateFile)} ${event.entry.action}`);
    },
  });
  await ended;
  return { report, actions: actions.sort() };
}

t.test('wait finalizes what is busy once its writer has ended, and reports it once', async (t) => {
  for (const dataset of [false, true]) {
    const place = new Place(t);
    await leaveRanks(place, [0], 2);
    const live = await place.create({ name: 'ckpt', stateFile: place.path('states/live'), rank: 1, size: 2 });
    await live.add(place.write('source/live'), place.path('dest/live'));
    await live.dispatch();
    await quiet(live);
    const { report, actions } = await whileWaiting(place, { wait: 30_000, dataset }, () => live[Symbol.asyncDispose]());
    t.same(actions, ['ckpt.0 published', 'live published']);
    t.equal(report.datasets.length, dataset ? 1 : 0);
  }
});

t.test('a rank that appears while a dataset is waited for belongs to it', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0], 3);
  const live = await place.create({ name: 'ckpt', stateFile: place.path('states/live'), rank: 1, size: 3 });
  await live.add(place.write('source/live'), place.path('dest/live'));
  await live.dispatch();
  await quiet(live);
  const { report } = await whileWaiting(place, { wait: 30_000, dataset: true }, async () => {
    await leaveRanks(place, [2], 3);
    await live[Symbol.asyncDispose]();
  });
  t.match(report.counts, { published: 3, busy: 0 });
});

t.test('wait ends when its time is up, and what is busy is reported once', async (t) => {
  const place = new Place(t);
  await using _live = await place.create({ stateFile: place.path('states/live') });
  const { report, actions } = await whileWaiting(place, { wait: 400 }, async () => {});
  t.same(actions, ['live busy']);
  t.ok(report.timings.total >= 400 && report.timings.total < 5000, `${report.timings.total} ms`);
});

t.test('a signal ends the waiting', async (t) => {
  const place = new Place(t);
  await using _live = await place.create({ stateFile: place.path('states/live') });
  const stop = new AbortController();
  const { report } = await whileWaiting(place, { wait: Number.POSITIVE_INFINITY, signal: stop.signal }, async () =>
    stop.abort(),
  );
  t.match(report, { interrupted: true, counts: { busy: 1 } });
});

t.test('a directory that another finalizer has locked is left to it', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  fs.mkdirSync(lockOf(place));
  const heartbeat = setInterval(() => fs.utimesSync(lockOf(place), new Date(), new Date()), 500);
  t.teardown(() => clearInterval(heartbeat));
  for (const onLock of ['skip', 'fail'] as const) {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300); // or it would be some seconds
    const { locked, counts } = await finalize(place.states, { onLock, signal: stop.signal });
    t.match(locked, [{ code: 'AXL_STATE_LOCKED', path: place.states }]);
    t.match(counts, { published: 0 });
  }
  t.match((await finalize(place.path('states/a'))).counts, { published: 1 }, 'a single state file needs no lock');
});

t.test('the lock that a killed finalizer left does not make the next one give up', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  fs.mkdirSync(lockOf(place));
  t.match(await finalize(place.states), { counts: { published: 1 }, locked: [] });
  t.same(tree(place.states), {});
});

t.test('to lose the lock at any moment is harmless', async (t) => {
  const place = new Place(t);
  await leaveRanks(
    place,
    Array.from({ length: 48 }, (_, i) => i),
    48,
  );
  let working = true;
  const thief = (async () => {
    while (working) {
      fs.rmSync(lockOf(place), { recursive: true, force: true });
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  const code = `const { counts } = await axl.finalize(args[0], { dataset: true }); console.log(counts.published + counts.gone, counts.published)`;
  const runs = await Promise.all(Array.from({ length: 6 }, () => script(code, [place.states])));
  working = false;
  await thief;
  t.equal(
    runs.reduce((sum, { stdout }) => sum + Number(stdout.split(' ')[1]), 0),
    48,
    runs.map(({ stderr }) => stderr).join(''),
  );
  t.same(published(place).length, 48);
  t.same(tree(place.states), {});
});

t.test('a state file that is given twice, alone and by its directory, is finalized once', async (t) => {
  const place = new Place(t);
  const stateFile = await leave.complete(place, 'a');
  await leave.complete(place, 'b');
  fs.symlinkSync(place.states, place.path('link'));
  const inputs = [stateFile, place.states, Buffer.from(place.path('link/a')), stateFile];
  t.match((await finalize(inputs)).counts, { published: 2, gone: 0, busy: 0 });
});

t.test('recursive searches below, pattern and exclude choose by name', async (t) => {
  const place = new Place(t);
  place.mkdir('states/sub/deep');
  for (const name of ['a.axl', 'b.axl', 'c.txt']) await leave.complete(place, name);
  fs.renameSync(await leave.complete(place, 'd.axl'), place.path('states/sub/deep/d.axl'));
  const odd = Buffer.concat([Buffer.from(`${place.states}/sub/`), Buffer.of(0xff), Buffer.from('.axl')]);
  fs.renameSync(await leave.complete(place, 'e.axl'), odd);
  const dry = async (options: FinalizeOptions) => {
    const all = await events(place, { ...options, dryRun: true });
    const names = all.flatMap((e) => (e.event === 'entry' && e.entry.action === 'published' ? [e.entry.name] : []));
    return names.sort().join(' ');
  };
  t.equal(await dry({}), 'a.axl b.axl c.txt');
  t.equal(await dry({ pattern: ['*.axl'] }), 'a.axl b.axl');
  t.equal(await dry({ exclude: ['b*'] }), 'a.axl c.txt');
  t.equal(await dry({ recursive: true }), 'a.axl b.axl c.txt d.axl e.axl');
  t.equal(await dry({ recursive: true, pattern: ['sub/**/*.axl'] }), 'd.axl e.axl');
  t.equal(await dry({ recursive: true, pattern: ['*.axl'], exclude: ['a*'] }), 'b.axl d.axl e.axl');
  t.match((await finalize(place.states, { recursive: true })).counts, { published: 5 });
});

t.test('root acts on what is its own only where nobody else can write', async (t) => {
  if (!isRoot) return t.plan(0, 'only root is root');
  const place = new Place(t);
  await leave.complete(place, 'a');
  for (const [mode, owner] of [
    [0o777, 0],
    [0o1777, 0],
    [0o755, NOBODY],
  ] as const) {
    fs.chmodSync(place.states, mode);
    fs.chownSync(place.states, owner, 0);
    const before = tree(place.root);
    const { problems } = await finalize(place.states);
    t.match(problems, [{ action: 'failed', error: { code: 'AXL_UNSAFE_PATH' } }]);
    t.same(tree(place.root), before);
  }
  fs.chownSync(place.states, 0, 0);
  fs.chownSync(place.root, NOBODY, 0);
  t.match((await finalize(place.states)).counts, { failed: 1 }, 'the directory above is another');
  fs.chownSync(place.root, 0, 0);
  t.match((await finalize(place.states)).counts, { published: 1 });
});

t.test("root finalizes each user's transfers as that user, datasets too", async (t) => {
  const skip = await noStrangers();
  if (skip) return t.plan(0, skip);
  const place = new Place(t);
  const theirs = place.mkdir('theirs');
  for (const name of ['theirs/source', 'theirs/dest', 'theirs/states']) place.mkdir(name);
  for (const rank of [0, 1]) place.write(`theirs/source/f${rank}`);
  place.write('theirs/states/other', 'no state file');
  const { chownSync } = fs;
  for (const name of ['', ...fs.readdirSync(theirs, { recursive: true, encoding: 'utf8' })])
    chownSync(`${theirs}/${name}`, NOBODY, NOBODY);
  const code = `for (const rank of [0, 1]) {
    const transfer = await axl.Transfer.create({ name: 'ckpt', stateFile: args[0] + '/states/' + rank, rank, size: 2 });
    await transfer.add(args[0] + '/source/f' + rank, args[0] + '/dest');
    await transfer.dispatch();
  }`;
  t.equal((await script(code, [theirs], { uid: NOBODY })).status, 0);
  await leaveRanks(place, [0], 2);
  const all: string[] = [];
  const report = await finalize([place.states, `${theirs}/states`], {
    dataset: true,
    incomplete: 'keep',
    onEvent: (event) => {
      if (event.event === 'entry') all.push(`${event.entry.stateFileBytes} ${event.entry.action}`);
    },
  });
  t.same(all.sort(), [
    `${place.states}/ckpt.0 kept`,
    `${theirs}/states/0 published`,
    `${theirs}/states/1 published`,
    `${theirs}/states/other not-state`,
  ]);
  t.same(report.datasets.map(({ verdict }) => verdict).sort(), ['complete', 'incomplete']);
  for (const name of ['f0', 'f1']) t.equal(fs.statSync(`${theirs}/dest/${name}`).uid, NOBODY);
  t.same(fs.readdirSync(`${theirs}/states`), ['other']);
});

t.test('root does not follow what a user has put in the way', async (t) => {
  const skip = await noStrangers();
  if (skip) return t.plan(0, skip);
  const place = new Place(t);
  const stateFile = await leave.complete(place, 'a');
  const theirs = place.mkdir('theirs');
  fs.chownSync(theirs, NOBODY, NOBODY);
  fs.symlinkSync(stateFile, `${theirs}/link`);
  fs.linkSync(stateFile, `${theirs}/hard`);
  fs.copyFileSync(stateFile, `${theirs}/forged`);
  fs.chownSync(`${theirs}/forged`, NOBODY, NOBODY);
  const before = tree(place.root);
  const { counts } = await finalize(theirs);
  t.match(counts, { published: 0, failed: 2, 'not-state': 1 });
  t.same(tree(place.root), before);
});

t.test('list() says of each state file what it is, and changes nothing', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  await leave.incomplete(place, 'b');
  await leave.created(place, 'c');
  await leave.published(place, 'd');
  await leave.corrupt(place, 'e');
  place.write('states/f', 'something else');
  await using _live = await place.create({ name: 'g', stateFile: place.path('states/g'), rank: 3, size: 4 });
  const before = tree(place.root);
  const { transfers, unreadable } = await list([place.states, place.path('missing')]);
  t.same(transfers.map(({ stateFile, state }) => `${basename(stateFile)} ${state}`).sort(), [
    'a complete',
    'b incomplete',
    'c never-dispatched',
    'd published',
    'e corrupt',
    'f not-state',
    'g never-dispatched',
  ]);
  const by = (name: string) => transfers.find(({ stateFile }) => basename(stateFile) === name);
  t.match(by('a'), { name: 'a', rank: 0, size: 1, alive: false, files: 1, filesDone: 1, bytes: 8, bytesDone: 8, uid });
  t.match(by('e'), { error: { code: 'AXL_STATE_CORRUPT' } });
  t.match(by('g'), { name: 'g', rank: 3, size: 4, alive: true, pid: process.pid });
  t.ok(Math.abs(Date.now() - Number(by('a')?.modified)) < 60_000);
  t.match(unreadable, [{ errnoName: 'ENOENT' }]);
  t.same(tree(place.root), before);
});

t.test('inspect() says all of a state file in words, of a torn or corrupt one what can be read', async (t) => {
  const place = new Place(t);
  const stateFile = await leave.complete(place, 'a');
  const file = {
    kind: 'file',
    source: place.path('source/a'),
    dest: place.path('dest/a'),
    temporary: temporaryName(stateFile, place.path('dest/a')),
    size: 8,
    state: 'done',
    crc32c: Number,
  };
  t.match(inspect(stateFile), {
    state: 'complete',
    committed: true,
    durability: 'full',
    torn: false,
    fileList: [file],
  });
  t.same(inspect(stateFile).fileList[0]?.destBytes, Buffer.from(file.dest));
  fs.appendFileSync(stateFile, 'torn');
  t.match(inspect(stateFile), { state: 'complete', torn: true });
  corrupt(stateFile);
  t.match(inspect(stateFile), { state: 'corrupt', error: { code: 'AXL_STATE_CORRUPT' } });
  t.match(inspect(place.path('missing')), { state: 'gone' });
  t.match(inspect(place.write('text')), { state: 'not-state' });
});

t.test('misuse of the options is a TypeError or RangeError', async (t) => {
  const bad = (options: object) => finalize('/nonexistent', options as never);
  await t.rejects(bad({ fallback: 'resume' }), TypeError);
  await t.rejects(bad({ dataset: 1 }), TypeError);
  await t.rejects(bad({ dataset: '' }), RangeError);
  await t.rejects(bad({ wait: '1s' }), TypeError);
  await t.rejects(bad({ wait: -1 }), RangeError);
  await t.rejects(bad({ wait: Number.NaN }), RangeError);
  await t.rejects(bad({ shard: '1/2' }), TypeError);
  await t.rejects(bad({ shard: { index: 2, count: 2 } }), RangeError);
  await t.rejects(bad({ shard: { index: 0, count: 0 } }), RangeError);
  await t.rejects(bad({ roots: '/p' }), TypeError);
  await t.rejects(bad({ roots: [1] }), TypeError);
  await t.rejects(bad({ verify: 'crc' }), TypeError);
  await t.rejects(bad({ pattern: '*' }), TypeError);
  await t.rejects(bad({ jobEnd: true }), { message: 'finalize has no option jobEnd; did you mean jobEnded?' });
  await t.rejects(list('/p', { dataset: true } as never), TypeError);
  t.throws(() => inspect(''), TypeError);
});
