// Collective transfers, with a Comm that the application supplies: all ranks come to one outcome, and publish all or none.
// The ranks are in one process here; test/hpc has them under real launchers.
import * as fs from 'node:fs';
import t from 'tap';
import * as axl from '../../lib/index.js';
import { type AxlError, type CollectiveOptions, type CollectiveTransfer, finalize, Transfer } from '../../lib/index.js';
import { published } from '../datasets/datasets.js';
import { obstruct as takeTemporary } from '../journals.js';
import { codeOf, Place, rejection, temporaries, tree } from '../support.js';
import {
  addAll,
  Board,
  createAll,
  dispatchAll,
  obstruct,
  obstructLate,
  options,
  outcomes,
  SIZE,
  stateFiles,
  type World,
} from './board.js';

t.test('all ranks publish, and say the same at each step', async (t) => {
  const { place, ranks } = await dispatchAll(t);
  t.same(
    ranks.map(({ state }) => state),
    Array(SIZE).fill('dispatched'),
  );
  let ready: boolean[] = [];
  while (!ready[0]) ready = await Promise.all(ranks.map((transfer) => transfer.test()));
  t.same(ready, Array(SIZE).fill(true));
  const reports = await Promise.all(ranks.map((transfer) => transfer.wait()));
  t.same(
    reports.map(({ state, filesPublished }) => [state, filesPublished]),
    Array(SIZE).fill(['completed', 1]),
  );
  t.same(published(place), ['r0', 'r1', 'r2']);
  t.equal(stateFiles(place).length, SIZE, 'state files stay until all have published');
  t.same(await outcomes(ranks.map((transfer) => transfer.free())), Array(SIZE).fill('ok'));
  t.same(tree(place.states), {});
  t.same(await outcomes(ranks.map((transfer) => transfer.free())), Array(SIZE).fill('ok'), 'freed is freed');
});

t.test('a create that fails on one rank fails on all, and leaves no state file', async (t) => {
  const place = new Place(t);
  const board = new Board(SIZE);
  const theirs = place.write('states/ckpt.1', 'in the way');
  const calls = [0, 1, 2].map((rank) => Transfer.create(options(place, board.comm(rank))));
  t.same(await outcomes(calls), ['AXL_RANK_FAILED', 'AXL_STATE_EXISTS', 'AXL_RANK_FAILED']);
  t.same(Object.keys(tree(place.states)), ['ckpt.1']);
  t.equal(fs.readFileSync(theirs, 'utf8'), 'in the way');
});

t.test('bad options of one rank fail on all: nobody waits for a rank that has thrown', async (t) => {
  const place = new Place(t);
  const board = new Board(2);
  const wrong = { ...options(place, board.comm(1)), owner: 'me' as 'fail' };
  t.same(await outcomes([Transfer.create(options(place, board.comm(0))), Transfer.create(wrong)]), [
    'AXL_RANK_FAILED',
    'TypeError',
  ]);
  t.same(tree(place.states), {});
});

t.test('an add that fails on one rank fails on all, and only free is left', async (t) => {
  const { place, ranks } = await createAll(t);
  place.write('source/here');
  const calls = ranks.map((transfer, rank) =>
    transfer.add(place.path('source', rank === 2 ? 'nowhere' : 'here'), place.path(`dest/r${rank}`)),
  );
  t.same(await outcomes(calls), ['AXL_RANK_FAILED', 'AXL_RANK_FAILED', 'AXL_IO']);
  t.same(await outcomes(ranks.map((transfer) => transfer.dispatch())), Array(SIZE).fill('AXL_INVALID_STATE'));
  t.same(await outcomes(ranks.map((transfer) => transfer.free())), Array(SIZE).fill('ok'));
  t.same([...Object.keys(tree(place.states)), ...published(place)], []);
});

t.test('a dispatch that fails on one rank cancels it on the others', async (t) => {
  const world = await createAll(t);
  const { place, ranks } = world;
  await addAll(world);
  fs.rmSync(place.path('source/r1'));
  t.same(await outcomes(ranks.map((transfer) => transfer.dispatch())), [
    'AXL_RANK_FAILED',
    'AXL_IO',
    'AXL_RANK_FAILED',
  ]);
  t.same(await outcomes(ranks.map((transfer) => transfer.free())), Array(SIZE).fill('ok'));
  t.same([...Object.keys(tree(place.states)), ...published(place), ...temporaries(place.root)], []);
});

