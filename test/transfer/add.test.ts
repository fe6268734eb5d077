// What goes where: AXL's rules for files and directories, patterns, and names of every kind.
import * as fs from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { Test } from 'tap';
import t from 'tap';
import type { AddGlobOptions, AddOptions, Transfer } from '../../lib/index.js';
import { noUnprivileged, Place, said, script, tree, unprivileged } from '../support.js';
import { copy, ready } from './copying.js';

async function publish(place: Place, plan: (transfer: Transfer) => Promise<unknown>): Promise<void> {
  const transfer = await place.create({ durability: 'none' });
  await plan(transfer);
  await transfer.dispatch();
  await transfer.wait();
  await transfer.free();
}

t.test('a file goes to a new name, over a file, or into a directory', async (t) => {
  const place = ready(t);
  await copy(place, place.path('source/a'), place.path('dest/x/y'));
  t.same(tree(place.dest), { 'x/': '', 'x/y': 'A' }, 'with the parents that it needs');
  await copy(place, place.path('source/a'), place.path('old/file'));
  await copy(place, place.path('source/a'), place.path('old'));
  t.same(tree(place.path('old')), { a: 'A', file: 'A' });
});

t.test('addAll plans all pairs or none', async (t) => {
  const place = ready(t);
  await using transfer = await place.create({ durability: 'none' });
  const pair = (name: string): [string, string] => [place.path('source', name), place.path('dest', name)];
  await t.rejects(transfer.addAll([pair('a'), pair('none')]), { code: 'AXL_IO' });
  t.same(await transfer.addAll([pair('a'), [place.path('source/sub'), place.path('old')]]), {
    files: 2,
    directories: 2,
    bytes: 2,
  });
  t.same(await transfer.addAll([]), { files: 0, directories: 0, bytes: 0 });
  for (const wrong of [undefined, 'a', [['a']], [place.path('source/a'), place.path('dest/a')]])
    await t.rejects(transfer.addAll(wrong as []), TypeError);
  await transfer.dispatch();
  await transfer.wait();
  t.same(tree(place.dest), { a: 'A' });
  t.same(tree(place.path('old')), { file: 'of before', 'sub/': '', 'sub/b': 'B' });
});

t.test('a directory becomes a new name, or goes into a directory under its own', async (t) => {
  const place = ready(t);
  await copy(place, place.source, place.path('dest/new'));
  t.same(tree(place.path('dest/new')), { a: 'A', 'sub/': '', 'sub/b': 'B' });
  await copy(place, place.source, place.path('old'));
  t.same(tree(place.path('old')), { file: 'of before', 'source/': '', ...prefixed('source/', tree(place.source)) });
});

const prefixed = (prefix: string, entries: Record<string, string>) =>
  Object.fromEntries(Object.entries(entries).map(([name, content]) => [prefix + name, content]));

t.test('dots and doubled slashes inside a path change nothing', async (t) => {
  const place = ready(t);
  await copy(place, `${place.source}/`, `${place.root}//dest/./new`);
  t.same(tree(place.path('dest')), { 'new/': '', ...prefixed('new/', tree(place.source)) });
  await copy(place, `${place.root}/./source//a`, `${place.path('old')}/`);
  await copy(place, `${place.source}/sub/..`, place.path('old'));
  t.same(Object.keys(tree(place.path('old'))).sort(), [
    'a',
    'file',
    'source/',
    'source/a',
    'source/sub/',
    'source/sub/b',
  ]);
});

t.test('a directory merges into one that is there, and replaces the files of the same names', async (t) => {
  const place = ready(t);
  place.write('dest/source/a', 'old a');
  place.write('dest/source/other', 'stays');
  await copy(place, place.source, place.dest);
  t.same(tree(place.path('dest/source')), { a: 'A', other: 'stays', 'sub/': '', 'sub/b': 'B' });
});

t.test('a destination that the same transfer plans as a directory is one', async (t) => {
  const place = ready(t);
  await publish(place, async (transfer) => {
    await transfer.add(place.source, place.dest);
    await transfer.add(place.path('old/file'), place.dest);
    await transfer.add(place.path('old'), place.dest);
    await transfer.add(place.path('old/file'), place.path('dest/sub'));
  });
  const files = { a: 'A', file: 'of before', 'old/': '', 'old/file': 'of before', 'sub/': '' };
  t.same(tree(place.dest), { ...files, 'sub/b': 'B', 'sub/file': 'of before' });
});

