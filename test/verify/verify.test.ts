// verify(): what it finds, of names of all bytes, and what bad manifests, hostile trees and other users change about it.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { list, type VerifiedFile, verify } from '../../lib/index.js';
import { crc32c } from '../journals.js';
import { bytes, isRoot, NOBODY, Place, tree } from '../support.js';
import { at, checkpoint, manifestOf } from './manifests.js';

const NONE = { ok: 0, changed: 0, missing: 0, unreadable: 0, extra: 0 };
const names = (files: readonly VerifiedFile[], dir: string) =>
  files.map(({ pathBytes, verdict }) => `${verdict} ${pathBytes.toString('latin1').slice(dir.length + 1)}`).sort();
const codes = (failures: readonly { code: string }[]) => failures.map(({ code }) => code);

/** Every byte that a name may have: first, last and in the middle. */
const HARD = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).filter((c) => c !== '\0' && c !== '/');
const ODD = [...new Set(HARD.flatMap((c) => [`f${c}`, `${c}f`, `d${c}${c}/m${c}m`]))];

/** Whether RHash reads it: docs/reference/manifest.md. */
const isForRhash = (name: string) =>
  !name.includes('\\') && !/[ \t]$/.test(name) && ![...name].some((c) => c < ' ' && c !== '\t' && c !== '\n');

const noRhash = spawnSync('rhash', ['--version']).error ? 'rhash is not installed: apt-get install rhash' : '';
const rhash = (dir: string) => spawnSync('rhash', ['-c', '.axl-manifest.0'], { cwd: dir });

t.test('files that are as they were published are ok, and nothing is changed', async (t) => {
  const place = new Place(t);
  const dir = place.mkdir('ckpt');
  checkpoint(dir, [['a', 'sub/b'], ['sub/c'], []]);
  const before = tree(dir);
  const found: string[] = [];
  const report = await verify(dir, { strict: true, onFile: ({ path, verdict }) => found.push(`${verdict} ${path}`) });
  t.same(report.counts, { ...NONE, ok: 3 });
  t.same(
    found,
    ['a', 'sub/b', 'sub/c'].map((name) => `ok ${dir}/${name}`),
    'in the order of the manifests',
  );
  t.equal(report.bytes, 'contents of a'.length + 2 * 'contents of sub/b'.length);
  t.same(
    report.manifests.map(({ rank, ranks, files }) => [rank, ranks, files]),
    [
      [0, 3, 2],
      [1, 3, 1],
      [2, 3, 0],
    ],
  );
  t.same(
    [report.intact, report.interrupted, report.problems, report.unreadable, report.missingRanks],
    [true, false, [], [], []],
  );
  t.same(tree(dir), before);
});

t.test('names of all bytes are verified', async (t) => {
  const place = new Place(t);
  const dir = place.mkdir('ckpt');
  checkpoint(dir, [ODD]);
  const { counts, intact, unreadable } = await verify(dir, { strict: true });
  t.same([counts, intact, unreadable], [{ ...NONE, ok: ODD.length }, true, []]);
  fs.writeFileSync(at(dir, '\xff\n'.replace('\n', 'f')), 'x');
  const [changed] = (await verify(dir)).problems;
  t.same([changed?.verdict, changed?.pathBytes], ['changed', at(dir, '\xfff')]);
});

t.test('rhash checks a manifest as it is, in its directory', { skip: noRhash }, async (t) => {
  const place = new Place(t);
  const dir = place.mkdir('ckpt');
  const some = ODD.filter(isForRhash);
  checkpoint(dir, [some]);
  const right = rhash(dir);
  t.equal(right.status, 0, `${right.stdout}`);
  t.equal(`${right.stdout}`.match(/ OK *$/gm)?.length, some.length + 1, 'each file, and everything');
  fs.writeFileSync(at(dir, some.at(-1) as string), 'x');
  t.equal(rhash(dir).status, 1);
});

t.test('rhash is not silent about a name that it cannot read, and checks the others', { skip: noRhash }, async (t) => {
  const place = new Place(t);
  const dir = place.mkdir('ckpt');
  const hard = ODD.filter((name) => !isForRhash(name));
  t.ok(hard.length > 50);
  checkpoint(dir, [['first', ...hard, 'last']]);
  const { status, stdout } = rhash(dir);
  t.equal(status, 1);
  for (const name of ['first', 'last']) t.match(`${stdout}`, new RegExp(`^${name} +OK`, 'm'));
  t.equal(`${stdout}`.match(/ OK *$/gm)?.length, 2);
});

t.test('what rhash has written is a manifest', { skip: noRhash }, async (t) => {
  const place = new Place(t);
  for (const name of ['ckpt/a', 'ckpt/s/a (b) = c', 'ckpt/\u00e4']) place.write(name);
  const { stdout } = spawnSync('rhash', ['--bsd', '--crc32c', '-r', '.'], { cwd: place.path('ckpt') });
  const file = place.write('ckpt/sums', stdout);
  const { counts, intact } = await verify(file);
  t.same([counts, intact], [{ ...NONE, ok: 3 }, true]);
});

