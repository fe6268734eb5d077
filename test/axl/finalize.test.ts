// axl-finalize on what the C library AXL leaves: each state in which a job can have ended, with its files where it put them.
import * as fs from 'node:fs';
import t, { type Test } from 'tap';
import { inspect, list } from '../../lib/index.js';
import { leave } from '../journals.js';
import { format, type Left, leaveAxl, STATE, STATUS, stateOf, TYPE } from '../kvtree.js';
import { axlFinalize, bytes, isRoot, NOBODY, said } from '../support.js';
import { Axl } from './left.js';

for (const [state, word] of [
  [STATE.dispatched, 'dispatched'],
  [STATE.waiting, 'waiting'],
] as const)
  t.test(`what AXL had copied when it was killed is published with its metadata, once: ${word}`, async (t) => {
    const axl = new Axl(t, { state });
    t.match(await axl.finalize(), { counts: { published: 1 }, files: 2, problems: [] });
    axl.published(t);
    t.match(await axl.finalize(), { counts: { published: 0 } });
  });

t.test('without --job-ended nothing is done to a state file of AXL', async (t) => {
  const axl = new Axl(t);
  await axl.untouched(t, { jobEnded: false }, 'busy', 'AXL_STATE_LOCKED');
  await axl.untouched(t, { jobEnded: false, writerDead: ['anywhere'] }, 'busy', 'AXL_STATE_LOCKED');
  const { status, stderr } = await axlFinalize([axl.place.states]);
  t.equal(status, 4);
  t.match(stderr, /--job-ended/);
});

t.test('a dry run says what the run would do, and changes nothing', async (t) => {
  const axl = new Axl(t);
  const before = axl.now();
  t.match(await axl.finalize({ dryRun: true }), { counts: { published: 1 } });
  fs.truncateSync(axl.temporary('a'), 5);
  t.match(await axl.finalize({ dryRun: true }), { counts: { 'rolled-back': 1 } });
  fs.copyFileSync(axl.source('a'), axl.temporary('a'));
  t.same(axl.now(), before);
});

const CUTS: Readonly<Record<string, (axl: Axl) => void>> = {
  short: (axl) => fs.truncateSync(axl.temporary('a'), 5000),
  long: (axl) => fs.appendFileSync(axl.temporary('a'), 'x'),
  missing: (axl) => fs.rmSync(axl.temporary('a')),
  'missing, and an older file of the same size stands at the final name': (axl) => {
    fs.rmSync(axl.temporary('a'));
    fs.writeFileSync(axl.dest('a'), bytes(10_000, 9));
  },
};

for (const [what, cut] of Object.entries(CUTS)) {
  t.test(`what AXL has not copied whole is rolled back: ${what}`, async (t) => {
    const axl = new Axl(t);
    cut(axl);
    const { a } = axl.now().dest as { a?: string };
    t.match(await axl.finalize(), { counts: { 'rolled-back': 1 }, problems: [{ error: { code: 'AXL_VERIFY' } }] });
    t.same(axl.now(), { dest: a === undefined ? {} : { a }, states: {} });
  });
  t.test(`what AXL has not copied whole stays with --incomplete keep: ${what}`, async (t) => {
    const axl = new Axl(t);
    cut(axl);
    await axl.untouched(t, { incomplete: 'keep' }, 'kept', 'AXL_VERIFY');
  });
  t.test(`what AXL has not copied whole is copied again with --incomplete resume: ${what}`, async (t) => {
    const axl = new Axl(t);
    cut(axl);
    t.match(await axl.finalize({ incomplete: 'resume' }), { counts: { published: 1 }, resumed: 1 });
    axl.published(t);
  });
  t.test(`without its source nothing is resumed: ${what}`, async (t) => {
    const axl = new Axl(t);
    cut(axl);
    fs.rmSync(axl.source('a'));
    await axl.untouched(t, { incomplete: 'resume' }, 'kept', 'AXL_IO');
  });
}

t.test('a source that was written again is not mixed with what was copied before', async (t) => {
  const axl = new Axl(t);
  fs.truncateSync(axl.temporary('a'), 5000);
  fs.writeFileSync(axl.source('a'), bytes(10_000, 7));
  await axl.untouched(t, { incomplete: 'resume' }, 'kept', 'AXL_SOURCE_CHANGED');
});

