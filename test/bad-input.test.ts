// What callers and disks do wrong: each has its code, and leaves the destination as it was.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import t from 'tap';
import type { TransferError } from '../lib/index.js';
import { quiet } from './journals.js';
import {
  bytes,
  codeOf,
  mountSmall,
  noUnprivileged,
  Place,
  rejection,
  said,
  script,
  temporaries,
  tree,
  unprivileged,
} from './support.js';

t.test('a source that is not there is refused by add', async (t) => {
  const place = new Place(t);
  await using transfer = await place.create();
  await t.rejects(transfer.add(place.path('missing'), place.dest), {
    code: 'AXL_IO',
    errnoName: 'ENOENT',
    errno: -2,
    syscall: 'stat',
    path: place.path('missing'),
  });
});

t.test('an add that was refused has planned nothing', async (t) => {
  const place = new Place(t);
  place.write('source/a');
  spawnSync('mkfifo', [place.path('source/fifo')]);
  await using transfer = await place.create();
  await t.rejects(transfer.add(place.source, place.dest), { code: 'AXL_NOT_SUPPORTED' });
  fs.rmSync(place.path('source/fifo'));
  t.same(await transfer.add(place.source, place.dest), { files: 1, directories: 1, bytes: 8 });
  await transfer.dispatch();
  await transfer.wait();
  t.same(tree(place.dest), { a: 'source/a' });
});

t.test('a FIFO, socket, device or dangling link is refused, named or inside a directory', async (t) => {
  const place = new Place(t);
  place.mkdir('source');
  spawnSync('mkfifo', [place.path('source/fifo')]);
  const server = createServer().listen(place.path('source/socket'));
  await new Promise((resolve) => server.on('listening', resolve));
  fs.symlinkSync('/nonexistent/file', place.path('source/dangling'));
  await using transfer = await place.create();
  for (const name of ['source/fifo', 'source/socket', 'source/dangling'])
    t.equal(await codeOf(transfer.add(place.path(name), place.dest)), 'AXL_NOT_SUPPORTED', name);
  t.equal(await codeOf(transfer.add('/dev/null', place.dest)), 'AXL_NOT_SUPPORTED');
  for (const name of ['fifo', 'socket', 'dangling']) {
    fs.mkdirSync(place.path('in', name), { recursive: true });
    fs.renameSync(place.path('source', name), place.path('in', name, name));
    t.match(
      await rejection(transfer.add(place.path('in', name), place.dest, { links: 'follow' })),
      { code: 'AXL_NOT_SUPPORTED', path: place.path('in', name, name) },
      `in a directory: ${name}`,
    );
  }
  server.close();
});

t.test('a file that vanishes between add and dispatch fails the dispatch, which can be made again', async (t) => {
  const place = new Place(t);
  place.write('source/a');
  place.write('source/sub/b');
  await using transfer = await place.create();
  await transfer.add(place.source, place.dest);
  fs.rmSync(place.path('source/sub/b'));
  await t.rejects(transfer.dispatch(), { code: 'AXL_IO', errnoName: 'ENOENT', path: place.path('source/sub/b') });
  t.equal(transfer.state, 'created');
  t.notOk(fs.existsSync(place.dest));
  place.write('source/sub/b', 'back');
  await transfer.dispatch();
  await transfer.wait();
  t.same(tree(place.dest), { a: 'source/a', 'sub/': '', 'sub/b': 'back' });
});

t.test('a file that became something else between add and dispatch is a changed source', async (t) => {
  const place = new Place(t);
  await using transfer = await place.create();
  await transfer.add(place.write('source/a'), place.dest);
  fs.rmSync(place.path('source/a'));
  fs.symlinkSync('/etc/passwd', place.path('source/a'));
  fs.mkdirSync(place.path('other'));
  fs.rmSync(place.path('source/a'));
  fs.mkdirSync(place.path('source/a'));
  await t.rejects(transfer.dispatch(), { code: 'AXL_SOURCE_CHANGED', path: place.path('source/a') });
  t.notOk(fs.existsSync(place.dest));
});

