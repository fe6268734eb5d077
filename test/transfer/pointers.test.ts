// point(): what leads to a checkpoint, made by the transfer and published with it.
import * as fs from 'node:fs';
import t, { type Test } from 'tap';
import { finalize, type PointOptions, Transfer } from '../../lib/index.js';
import { createAll, outcomes, SIZE } from '../comm/board.js';
import { cutBefore, TYPE } from '../journals.js';
import { codeOf, NOBODY, noStrangers, Place, said, script, tree } from '../support.js';

/** A source, and `latest`, which leads to an older one. */
function withPointer(t: Test): Place {
  const place = new Place(t);
  place.write('source/a');
  fs.symlinkSync('old', place.path('latest'));
  return place;
}

t.test('a pointer is a link, or a line of text, as it was given, and replaces what stood there', async (t) => {
  const place = new Place(t);
  place.write('source/a');
  place.mkdir('run/step1');
  fs.symlinkSync('step1', place.path('run/latest'));
  place.write('run/iteration.txt', '1\n');
  await using transfer = await place.create();
  await transfer.add(place.source, place.path('run/step2'));
  await transfer.point(place.path('run/latest'), 'step2');
  await transfer.point(place.path('run/iteration.txt'), '2', { as: 'text' });
  await transfer.point(place.path('run/new/link'), Buffer.from('no\xffwhere', 'latin1'));
  await transfer.dispatch();
  const { files } = await transfer.wait();
  t.same(
    files.map(({ phase, source, size, crc32c }) => [phase, source === '', size, crc32c !== undefined]),
    [
      ['data', false, 8, true],
      ['pointer', true, 5, false],
      ['pointer', true, 2, true],
      ['pointer', true, 8, false],
    ],
  );
  const { 'new/link': odd, ...rest } = tree(place.path('run'));
  t.same(rest, {
    ...{ 'step1/': '', 'step2/': '', 'step2/a': 'source/a', 'new/': '' },
    ...{ latest: '-> step2', 'iteration.txt': '2\n' },
  });
  t.ok(odd);
  t.same(fs.readlinkSync(place.path('run/new/link'), 'buffer'), Buffer.from('no\xffwhere', 'latin1'));
  t.same(tree(place.path('run/step1')), {}, 'what the old link led to is as it was');
  await transfer.free();
});

t.test('a text pointer belongs to its writer, with the umask', { skip: await noStrangers() }, async (t) => {
  const place = new Place(t);
  place.write('source/a');
  place.give(NOBODY);
  const ended = await script(
    `process.umask(0o027);
    const transfer = await axl.Transfer.create({ name: 'ckpt', stateFile: args[0], rank: 0, size: 1 });
    await transfer.add(args[1], args[2]);
    await transfer.point(args[3], '1', { as: 'text' });
    await transfer.dispatch();
    const { lacking } = await transfer.wait();
    await transfer.free();
    console.log(JSON.stringify(lacking));`,
    [place.stateFile, place.source, place.dest, place.path('latest')],
    { uid: NOBODY },
  );
  t.equal(said(ended), 0);
  const { mode, uid, gid } = fs.statSync(place.path('latest'));
  t.same([mode & 0o7777, uid, gid], [0o640, NOBODY, NOBODY]);
});

t.test('a pointer stands where nothing else of the transfer does, and no directory', async (t) => {
  const place = new Place(t);
  place.write('source/sub/a');
  place.mkdir('there');
  await using transfer = await place.create();
  await transfer.add(place.source, place.dest);
  await transfer.point(place.path('latest'), 'dest');
  const refused = async (path: string, code: string, options?: PointOptions) =>
    t.equal(await codeOf(transfer.point(path, 'dest', options)), code, path);
  for (const name of [
    'dest',
    'dest/sub',
    'dest/sub/a',
    'latest',
    'there',
    'there/',
    'latest/',
    'nothing/',
    'states/rank0',
  ])
    await refused(place.path(name) + (name.endsWith('/') ? '/' : ''), 'AXL_CONFLICT');
  await refused(place.path('latest'), 'AXL_CONFLICT', { as: 'text' });
  await refused(place.path('source/sub/a/b'), 'AXL_IO');
  await refused(`${place.root}/none/../x`, 'AXL_UNSAFE_PATH');
  t.equal(await codeOf(transfer.add(place.path('source/sub/a'), place.path('latest'))), 'AXL_CONFLICT');
  await transfer.dispatch();
  t.equal((await transfer.wait()).filesPublished, 2, 'what was refused has left nothing in the plan');
  t.equal(await codeOf(transfer.point(place.path('late'), 'dest')), 'AXL_INVALID_STATE');
  await transfer.free();
});

t.test('what no link and no line can say is a mistake of the caller', async (t) => {
  const place = new Place(t);
  await using transfer = await place.create();
  const wrong: [unknown, unknown, string][] = [
    ['', {}, 'RangeError'],
    ['x'.repeat(4096), {}, 'RangeError'],
    ['a\0b', {}, 'TypeError'],
    ['\ud800', {}, 'TypeError'],
    [42, {}, 'TypeError'],
    [new URL('file:///x'), {}, 'TypeError'],
    ['a\nb', { as: 'text' }, 'TypeError'],
    ['a', { as: 'link' }, 'TypeError'],
    ['a', 'text', 'TypeError'],
  ];
  for (const [target, options, name] of wrong)
    await t.rejects(transfer.point(place.path('p'), target as string, options as PointOptions), { name });
  await t.rejects(transfer.point('', 'x'), { name: 'TypeError' });
  await transfer.point(place.path('p'), 'a\nb');
  await transfer.free();
});

