// Going on after a kill, a cancel or a failure; and what must not go on.
import * as fs from 'node:fs';
import type { Test } from 'tap';
import t from 'tap';
import { type AxlError, config, Transfer, type TransferError } from '../../lib/index.js';
import { cutBefore, leave, moveToHost, obstruct, quiet, records, TYPE, temporaryName } from '../journals.js';
import { bytes, Place, rejection, script, tree } from '../support.js';

const CHUNK = 64 << 10;

/** Copies (or goes on copying) and kills itself in the middle; status 9 if the copies ended before that. */
const KILLED = `
  const [stateFile, source, dest] = args;
  const transfer = source
    ? await axl.Transfer.create({ name: 'ckpt', stateFile })
    : await axl.Transfer.open(stateFile);
  if (source) await transfer.add(source, dest);
  await (source ? transfer.dispatch() : transfer.resume());
  let first;
  for await (const { bytesCopied, bytesTotal } of transfer.progress({ intervalMs: 1 })) {
    first ??= bytesCopied;
    if (bytesCopied === bytesTotal) break;
    if (bytesCopied > first + 8 * ${CHUNK}) process.kill(process.pid, 'SIGKILL');
  }
  process.exit(9);`;

const slow = { env: { AXL_THREADS: '1', AXL_CHUNK_SIZE: `${CHUNK}` } };

/** Some chunks are copied, and it is not done. */
function isMidCopy({ stateFile }: Place): boolean {
  const types = records(stateFile).map(({ type }) => type);
  return types.includes(TYPE.chunk) && !types.includes(TYPE.done);
}

/** A file whose copying was killed in the middle. If that came too late, a larger file is copied. */
async function killedMidCopy(t: Test): Promise<Place> {
  for (let mib = 64; mib <= 1024; mib *= 4) {
    const place = new Place(t);
    fs.chmodSync(place.write('source/big', bytes(mib << 20)), 0o640);
    const { status, signal, stderr } = await script(KILLED, [place.stateFile, place.source, place.dest], slow);
    if (signal === 'SIGKILL' && isMidCopy(place)) return place;
    t.ok(signal === 'SIGKILL' || status === 9, stderr);
  }
  throw new Error('the copies always ended before they could be killed');
}

async function resumeAndWait(place: Place): Promise<Transfer> {
  const transfer = await Transfer.open(place.stateFile);
  await transfer.resume();
  await transfer.wait();
  return transfer;
}

/** A file of eight chunks (ours, if none is given), copied whole and left for others. */
async function leaveChunks(place: Place, given = false): Promise<string> {
  if (!given) place.write('source/big', bytes(8 * CHUNK - 1));
  fs.utimesSync(place.path('source/big'), 1e9, 1e9);
  const { chunkSize } = config();
  config({ chunkSize: CHUNK });
  await using transfer = await place.create();
  config({ chunkSize });
  await transfer.add(place.source, place.dest);
  await transfer.dispatch();
  await quiet(transfer);
  return temporaryName(place.stateFile, place.path('dest/big'));
}

t.test('a rank that was killed while it copied is resumed and becomes whole', async (t) => {
  const place = await killedMidCopy(t);
  t.same(fs.readdirSync(place.dest).length, 1, 'only the temporary name');
  const temporary = temporaryName(place.stateFile, place.path('dest/big'));
  const { ino } = fs.statSync(temporary);

  const again = await script(KILLED, [place.stateFile], slow);
  t.ok(again.signal === 'SIGKILL' || again.status === 9, again.stderr);
  const transfer = await resumeAndWait(place);
  t.same(tree(place.dest), tree(place.source));
  const { ino: final, mode } = fs.statSync(place.path('dest/big'));
  t.equal(final, ino, 'went on in the same file');
  t.equal(mode & 0o7777, 0o640);
  await transfer.free();
  t.same(tree(place.states), {});
});

t.test('what another host has written is not gone on in: what comes late from there is lost', async (t) => {
  const place = await killedMidCopy(t);
  moveToHost(place.stateFile);
  fs.utimesSync(place.source, 1e9, 1e9);
  const temporary = temporaryName(place.stateFile, place.path('dest/big'));
  const late = fs.openSync(temporary, 'r+');
  fs.writeSync(late, 'damaged', CHUNK); // one of its chunks
  const transfer = await resumeAndWait(place);
  fs.writeSync(late, 'late', 0);
  fs.futimesSync(late, 1, 1);
  t.equal(fs.fstatSync(late).nlink, 0, 'it has no name any more');
  fs.closeSync(late);
  t.same(tree(place.dest), tree(place.source));
  const [source, dest] = ['source/big', 'dest/big'].map((name) => fs.statSync(place.path(name)));
  t.equal(dest?.mtimeMs, source?.mtimeMs);
  const copied = records(place.stateFile).filter(({ type }) => type === TYPE.chunk).length;
  t.ok(copied <= (source?.size ?? 0) / CHUNK + 1, 'its chunks are kept, but for the one that is damaged');
  await transfer.free();
});