t.test('one source may have several destinations', async (t) => {
  const place = ready(t);
  await publish(place, async (transfer) => {
    await transfer.add(place.path('source/a'), place.path('dest/one'));
    await transfer.add(place.path('source/a'), place.path('dest/two'));
  });
  t.same(tree(place.dest), { one: 'A', two: 'A' });
});

t.test('a destination that is a link to a directory is that directory', async (t) => {
  const place = ready(t);
  fs.symlinkSync('old', place.path('link'));
  await copy(place, place.path('source/a'), place.path('link'));
  await copy(place, place.source, place.path('link/new'));
  t.same(Object.keys(tree(place.path('old'))), ['a', 'file', 'new/', 'new/a', 'new/sub/', 'new/sub/b']);
  t.ok(fs.lstatSync(place.path('link')).isSymbolicLink());
});

t.test('a destination that is a link to a file, or to nothing, is replaced itself', async (t) => {
  const place = ready(t);
  fs.symlinkSync('file', place.path('old/link'));
  fs.symlinkSync('/nonexistent', place.path('old/dangling'));
  await copy(place, place.path('source/a'), place.path('old/link'));
  await copy(place, place.path('source/a'), place.path('old/dangling'));
  t.same(tree(place.path('old')), { dangling: 'A', file: 'of before', link: 'A' });
});

t.test('relative paths start at the directory that is current when add is called', async (t) => {
  const place = ready(t);
  const cwd = process.cwd();
  t.teardown(() => process.chdir(cwd));
  process.chdir(place.root);
  const transfer = await place.create({ stateFile: 'states/relative' });
  await transfer.add('source/a', 'dest/from-add');
  await transfer.addGlob('source/sub/*', { dest: 'dest' });
  process.chdir('/');
  await transfer.dispatch();
  await transfer.wait();
  t.equal(transfer.stateFile, place.path('states/relative'));
  await transfer.free();
  t.same(tree(place.dest), { b: 'B', 'from-add': 'A' });
});

t.test('paths are strings, Buffers or file: URLs', async (t) => {
  const place = ready(t);
  const odd = place.write('source/100% #?ü', 'odd');
  await publish(place, async (transfer) => {
    await transfer.add(pathToFileURL(odd), pathToFileURL(place.path('dest/u%rl')));
    await transfer.add(Buffer.from(odd), Buffer.from(place.path('dest/buffer')));
    await transfer.add(new Uint8Array(Buffer.from(odd)), place.path('dest/bytes'));
    await transfer.addGlob('a', { cwd: pathToFileURL(place.source), dest: Buffer.from(place.dest) });
  });
  t.same(tree(place.dest), { a: 'A', buffer: 'odd', bytes: 'odd', 'u%rl': 'odd' });
});

/** Names that text cannot hold, or that break lines. */
const oddNames = [Buffer.from('new\nline'), Buffer.of(0xff, 0xfe), Buffer.of(0x61, 0xc3), Buffer.from(' \\*?[x]{y}!')];
const sorted = (dir: string | Buffer) => fs.readdirSync(dir, 'buffer').sort(Buffer.compare);

function writeOdd(place: Place): void {
  const dir = Buffer.from(`${place.mkdir('odd')}/`);
  for (const name of oddNames) {
    fs.mkdirSync(Buffer.concat([dir, name]));
    fs.writeFileSync(Buffer.concat([dir, name, Buffer.from('/'), name]), name);
  }
}

function checkOdd(t: Test, dest: string): void {
  t.same(sorted(dest), [...oddNames].sort(Buffer.compare));
  for (const name of oddNames) {
    const path = Buffer.concat([Buffer.from(`${dest}/`), name, Buffer.from('/'), name]);
    t.same(fs.readFileSync(path), name, name.toString('latin1'));
  }
}

t.test(
  'names are bytes: what is not UTF-8, and what is a line break or a wildcard, is copied under its name',
  async (t) => {
    const place = new Place(t);
    writeOdd(place);
    await copy(place, place.path('odd'), place.path('dest/tree'));
    checkOdd(t, place.path('dest/tree'));
    await publish(place, (transfer) =>
      transfer.addGlob('**', { cwd: place.path('odd'), dest: place.path('dest/glob') }),
    );
    checkOdd(t, place.path('dest/glob'));
  },
);