/** A rank's copy fails: its temporary name is taken. Before dispatch: after it, the copy may have been made. */
async function failOne(world: World): Promise<void> {
  const { place, ranks } = world;
  await addAll(world);
  const adds = ranks.map((transfer, rank) =>
    transfer.add(place.path(`source/r${rank}`), place.path(`dest/more${rank}`)),
  );
  await Promise.all(adds);
  takeTemporary(ranks[1] as CollectiveTransfer, place.path('dest/more1'));
  await Promise.all(ranks.map((transfer) => transfer.dispatch()));
}

t.test('if one rank fails, wait fails on all with a report, and none publishes', async (t) => {
  const world = await createAll(t);
  const { place, ranks } = world;
  await failOne(world);
  const errors = (await Promise.all(ranks.map((transfer) => rejection(transfer.wait())))) as AxlError[];
  t.same(
    errors.map(({ code }) => code),
    Array(SIZE).fill('AXL_TRANSFER_FAILED'),
  );
  t.same(
    errors.map(({ cause }) => (cause as AxlError).code),
    ['AXL_RANK_FAILED', 'AXL_IO', 'AXL_RANK_FAILED'],
  );
  t.match(errors[0], { report: { filesPublished: 0, files: [{ state: 'done' }, { state: 'done' }] } });
  t.same(
    ranks.map(({ state }) => state),
    Array(SIZE).fill('failed'),
  );
  t.same(published(place), []);
  t.same(await outcomes(ranks.map((transfer) => transfer.free())), Array(SIZE).fill('ok'));
  t.same([...Object.keys(tree(place.states)), ...temporaries(place.root)], []);
});

t.test('ranks that were complete when another failed, and then died, are not published by axl-finalize', async (t) => {
  const world = await createAll(t);
  const { place, ranks } = world;
  await failOne(world);
  await outcomes(ranks.map((transfer) => transfer.wait()));
  await Promise.all(ranks.map((transfer) => transfer[Symbol.asyncDispose]()));
  const { counts } = await finalize(place.states);
  t.match(counts, { published: 0, 'rolled-back': SIZE });
  t.same([...published(place), ...Object.keys(tree(place.states)), ...temporaries(place.root)], []);
});

t.test('a collective resume copies what failed; then all publish', async (t) => {
  const { place, ranks } = await dispatchAll(t);
  const states = await Promise.all(ranks.map((transfer) => transfer.cancel()));
  t.equal(new Set(states).size, 1, `all are ${states[0]}`);
  await Promise.all(ranks.map((transfer) => transfer.resume()));
  t.same(await outcomes(ranks.map((transfer) => transfer.wait())), Array(SIZE).fill('ok'));
  t.same(published(place), ['r0', 'r1', 'r2']);
  t.same(await outcomes(ranks.map((transfer) => transfer.free())), Array(SIZE).fill('ok'));
});

t.test('one rank that is canceled cancels all of them, though others are complete', async (t) => {
  const place = new Place(t);
  const board = new Board(2);
  const ranks = await Promise.all([0, 1].map((rank) => Transfer.create(options(place, board.comm(rank)))));
  t.teardown(() => Promise.all(ranks.map((transfer) => transfer[Symbol.asyncDispose]())));
  place.write('source/r0');
  place.writeMuch('source/r1');
  const stop = new AbortController();
  await Promise.all(
    ranks.map((transfer, rank) => transfer.add(place.path(`source/r${rank}`), place.path(`dest/r${rank}`))),
  );
  await Promise.all(ranks.map((transfer, rank) => transfer.dispatch(rank === 1 ? { signal: stop.signal } : {})));
  stop.abort();
  t.same(await outcomes(ranks.map((transfer) => transfer.wait())), ['AXL_CANCELED', 'AXL_CANCELED']);
  t.same(
    ranks.map(({ state }) => state),
    ['canceled', 'canceled'],
  );
  const files = Object.keys(tree(place.dest)).filter((name) => !name.endsWith('/') && !name.includes('._AXL'));
  t.same(files, [], 'no final name');
  t.same(await outcomes(ranks.map((transfer) => transfer.free())), ['ok', 'ok']);
  t.same([...Object.keys(tree(place.states)), ...temporaries(place.root)], []);
});

t.test('what one rank cannot publish is found before any rank has, and wait can be called again', async (t) => {
  const { place, ranks } = await dispatchAll(t);
  obstruct(place, 1);
  const errors = (await Promise.all(ranks.map((transfer) => rejection(transfer.wait())))) as AxlError[];
  t.same(
    errors.map(({ code, cause }) => [code, (cause as AxlError).code]),
    [0, 1, 2].map((rank) => ['AXL_TRANSFER_FAILED', rank === 1 ? 'AXL_IO' : 'AXL_RANK_FAILED']),
  );
  t.same(published(place), ['r1'], 'only what is in the way');
  t.same(fs.readdirSync(place.states).length, SIZE, 'nothing is decided');
  fs.rmdirSync(place.path('dest/r1'));
  t.same(await outcomes(ranks.map((transfer) => transfer.wait())), Array(SIZE).fill('ok'));
  t.same(published(place), ['r0', 'r1', 'r2']);
  t.same(await outcomes(ranks.map((transfer) => transfer.free())), Array(SIZE).fill('ok'));
});