t.test("a prefix that is not its source's does not survive a resume", async (t) => {
  const axl = new Axl(t);
  fs.writeFileSync(axl.temporary('a'), bytes(5000, 8));
  t.match(await axl.finalize({ incomplete: 'resume' }), { counts: { published: 1 } });
  axl.published(t);
});

t.test('--verify checksum compares with the source where it is there', async (t) => {
  const axl = new Axl(t);
  fs.writeFileSync(axl.temporary('a'), bytes(10_000, 8));
  await axl.untouched(t, { incomplete: 'keep', verify: 'checksum' }, 'kept', 'AXL_VERIFY');
  t.match(await axl.finalize({ incomplete: 'resume', verify: 'checksum' }), { counts: { published: 1 } });
  axl.published(t);
  const gone = new Axl(t);
  fs.renameSync(gone.place.source, gone.place.path('elsewhere'));
  t.match(await gone.finalize({ verify: 'checksum' }), { counts: { published: 1 } });
});

t.test('what AXL has renamed counts as published, though its sources are gone', async (t) => {
  for (const renamed of [['a'], ['a', 'b']]) {
    const axl = new Axl(t);
    for (const name of ['a', 'b']) axl.giveTimes(name);
    for (const name of renamed) axl.rename(name);
    fs.renameSync(axl.place.source, axl.place.path('elsewhere'));
    t.match(await axl.finalize(), { counts: { published: 1 }, problems: [] });
    fs.renameSync(axl.place.path('elsewhere'), axl.place.source);
    axl.published(t);
  }
});

t.test('once a file has its final name, an incomplete one is not rolled back, but copied again', async (t) => {
  const axl = new Axl(t);
  for (const name of ['a', 'b']) axl.giveTimes(name);
  axl.rename('b');
  fs.truncateSync(axl.temporary('a'), 5);
  await axl.untouched(t, {}, 'failed', 'AXL_VERIFY');
  t.match(await axl.finalize({ incomplete: 'resume' }), { counts: { published: 1 } });
  axl.published(t);
});

t.test('without recorded metadata only the source tells whether a file was renamed, or --verify none', async (t) => {
  const renamed = (t: Test) => {
    const axl = new Axl(t, { metadata: false });
    for (const name of ['a', 'b']) axl.rename(name);
    return axl;
  };
  t.match(await renamed(t).finalize(), { counts: { published: 1 } });
  const gone = renamed(t);
  fs.renameSync(gone.place.source, gone.place.path('elsewhere'));
  await gone.untouched(t, {}, 'failed', 'AXL_VERIFY');
  t.match(await gone.finalize({ verify: 'none' }), { counts: { published: 1 } });
});

t.test('what AXL was not to copy of the metadata is not given', async (t) => {
  const axl = new Axl(t, { metadata: false });
  fs.chmodSync(axl.temporary('a'), 0o600);
  t.match(await axl.finalize(), { counts: { published: 1 }, lacking: 0 });
  t.equal(fs.statSync(axl.dest('a')).mode & 0o777, 0o600);
  axl.published(t, false);
});

t.test('what AXL has canceled or failed is rolled back, however much of it is there', async (t) => {
  const ends: readonly Left[] = [
    { state: STATE.canceled },
    { state: STATE.completed, status: STATUS.error },
    { state: STATE.dispatched, status: STATUS.error },
  ];
  for (const end of ends) {
    const axl = new Axl(t, end);
    t.match(await axl.finalize({ incomplete: 'keep' }), { counts: { kept: 1 } });
    t.match(await axl.finalize(), { counts: { 'rolled-back': 1 } });
    t.same(axl.now(), { dest: {}, states: {} });
    const again = new Axl(t, end);
    t.match(await again.finalize({ incomplete: 'resume' }), { counts: { published: 1 }, resumed: 1 });
    again.published(t);
  }
});