t.test('the report has names as text and as bytes', async (t) => {
  const place = new Place(t);
  writeOdd(place);
  await using transfer = await place.create();
  await transfer.add(place.path('odd'), place.dest);
  await transfer.dispatch();
  const { files } = await transfer.wait();
  const names = files.map(({ destBytes }) => destBytes.subarray(destBytes.lastIndexOf('/') + 1));
  t.same(names.sort(Buffer.compare), [...oddNames].sort(Buffer.compare));
  for (const { source, sourceBytes } of files) t.equal(source, sourceBytes.toString());
});

t.test('links: a named one is followed, one in a directory is copied, unless told otherwise', async (t) => {
  const place = ready(t);
  fs.symlinkSync('a', place.path('source/link'));
  fs.symlinkSync('source', place.path('alias'));
  const files = { a: 'A', 'sub/': '', 'sub/b': 'B' };
  const wanted: [string, AddOptions, Record<string, string>][] = [
    ['source', {}, { ...files, link: '-> a' }],
    ['source', { links: 'copy' }, { ...files, link: '-> a' }],
    ['source', { links: 'follow' }, { ...files, link: 'A' }],
    ['source', { links: 'skip' }, files],
    ['alias', {}, { ...files, link: '-> a' }],
    ['alias', { links: 'follow' }, { ...files, link: 'A' }],
  ];
  for (const [i, [source, options, entries]] of wanted.entries()) {
    await copy(place, place.path(source), place.path('dest', `${i}`), options);
    t.same(tree(place.path('dest', `${i}`)), entries, `${source} ${JSON.stringify(options)}`);
  }
  await copy(place, place.path('alias'), place.path('dest/link'), { links: 'copy' });
  t.equal(fs.readlinkSync(place.path('dest/link')), 'source');
  await copy(place, place.path('alias'), place.path('dest/none'), { links: 'skip' });
  t.notOk(fs.existsSync(place.path('dest/none')));
});

t.test('a dangling link in a directory is copied as it is', async (t) => {
  const place = new Place(t);
  place.mkdir('source');
  fs.symlinkSync('/nonexistent', place.path('source/dangling'));
  await copy(place, place.source, place.dest);
  t.same(tree(place.dest), { dangling: '-> /nonexistent' });
});

t.test('links that are followed in a circle are refused', async (t) => {
  const place = ready(t);
  fs.symlinkSync('..', place.path('source/sub/up'));
  await using transfer = await place.create();
  await t.rejects(transfer.add(place.source, place.dest, { links: 'follow' }), { code: 'AXL_IO', errnoName: 'ELOOP' });
  t.match(await transfer.add(place.source, place.dest), { files: 3 });
});

function forest(t: Test): Place {
  const place = new Place(t);
  for (const name of ['ckpt/rank0.bin', 'ckpt/rank1.bin', 'ckpt/deep/er/x.bin', 'ckpt/note.txt', 'ckpt/.hidden', 'top'])
    place.write(`source/${name}`, name.slice(-5));
  place.mkdir('source/ckpt/empty');
  return place;
}

/** The names that patterns bring to the destination. */
async function matched(place: Place, patterns: string | string[], options: Partial<AddGlobOptions> = {}) {
  fs.rmSync(place.dest, { recursive: true, force: true });
  await publish(place, (transfer) => transfer.addGlob(patterns, { cwd: place.source, dest: place.dest, ...options }));
  return fs.existsSync(place.dest) ? Object.keys(tree(place.dest)).sort() : [];
}

t.test("a match keeps its path below its pattern's base", async (t) => {
  const place = forest(t);
  t.same(await matched(place, 'ckpt/*.bin'), ['rank0.bin', 'rank1.bin']);
  t.same(await matched(place, '*/*.bin'), ['ckpt/', 'ckpt/rank0.bin', 'ckpt/rank1.bin']);
  t.same(await matched(place, '**/*.bin'), [
    'ckpt/',
    'ckpt/deep/',
    'ckpt/deep/er/',
    'ckpt/deep/er/x.bin',
    'ckpt/rank0.bin',
    'ckpt/rank1.bin',
  ]);
  t.same(await matched(place, 'ckpt/deep/**/*.bin'), ['er/', 'er/x.bin']);
  t.same(await matched(place, 'ckpt/rank0.bin'), ['rank0.bin']);
  t.same(await matched(place, `${place.source}/ckpt/*.txt`, { cwd: '/' }), ['note.txt']);
});