t.test('wherever a kill cut the journal, a resume makes the file whole', async (t) => {
  for (let cut = 1, left = true; left; cut++) {
    const place = new Place(t);
    const temporary = await leaveChunks(place);
    const all = records(place.stateFile);
    const sealed = all.findIndex(({ type }) => type === TYPE.sealed);
    const kept = all.slice(sealed + 1, sealed + cut).filter(({ type }) => type === TYPE.chunk).length;
    const next = all[sealed + cut];
    left = next !== undefined;
    if (next) fs.truncateSync(place.stateFile, next.at);
    // What was written last need not have come to the disk in order: only what the journal names counts.
    if (kept < 8) fs.truncateSync(temporary, kept * CHUNK);
    await (await resumeAndWait(place)).free();
    t.same(tree(place.dest), tree(place.source), `after ${cut - 1} records`);
  }
});

t.test('chunks that are not what the journal says are copied anew', async (t) => {
  const place = new Place(t);
  const temporary = await leaveChunks(place);
  cutBefore(place.stateFile, TYPE.done);
  const fd = fs.openSync(temporary, 'r+');
  for (const chunk of [0, 3, 7]) fs.writeSync(fd, 'damaged', chunk * CHUNK + 100);
  fs.closeSync(fd);
  await (await resumeAndWait(place)).free();
  t.same(tree(place.dest), tree(place.source));
});

t.test('a hole of the source is a hole again, whatever a killed run has written there', async (t) => {
  const place = new Place(t);
  const fd = fs.openSync(place.write('source/big', bytes(CHUNK)), 'r+');
  fs.ftruncateSync(fd, 8 * CHUNK);
  fs.closeSync(fd);
  const temporary = await leaveChunks(place, true);
  cutBefore(place.stateFile, TYPE.chunk);
  const written = fs.openSync(temporary, 'r+');
  fs.writeSync(written, bytes(CHUNK, 2), 0, CHUNK, 3 * CHUNK + 1000);
  fs.closeSync(written);
  await (await resumeAndWait(place)).free();
  t.same(tree(place.dest), tree(place.source));
});

t.test('a temporary file that is gone, or is a link, is copied anew', async (t) => {
  for (const replace of [() => {}, (path: string) => fs.symlinkSync('/etc/passwd', path)]) {
    const place = new Place(t);
    const temporary = await leaveChunks(place);
    cutBefore(place.stateFile, TYPE.done);
    fs.rmSync(temporary);
    replace(temporary);
    await (await resumeAndWait(place)).free();
    t.same(tree(place.dest), tree(place.source));
  }
});

t.test('a destination directory that is gone is made again', async (t) => {
  const place = new Place(t);
  await leaveChunks(place);
  cutBefore(place.stateFile, TYPE.done);
  fs.rmSync(place.dest, { recursive: true });
  await (await resumeAndWait(place)).free();
  t.same(tree(place.dest), tree(place.source));
});

t.test('a complete file that lost its temporary file before it was committed is copied anew', async (t) => {
  const place = new Place(t);
  const temporary = await leaveChunks(place);
  cutBefore(place.stateFile, TYPE.settled);
  fs.rmSync(temporary);
  await (await resumeAndWait(place)).free();
  t.same(tree(place.dest), tree(place.source));
});

t.test('a source that changed meanwhile fails its file, also when size and mtime are the same', async (t) => {
  const changes: Record<string, (path: string) => void> = {
    'other bytes': (path) => {
      fs.writeFileSync(path, bytes(8 * CHUNK - 1, 2));
      fs.utimesSync(path, 1e9, 1e9);
    },
    'more bytes': (path) => fs.appendFileSync(path, 'x'),
    'another file': (path) => {
      fs.renameSync(path, `${path}.old`);
      fs.copyFileSync(`${path}.old`, path);
      fs.utimesSync(path, 1e9, 1e9);
    },
  };
  for (const [change, make] of Object.entries(changes)) {
    const place = new Place(t);
    await leaveChunks(place);
    cutBefore(place.stateFile, TYPE.done);
    make(place.path('source/big'));
    await using transfer = await Transfer.open(place.stateFile);
    await transfer.resume();
    const { report } = (await rejection(transfer.wait())) as TransferError;
    const error = { code: 'AXL_SOURCE_CHANGED', path: place.path('source/big') };
    t.match(report.files, [{ state: 'failed', error }], change);
    t.notOk(fs.existsSync(place.path('dest/big')));
    await transfer.free();
    t.notOk(fs.existsSync(place.dest));
  }
});