t.test('of what AXL has completed nothing is left to do, if it is there', async (t) => {
  for (const extension of [true, false]) {
    const axl = new Axl(t, { state: STATE.completed, extension });
    if (extension) for (const name of ['a', 'b']) axl.rename(name);
    fs.chmodSync(axl.dest('a'), 0o600);
    t.match(await axl.finalize({ dryRun: true }), { counts: { removed: 1 } });
    t.match(await axl.finalize(), { counts: { removed: 1 } });
    t.equal(fs.statSync(axl.dest('a')).mode & 0o777, 0o600, 'what its owner has changed since stays');
    axl.published(t, false);
  }
  const lost = new Axl(t, { state: STATE.completed });
  for (const name of ['a', 'b']) lost.rename(name);
  fs.rmSync(lost.dest('a'));
  await lost.untouched(t, {}, 'failed', 'AXL_VERIFY');
  const undone = new Axl(t, { state: STATE.completed });
  t.match(await undone.finalize(), { counts: { published: 1 } }, 'a power cut took the renames');
  undone.published(t);
});

t.test('a transfer that AXL has not dispatched leaves its state file, which is deleted', async (t) => {
  const axl = new Axl(t, { state: STATE.created });
  fs.rmSync(axl.place.path('dest'), { recursive: true });
  t.match(await axl.finalize(), { counts: { removed: 1 } });
  t.same(fs.readdirSync(axl.place.states), []);
});

t.test('a destination that is the copy itself gets its metadata, and is never deleted unasked', async (t) => {
  const whole = new Axl(t, { extension: false });
  t.match(await whole.finalize(), { counts: { published: 1 } });
  whole.published(t);
  const axl = new Axl(t, { extension: false });
  fs.truncateSync(axl.dest('a'), 5);
  t.match(await axl.finalize(), { problems: [{ action: 'failed', error: { code: 'AXL_VERIFY' } }] });
  t.equal(fs.statSync(axl.dest('a')).size, 5);
  t.equal(fs.statSync(axl.dest('b')).mode & 0o777, 0o640, 'what is whole gets its metadata');
  t.match(await axl.finalize({ incomplete: 'keep' }), { counts: { kept: 1 } });
  t.match(await axl.finalize({ axlInPlace: true, dryRun: true }), { counts: { 'rolled-back': 1 } });
  t.match(await axl.finalize({ axlInPlace: true }), { counts: { 'rolled-back': 1 } });
  t.same(fs.readdirSync(axl.place.path('dest')), ['b']);
  t.ok(axl.is('b'));
  const again = new Axl(t, { extension: false });
  fs.truncateSync(again.dest('a'), 5);
  t.match(await again.finalize({ incomplete: 'resume' }), { counts: { published: 1 }, resumed: 1 });
  again.published(t);
});

t.test('in place, what AXL has perhaps not begun to write is not deleted', async (t) => {
  const axl = new Axl(t, { extension: false });
  fs.writeFileSync(axl.dest('a'), bytes(20_000, 9));
  t.match(await axl.finalize({ axlInPlace: true }), { counts: { 'rolled-back': 1 } });
  t.equal(fs.statSync(axl.dest('a')).size, 20_000);
});

t.test('the temporary names of BBAPI work, and what a vendor may still move is left to the vendor', async (t) => {
  const left = { suffix: '._AXL4711', type: TYPE.bbapi };
  const axl = new Axl(t, { ...left, more: { BB_Fallback: 1 } });
  t.match(await axl.finalize(), { counts: { published: 1 } });
  axl.published(t);
  for (const type of [TYPE.bbapi, TYPE.dw])
    await new Axl(t, { ...left, type }).untouched(t, {}, 'corrupt', 'AXL_BACKEND_UNAVAILABLE');
});

t.test('an empty and a truncated state file are reported, and nothing is touched', async (t) => {
  for (const length of [0, 3, 4, 100]) {
    const axl = new Axl(t);
    fs.truncateSync(axl.stateFile, length);
    const before = axl.now();
    const { problems, counts } = await axl.finalize();
    if (length !== 3)
      t.match(problems, [{ action: 'corrupt', format: 'axl', error: { code: 'AXL_STATE_CORRUPT' } }], `${length}`);
    t.match(counts, { published: 0, 'rolled-back': 0, removed: 0 });
    t.same(axl.now(), before);
  }
});