t.test('only rank 0 has a pointer, for there is one for all ranks', async (t) => {
  const place = new Place(t);
  await using second = await place.create({ rank: 1, size: 2 });
  t.equal(await codeOf(second.point(place.path('latest'), 'x')), 'AXL_CONFLICT');
  await using first = await place.create({ rank: 0, size: 2, stateFile: place.path('states/0') });
  await first.point(place.path('latest'), 'x');
});

t.test('all ranks call point, and rank 0 makes it; a refusal is of all', async (t) => {
  const { place, ranks } = await createAll(t);
  await Promise.all(ranks.map((one, i) => one.add(place.write(`source/${i}`), place.path(`dest/${i}`))));
  await Promise.all(ranks.map((one) => one.point(place.path('latest'), 'dest')));
  await Promise.all(ranks.map((one) => one.dispatch()));
  const reports = await Promise.all(ranks.map((one) => one.wait()));
  t.same(
    reports.map(({ files }) => files.map(({ phase }) => phase)),
    [['data', 'pointer'], ...Array(SIZE - 1).fill(['data'])],
  );
  t.equal(fs.readlinkSync(place.path('latest')), 'dest');
  await Promise.all(ranks.map((one) => one.free()));
  const again = await createAll(t);
  again.place.mkdir('latest');
  t.same(await outcomes(again.ranks.map((one) => one.point(again.place.path('latest'), 'dest'))), [
    'AXL_CONFLICT',
    ...Array(SIZE - 1).fill('AXL_RANK_FAILED'),
  ]);
});

t.test('a finalizer publishes the pointers of a dead transfer, or leaves what was', async (t) => {
  for (const complete of [true, false]) {
    const place = withPointer(t);
    {
      await using transfer = await place.create();
      await transfer.add(place.source, place.dest);
      await transfer.point(place.path('latest'), 'dest');
      await transfer.point(place.path('latest.txt'), 'dest', { as: 'text' });
      await transfer.dispatch();
      await transfer.settle();
    }
    if (!complete) cutBefore(place.stateFile, TYPE.done);
    const { counts } = await finalize(place.states);
    t.equal(counts[complete ? 'published' : 'rolled-back'], 1);
    t.equal(fs.readlinkSync(place.path('latest')), complete ? 'dest' : 'old');
    t.equal(fs.existsSync(place.path('latest.txt')), complete);
    t.notMatch(fs.readdirSync(place.root).join(' '), /_AXL/);
  }
});

t.test('a resume makes a pointer that was lost', async (t) => {
  const place = new Place(t);
  place.write('source/a');
  {
    await using transfer = await place.create();
    await transfer.add(place.source, place.dest);
    await transfer.point(place.path('latest'), 'dest');
    await transfer.point(place.path('latest.txt'), 'dest', { as: 'text' });
    await transfer.dispatch();
    await transfer.settle();
  }
  cutBefore(place.stateFile, TYPE.settled);
  for (const name of fs.readdirSync(place.root)) if (name.startsWith('latest')) fs.rmSync(place.path(name));
  await using transfer = await Transfer.open(place.stateFile);
  await transfer.resume();
  await transfer.wait();
  t.same(
    [fs.readlinkSync(place.path('latest')), fs.readFileSync(place.path('latest.txt'), 'utf8')],
    ['dest', 'dest\n'],
  );
  await transfer.free();
});

t.test('of two checkpoints that are copied at a time the pointer leads to the newer one in the end', async (t) => {
  const place = new Place(t);
  fs.symlinkSync('step0', place.path('latest'));
  const [older, newer] = await Promise.all(
    [1, 2].map(async (step) => {
      const transfer = await place.create({ name: `step${step}`, stateFile: place.path(`states/${step}`) });
      await transfer.add(place.write(`source/${step}/a`), place.path(`step${step}/a`));
      await transfer.point(place.path('latest'), `step${step}`);
      return transfer;
    }),
  );
  await older?.dispatch();
  await newer?.dispatch();
  await Promise.all([newer?.wait(), older?.wait()]);
  t.equal(fs.readlinkSync(place.path('latest')), 'step2');
  await older?.free();
  await newer?.free();
});

t.test('a pointer that somebody has moved since the dispatch is not moved unasked', async (t) => {
  const place = withPointer(t);
  await using transfer = await place.create();
  await transfer.add(place.source, place.dest);
  await transfer.point(place.path('latest'), 'dest');
  await transfer.dispatch();
  await transfer.settle();
  fs.rmSync(place.path('latest'));
  fs.symlinkSync('theirs', place.path('latest'));
  await t.rejects(transfer.wait(), { cause: { code: 'AXL_CONFLICT' } });
  t.equal(fs.readlinkSync(place.path('latest')), 'theirs');
  t.notOk(fs.existsSync(place.path('dest/a')), 'and nothing is published');
});