t.test('a source that is gone fails its file by name', async (t) => {
  const place = new Place(t);
  await leaveChunks(place);
  cutBefore(place.stateFile, TYPE.done);
  fs.rmSync(place.path('source/big'));
  await using transfer = await Transfer.open(place.stateFile);
  await transfer.resume();
  const error = (await rejection(transfer.wait())) as TransferError;
  t.match(error.message, `open ${place.path('source/big')}: ENOENT`);
  t.match(error.report.files, [{ error: { code: 'AXL_IO', errnoName: 'ENOENT' } }]);
});

t.test('a committed transfer is published without its sources, with and without resume', async (t) => {
  for (const resume of [false, true]) {
    const place = new Place(t);
    await leaveChunks(place);
    const before = tree(place.source);
    fs.rmSync(place.source, { recursive: true });
    await using transfer = await Transfer.open(place.stateFile);
    t.equal(transfer.state, 'dispatched');
    if (resume) await transfer.resume();
    t.match(await transfer.wait(), { state: 'completed', filesPublished: 1 });
    t.same(tree(place.dest), before);
  }
});

t.test('an opened transfer that is incomplete says failed, and wait that it needs a resume', async (t) => {
  const place = new Place(t);
  await leaveChunks(place);
  cutBefore(place.stateFile, TYPE.done);
  await using transfer = await Transfer.open(place.stateFile);
  t.equal(transfer.state, 'failed');
  await t.rejects(transfer.wait(), { code: 'AXL_INVALID_STATE', message: /resume/ });
});

t.test('an opened transfer that failed says for each file why, as before', async (t) => {
  const place = new Place(t);
  place.mkdir('dest');
  const stateFile = await leave.failed(place, 'a');
  await using transfer = await Transfer.open(stateFile);
  t.equal(transfer.state, 'failed');
  const { report } = (await rejection(transfer.wait())) as TransferError;
  const path = temporaryName(stateFile, place.path('dest/a'));
  t.match(report.files, [{ state: 'failed', error: { errnoName: 'EEXIST', syscall: 'open', path } }]);
});

t.test('an opened transfer that was published is completed', async (t) => {
  const place = new Place(t);
  const stateFile = await leave.published(place, 'a');
  await using transfer = await Transfer.open(stateFile);
  t.equal(transfer.state, 'completed');
  t.match(await transfer.wait(), { state: 'completed', filesPublished: 1 });
  await transfer.free();
  t.same(tree(place.dest), { a: 'source/a' });
});

t.test('what failed is copied by a resume, and the rest is kept', async (t) => {
  const place = new Place(t);
  place.write('source/a');
  place.write('source/b');
  place.mkdir('dest');
  await using transfer = await place.create();
  await transfer.add(place.path('source/a'), place.dest);
  await transfer.add(place.path('source/b'), place.dest);
  obstruct(transfer, place.path('dest/b'));
  await transfer.dispatch();
  await rejection(transfer.wait());
  const { ino } = fs.statSync(temporaryName(place.stateFile, place.path('dest/a')));
  await transfer.resume();
  t.match(await transfer.wait(), { state: 'completed', filesPublished: 2, filesFailed: 0 });
  t.equal(fs.statSync(place.path('dest/a')).ino, ino);
  t.same(tree(place.dest), tree(place.source));
});

t.test('a state file whose process lives is locked, for other processes and for its own', async (t) => {
  const place = new Place(t);
  place.write('source/a');
  await using transfer = await place.create();
  await transfer.add(place.source, place.dest);
  await transfer.dispatch();
  await quiet(transfer);
  await t.rejects(Transfer.open(place.stateFile), { code: 'AXL_STATE_LOCKED', path: place.stateFile });
  const child = await script(`await axl.Transfer.open(args[0]).catch(({ code }) => console.log(code))`, [
    place.stateFile,
  ]);
  t.equal(child.stdout, 'AXL_STATE_LOCKED\n', child.stderr);
  await transfer.wait();
});

t.test('an open that failed leaves the state file to others', async (t) => {
  const place = new Place(t);
  place.mkdir('dest');
  const stateFile = await leave.created(place, 'a');
  for (const _ of [1, 2]) t.equal(((await rejection(Transfer.open(stateFile))) as AxlError).code, 'AXL_INVALID_STATE');
});