t.test('what is its own destination is refused, by any of its names, and stays whole', async (t) => {
  const place = new Place(t);
  const file = place.write('source/a');
  fs.symlinkSync('source', place.path('link'));
  fs.symlinkSync('a', place.path('source/alias'));
  fs.linkSync(file, place.path('hard'));
  await using transfer = await place.create();
  const pairs: [string, string][] = [
    ['source/a', 'source/a'],
    ['source/a', 'source'],
    ['source/a', 'source/../source/./a'],
    ['source/a', 'link/a'],
    ['source/alias', 'source/a'],
    ['source/a', 'source/alias'],
    ['source/a', 'hard'],
    ['source', '.'],
  ];
  for (const [source, dest] of pairs) {
    const added = transfer.add(`${place.root}/${source}`, `${place.root}/${dest}`);
    t.equal(await codeOf(added), 'AXL_CONFLICT', `${source} to ${dest}`);
  }
  await transfer.dispatch();
  await transfer.wait();
  t.equal(fs.readFileSync(file, 'utf8'), 'source/a');
});

t.test('no file replaces the state file of its own transfer', async (t) => {
  const place = new Place(t);
  place.write('source/rank0');
  fs.symlinkSync('states', place.path('link'));
  await using transfer = await place.create();
  for (const dest of ['states/rank0', 'states', 'link', 'states/../link/rank0'])
    t.equal(await codeOf(transfer.add(place.path('source/rank0'), place.path(dest))), 'AXL_CONFLICT', dest);
  await transfer.add(place.path('source/rank0'), place.path('states/other'));
  await transfer.dispatch();
  await transfer.wait();
  await transfer.free();
  t.same(tree(place.states), { other: 'source/rank0' });
});

t.test('a destination inside the source tree is refused, also through a link', async (t) => {
  const place = new Place(t);
  place.write('source/sub/a');
  fs.symlinkSync('source/sub', place.path('link'));
  await using transfer = await place.create();
  for (const dest of ['source/new', 'source/sub', 'source/sub/deep/er', 'link', 'link/new', 'source'])
    t.equal(await codeOf(transfer.add(place.source, place.path(dest))), 'AXL_CONFLICT', dest);
  t.same(tree(place.source), { 'sub/': '', 'sub/a': 'source/sub/a' });
});

t.test('two sources for one destination are refused, and the first stays planned', async (t) => {
  const place = new Place(t);
  place.write('one/a');
  place.write('two/a');
  await using transfer = await place.create();
  await transfer.add(place.path('one/a'), place.path('dest/a'));
  const second = transfer.add(place.path('two/a'), place.path('dest/a'));
  await t.rejects(second, { code: 'AXL_CONFLICT', path: place.path('two/a'), dest: place.path('dest/a') });
  const matches = transfer.addGlob('*/a', { cwd: place.root, dest: place.path('other') });
  t.match(await matches, { files: 2 }, 'one/a and two/a keep apart');
  await transfer.dispatch();
  await transfer.wait();
  t.same(tree(place.dest), { a: 'one/a' });
});

t.test('a name cannot be both a file and a directory of one plan', async (t) => {
  const place = new Place(t);
  place.write('a');
  place.write('source/b');
  await using transfer = await place.create();
  await transfer.add(place.path('a'), place.path('dest/x'));
  t.equal(await codeOf(transfer.add(place.path('source/b'), place.path('dest/x/b'))), 'AXL_CONFLICT');
  await transfer.add(place.path('source'), place.path('dest/y'));
  t.equal(await codeOf(transfer.addGlob('a', { cwd: place.root, dest: place.path('dest/x') })), 'AXL_CONFLICT');
});

