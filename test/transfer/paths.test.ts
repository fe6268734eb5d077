// What a path means: read before it is tidied, at every entrance, whichever form it has.
import * as fs from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { forget } from '../../lib/forget.js';
import { finalize, inspect, list, type PathLike, Transfer } from '../../lib/index.js';
import { orphans } from '../../lib/orphans.js';
import { probe } from '../../lib/probe.js';
import { axlFinalize, Place, program, root, tree } from '../support.js';
import { copy, ready } from './copying.js';

const notADirectory = { code: 'AXL_IO', errnoName: 'ENOTDIR' };

/** The same path as text, bytes and URL. */
const forms = (path: string): PathLike[] => [path, Buffer.from(path), new URL(`file://${path}`)];

t.test('a destination with a slash at its end is a directory, which is made if it is missing', async (t) => {
  const place = ready(t);
  for (const [i, dest] of forms(place.path('dest/new/')).entries()) {
    place.write(`own.${i}`, `${i}`);
    await copy(place, place.path(`own.${i}`), dest);
  }
  t.same(tree(place.path('dest/new')), { 'own.0': '0', 'own.1': '1', 'own.2': '2' });
  await copy(place, place.source, place.path('trees/'));
  await copy(place, place.source, place.path('trees/'));
  t.same(Object.keys(tree(place.path('trees'))).sort(), ['source/', 'source/a', 'source/sub/', 'source/sub/b']);
});

t.test('a file that is given as a directory is ENOTDIR, as a source and as a destination', async (t) => {
  const place = ready(t);
  const file = place.path('old/file');
  for (const path of [...forms(`${file}/`), `${file}/.`, `${file}/./`, `${file}//`, `${file}/..`, `${file}/../new`]) {
    await t.rejects(copy(place, place.path('source/a'), path), notADirectory);
    await t.rejects(copy(place, path, place.path('dest')), notADirectory);
  }
  await t.rejects(copy(place, file, place.path('dest'), { contents: true }), notADirectory);
  await t.rejects(copy(place, place.source, file, { contents: true }), notADirectory);
  t.same(tree(place.path('old')), { file: 'of before' });
});

t.test('SRC/. and contents are what is in the directory, also the second time', async (t) => {
  const place = ready(t);
  const merged = { a: 'A', 'sub/': '', 'sub/b': 'B' };
  for (const round of ['first', 'second']) {
    await copy(place, `${place.source}/.`, place.path('dest/one'));
    await copy(place, Buffer.from(`${place.source}/./`), place.path('dest/two/'));
    await copy(place, pathToFileURL(place.source), place.path('dest/three'), { contents: true });
    for (const name of ['one', 'two', 'three']) t.same(tree(place.path('dest', name)), merged, `${round} time`);
  }
  place.write('source/a', 'later');
  await copy(place, `${place.source}/.`, place.path('dest/one'));
  t.equal(fs.readFileSync(place.path('dest/one/a'), 'utf8'), 'later');
});

t.test('the contents of the current directory are those of a source called "."', async (t) => {
  const place = ready(t);
  const cwd = process.cwd();
  t.teardown(() => process.chdir(cwd));
  process.chdir(place.source);
  await copy(place, '.', place.dest);
  await copy(place, '.', place.dest);
  t.same(tree(place.dest), { a: 'A', 'sub/': '', 'sub/b': 'B' });
});

t.test("README's example is safe to run twice", async (t) => {
  const place = new Place(t);
  const readme = fs.readFileSync(join(root, 'README.md'), 'utf8');
  const [, example = ''] = /```ts\n(import \{ Transfer \}[\s\S]*?)```/.exec(readme) ?? [];
  t.match(example, /\/l\/ssd\/ckpt\.42/);
  place.mkdir('p/job/state');
  place.write('l/ssd/ckpt.42/f', 'first');
  const here = example
    .replaceAll("'/l/", `'${place.root}/l/`)
    .replaceAll("'/p/", `'${place.root}/p/`)
    .replace("'axl-transfer'", `'${new URL('../../lib/index.js', import.meta.url).href}'`)
    .replace(/^computeNextStep\(\);/m, ';');
  const file = place.write('example.mjs', here);
  for (const content of ['first', 'second']) {
    place.write('l/ssd/ckpt.42/f', content);
    const { status, stderr } = await program(process.execPath, [file]);
    t.equal(status, 0, stderr);
    t.same(tree(place.path('p/lustre/run')), { 'ckpt.42/': '', 'ckpt.42/f': content });
  }
});

