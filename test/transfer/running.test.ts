// While copies run: progress, cancel, signals, several transfers, and AXL's functional form.
import { getEventListeners } from 'node:events';
import * as fs from 'node:fs';
import type { Test } from 'tap';
import t from 'tap';
import * as axl from '../../lib/index.js';
import { CanceledError, type Progress, Transfer } from '../../lib/index.js';
import { quiet } from '../journals.js';
import { bytes, codeOf, Place, rejection, said, script, temporaries, tree } from '../support.js';

/** A transfer with far more to copy than a test takes. */
async function much(t: Test): Promise<{ place: Place; transfer: Transfer }> {
  const place = new Place(t);
  place.writeMuch();
  const transfer = await place.create({ durability: 'none' });
  t.teardown(() => transfer[Symbol.asyncDispose]());
  await transfer.add(place.source, place.dest);
  return { place, transfer };
}

/** A transfer of one small file. */
async function little(t: Test, name = 'a'): Promise<{ place: Place; transfer: Transfer }> {
  const place = new Place(t);
  place.mkdir('dest');
  const transfer = await place.create();
  t.teardown(() => transfer[Symbol.asyncDispose]());
  await transfer.add(place.write(`source/${name}`), place.dest);
  return { place, transfer };
}

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const value of values) out.push(value);
  return out;
}

const published = (place: Place) => (fs.existsSync(place.dest) ? fs.readdirSync(place.dest).length : 0);

/** A transfer that was canceled, of not too much to be copied to its end. If the cancel comes too late, of another one. */
async function canceled(place: Place): Promise<Transfer> {
  const file = place.write('source/0', bytes(4 << 20));
  for (let i = 1; i < 30; i++) fs.linkSync(file, place.path('source', `${i}`));
  for (;;) {
    const transfer = await place.create({ durability: 'none' });
    await transfer.add(place.source, place.dest);
    await transfer.dispatch();
    if ((await transfer.cancel()) === 'canceled') return transfer;
    await transfer.free();
  }
}

t.test('cancel says canceled, of copies that were not complete', async (t) => {
  const { transfer } = await much(t);
  await transfer.dispatch();
  t.equal(await transfer.cancel(), 'canceled');
});

t.test('cancel stops the copies and keeps what resume needs; resume goes on', async (t) => {
  const place = new Place(t);
  await using transfer = await canceled(place);
  const [stopped] = await all(transfer.progress());
  t.ok(stopped && stopped.bytesCopied < stopped.bytesTotal);
  const error = await rejection(transfer.wait());
  t.ok(error instanceof CanceledError);
  t.match(error, { name: 'AbortError', code: 'AXL_CANCELED', report: { state: 'canceled', filesPublished: 0 } });
  t.equal(published(place), temporaries(place.dest).length, 'only temporary files');
  t.ok(fs.existsSync(place.stateFile));

  await transfer.resume();
  t.match(await transfer.wait(), { state: 'completed', filesPublished: 30 });
  t.equal(published(place), 30);
  t.same(temporaries(place.dest), []);
});

t.test('free of a canceled transfer removes all that it made', async (t) => {
  const { place, transfer } = await much(t);
  await transfer.dispatch();
  await transfer.cancel();
  await transfer.free();
  t.notOk(fs.existsSync(place.dest));
  t.notOk(fs.existsSync(place.stateFile));
});

t.test('the signal of dispatch cancels the transfer, before it begins and while it runs', async (t) => {
  const { place, transfer } = await much(t);
  const reason = new Error('enough');
  const refused = await rejection(transfer.dispatch({ signal: AbortSignal.abort(reason) }));
  t.match(refused, { name: 'AbortError', code: 'AXL_CANCELED', cause: reason });
  t.equal(transfer.state, 'created');
  t.notOk(fs.existsSync(place.dest));

  const controller = new AbortController();
  await transfer.dispatch({ signal: controller.signal });
  controller.abort(reason);
  t.match(await rejection(transfer.wait()), { name: 'AbortError', cause: reason, report: { state: 'canceled' } });
  t.equal(transfer.state, 'canceled');
});