t.test('a destination directory that its user may not write to is refused by dispatch', async (t) => {
  const skip = await noUnprivileged();
  if (skip) return t.plan(0, skip);
  const place = new Place(t);
  place.write('source/a');
  place.write('dest/a', 'of before');
  if (unprivileged.uid !== undefined) place.give(unprivileged.uid);
  fs.chmodSync(place.dest, 0o555);
  const code = `
    const [stateFile, source, dest] = args;
    const transfer = await axl.Transfer.create({ name: 'ckpt', stateFile });
    await transfer.add(source + '/a', dest);
    const refused = [await transfer.dispatch().catch((error) => error)];
    await transfer.free();
    const other = await axl.Transfer.create({ name: 'ckpt', stateFile });
    await other.add(source, dest + '/made');
    refused.push(await other.dispatch().catch((error) => error));
    await other.free();
    console.log(JSON.stringify(refused.map(({ code, errnoName, syscall, path }) => ({ code, errnoName, syscall, path }))));`;
  const ended = await script(code, [place.stateFile, place.source, place.dest], unprivileged);
  t.equal(ended.status, 0, ended.stderr);
  t.match(said(ended), [
    { code: 'AXL_IO', errnoName: 'EACCES', syscall: 'access', path: place.dest },
    { code: 'AXL_IO', errnoName: 'EACCES', syscall: 'mkdir', path: `${place.dest}/made` },
  ]);
  t.same(tree(place.dest), { a: 'of before' });
});

t.test('a source that its user may not read fails its file', async (t) => {
  const skip = await noUnprivileged();
  if (skip) return t.plan(0, skip);
  const place = new Place(t);
  fs.chmodSync(place.write('source/secret'), 0);
  place.write('source/open');
  if (unprivileged.uid !== undefined) place.give(unprivileged.uid);
  const code = `
    const [stateFile, source, dest] = args;
    const transfer = await axl.Transfer.create({ name: 'ckpt', stateFile });
    await transfer.add(source, dest);
    await transfer.dispatch();
    const { report } = await transfer.wait().catch((error) => error);
    await transfer.free();
    console.log(JSON.stringify(report.files.filter(({ error }) => error).map(({ error }) => error)));`;
  const ended = await script(code, [place.stateFile, place.source, place.dest], unprivileged);
  t.match(said(ended), [{ code: 'AXL_IO', errnoName: 'EACCES', syscall: 'open', path: place.path('source/secret') }]);
  t.notOk(fs.existsSync(place.dest));
});

t.test('a full disk fails the file that met it, and nothing is published', async (t) => {
  const place = new Place(t);
  place.mkdir('dest');
  const skip = mountSmall(t, place.dest, '1m');
  if (skip) return t.plan(0, skip);
  place.write('dest/big', 'of before');
  place.write('source/big', bytes(2 << 20));
  place.write('source/small');
  await using transfer = await place.create();
  await transfer.add(place.path('source/big'), place.dest);
  await transfer.add(place.path('source/small'), place.dest);
  await transfer.dispatch();
  const { report } = (await rejection(transfer.wait())) as TransferError;
  t.match(report.files[0]?.error, { code: 'AXL_IO', errnoName: 'ENOSPC', syscall: 'write' });
  t.same(
    fs.readdirSync(place.dest).filter((name) => !name.includes('._AXL')),
    ['big'],
  );
  await transfer.free();
  t.same(tree(place.dest), { big: 'of before' });
});

t.test('a read-only file system refuses the dispatch or the file', async (t) => {
  const place = new Place(t);
  place.mkdir('dest');
  const skip = mountSmall(t, place.dest, '1m');
  if (skip) return t.plan(0, skip);
  const remounted = spawnSync('mount', ['-o', 'remount,ro', place.dest]);
  if (remounted.status !== 0) return t.plan(0, `a tmpfs cannot be made read-only here: ${remounted.stderr}`);
  place.write('source/a');
  await using transfer = await place.create();
  await transfer.add(place.path('source/a'), place.dest);
  await transfer.dispatch();
  const { report } = (await rejection(transfer.wait())) as TransferError;
  t.match(report.files[0]?.error, { code: 'AXL_IO', errnoName: 'EROFS', syscall: 'open' });
  await transfer.free();
  await using other = await place.create();
  await other.add(place.source, place.path('dest/made'));
  await t.rejects(other.dispatch(), { code: 'AXL_IO', errnoName: 'EROFS', syscall: 'mkdir' });
});

