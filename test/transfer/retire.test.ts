// retire(): what is older is deleted once what comes instead is published, and nothing else is, nor any earlier.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { finalize, inspect, type Transfer } from '../../lib/index.js';
import { createAll, outcomes, SIZE } from '../comm/board.js';
import { cutBefore, TYPE } from '../journals.js';
import {
  axlFinalize,
  codeOf,
  isRoot,
  mountSmall,
  NOBODY,
  noOwnerProcess,
  noStrangers,
  Place,
  script,
  tree,
} from '../support.js';

/** A newer checkpoint, and an older one of two files and a link out of it. */
function withOlder(t: ConstructorParameters<typeof Place>[0]): Place {
  const place = new Place(t);
  place.write('source/a', 'new');
  place.write('run/old/a', 'older a');
  place.write('run/old/sub/b', 'older b');
  place.write('precious/file');
  fs.symlinkSync(place.path('precious'), place.path('run/old/link'));
  return place;
}

const old = (place: Place) => place.path('run/old');
const names = (place: Place) => fs.readdirSync(place.path('run')).sort();

async function planned(place: Place, options: Parameters<Place['create']>[0] = {}): Promise<Transfer> {
  const transfer = await place.create(options);
  await transfer.add(place.source, place.path('run/new'));
  await transfer.retire(old(place));
  return transfer;
}

/** Complete, and its process gone. */
async function left(place: Place, options: Parameters<Place['create']>[0] = {}): Promise<void> {
  await using transfer = await planned(place, options);
  await transfer.dispatch();
  await transfer.settle();
}

t.test(
  'files, links and directories are deleted once the transfer is published, and not what links lead to',
  async (t) => {
    const place = withOlder(t);
    place.write('run/one.bin');
    fs.symlinkSync(place.path('precious/file'), place.path('run/latest'));
    await using transfer = await planned(place);
    await transfer.retire([place.path('run/one.bin'), Buffer.from(place.path('run/latest'))]);
    await transfer.dispatch();
    await transfer.settle();
    const before = tree(place.path('run'));
    const { retired, filesPublished } = await transfer.wait();
    t.match(before, { 'old/a': 'older a', 'one.bin': 'run/one.bin' }, 'nothing is deleted before');
    const size = 'older aolder b'.length;
    t.same(retired, [
      { path: place.path('run/latest'), size: 0, state: 'deleted' },
      { path: old(place), size, state: 'deleted' },
      { path: place.path('run/one.bin'), size: 'run/one.bin'.length, state: 'deleted' },
    ]);
    t.same([filesPublished, names(place)], [1, ['new']]);
    t.equal(fs.readFileSync(place.path('precious/file'), 'utf8'), 'precious/file');
    await transfer.free();
  },
);

/** What may happen to it between dispatch and the end. */
const CHANGES: readonly (readonly [string, (place: Place) => void])[] = [
  ['a file is longer', (place) => fs.appendFileSync(place.path('run/old/a'), '!')],
  ['a file of the same size is written', (place) => fs.writeFileSync(place.path('run/old/sub/b'), 'other b')],
  ['a file is added', (place) => place.write('run/old/sub/c')],
  ['an empty directory is added', (place) => place.mkdir('run/old/sub/d')],
  ['a file is taken away', (place) => fs.rmSync(place.path('run/old/a'))],
  [
    'a link leads elsewhere',
    (place) => {
      fs.rmSync(place.path('run/old/link'));
      fs.symlinkSync('/', place.path('run/old/link'));
    },
  ],
  [
    'a file is a directory now',
    (place) => {
      fs.rmSync(place.path('run/old/a'));
      fs.mkdirSync(place.path('run/old/a'));
    },
  ],
  [
    'it is a copy of what it was',
    (place) => {
      spawnSync('cp', ['-a', old(place), place.path('copy')]);
      fs.rmSync(old(place), { recursive: true });
      fs.renameSync(place.path('copy'), old(place));
    },
  ],
  [
    'it is a link now',
    (place) => {
      fs.renameSync(old(place), place.path('away'));
      fs.symlinkSync('../away', old(place));
    },
  ],
];