t.test('a signal that fires while dispatch is under way cancels the transfer', async (t) => {
  const { transfer } = await much(t);
  const controller = new AbortController();
  const dispatched = transfer.dispatch({ signal: controller.signal });
  controller.abort();
  t.match(await rejection(dispatched), { name: 'AbortError', code: 'AXL_CANCELED' });
  t.equal(transfer.state, 'canceled');
});

t.test('the signal of resume cancels it again', async (t) => {
  const { transfer } = await much(t);
  await transfer.dispatch();
  await transfer.cancel();
  t.match(await rejection(transfer.resume({ signal: AbortSignal.abort() })), { name: 'AbortError' });
  t.equal(transfer.state, 'canceled');
  const controller = new AbortController();
  await transfer.resume({ signal: controller.signal });
  t.equal(transfer.state, 'dispatched');
  controller.abort('a reason');
  t.match(await rejection(transfer.wait()), { name: 'AbortError', cause: 'a reason' });
});

t.test('a signal that fires when the copies are complete cancels nothing', async (t) => {
  const { place, transfer } = await little(t);
  const controller = new AbortController();
  await transfer.dispatch({ signal: controller.signal });
  await quiet(transfer);
  controller.abort();
  await transfer.wait();
  t.same(tree(place.dest), tree(place.source));
});

t.test('the signal of wait or progress ends the waiting only', async (t) => {
  const { transfer } = await much(t);
  await transfer.dispatch();
  const reason = new Error('impatient');
  for (const signal of [AbortSignal.abort(reason), soon(reason)]) {
    const error = await rejection(transfer.wait({ signal }));
    t.match(error, { name: 'AbortError', code: 'AXL_CANCELED', cause: reason });
    t.equal((error as CanceledError).report, undefined);
    t.equal(transfer.test(), false, 'copies go on');
  }
  for (const signal of [AbortSignal.abort(reason), soon(reason)]) {
    const watched = all(transfer.progress({ signal, intervalMs: 1 }));
    t.match(await rejection(watched), { name: 'AbortError', cause: reason });
    t.equal(transfer.test(), false, 'copies go on');
  }
  t.equal(transfer.state, 'dispatched');
});

function soon(reason: Error): AbortSignal {
  const controller = new AbortController();
  setImmediate(() => controller.abort(reason));
  return controller.signal;
}

t.test('progress grows to the last snapshot, which is always delivered', async (t) => {
  const place = new Place(t);
  for (let i = 0; i < 10; i++) place.write(`source/${i}`, bytes(1 << 20, i));
  await using transfer = await place.create();
  await transfer.add(place.source, place.dest);
  await transfer.dispatch();
  const seen: Progress[] = [];
  for await (const snapshot of transfer.progress({ intervalMs: 1 })) seen.push(snapshot);
  const total = { bytesTotal: 10 << 20, filesTotal: 10 };
  const shrunk = seen.filter(({ bytesCopied, filesDone }, i) => {
    const before = seen[i - 1];
    return before && (bytesCopied < before.bytesCopied || filesDone < before.filesDone);
  });
  t.same(shrunk, []);
  t.match(seen[0], { ...total, state: 'dispatched', filesFailed: 0 });
  t.same(seen.at(-1), { ...total, state: 'dispatched', bytesCopied: 10 << 20, filesDone: 10, filesFailed: 0 });
  await transfer.wait();
  t.match(await all(transfer.progress()), [{ ...total, state: 'completed', filesDone: 10 }]);
});

t.test('progress is coalesced: at most one snapshot an interval, and the last', async (t) => {
  const { transfer } = await little(t);
  await transfer.dispatch();
  const seen = await all(transfer.progress({ intervalMs: 0x7fff_ffff }));
  t.ok(seen.length <= 2);
  t.match(seen.at(-1), { filesDone: 1 });
});

t.test('leaving the loop of progress cancels nothing', async (t) => {
  const { transfer } = await much(t);
  await transfer.dispatch();
  for await (const _ of transfer.progress({ intervalMs: 1 })) break;
  t.equal(transfer.test(), false);
  t.equal(transfer.state, 'dispatched');
});