t.test('a directory that matches is made, with what of its contents matches', async (t) => {
  const place = forest(t);
  t.same(await matched(place, 'ckpt/*', { ignore: ['**/*.bin'] }), ['deep/', 'empty/', 'note.txt']);
  t.same(await matched(place, 'ckpt/e*'), ['empty/']);
  t.same(await matched(place, 'ckpt'), ['ckpt/']);
  fs.chmodSync(place.path('source/ckpt/empty'), 0o700);
  await matched(place, 'ckpt/empty');
  t.equal(fs.statSync(place.path('dest/empty')).mode & 0o7777, 0o700);
});

t.test('several patterns, ignore, a leading ! and dot choose as in fast-glob', async (t) => {
  const place = forest(t);
  t.same(await matched(place, ['ckpt/*.txt', 'top']), ['note.txt', 'top']);
  t.same(await matched(place, ['ckpt/*.bin', 'ckpt/rank*']), ['rank0.bin', 'rank1.bin'], 'a match counts once');
  t.same(await matched(place, 'ckpt/*.bin', { ignore: ['**/rank1*'] }), ['rank0.bin']);
  t.same(await matched(place, ['ckpt/*.bin', '!**/rank0*']), ['rank1.bin']);
  t.same(await matched(place, 'ckpt/rank{0,7}.bin'), ['rank0.bin']);
  t.same(await matched(place, 'ckpt/rank[1-9].bin'), ['rank1.bin']);
  t.same(await matched(place, 'ckpt/*', { dot: true, ignore: ['**/[a-z]*'] }), ['.hidden']);
  t.same(await matched(place, 'ckpt/.h*'), ['.hidden']);
  t.same(await matched(place, 'nothing*'), []);
});

t.test('an escaped wildcard is a character of the name', async (t) => {
  const place = forest(t);
  place.write('source/[x]/*', 'star');
  t.same(await matched(place, '\\[x\\]/\\*'), ['*']);
  t.same(await matched(place, '\\[x\\]/*'), ['*']);
});

t.test('a backslash of a name is a character like any other, wherever it stands', async (t) => {
  const place = forest(t);
  for (const name of ['back\\slash/a\\b', 'back\\slash/.\\c', 'back\\slash/d\nd']) place.write(`source/${name}`, name);
  t.same(await matched(place, 'back\\\\slash/*'), ['a\\b', 'd\nd']);
  t.same(await matched(place, 'back*/a\\\\b'), ['back\\slash/', 'back\\slash/a\\b']);
  const cwd = place.path('source', 'back\\slash');
  t.same(await matched(place, '*', { cwd, dot: true }), ['.\\c', 'a\\b', 'd\nd']);
  t.same(await matched(place, '*', { cwd, dot: true, ignore: ['.\\\\c', 'd\n*'] }), ['a\\b']);
});

t.test('a pattern follows links only if told to', async (t) => {
  const place = forest(t);
  fs.symlinkSync('ckpt/deep', place.path('source/link'));
  t.same(await matched(place, '**/x.bin'), ['ckpt/', 'ckpt/deep/', 'ckpt/deep/er/', 'ckpt/deep/er/x.bin']);
  t.same(
    (await matched(place, '**/x.bin', { links: 'follow' })).filter((name) => name.startsWith('link')),
    ['link/', 'link/er/', 'link/er/x.bin'],
  );
  t.same(await matched(place, 'l*'), ['link']);
  t.equal(fs.readlinkSync(place.path('dest/link')), 'ckpt/deep');
  t.same(await matched(place, 'l*', { links: 'skip' }), []);
});

t.test('a pattern that leads to a directory which cannot be read is an error', async (t) => {
  const skip = await noUnprivileged();
  if (skip) return t.plan(0, skip);
  const place = forest(t);
  fs.chmodSync(place.path('source/ckpt/deep'), 0);
  if (unprivileged.uid !== undefined) place.give(unprivileged.uid);
  const code = `
    const [stateFile, cwd, dest] = args;
    const transfer = await axl.Transfer.create({ name: 'ckpt', stateFile });
    const error = await transfer.addGlob('**', { cwd, dest }).catch((error) => error);
    console.log(JSON.stringify({ ...error, added: await transfer.addGlob('top', { cwd, dest }) }));
    await transfer.free();`;
  const deep = place.path('source/ckpt/deep');
  t.match(said(await script(code, [place.stateFile, place.source, place.dest], unprivileged)), {
    code: 'AXL_IO',
    errnoName: 'EACCES',
    path: deep,
    added: { files: 1 },
  });
});