t.test('what is retired stays when it has changed since, and the report says so', async (t) => {
  for (const [what, change] of CHANGES) {
    const place = withOlder(t);
    await using transfer = await planned(place);
    await transfer.dispatch();
    await transfer.settle();
    change(place);
    const before = tree(place.path('run/old'));
    const { retired } = await transfer.wait();
    t.match(retired, [{ path: old(place), state: 'kept', error: { code: 'AXL_CONFLICT', path: old(place) } }], what);
    t.same([tree(place.path('run/old')), names(place)], [before, ['new', 'old']], what);
    t.equal(fs.readFileSync(place.path('precious/file'), 'utf8'), 'precious/file');
    await transfer.free();
  }
});

t.test('another mode or owner is no change, and what somebody else has deleted is gone', async (t) => {
  const place = withOlder(t);
  place.write('run/old2/a');
  await using transfer = await planned(place);
  await transfer.retire(place.path('run/old2'));
  await transfer.dispatch();
  fs.chmodSync(place.path('run/old/a'), 0o600);
  fs.rmSync(place.path('run/old2'), { recursive: true });
  const { retired } = await transfer.wait();
  t.same([retired.map(({ state }) => state), names(place)], [['deleted', 'deleted'], ['new']]);
});

t.test('nothing is deleted of a transfer that fails, is canceled, or is freed before it is published', async (t) => {
  const place = withOlder(t);
  {
    await using transfer = await planned(place);
    await transfer.dispatch();
    await transfer.settle();
    await transfer.free();
  }
  {
    await using transfer = await planned(place);
    fs.writeFileSync(place.path('source/a'), 'newer');
    place.mkdir('run/new/a');
    await transfer.dispatch().catch(() => {});
    await codeOf(transfer.wait());
  }
  await finalize(place.states);
  t.match(tree(place.path('run')), { 'old/a': 'older a', 'old/sub/b': 'older b' });
});

t.test('what cannot be retired is refused in the call, or in dispatch', async (t) => {
  const place = withOlder(t);
  await using transfer = await place.create();
  await transfer.add(place.source, place.path('run/new'));
  const refused = async (path: string, code: string) => t.equal(await codeOf(transfer.retire(path)), code, path);
  await refused(place.path('run/none'), 'AXL_IO');
  await refused(place.path('run/old/a/'), 'AXL_IO');
  await refused('/', 'AXL_NOT_SUPPORTED');
  await refused('/proc', 'AXL_NOT_SUPPORTED');
  await refused(place.states, 'AXL_CONFLICT');
  await refused(place.root, 'AXL_CONFLICT');
  await transfer.retire([]);
  await transfer.retire(`${old(place)}/`);
  for (const path of [old(place), place.path('run/old/a'), place.path('run')]) await refused(path, 'AXL_CONFLICT');
  await t.rejects(transfer.retire(42 as unknown as string), { name: 'TypeError' });
  await transfer.dispatch();
  await refused(place.path('precious'), 'AXL_INVALID_STATE');
  t.match(await transfer.wait(), { retired: [{ state: 'deleted' }] });
  await transfer.free();

  const none = withOlder(t);
  await using careless = await none.create({ durability: 'none' });
  t.equal(await codeOf(careless.retire(old(none))), 'AXL_NOT_SUPPORTED', 'durability none');
  await using alone = await none.create({ stateFile: none.path('states/1'), rank: 1, size: 2 });
  t.equal(await codeOf(alone.retire(old(none))), 'AXL_NOT_SUPPORTED', 'one of two, each for itself');
});

