// What a failure says: of state files that cannot be used, and of transfers that failed.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import t from 'tap';
import { type AxlError, Transfer, TransferError } from '../../lib/index.js';
import { corrupt, leave, makeNewer, obstruct, quiet } from '../journals.js';
import { codeOf, Place, rejection, tree } from '../support.js';

t.test('a state file is never made over another name', async (t) => {
  const place = new Place(t);
  place.write('states/text', 'mine');
  place.mkdir('states/dir');
  fs.symlinkSync('/nonexistent', place.path('states/link'));
  for (const name of ['text', 'dir', 'link'])
    t.equal(await codeOf(place.create({ stateFile: place.path('states', name) })), 'AXL_STATE_EXISTS', name);
  const missing = place.create({ stateFile: place.path('missing/rank0') });
  await t.rejects(missing, { code: 'AXL_IO', errnoName: 'ENOENT', syscall: 'open', path: place.path('missing/rank0') });
  t.same(tree(place.states), { text: 'mine', 'dir/': '', link: '-> /nonexistent' });
});

t.test('open says why a state file cannot be opened, and changes nothing', async (t) => {
  const place = new Place(t);
  place.mkdir('dest');
  await using live = await place.create({ stateFile: place.path('states/live') });
  corrupt(await leave.complete(place, 'corrupt'));
  makeNewer(await leave.complete(place, 'newer'));
  await leave.created(place, 'created');
  place.write('states/text', 'hello');
  place.write('states/empty', '');
  spawnSync('mkfifo', [place.path('states/fifo')]);
  fs.symlinkSync('corrupt', place.path('states/link'));
  const before = tree(place.root);
  const codes = {
    live: 'AXL_STATE_LOCKED',
    corrupt: 'AXL_STATE_CORRUPT',
    newer: 'AXL_STATE_VERSION',
    created: 'AXL_INVALID_STATE',
    text: 'AXL_STATE_CORRUPT',
    empty: 'AXL_STATE_CORRUPT',
    fifo: 'AXL_UNSAFE_PATH',
    link: 'AXL_UNSAFE_PATH',
    missing: 'AXL_IO',
  };
  for (const [name, code] of Object.entries(codes))
    t.equal(await codeOf(Transfer.open(place.path('states', name))), code, name);
  t.same(tree(place.root), before);
  t.equal(live.state, 'created');
});

t.test('a message names the call, the file and the cause', async (t) => {
  const place = new Place(t);
  await using transfer = await place.create();
  const missing = place.path('new\nline');
  const error = (await rejection(transfer.add(missing, place.dest))) as AxlError;
  t.equal(error.message, `stat ${place.root}/new\\x0aline: ENOENT, no such file or directory`);
  t.equal(error.path, missing);
  t.match(await rejection(transfer.wait()), { message: 'wait: transfer ckpt.1 is created; call dispatch first' });
});

t.test('a transfer of which one file fails publishes none, and says for each what became of it', async (t) => {
  const place = new Place(t);
  place.write('dest/a', 'of before');
  for (const name of ['a', 'b', 'c']) place.write(`source/${name}`);
  await using transfer = await place.create();
  for (const name of ['a', 'b', 'c']) await transfer.add(place.path('source', name), place.dest);
  const inTheWay = obstruct(transfer, place.path('dest/b'));
  await transfer.dispatch();
  const error = (await rejection(transfer.wait())) as TransferError;
  t.ok(error instanceof TransferError);
  t.match(error, {
    name: 'TransferError',
    code: 'AXL_TRANSFER_FAILED',
    cause: { code: 'AXL_IO', errnoName: 'EEXIST' },
  });
  t.match(error.message, inTheWay);
  t.match(error.report, { name: 'ckpt.1', state: 'failed', filesPublished: 0, filesFailed: 1, bytes: 24 });
  t.match(error.report.files, [
    { source: place.path('source/a'), dest: place.path('dest/a'), state: 'done', size: 8, crc32c: Number },
    { state: 'failed', error: { code: 'AXL_IO', errnoName: 'EEXIST', errno: -17, syscall: 'open', path: inTheWay } },
    { state: 'done' },
  ]);
  t.equal(fs.readFileSync(place.path('dest/a'), 'utf8'), 'of before');
  t.same(
    fs.readdirSync(place.dest).filter((name) => !name.includes('._AXL')),
    ['a'],
  );
  t.equal(transfer.state, 'failed');

  const again = (await rejection(transfer.wait())) as TransferError;
  t.equal(again.message, error.message, 'waiting again says the same');
  t.same(JSON.stringify(again.report), JSON.stringify(error.report));
  await transfer.free();
  t.same(tree(place.dest), { a: 'of before' });
  t.notOk(fs.existsSync(place.stateFile));
});

t.test('the report of a failure has the shape of the report of a success', async (t) => {
  const place = new Place(t);
  place.write('source/a');
  place.mkdir('dest');
  await using transfer = await place.create();
  await transfer.add(place.path('source/a'), place.dest);
  obstruct(transfer, place.path('dest/a'));
  await transfer.dispatch();
  const failure = ((await rejection(transfer.wait())) as TransferError).report;
  await transfer.resume();
  const success = await transfer.wait();
  const shape = (report: object) => Object.keys(report).sort();
  t.same(shape(failure), shape(success));
  const fields = ['source', 'dest', 'size', 'phase', 'state', 'ownerGiven', 'lacks'];
  t.same(shape(success.files[0] ?? {}), [...fields, 'crc32c'].sort());
  t.same(shape(failure.files[0] ?? {}), [...fields, 'error'].sort());
  t.same(failure.files[0]?.destBytes, Buffer.from(place.path('dest/a')));
});

t.test('a directory that was replaced by a link is not published into, and nothing elsewhere is touched', async (t) => {
  const place = new Place(t);
  place.write('source/a');
  place.write('elsewhere/a', 'of another');
  await using transfer = await place.create();
  await transfer.add(place.source, place.path('dest/sub'));
  await transfer.dispatch();
  await quiet(transfer);
  fs.renameSync(place.path('dest/sub'), place.path('moved'));
  fs.symlinkSync(place.path('elsewhere'), place.path('dest/sub'));
  for (const file of fs.readdirSync(place.path('moved')))
    fs.copyFileSync(place.path('moved', file), place.path('elsewhere', file));
  const before = tree(place.path('elsewhere'));
  t.match(await rejection(transfer.wait()), { cause: { code: 'AXL_UNSAFE_PATH' } });
  t.same(tree(place.path('elsewhere')), before);

  fs.rmSync(place.path('dest/sub'));
  fs.renameSync(place.path('moved'), place.path('dest/sub'));
  await transfer.wait();
  t.same(tree(place.path('dest/sub')), { a: 'source/a' });
});