t.test('ranks that cannot publish can be freed, which rolls all of them back', async (t) => {
  const { place, ranks } = await dispatchAll(t);
  obstruct(place, 1);
  await outcomes(ranks.map((transfer) => transfer.wait()));
  t.same(await outcomes(ranks.map((transfer) => transfer.free())), Array(SIZE).fill('ok'));
  t.same([...stateFiles(place), ...temporaries(place.root)], []);
});

t.test('a publishing that fails on one rank fails on all; nothing is freed, and wait goes on', async (t) => {
  const world = await dispatchAll(t);
  const { place, ranks } = world;
  obstructLate(world, 1);
  const errors = (await Promise.all(ranks.map((transfer) => rejection(transfer.wait())))) as AxlError[];
  t.same(
    errors.map(({ code }) => code),
    Array(SIZE).fill('AXL_TRANSFER_FAILED'),
  );
  t.equal((errors[0]?.cause as AxlError | undefined)?.code, 'AXL_RANK_FAILED');
  t.same(await outcomes(ranks.map((transfer) => transfer.free())), Array(SIZE).fill('AXL_INVALID_STATE'));
  t.equal(stateFiles(place).length, SIZE);
  fs.rmdirSync(place.path('dest/r1'));
  t.same(await outcomes(ranks.map((transfer) => transfer.wait())), Array(SIZE).fill('ok'));
  t.same(published(place), ['r0', 'r1', 'r2']);
  t.same(await outcomes(ranks.map((transfer) => transfer.free())), Array(SIZE).fill('ok'));
});

/** As ranks that were started again do. */
const takeOver = (place: Place, board: Board, rank: number, stateFile = `states/ckpt.${rank}`) =>
  Transfer.open(place.path(stateFile), { comm: board.comm(rank) });

t.test('ranks that were started again take over what they left, and publish together', async (t) => {
  const { place, ranks } = await dispatchAll(t);
  await Promise.all(ranks.map((transfer) => transfer[Symbol.asyncDispose]()));
  const board = new Board(SIZE);
  const lost = ranks.map((_, rank) => takeOver(place, board, rank, rank === 2 ? 'states/none' : undefined));
  t.same(await outcomes(lost), ['AXL_RANK_FAILED', 'AXL_RANK_FAILED', 'AXL_IO']);
  const taken = await Promise.all(ranks.map((_, rank) => takeOver(place, board, rank)));
  await Promise.all(taken.map((transfer) => transfer.resume()));
  t.same(await outcomes(taken.map((transfer) => transfer.wait())), Array(SIZE).fill('ok'));
  t.same(await outcomes(taken.map((transfer) => transfer.free())), Array(SIZE).fill('ok'));
  t.same(published(place), ['r0', 'r1', 'r2']);
});

t.test('ranks that take over a transfer that some have published cannot free it before all have', async (t) => {
  const world = await dispatchAll(t);
  const { place, ranks } = world;
  obstructLate(world, 1);
  await outcomes(ranks.map((transfer) => transfer.wait()));
  await Promise.all(ranks.map((transfer) => transfer[Symbol.asyncDispose]()));
  const board = new Board(SIZE);
  const taken = await Promise.all(ranks.map((_, rank) => takeOver(place, board, rank)));
  t.same(await outcomes(taken.map((transfer) => transfer.free())), Array(SIZE).fill('AXL_INVALID_STATE'));
  fs.rmdirSync(place.path('dest/r1'));
  t.same(await outcomes(taken.map((transfer) => transfer.wait())), Array(SIZE).fill('ok'));
  t.same(await outcomes(taken.map((transfer) => transfer.free())), Array(SIZE).fill('ok'));
  t.same(published(place), ['r0', 'r1', 'r2']);
});

t.test('a rank that stops waiting ends the wait of all, publishes nothing, and all can wait again', async (t) => {
  const { place, ranks } = await dispatchAll(t);
  const waits = ranks.map((transfer, rank) => transfer.wait(rank === 0 ? { signal: AbortSignal.abort() } : {}));
  t.same(await outcomes(waits), ['AXL_CANCELED', 'AXL_RANK_FAILED', 'AXL_RANK_FAILED']);
  t.same(published(place), []);
  t.same(await outcomes(ranks.map((transfer) => transfer.wait())), Array(SIZE).fill('ok'));
  t.same(published(place), ['r0', 'r1', 'r2']);
});