t.test('nothing is retired that the transfer publishes, or that a pointer of it leads to', async (t) => {
  const place = withOlder(t);
  const cases: readonly ((transfer: Transfer) => Promise<unknown>)[] = [
    (transfer) => transfer.add(place.path('source/a'), place.path('run/old/c')),
    (transfer) => transfer.add(place.source, place.path('run/old/new')),
    (transfer) => transfer.point(place.path('run/latest'), 'old'),
    (transfer) => transfer.point(place.path('run/latest'), './old/sub'),
    (transfer) => transfer.point(place.path('run/latest.txt'), 'old', { as: 'text' }),
  ];
  for (const [i, plan] of cases.entries()) {
    await using transfer = await place.create();
    await plan(transfer);
    await transfer.retire(old(place));
    t.equal(await codeOf(transfer.dispatch()), 'AXL_CONFLICT', `${i}`);
    t.equal(transfer.state, 'created');
    await transfer.free();
  }
  await using transfer = await planned(place);
  await transfer.point(place.path('run/latest'), 'new');
  await transfer.dispatch();
  await transfer.wait();
  t.same(names(place), ['latest', 'new']);
});

t.test('a mount below is not touched, nor is anything of what it is in', async (t) => {
  const place = withOlder(t);
  place.mkdir('run/old/sub/mnt');
  await using transfer = await planned(place);
  await transfer.dispatch();
  const why = mountSmall(t, place.path('run/old/sub/mnt'), '1m');
  if (why !== '') return void t.comment(why);
  place.write('run/old/sub/mnt/file');
  const before = tree(old(place));
  const report = await transfer.wait();
  t.match(report.retired, [{ state: 'kept', error: { code: 'AXL_NOT_SUPPORTED' } }]);
  t.same(tree(old(place)), before);
});

/** A user who may not delete all of it dispatches, and then does what is to be done. */
async function byNobody(place: Place, then: string) {
  place.give(NOBODY);
  fs.chownSync(place.path('run/old/sub'), 0, 0);
  const code = `
    const t = await axl.Transfer.create({ name: 'ckpt', stateFile: args[0], rank: 0, size: 1 });
    await t.add(args[1], args[2]);
    await t.retire(args[3]);
    await t.dispatch();
    ${then}`;
  return script(code, [place.stateFile, place.source, place.path('run/new'), old(place)], { uid: NOBODY });
}

t.test('what a user may not delete stays as a whole', { skip: await noStrangers() }, async (t) => {
  const place = withOlder(t);
  const ended = await byNobody(place, 'console.log(JSON.stringify((await t.wait()).retired));');
  t.match(JSON.parse(`${ended.stdout}`), [{ state: 'kept', error: { errnoName: 'EACCES' } }]);
  t.match(tree(old(place)), { a: 'older a', 'sub/b': 'older b' });
});

t.test(
  'as root nothing is deleted that the owner of the state file may not delete',
  { skip: await noOwnerProcess() },
  async (t) => {
    const place = withOlder(t);
    await byNobody(place, 'await t.settle(); process.exit(0);');
    const { counts, problems } = await finalize(place.states);
    t.match([counts.published, problems], [1, [{ action: 'published', error: { errnoName: 'EACCES' } }]]);
    t.match(tree(place.path('run')), { 'old/a': 'older a', 'old/sub/b': 'older b', 'new/a': 'new' });
  },
);

t.test('a finalizer deletes it for a dead rank whose files are complete, and for no other', async (t) => {
  for (const complete of [true, false]) {
    const place = withOlder(t);
    await left(place);
    if (!complete) cutBefore(place.stateFile, TYPE.done);
    const { retired } = inspect(place.stateFile);
    const { counts } = await finalize(place.states);
    t.equal(counts[complete ? 'published' : 'rolled-back'], 1);
    t.same(names(place), complete ? ['new'] : ['old']);
    if (complete) t.same(retired, [{ path: old(place), size: 'older aolder b'.length, state: 'due' }]);
  }
});