t.test('a write past the largest file size allowed fails its file', async (t) => {
  const place = new Place(t);
  place.write('source/big', bytes(1 << 20));
  place.write('source/small');
  const code = `
    const [stateFile, source, dest] = args;
    const transfer = await axl.Transfer.create({ name: 'ckpt', stateFile });
    await transfer.add(source, dest);
    await transfer.dispatch();
    const { report } = await transfer.wait().catch((error) => error);
    await transfer.free();
    console.log(JSON.stringify(report.files.filter(({ error }) => error).map(({ error }) => error)));`;
  const ended = await script(code, [place.stateFile, place.source, place.dest], { fileBlocks: 512 });
  t.match(said(ended), [{ code: 'AXL_IO', errnoName: 'EFBIG', syscall: 'write', path: place.path('dest/big') }]);
  t.equal(said(ended).length, 1);
  t.notOk(fs.existsSync(place.dest));
});

t.test('names as long as the file system allows are copied, longer ones are refused by add', async (t) => {
  const place = new Place(t);
  const long = [234, 235, 236, 255].map((length) => `${length}`.padEnd(length, 'x'));
  for (const name of long) place.write(`source/${name}`, name.slice(0, 3));
  await using transfer = await place.create();
  await transfer.add(place.source, place.dest);
  await transfer.dispatch();
  await quiet(transfer);
  t.equal(temporaries(place.dest).length, 4);
  await transfer.wait();
  t.same(tree(place.dest), tree(place.source));
  await transfer.free();
  await using other = await place.create();
  const added = other.add(place.path('source', long[0] as string), place.path('dest', 'y'.repeat(256)));
  await t.rejects(added, { code: 'AXL_IO', errnoName: 'ENAMETOOLONG' });
  const deep = place.path('dest', ...Array(20).fill('d'.repeat(210)));
  await t.rejects(other.add(place.path('source', long[0] as string), deep), {
    code: 'AXL_IO',
    errnoName: 'ENAMETOOLONG',
  });
});

t.test('a final name that has become a directory fails the publishing, which goes on once it is gone', async (t) => {
  const place = new Place(t);
  place.write('source/a');
  place.write('source/b');
  await using transfer = await place.create();
  place.mkdir('dest');
  for (const name of ['a', 'b']) await transfer.add(place.path('source', name), place.dest);
  await transfer.dispatch();
  await quiet(transfer);
  fs.mkdirSync(place.path('dest/b'));
  const error = (await rejection(transfer.wait())) as TransferError;
  t.match(error, { code: 'AXL_TRANSFER_FAILED', cause: { errnoName: 'EISDIR', dest: place.path('dest/b') } });
  t.equal(transfer.state, 'failed');
  t.notOk(fs.existsSync(place.path('dest/a')), 'none is published');
  fs.rmdirSync(place.path('dest/b'));
  t.match(await transfer.wait(), { state: 'completed', filesPublished: 2 });
  t.same(tree(place.dest), tree(place.source));
});

t.test('a directory onto a file, and a file where a directory is needed, are refused', async (t) => {
  const place = new Place(t);
  place.write('source/a');
  place.write('dest/file');
  await using transfer = await place.create();
  await t.rejects(transfer.add(place.source, place.path('dest/file')), { code: 'AXL_IO', errnoName: 'ENOTDIR' });
  await t.rejects(transfer.add(place.path('source/a'), place.path('dest/file/x')), {
    code: 'AXL_IO',
    errnoName: 'ENOTDIR',
  });
  place.mkdir('dest/a/sub');
  await t.rejects(transfer.addGlob('a', { cwd: place.source, dest: place.dest }), {
    code: 'AXL_IO',
    errnoName: 'EISDIR',
  });
  t.same(tree(place.dest), { file: 'dest/file', 'a/': '', 'a/sub/': '' });
});