t.test('leaving the scope of `await using` cancels, and leaves what resume needs', async (t) => {
  const { place, transfer } = await much(t);
  {
    await using scoped = transfer;
    await scoped.dispatch();
  }
  t.ok(fs.existsSync(place.stateFile));
  const opened = await Transfer.open(place.stateFile);
  t.equal(opened.state, 'canceled');
  await opened.free();
  t.notOk(fs.existsSync(place.dest));
});

t.test('transfers of one process run at once and end apart', async (t) => {
  const place = new Place(t);
  const ranks = Array.from({ length: 12 }, (_, rank) => rank);
  const one = async (rank: number) => {
    const stateFile = place.path('states', `${rank}`);
    const transfer = await place.create({ stateFile, rank, size: ranks.length });
    for (let i = 0; i < 5; i++) place.write(`source${rank}/${i}`, bytes(200_000, rank * 5 + i));
    await transfer.add(place.path(`source${rank}`), place.path('dest', `${rank}`));
    await transfer.dispatch();
    if (rank % 4 === 3) await transfer.cancel().then(() => transfer.resume().catch(() => {}));
    await transfer.wait();
    await transfer.free();
  };
  await Promise.all(ranks.map(one));
  for (const rank of ranks) t.same(tree(place.path('dest', `${rank}`)), tree(place.path(`source${rank}`)));
  t.same(fs.readdirSync(place.states), []);
});

t.test('a roll back removes no directory that another transfer needs', async (t) => {
  const place = new Place(t);
  const begin = async (rank: number) => {
    const transfer = await place.create({ stateFile: place.path('states', `${rank}`) });
    t.teardown(() => transfer[Symbol.asyncDispose]());
    await transfer.add(place.write(`source/${rank}`), place.path('dest/new', `${rank}`));
    return transfer;
  };
  const [maker, other, third] = await Promise.all([begin(0), begin(1), begin(2)]);
  for (const transfer of [maker, other, third]) {
    await transfer.dispatch();
    await quiet(transfer);
  }
  for (const transfer of [third, maker]) {
    await transfer.cancel();
    await transfer.free();
  }
  await other.wait();
  await other.free();
  t.same(tree(place.dest), { 'new/': '', 'new/1': 'source/1' });
});

t.test('a signal is listened to only while it counts', async (t) => {
  const { transfer } = await little(t);
  const { signal } = new AbortController();
  await transfer.dispatch({ signal });
  await transfer.wait({ signal });
  for await (const _ of transfer.progress({ signal }));
  t.same(getEventListeners(signal, 'abort'), []);
});

t.test('a transfer of nothing is complete at once', async (t) => {
  const place = new Place(t);
  await using transfer = await place.create();
  t.same(await transfer.addGlob('*', { cwd: place.mkdir('source'), dest: place.dest }), {
    files: 0,
    directories: 0,
    bytes: 0,
  });
  await transfer.dispatch();
  t.match(await transfer.wait(), { state: 'completed', bytes: 0, filesPublished: 0, files: [] });
  await transfer.free();
  t.notOk(fs.existsSync(place.dest));
});

t.test("AXL's functional form does the same with ids", async (t) => {
  const place = new Place(t);
  place.write('source/a');
  place.write('more/b');
  const id = await axl.create({ name: 'ckpt', stateFile: place.stateFile });
  t.type(id, 'number');
  t.match(await axl.add(id, place.source, place.dest), { files: 1 });
  t.match(await axl.addGlob(id, '*', { cwd: place.path('more'), dest: place.dest }), { files: 1 });
  await axl.dispatch(id);
  t.match(await axl.wait(id), { state: 'completed', filesPublished: 2 });
  t.equal(axl.test(id), true);
  await t.rejects(axl.cancel(id), { code: 'AXL_INVALID_STATE' });
  await t.rejects(axl.resume(id), { code: 'AXL_INVALID_STATE' });
  await axl.free(id);
  t.same(tree(place.dest), { a: 'source/a', b: 'more/b' });
  for (const call of [axl.wait, axl.free, axl.cancel, axl.dispatch, axl.resume])
    t.equal(await codeOf(call(id)), 'AXL_INVALID_STATE');
  t.throws(() => axl.test(id), { code: 'AXL_INVALID_STATE' });
  t.throws(() => axl.test('1' as never), TypeError);
});