t.test('the program says what stays, with status 0, and nothing of what is deleted', async (t) => {
  const place = withOlder(t);
  await left(place);
  place.write('run/old/more');
  const shown = await axlFinalize(['inspect', place.stateFile]);
  t.match(shown.stdout, /deleted once all of it is published:\n.*run\/old \(14 bytes, due\)/);
  const dry = await axlFinalize(['--dry-run', '-v', place.states]);
  t.equal(dry.status, 0, dry.stderr);
  t.match(dry.stdout, '(ckpt.1, rank 0, 1 file, then deletes 1 older path)');
  t.ok(names(place).includes('old'), 'a dry run deletes nothing');
  const { status, stderr } = await axlFinalize([place.states]);
  t.equal(status, 0);
  t.match(stderr, /run\/old: it is not what it was when the transfer was told to retire it, so it stays/);
  t.same([names(place), fs.readdirSync(place.states)], [['new', 'old'], []]);
});

t.test('--root holds for what is retired, too', async (t) => {
  const place = withOlder(t);
  place.write('elsewhere/old');
  {
    await using transfer = await planned(place);
    await transfer.retire(place.path('elsewhere'));
    await transfer.dispatch();
    await transfer.settle();
  }
  const { counts, problems } = await finalize(place.states, { roots: [place.path('run')] });
  t.match([counts.failed, problems], [1, [{ error: { code: 'AXL_UNSAFE_PATH', path: place.path('elsewhere') } }]]);
  t.ok(names(place).includes('old'));
  await finalize(place.states, { roots: [place.root] });
  t.same([names(place), fs.existsSync(place.path('elsewhere'))], [['new'], false]);
});

t.test('ranks that go together delete when all of them are published', async (t) => {
  const { place, ranks } = await createAll(t, { durability: 'full' });
  for (const name of ['old/a', 'run/other']) place.write(name);
  await Promise.all(ranks.map((one, i) => one.add(place.write(`source/${i}`), place.path(`dest/${i}`))));
  await Promise.all(ranks.map((one, i) => one.retire(i === 0 ? place.path('old') : [])));
  await Promise.all(ranks.map((one) => one.dispatch()));
  const reports = await Promise.all(ranks.map((one) => one.wait()));
  t.same(
    reports.map(({ retired }) => retired.map(({ state }) => state)),
    [['deleted'], ...Array(SIZE - 1).fill([])],
  );
  t.notOk(fs.existsSync(place.path('old')));
  await Promise.all(ranks.map((one) => one.free()));
  const again = await createAll(t, { durability: 'full' });
  t.same(await outcomes(again.ranks.map((one) => one.retire(again.place.path('none')))), Array(SIZE).fill('AXL_IO'));
});

t.test('a rank of several deletes nothing by itself, and a finalizer does when all are published', async (t) => {
  const place = withOlder(t);
  const rank = async (n: number, run: (transfer: Transfer) => Promise<unknown>) => {
    const stateFile = place.path(`states/rank${n}`);
    await using transfer = await place.create({ stateFile, rank: n, size: 2, allRanks: true, home: place.states });
    await transfer.add(place.path('source/a'), place.path(`run/new${n}`));
    if (n === 0) await transfer.retire(old(place));
    await transfer.dispatch();
    await transfer.settle();
    await run(transfer);
  };
  await rank(0, async (transfer) => t.equal(await codeOf(transfer.wait()), 'AXL_INVALID_STATE'));
  t.same(fs.existsSync(old(place)), true);
  await rank(1, async () => {});
  const both = [0, 1].map((n) => place.path(`states/rank${n}`));
  t.match(await finalize(both, { dataset: true }), { counts: { published: 2 }, problems: [] });
  t.same(names(place), ['new0', 'new1']);
});

t.test(
  'of several finalizers at once one deletes, and all end well',
  { skip: isRoot ? '' : 'quick enough as root only' },
  async (t) => {
    const place = withOlder(t);
    for (let i = 0; i < 50; i++) place.write(`run/old/many/${i}`);
    await left(place);
    const reports = await Promise.all([1, 2, 3].map(() => finalize(place.states)));
    t.same([names(place), reports.map(({ counts }) => counts.failed)], [['new'], [0, 0, 0]]);
    t.notMatch(fs.readdirSync(place.path('run')).join(' '), /_AXL/);
    t.same(fs.readdirSync(join(place.root, 'states')), []);
  },
);