t.test("AXL's functional form takes collective transfers, too", async (t) => {
  const place = new Place(t);
  const board = new Board(2);
  const ids = await Promise.all([0, 1].map((rank) => axl.create(options(place, board.comm(rank)))));
  const files = (rank: number) => [[place.write(`source/r${rank}`), place.path(`dest/r${rank}`)]] as [string, string][];
  await Promise.all(ids.map((id, rank) => axl.addAll(id, rank === 0 ? files(rank) : [])));
  await Promise.all(ids.map((id) => axl.dispatch(id)));
  const ready = ids.map((id) => axl.test(id));
  t.ok(ready[0] instanceof Promise, 'or nobody would have asked the others');
  t.equal(new Set(await Promise.all(ready)).size, 1);
  await Promise.all(ids.map((id) => axl.wait(id)));
  await Promise.all(ids.map((id) => axl.free(id)));
  t.same(published(place), ['r0']);
  t.equal(await codeOf(axl.wait(ids[0] as number)), 'AXL_INVALID_STATE');
});

t.test('a rank that does not answer in time is lost, for this call and all later ones', async (t) => {
  const place = new Place(t);
  const board = new Board(2);
  const lost = { ...options(place, board.comm(0)), commTimeoutMs: 20 };
  const error = (await rejection(Transfer.create(lost))) as AxlError;
  t.equal(error.code, 'AXL_RANK_LOST');
  t.match(error.message, /create: rank 0 of 2 has lost the other ranks: .* for 20 ms/);
  t.same(tree(place.states), {}, 'what it made alone is gone');
});

t.test('after a rank was lost in the middle nothing is published here; axl-finalize decides for all', async (t) => {
  const place = new Place(t);
  const board = new Board(2);
  const ranks = await Promise.all([0, 1].map((rank) => Transfer.create(options(place, board.comm(rank)))));
  const [alive, dead] = ranks as [CollectiveTransfer, CollectiveTransfer];
  await Promise.all(
    ranks.map((transfer, rank) => transfer.add(place.write(`source/r${rank}`), place.path(`dest/r${rank}`))),
  );
  await Promise.all(ranks.map((transfer) => transfer.dispatch()));
  await dead[Symbol.asyncDispose]();
  board.lose();
  t.equal(await codeOf(alive.wait()), 'AXL_RANK_LOST');
  t.equal(await codeOf(alive.cancel()), 'AXL_RANK_LOST');
  t.equal(await codeOf(alive.free()), 'AXL_RANK_LOST');
  t.same(published(place), []);
  await alive[Symbol.asyncDispose]();
  const { counts, datasets } = await finalize(place.states);
  t.equal(datasets.length, 1);
  t.equal(counts.published || counts['rolled-back'], 2, 'both or none');
});

t.test('calls over one Comm ask in the order of the calls, whatever each takes', async (t) => {
  const place = new Place(t);
  const board = new Board(2);
  const comms = [0, 1].map((rank) => board.comm(rank));
  const both = comms.map((comm) => ['a', 'b'].map((name) => Transfer.create({ ...options(place, comm), name })));
  const made = await Promise.all(both.map((calls) => Promise.all(calls)));
  place.write('source/x');
  const missing = place.path('source/none');
  const adds = made.map(([a, b], rank) => [
    // Rank 1 has the failing add of `a`; those of `b` succeed, though they end first.
    (a as CollectiveTransfer).add(rank === 1 ? missing : place.path('source/x'), place.path(`dest/a${rank}`)),
    (b as CollectiveTransfer).add(place.path('source/x'), place.path(`dest/b${rank}`)),
  ]);
  t.same(await Promise.all(adds.map(outcomes)), [
    ['AXL_RANK_FAILED', 'ok'],
    ['AXL_IO', 'ok'],
  ]);
  await Promise.all(made.flat().map((transfer) => transfer[Symbol.asyncDispose]()));
});

t.test('a comm that is none, or not of this rank and size, is refused', async (t) => {
  const place = new Place(t);
  const comm = new Board(1).comm(0);
  const refused = (more: object) =>
    rejection(Transfer.create({ ...options(place, comm), ...more } as CollectiveOptions));
  t.ok((await refused({ comm: {} })) instanceof TypeError);
  t.ok((await refused({ comm: { ...comm, rank: 1 } })) instanceof RangeError);
  t.ok((await refused({ commTimeoutMs: 0 })) instanceof RangeError);
  t.ok((await refused({ rank: 3, size: 9 })) instanceof RangeError);
  t.same(tree(place.states), {});
});