t.test('stop cancels every transfer whose copies run, and no other', async (t) => {
  const { transfer: one } = await much(t);
  const { transfer: two } = await much(t);
  const { transfer: complete } = await little(t);
  const { transfer: created } = await little(t);
  await complete.dispatch();
  await quiet(complete);
  await Promise.all([one.dispatch(), two.dispatch()]);
  await axl.stop();
  t.same([one.test(), two.test()], [true, true]);
  for (const transfer of [one, two]) await t.rejects(transfer.wait(), { name: 'AbortError' });
  t.match(await complete.wait(), { state: 'completed' });
  t.equal(created.state, 'created');
});

t.test('config returns what holds, and refuses what cannot', async (t) => {
  const before = axl.config();
  t.teardown(() => axl.config({ chunkSize: before.chunkSize, durability: before.durability }));
  t.match(axl.config({ chunkSize: 8192, durability: 'none' }), { chunkSize: 8192, durability: 'none' });
  t.match(axl.config({ chunkSize: undefined as never }), { chunkSize: 8192 });
  const { place, transfer } = await little(t);
  await transfer.dispatch();
  await transfer.wait();
  t.same(tree(place.dest), tree(place.source));
  t.equal(axl.config().threads, before.threads);
  const other = before.threads === 7 ? 6 : 7;
  t.throws(() => axl.config({ threads: other }), { code: 'AXL_INVALID_STATE' });
  for (const chunkSize of [0, 4095, 4097, 2 ** 31]) t.throws(() => axl.config({ chunkSize }), RangeError);
  t.throws(() => axl.config({ durability: 'some' as never }), TypeError);
  t.throws(() => axl.config({ thread: 1 } as never), { name: 'TypeError', message: /did you mean threads\?/ });
});

t.test('AXL_* environment variables set the defaults, config overrides them, and nonsense is refused', async (t) => {
  const say = `console.log(JSON.stringify([axl.config(), axl.config({ chunkSize: 4096, threads: 5 })]));`;
  const env = { AXL_THREADS: '3', AXL_CHUNK_SIZE: '65536', AXL_DURABILITY: 'none', AXL_BANDWIDTH: '2K' };
  const given = { threads: 3, chunkSize: 65536, durability: 'none', bandwidth: 2048 };
  t.same(said(await script(say, [], { env })), [given, { ...given, chunkSize: 4096, threads: 5 }]);
  t.match(said(await script(say, [], { env: { AXL_THREADS: '', AXL_DURABILITY: '' } })), [
    { chunkSize: 8 << 20, durability: 'full' },
  ]);
  const tooMany = 'try { axl.config({ threads: 257 }) } catch ({ name }) { console.log(JSON.stringify(name)) }';
  t.equal(said(await script(tooMany)), 'RangeError');
  const place = new Place(t);
  const create = `await axl.Transfer.create({ hardLinks: 'copy', name: 'ckpt', stateFile: args[0] });`;
  for (const [name, value] of Object.entries({ AXL_THREADS: '0', AXL_CHUNK_SIZE: '8MiB', AXL_DURABILITY: 'maybe' })) {
    const { status, stderr } = await script(create, [place.stateFile], { env: { [name]: value } });
    t.equal(status, 1);
    t.match(stderr, `the environment variable ${name} must be`);
  }
  t.same(fs.readdirSync(place.states), []);
});

t.test('an import starts no thread and loads nothing native', async (t) => {
  const code = `
    const { readdirSync, readFileSync } = await import('node:fs');
    console.log(JSON.stringify(readFileSync('/proc/self/maps', 'utf8').includes('axl_native')));`;
  t.equal(said(await script(code)), false);
});
