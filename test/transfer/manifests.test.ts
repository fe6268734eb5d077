// The manifest that a transfer makes of its own files.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import t, { type Test } from 'tap';
import { type CreateOptions, finalize, inspect, Transfer, type TransferReport, verify } from '../../lib/index.js';
import { cutBefore, TYPE } from '../journals.js';
import { childProcess } from '../movers/child-process.js';
import { axlFinalize, codeOf, Place, tree } from '../support.js';

const noRhash = spawnSync('rhash', ['--version']).error ? 'rhash is not installed: apt-get install rhash' : '';
const NAME = '.axl-manifest.0';
const CONTENT = 20;

/** A tree with names that have to be escaped, hard links and a symbolic link. */
function checkpoint(t: Test): Place {
  const place = new Place(t);
  for (const name of ['ckpt/a', 'ckpt/sub/b', 'ckpt/odd\nname', 'ckpt/.metadata']) place.write(`source/${name}`);
  fs.linkSync(place.path('source/ckpt/a'), place.path('source/ckpt/sub/twin'));
  fs.symlinkSync('a', place.path('source/ckpt/link'));
  return place;
}

const named = (path: string): string[] =>
  [...fs.readFileSync(path, 'latin1').matchAll(/^\\?CRC32C \((.*)\) = [0-9a-f]{8}$/gm)]
    .map(([, name]) => `${name}`)
    .sort();

const FILES = ['.metadata', 'a', 'odd\\nname', 'sub/b', 'sub/twin'];

async function copied(place: Place, options: Partial<CreateOptions>): Promise<TransferReport> {
  await using transfer = await place.create({ hardLinks: 'keep', ...options });
  await transfer.add(place.path('source/ckpt'), place.path('dest/ckpt'));
  await transfer.dispatch();
  const report = await transfer.wait();
  await transfer.free();
  return report;
}