t.test('each file is told what it is, and one does not hide another', async (t) => {
  const place = new Place(t);
  const dir = place.mkdir('ckpt');
  checkpoint(dir, [['same', 'other', 'longer', 'gone', 'dir', 'link', 'fifo', 'sub/x']]);
  fs.writeFileSync(join(dir, 'other'), 'Contents of other');
  fs.appendFileSync(join(dir, 'longer'), 'x');
  for (const name of ['gone', 'dir', 'link', 'fifo']) fs.rmSync(join(dir, name));
  fs.mkdirSync(join(dir, 'dir'));
  fs.symlinkSync('same', join(dir, 'link'));
  spawnSync('mkfifo', [join(dir, 'fifo')]);
  fs.renameSync(join(dir, 'sub'), join(dir, 'real'));
  fs.symlinkSync('real', join(dir, 'sub'));
  const { counts, problems, intact } = await verify([dir], { strict: true });
  const found = ['changed other', 'changed longer', 'missing gone', 'changed dir', 'changed link', 'changed fifo'];
  t.same(names(problems, dir), [...found, 'changed sub/x', 'extra real/x'].sort(), 'no link is followed');
  t.same(counts, { ...NONE, ok: 1, changed: 6, missing: 1, extra: 1 });
  t.equal(intact, false);
  for (const { verdict, error } of problems) t.equal(error === undefined, verdict === 'extra');
});

t.test(
  'files of which no manifest knows are extra, but manifests, links and directories; only if it is asked for',
  async (t) => {
    const place = new Place(t);
    const dir = place.mkdir('ckpt');
    checkpoint(dir, [['a'], ['sub/b']]);
    fs.symlinkSync('a', join(dir, 'latest'));
    place.mkdir('ckpt/empty');
    t.equal((await verify(dir, { strict: true })).intact, true);
    place.write('ckpt/sub/new');
    place.write('ckpt/a._AXL0123456789abcdef');
    t.equal((await verify(dir)).intact, true);
    const { problems } = await verify([dir, join(dir, '.axl-manifest.1')], { strict: true });
    t.same(names(problems, dir), ['extra a._AXL0123456789abcdef', 'extra sub/new']);
  },
);

t.test('a rank without a manifest is missing, wherever the others are', async (t) => {
  const place = new Place(t);
  const [one, two] = [place.mkdir('one'), place.mkdir('two')];
  const dataset = 'ab'.repeat(16);
  checkpoint(one, [['a'], ['b'], ['c'], ['d']], { dataset });
  fs.renameSync(join(one, '.axl-manifest.3'), join(two, '.axl-manifest.3'));
  fs.renameSync(join(one, 'd'), join(two, 'd'));
  t.same((await verify(one)).missingRanks, [{ dataset, ranks: 4, missing: [3], missingCount: 1 }]);
  t.equal((await verify(one)).intact, false);
  t.equal((await verify([one, two])).intact, true);
  t.equal((await verify(join(one, '.axl-manifest.1'))).intact, true, 'of one that is named nobody asks for the others');
  // What an older checkpoint with more ranks has left is another checkpoint.
  fs.writeFileSync(join(two, '.axl-manifest.5'), manifestOf(two, [], { rank: 5, ranks: 200 }));
  const [old] = (await verify([one, two])).missingRanks;
  t.same([old?.ranks, old?.missing.length, old?.missingCount], [200, 100, 199]);
});

t.test('a manifest that is bad, and an input that cannot be read, end nothing', async (t) => {
  const place = new Place(t);
  const dir = place.mkdir('ckpt');
  checkpoint(dir, [['a'], ['b'], ['c'], ['d'], ['e']]);
  const path = (rank: number) => join(dir, `.axl-manifest.${rank}`);
  const text = (rank: number) => fs.readFileSync(path(rank), 'utf8');
  fs.truncateSync(path(1), text(1).indexOf('CRC'));
  const twice = '# 1 1.000000000\nCRC32C (c) = 00000000\n';
  fs.writeFileSync(
    path(2),
    text(2).replace('# files 1', '# files 4') + twice + twice.replace('(c', '(/c') + twice.replace('(c', '(../c'),
  );
  fs.writeFileSync(path(3), bytes(100_000));
  fs.writeFileSync(path(4), text(4).replace('manifest 1', 'manifest 2'));
  const { counts, unreadable, intact } = await verify([place.path('none'), dir, place.source], {});
  t.same(counts, { ...NONE, ok: 2 }, 'a and c');
  t.equal(intact, false);
  t.same([...new Set(codes(unreadable))].sort(), ['AXL_IO', 'AXL_STATE_CORRUPT', 'AXL_STATE_VERSION']);
  for (const { message, path } of unreadable)
    t.ok(message.includes(path as string) && !message.includes('\n'), message);
  for (const why of [/cut short/, /line 7: .*named before/, /line 9: .*absolute/, /line 11: .*\.\./])
    t.ok(
      unreadable.some(({ message }) => why.test(message)),
      `${why}`,
    );
});