t.test("files of KVTree that are not AXL's are left alone among those that are", async (t) => {
  const axl = new Axl(t);
  const other = axl.place.write('states/flush.scr', format([['DATASET', [['7', []]]]]));
  t.match(await axl.finalize(), { counts: { published: 1, corrupt: 0, 'not-state': 1 }, problems: [] });
  t.ok(fs.existsSync(other));
});

t.test('a directory may hold state files of AXL and of ours', async (t) => {
  const axl = new Axl(t);
  await leave.complete(axl.place, 'ours');
  await leave.incomplete(axl.place, 'ours-too');
  t.match(await axl.finalize({ dryRun: true }), { counts: { published: 2, 'rolled-back': 1 } });
  t.match(await axl.finalize(), { counts: { published: 2, 'rolled-back': 1 } });
  t.same(fs.readdirSync(axl.place.path('dest')).sort(), ['a', 'b', 'ours']);
});

t.test('list and inspect tell of a state file of AXL what its files tell', async (t) => {
  const axl = new Axl(t);
  const { transfers } = await list(axl.place.states);
  t.match(transfers, [
    { format: 'axl', state: 'complete', alive: 'cannot tell', files: 2, filesDone: 2, bytes: 20_001 },
  ]);
  t.match(inspect(axl.stateFile), { format: 'axl', name: 'ckpt.1', backend: 'axl:pthread', state: 'complete' });
  fs.truncateSync(axl.temporary('a'), 7);
  const { state, fileList } = inspect(axl.stateFile);
  t.equal(state, 'incomplete');
  t.match(fileList, [{ state: 'failed', temporary: axl.temporary('a'), dest: axl.dest('a') }, { state: 'done' }]);
  t.match(said(await axlFinalize(['list', '--json', axl.place.states])).transfers, [{ format: 'axl' }]);
  t.match(await axlFinalize(['inspect', axl.stateFile]), {
    status: 0,
    stdout: /ckpt\.1.*\n(.*\n)*writer +the C library AXL/,
  });
});

t.test('links to directories of destinations are gone through, and --root holds behind them', async (t) => {
  const axl = new Axl(t);
  fs.symlinkSync(axl.place.path('dest'), axl.place.path('link'));
  const files = Object.fromEntries(['a', 'b'].map((name) => [axl.source(name), axl.place.path('link', '.', name)]));
  fs.writeFileSync(axl.stateFile, format(stateOf(files)));
  await axl.untouched(t, { roots: [axl.place.mkdir('root')] }, 'failed', 'AXL_UNSAFE_PATH');
  t.match(await axl.finalize({ roots: [axl.place.path('dest')] }), { counts: { published: 1 } });
  axl.published(t);
});

t.test('a directory of destinations that is not there is not mounted, and nothing is lost', async (t) => {
  const axl = new Axl(t);
  fs.renameSync(axl.place.path('dest'), axl.place.path('elsewhere'));
  const { problems } = await axl.finalize();
  t.match(problems, [{ action: 'failed', error: { code: 'AXL_CONFLICT' } }]);
  t.ok(fs.existsSync(axl.stateFile));
});

t.test('of two transfers of AXL with one temporary name neither is touched, unless one is completed', async (t) => {
  const axl = new Axl(t);
  fs.writeFileSync(axl.source('a'), bytes(10_005, 5));
  const second = axl.place.path('states', 'rank_1.state_file');
  fs.writeFileSync(second, format(stateOf(axl.files)));
  const before = axl.now();
  const { counts, problems } = await axl.finalize();
  t.match({ counts, problems }, { counts: { failed: 2 }, problems: [{ error: { code: 'AXL_CONFLICT' } }, {}] });
  t.same(axl.now(), before);
  fs.copyFileSync(axl.source('a'), axl.temporary('a'));
  fs.writeFileSync(axl.dest('a'), 'an older one');
  fs.writeFileSync(axl.dest('b'), 'an older one');
  fs.writeFileSync(axl.stateFile, format(stateOf(axl.files, { state: STATE.completed })));
  t.match(await axl.finalize(), { counts: { published: 1, removed: 1 }, problems: [] });
  axl.published(t);
});