t.test('it names every file, under each of its names, and axl-verify and rhash believe it', async (t) => {
  const place = checkpoint(t);
  const report = await copied(place, { manifest: true });
  const path = place.path('dest/ckpt', NAME);
  t.same(named(path), FILES);
  const file = report.files.find(({ dest }) => dest === path);
  const { size, mode, uid, gid, mtimeMs } = fs.statSync(path);
  t.match(file, { phase: 'commit', state: 'published', source: '', size, lacks: [] });
  t.same([mode & 0o7777, uid, gid], [0o666 & ~process.umask(), process.geteuid?.(), process.getegid?.()]);
  t.ok(Math.abs(mtimeMs - Date.now()) < 3_600_000, 'it was made now');
  t.match(fs.readFileSync(path, 'latin1'), /^# axl-manifest 1\n# rank 0 of 1\n# dataset [0-9a-f]{32}\n# files 5\n/);
  const verified = await verify(place.path('dest/ckpt'), { strict: true });
  t.match(verified, { counts: { ok: 5 } });
  t.test('rhash', { skip: noRhash }, async (t) => {
    t.equal(spawnSync('rhash', ['-c', NAME], { cwd: place.path('dest/ckpt') }).status, 0);
    fs.appendFileSync(place.path('dest/ckpt/a'), 'x');
    t.equal(spawnSync('rhash', ['-c', NAME], { cwd: place.path('dest/ckpt') }).status, 1);
  });
});

t.test('it is in the deepest directory that the files have in common, wherever pointers are', async (t) => {
  const place = new Place(t);
  for (const name of ['x/y/a', 'x/z/b', 'x/z/c']) place.write(`source/${name}`);
  await using transfer = await place.create({ manifest: true });
  await transfer.add(place.path('source/x'), place.path('run/step/x'));
  await transfer.point(place.path('run/latest'), 'step');
  await transfer.point(place.path('latest.txt'), 'step', { as: 'text' });
  await transfer.dispatch();
  await transfer.wait();
  t.same(named(place.path('run/step/x', NAME)), ['y/a', 'z/b', 'z/c'], 'and pointers are not of the checkpoint');
  await transfer.free();
  await using alone = await place.create({ manifest: true });
  await alone.add(place.path('source/x/y/a'), place.path('one/a'));
  await alone.dispatch();
  await alone.wait();
  t.same(named(place.path('one', NAME)), ['a']);
  await alone.free();
});

t.test('a path is a directory if it is one, or is to be one, or says so; otherwise it is the file', async (t) => {
  for (const [given, at] of [
    ['dest/ckpt', `dest/ckpt/${NAME}`],
    ['dest', `dest/${NAME}`],
    ['dest/', `dest/${NAME}`],
    ['.', NAME],
    ['dest/ckpt/sums', 'dest/ckpt/sums'],
    ['sums.txt', 'sums.txt'],
  ] as const) {
    const place = checkpoint(t);
    await copied(place, { manifest: `${place.root}/${given}` });
    t.equal(named(place.path(at)).length, FILES.length, given);
    t.match(await verify(place.path(at)), { counts: { ok: FILES.length } }, given);
  }
});

t.test('a manifest names nothing that is not below it, and takes the place of nothing', async (t) => {
  const refused = async (
    manifest: (place: Place) => string | boolean,
    code: string,
    prepare?: (place: Place) => void,
  ) => {
    const place = checkpoint(t);
    prepare?.(place);
    await using transfer = await place.create({ manifest: manifest(place) });
    await transfer.add(place.path('source/ckpt'), place.path('dest/ckpt'));
    t.equal(await codeOf(transfer.dispatch()), code, `${manifest}`);
    t.equal(transfer.state, 'created');
    t.same(
      Object.keys(tree(place.root)).filter((name) => name.startsWith('dest/')),
      [],
    );
    await transfer.free();
  };
  await refused((place) => place.path('elsewhere/'), 'AXL_UNSAFE_PATH');
  await refused((place) => place.path('dest/ckpt/sub'), 'AXL_UNSAFE_PATH');
  await refused((place) => place.path('states'), 'AXL_UNSAFE_PATH');
  await refused((place) => `${place.path('none')}/../x`, 'AXL_UNSAFE_PATH');
  await refused((place) => place.path('dest/ckpt/a'), 'AXL_CONFLICT');
  await refused(
    () => true,
    'AXL_CONFLICT',
    (place) => void place.write(`source/ckpt/${NAME}`),
  );
  await refused((place) => `${place.path('source/ckpt/a')}/`, 'AXL_IO');
  await t.rejects(new Place(t).create({ manifest: 1 as unknown as true }), { name: 'TypeError' });
  await t.rejects(new Place(t).create({ manifest: '' }), { name: 'TypeError' });
});

t.test('no file, no place for a manifest, and the report says so', async (t) => {
  const place = new Place(t);
  await using transfer = await place.create({ manifest: true });
  await transfer.dispatch();
  const { files, warnings } = await transfer.wait();
  t.equal(files.length, 0);
  t.match(warnings, [/no file/, /no manifest/]);
  await transfer.free();
  const report = await (async () => {
    await using empty = await place.create({ manifest: place.root });
    await empty.dispatch();
    const ended = await empty.wait();
    await empty.free();
    return ended;
  })();
  t.equal(report.filesPublished, 1);
  t.same(named(place.path(NAME)), [], 'a rank without a file has a manifest all the same, where it is told to');
});

t.test('after a dispatch that failed the manifest is of what the next one copies', async (t) => {
  const place = new Place(t);
  const lost = place.write('source/x/a');
  place.write('source/b');
  await using transfer = await place.create({ manifest: true });
  await transfer.add(place.path('source/x'), place.path('dest/x'));
  fs.renameSync(lost, place.path('aside'));
  t.equal(await codeOf(transfer.dispatch()), 'AXL_IO');
  fs.renameSync(place.path('aside'), lost);
  await transfer.add(place.path('source/b'), place.path('dest/b'));
  await transfer.dispatch();
  await transfer.wait();
  t.same(named(place.path('dest', NAME)), ['b', 'x/a']);
  t.notOk(fs.existsSync(place.path('dest/x', NAME)));
  await transfer.free();
});

t.test('ranks have a manifest each, which axl-verify counts', async (t) => {
  const place = new Place(t);
  for (const rank of [0, 1]) {
    const options = { rank, size: 2, stateFile: place.path(`states/${rank}`), manifest: place.path('dest/') };
    await using transfer = await place.create(options);
    await transfer.add(place.write(`source/r${rank}`), place.path(`dest/rank${rank}/r`));
    await transfer.dispatch();
    await transfer.wait();
    await transfer.free();
    t.equal((await verify(place.dest)).missingRanks.length, 1 - rank);
  }
  t.match(await verify(place.dest), { counts: { ok: 2 } });
});

t.test('after a kill a resume makes the manifest, also that of a finalizer', async (t) => {
  for (const [cut, resume] of [
    [TYPE.settled, 'library'],
    [CONTENT, 'library'],
    [CONTENT, 'finalizer'],
    [TYPE.done, 'finalizer'],
  ] as const) {
    const place = checkpoint(t);
    {
      await using transfer = await place.create({ manifest: true });
      await transfer.add(place.path('source/ckpt'), place.path('dest/ckpt'));
      await transfer.dispatch();
      await transfer.settle();
    }
    cutBefore(place.stateFile, cut);
    if (resume === 'library') {
      await using transfer = await Transfer.open(place.stateFile);
      await transfer.resume();
      await transfer.wait();
      await transfer.free();
    } else {
      const { status, stderr } = await axlFinalize(['--incomplete', 'resume', place.states]);
      t.equal(status, 0, stderr);
    }
    t.same(named(place.path('dest/ckpt', NAME)), FILES);
    t.match(await verify(place.path('dest/ckpt'), { strict: true }), { counts: { ok: FILES.length } });
  }
});

t.test('without its manifest a transfer is incomplete, and rolled back like one', async (t) => {
  const place = checkpoint(t);
  {
    await using transfer = await place.create({ manifest: true });
    await transfer.add(place.path('source/ckpt'), place.path('dest/ckpt'));
    await transfer.dispatch();
    await transfer.settle();
  }
  cutBefore(place.stateFile, CONTENT);
  const { state, filesDone, files } = inspect(place.stateFile);
  t.same([state, filesDone], ['incomplete', files - 1]);
  t.match((await finalize(place.states)).counts, { 'rolled-back': 1 });
  t.notOk(fs.existsSync(place.path('dest')));
});

t.test('a mover brings the files, and the transfer makes its manifest and pointers itself', async (t) => {
  const place = checkpoint(t);
  await using transfer = await place.create({ manifest: true, mover: childProcess(place.path('jobs')) });
  await transfer.add(place.path('source/ckpt'), place.path('dest/ckpt'));
  await transfer.point(place.path('dest/latest'), 'ckpt');
  await transfer.point(place.path('dest/latest.txt'), 'ckpt', { as: 'text' });
  await transfer.dispatch();
  const { filesPublished, files } = await transfer.wait();
  t.equal(filesPublished, files.length);
  t.same(named(place.path('dest/ckpt', NAME)), FILES);
  t.same(fs.readFileSync(place.path('dest/latest.txt'), 'utf8'), 'ckpt\n');
  t.match(await verify(place.path('dest/ckpt'), { strict: true }), { intact: true });
  await transfer.free();
});

t.test('a checkpoint that is copied on with its manifest is restored from it', async (t) => {
  const place = checkpoint(t);
  await copied(place, { manifest: true });
  const [from, back] = [place.path('dest/ckpt'), place.path('back')];
  await using transfer = await place.create({ hardLinks: 'keep' });
  await transfer.add(from, back, { expect: from });
  await transfer.dispatch();
  await transfer.wait();
  await transfer.free();
  t.same(tree(back), tree(from));
  t.match(await verify(back, { strict: true }), { intact: true });
});

t.test(
  'progress ends with all bytes of the files, and the manifest is no more of them than it was before',
  async (t) => {
    const place = checkpoint(t);
    await using transfer = await place.create({ manifest: true });
    await transfer.add(place.path('source/ckpt'), place.path('dest/ckpt'));
    await transfer.point(place.path('latest.txt'), 'ckpt', { as: 'text' });
    await transfer.dispatch();
    let last = { bytesCopied: -1, bytesTotal: 0, filesDone: 0, filesTotal: 1 };
    for await (const progress of transfer.progress({ intervalMs: 1 })) last = progress;
    t.same([last.bytesCopied, last.filesDone], [last.bytesTotal, last.filesTotal]);
    await transfer.wait();
    await transfer.free();
  },
);