t.test('a tree with a link to a directory in it is copied a second time, and the link is replaced', async (t) => {
  const place = ready(t);
  fs.symlinkSync('sub', place.path('source/latest'));
  fs.symlinkSync('missing', place.path('source/dangling'));
  fs.mkdirSync(place.dest);
  const expected = { a: 'A', dangling: '-> missing', latest: '-> sub', 'sub/': '', 'sub/b': 'B' };
  for (let round = 0; round < 2; round++) {
    await copy(place, place.source, place.dest);
    t.same(tree(place.path('dest/source')), expected);
  }
  const transfer = await place.create({ durability: 'none' });
  await transfer.addGlob('**', { cwd: place.source, dest: place.path('dest/source') });
  await transfer.dispatch();
  await transfer.wait();
  await transfer.free();
  t.same(tree(place.path('dest/source')), expected, 'by a pattern, too');
});

t.test('a link on the way is followed at every entrance, and one that leads nowhere is named', async (t) => {
  const place = ready(t);
  const cwd = process.cwd();
  t.teardown(() => process.chdir(cwd));
  for (const [name, to] of Object.entries({ way: '.', states2: 'states', gone: 'missing', loop: 'loop' }))
    fs.symlinkSync(to, place.path(name));
  process.chdir(place.path('way'));
  const transfer = await Transfer.create({ name: 'linked', stateFile: 'way/states2/s' });
  await transfer.add('way/source/a', 'way/way/old/copied');
  await transfer.addGlob('*', { cwd: 'way/source', dest: 'way/dest' });
  await transfer.dispatch();
  await transfer.wait();
  t.equal(inspect('way/states2/s').state, 'published');
  await transfer.free();
  t.same(tree(place.path('old')), { copied: 'A', file: 'of before' });
  t.same(tree(place.dest), { a: 'A', 'sub/': '' });
  for (const [name, errnoName] of [
    ['gone', 'ENOENT'],
    ['loop', 'ELOOP'],
  ] as const) {
    const fault = { code: 'AXL_IO', errnoName, path: place.path(name) };
    for (const rest of ['/x', '/x/y', '/', '/.', '/..', '/../x'])
      await t.rejects(copy(place, place.path('source/a'), place.path(name) + rest), fault, name + rest);
    await t.rejects(copy(place, place.path(name, 'x'), place.path('dest/x')), fault);
    await t.rejects(Transfer.create({ name: 'x', stateFile: place.path(name, 's') }), { code: 'AXL_IO', errnoName });
    await t.rejects(Transfer.create({ name: 'x', stateDir: place.path(name) }), { code: 'AXL_IO', errnoName });
  }
});

/** Each would be a relative name here, and means another place to whoever wrote it. */
const misread = [
  '~',
  '~/x',
  '~user/x',
  's3://bucket/x',
  'file:///x',
  'https://h/x',
  'C:\\x',
  'c:/x',
  '\\\\server\\share',
  'host:/x',
  'u@h:/x',
];

t.test('what a shell, a browser or another system reads otherwise is a TypeError at every entrance', async (t) => {
  const place = ready(t);
  const transfer = await place.create();
  const source = place.path('source/a');
  for (const text of misread)
    for (const path of [text, Buffer.from(text)]) {
      const refused = { name: 'TypeError', message: /give|use/ };
      await t.rejects(transfer.add(path, place.dest), refused);
      await t.rejects(transfer.add(source, path), refused);
      await t.rejects(transfer.addAll([[source, path]]), refused);
      await t.rejects(transfer.addGlob('*', { dest: path }), refused);
      await t.rejects(transfer.addGlob('*', { dest: place.dest, cwd: path }), refused);
      await t.rejects(Transfer.create({ name: 'x', stateFile: path }), refused);
      await t.rejects(Transfer.create({ name: 'x', stateDir: path }), refused);
      await t.rejects(Transfer.create({ name: 'x', stateFile: place.path('s'), home: path }), refused);
      await t.rejects(Transfer.open(path), refused);
      await t.rejects(finalize(path), refused);
      await t.rejects(finalize(place.states, { roots: [path] }), refused);
      await t.rejects(list(path), refused);
      t.throws(() => inspect(path), refused);
      await t.rejects(forget(path), refused);
      await t.rejects(orphans([path]), refused);
      await t.rejects(probe(path), refused);
    }
  for (const pattern of ['~/x/*', 's3://b/*', 'C:\\x\\*', 'host:/x/*', '!~/x/*'])
    await t.rejects(transfer.addGlob(pattern, { dest: place.dest }), { name: 'TypeError' });
  t.same(await transfer.addGlob('*', { cwd: place.source, dest: place.dest, ignore: ['a'] }), {
    files: 0,
    directories: 2,
    bytes: 0,
  });
  await transfer.free();
});