t.test('of two transfers of AXL with one temporary name neither is touched as a dataset either', async (t) => {
  // The other one's source was larger: it is incomplete, so that its roll back or its resume would take the file of the first.
  for (const options of [{}, { incomplete: 'resume' }, { verify: 'checksum' }] as const)
    for (const dataset of [true, 'ckpt.1'] as const) {
      const left = new Axl(t);
      const [source = ''] = Object.keys(left.files);
      const other = left.place.write('source/other', bytes(70_000, 9));
      leaveAxl(left.place.path('states', 'rank_1.state_file'), { [other]: left.dest('a') });
      fs.copyFileSync(source, left.temporary('a'));
      const before = left.now();
      const { counts, problems } = await left.finalize({ dataset, ...options });
      const conflict = { error: { code: 'AXL_CONFLICT', path: left.dest('a') } };
      t.match({ counts, problems }, { counts: { failed: 2, published: 0 }, problems: [conflict, conflict] });
      t.same(left.now(), before);
    }
});

t.test(
  'of thousands of state files of AXL with one name but for their numbers, those that share are found',
  async (t) => {
    const left = new Axl(t);
    fs.rmSync(left.stateFile);
    const [source = ''] = Object.keys(left.files);
    const other = left.place.write('source/other', bytes(70_000, 9));
    // In batches that are far apart.
    const name = (i: number) => left.place.path('states', `ckpt.${i}`);
    for (let i = 0; i < 1100; i++) leaveAxl(name(i), { [source]: left.dest(`file.${i}`) });
    leaveAxl(name(1100), { [other]: left.dest('file.3') });
    fs.copyFileSync(source, left.dest('file.3._AXL'));
    const { counts } = await left.finalize();
    t.match(counts, { published: 1099, failed: 2 });
    t.equal(fs.statSync(left.dest('file.3._AXL')).size, fs.statSync(source).size);
  },
);

t.test('setuid comes after the owner, and only with the owner', { skip: !isRoot && 'needs root' }, async (t) => {
  const axl = new Axl(t);
  fs.chownSync(axl.source('a'), NOBODY, NOBODY);
  fs.chmodSync(axl.source('a'), 0o4751);
  leaveAxl(axl.stateFile, axl.files);
  t.match(await axl.finalize(), { counts: { published: 1 } });
  const { mode, uid } = fs.statSync(axl.dest('a'));
  t.same({ mode: mode & 0o7777, uid }, { mode: 0o4751, uid: NOBODY });
});

t.test('root acts on a state file of AXL as its owner', { skip: !isRoot && 'needs root' }, async (t) => {
  const axl = new Axl(t);
  axl.place.give(NOBODY);
  t.match(await axl.finalize(), { counts: { published: 1 } });
  t.equal(fs.statSync(axl.dest('a')).uid, NOBODY);
  const victim = new Axl(t);
  victim.place.give(NOBODY);
  fs.chownSync(victim.place.path('dest'), 0, 0); // where that user may not write
  t.match(await victim.finalize(), { problems: [{ action: 'failed' }] });
  t.same(fs.readdirSync(victim.place.path('dest')).sort(), ['a._AXL', 'b._AXL']);
});

t.test('--keep-state leaves the state file as AXL wrote it, and the next run finds all done', async (t) => {
  const axl = new Axl(t);
  const before = fs.readFileSync(axl.stateFile);
  t.match(await axl.finalize({ keepState: true }), { counts: { published: 1 } });
  t.ok(fs.readFileSync(axl.stateFile).equals(before));
  t.match(await axl.finalize(), { counts: { published: 1 } });
  axl.published(t);
});

t.test('axl-finalize forget deletes a state file of AXL on which nobody can act, once the job has ended', async (t) => {
  const axl = new Axl(t);
  t.equal((await axlFinalize(['forget', axl.stateFile])).status, 4);
  t.equal((await axlFinalize(['forget', '--job-ended', axl.stateFile])).status, 1, 'it can be finalized');
  fs.truncateSync(axl.stateFile, 100);
  t.equal((await axlFinalize(['forget', axl.stateFile])).status, 4);
  t.ok(fs.existsSync(axl.stateFile));
  t.equal((await axlFinalize(['forget', '--job-ended', axl.stateFile])).status, 0);
  t.notOk(fs.existsSync(axl.stateFile));
  t.ok(fs.existsSync(axl.temporary('a')));
});