t.test('a directory without a manifest, a manifest of another rank: said', async (t) => {
  const place = new Place(t);
  const none = await verify(place.mkdir('empty'));
  t.same([none.intact, codes(none.unreadable)], [false, ['AXL_IO']]);
  checkpoint(place.mkdir('ckpt'), [['a'], ['b']]);
  fs.copyFileSync(place.path('ckpt/.axl-manifest.0'), place.path('ckpt/.axl-manifest.1'));
  const { unreadable, missingRanks } = await verify(place.path('ckpt'));
  t.same([codes(unreadable), missingRanks[0]?.missing], [['AXL_CONFLICT'], [1]]);
});

t.test('a manifest that is a FIFO, a link or a directory blocks nobody', async (t) => {
  const place = new Place(t);
  const dir = place.mkdir('ckpt');
  checkpoint(dir, [['a']]);
  spawnSync('mkfifo', [join(dir, '.axl-manifest.1')]);
  fs.mkdirSync(join(dir, '.axl-manifest.2'));
  fs.symlinkSync('/dev/zero', join(dir, '.axl-manifest.3'));
  const { counts, unreadable } = await verify(dir);
  t.same([counts.ok, codes(unreadable)], [1, Array(3).fill('AXL_NOT_SUPPORTED')]);
});

t.test(
  'what may not be read is unreadable, not missing',
  { skip: isRoot ? '' : 'only root can be nobody' },
  async (t) => {
    const place = new Place(t);
    const dir = place.mkdir('ckpt');
    checkpoint(dir, [['a', 'secret', 'closed/x']]);
    fs.chmodSync(join(dir, 'secret'), 0);
    fs.chmodSync(join(dir, 'closed'), 0);
    const seteuid = process.seteuid as (uid: number) => void;
    seteuid(NOBODY);
    try {
      const { counts, problems } = await verify(dir, { strict: true });
      t.same(counts, { ...NONE, ok: 1, unreadable: 2 });
      for (const { error } of problems) t.equal(error?.errnoName, 'EACCES');
    } finally {
      seteuid(0);
    }
  },
);

t.test('as root no link of a user leads to a manifest', { skip: isRoot ? '' : 'needs root' }, async (t) => {
  const place = new Place(t);
  checkpoint(place.mkdir('ckpt'), [['a']]);
  fs.symlinkSync('ckpt', place.path('mine'));
  t.equal((await verify(place.path('mine'))).intact, true);
  fs.lchownSync(place.path('mine'), NOBODY, NOBODY);
  for (const input of ['mine', 'mine/.axl-manifest.0'])
    t.same(codes((await verify(place.path(input))).unreadable), ['AXL_UNSAFE_PATH'], input);
});

t.test('who aborts is told what was found until then, and soon', async (t) => {
  const place = new Place(t);
  const dir = place.mkdir('ckpt');
  const path = join(dir, 'sparse');
  fs.writeFileSync(path, '');
  fs.truncateSync(path, 2 ** 42);
  fs.writeFileSync(join(dir, '.axl-manifest.0'), `# ${2 ** 42} 1.000000000\nCRC32C (sparse) = 00000000\n`);
  const controller = new AbortController();
  let told = 0;
  const report = await verify(dir, {
    signal: controller.signal,
    onProgress: ({ bytes, bytesTotal, files }) => {
      told++;
      t.ok(bytes <= bytesTotal && bytesTotal === 2 ** 42 && files === 0);
      if (bytes > 0) controller.abort();
    },
  });
  t.same([report.interrupted, report.intact, report.counts], [true, false, NONE]);
  t.ok(told > 1);
  t.same((await verify(dir, { signal: AbortSignal.abort() })).counts, NONE);
});

t.test('an option that is wrong is refused', async (t) => {
  await t.rejects(verify('x', { strickt: true } as object), TypeError);
  await t.rejects(verify('x', { jobs: 0 }), RangeError);
  await t.rejects(verify(17 as unknown as string), TypeError);
  t.equal(crc32c(Buffer.from('123456789')), 0xe3069283, 'the oracle is right');
});

t.test('a manifest is data: it is copied with the files that it names, and it is no state file', async (t) => {
  const place = new Place(t);
  checkpoint(place.mkdir('source'), [['a'], ['sub/b']]);
  await using transfer = await place.create();
  t.equal((await transfer.add(place.source, place.dest)).files, 4);
  await transfer.dispatch();
  await transfer.wait();
  t.equal((await verify(place.dest, { strict: true })).intact, true);
  const { transfers } = await list(place.dest);
  t.same(transfers.map(({ stateFile }) => stateFile.slice(place.dest.length + 1)).sort(), ['a', 'sub']);
});