t.test(
  'axl-finalize takes such text for a wrong command line, and a file with a slash for what cannot be read',
  async (t) => {
    const place = ready(t);
    for (const text of ['~/x', 's3://bucket/x', 'file:///x', 'C:\\x', 'host:/x'])
      for (const command of [[], ['list'], ['inspect'], ['forget'], ['orphans'], ['probe'], ['--root', text]]) {
        const { status, stderr } = await axlFinalize([...command, text]);
        t.equal(status, 2, `${command} ${text}: ${stderr}`);
        t.match(stderr, /give|use|\.\//);
      }
    t.match(await axlFinalize([`${place.path('old/file')}/`]), { status: 1, stderr: /ENOTDIR/ });
    t.match(await axlFinalize([`${place.states}/`]), { status: 0 });
  },
);

t.test('a file that is called like one of those is named with ./', async (t) => {
  const place = new Place(t);
  const cwd = process.cwd();
  t.teardown(() => process.chdir(cwd));
  process.chdir(place.root);
  for (const name of ['~', '~x', 'C:\\x', 'a:b']) fs.writeFileSync(`./${name}`, name);
  for (const name of ['./~', '~x', './C:\\x', 'a:b']) await copy(place, name, `${place.dest}/`);
  t.same(tree(place.dest), { '~': '~', '~x': '~x', 'C:\\x': 'C:\\x', 'a:b': 'a:b' });
});

t.test(
  'a path that is empty, holds a NUL or half a pair, or is a promise or another URL, is a TypeError',
  async (t) => {
    const place = ready(t);
    const transfer = await place.create();
    const bad = [
      '',
      Buffer.alloc(0),
      'a\0b',
      Buffer.from('a\0b'),
      'a\ud800',
      '\udc00',
      new URL('s3://bucket/x'),
      Promise.resolve('a'),
      new URL('file://host/x'),
      new URL('file:///a%2fb'),
      new URL('file:///a?b'),
      new URL('file:///a#b'),
      5,
      null,
      undefined,
      {},
    ];
    for (const path of bad as PathLike[]) {
      await t.rejects(transfer.add(path, place.dest), { name: 'TypeError' });
      await t.rejects(transfer.add(place.path('source/a'), path), { name: 'TypeError' });
      await t.rejects(Transfer.open(path), { name: 'TypeError' });
    }
    await transfer.free();
  },
);

t.test('a state file that is given as a directory is refused, and so is a directory', async (t) => {
  const place = ready(t);
  const create = (stateFile: string) => Transfer.create({ name: 'x', stateFile });
  for (const end of ['', '/', '/.', '/..'])
    await t.rejects(create(place.states + end), { code: 'AXL_STATE_EXISTS', message: /stateDir/ });
  await t.rejects(create(place.path('new/')), { code: 'AXL_IO', errnoName: 'EISDIR' });
  await t.rejects(create(`${place.path('old/file')}/`), { code: 'AXL_IO', errnoName: 'ENOTDIR' });
  await t.rejects(create(place.path('missing/s')), { code: 'AXL_IO', errnoName: 'ENOENT', message: /make it/ });
  await t.rejects(Transfer.create({ name: 'x', stateDir: place.path('old/file') }), notADirectory);
  const transfer = await place.create();
  const slash = `${transfer.stateFile}/`;
  await transfer[Symbol.asyncDispose]();
  await t.rejects(Transfer.open(slash), { code: 'AXL_IO', errnoName: 'ENOTDIR' });
  t.equal(inspect(slash).state, 'unreadable');
  t.equal((await forget(slash)).error?.errnoName, 'ENOTDIR');
  const { unreadable, counts } = await finalize(slash);
  t.equal(unreadable[0]?.errnoName, 'ENOTDIR');
  t.equal(counts.removed, 0);
  t.equal((await list(slash)).unreadable[0]?.errnoName, 'ENOTDIR');
  await t.rejects(finalize(place.states, { roots: [slash] }), notADirectory);
  const { counts: removed } = await finalize(`${place.states}/./`);
  t.equal(removed.removed, 1, 'a directory may be written as one');
});
