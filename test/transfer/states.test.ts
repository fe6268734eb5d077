// Which call fits which state, and misuse.
import * as fs from 'node:fs';
import type { Test } from 'tap';
import t from 'tap';
import { type AxlError, finalize, Transfer } from '../../lib/index.js';
import { obstruct, quiet } from '../journals.js';
import { Place, rejection } from '../support.js';

const INVALID = 'AXL_INVALID_STATE';

async function begun(t: Test): Promise<{ place: Place; transfer: Transfer }> {
  const place = new Place(t);
  place.write('source/a', '');
  const transfer = await place.create({ durability: 'none' });
  t.teardown(() => transfer[Symbol.asyncDispose]());
  await transfer.add(place.source, place.dest);
  return { place, transfer };
}

/** A transfer in each state that a caller can tell apart, made afresh for each call. */
const situations = {
  created: async (t: Test) => (await begun(t)).transfer,
  running: async (t: Test): Promise<Transfer> => {
    const { place, transfer } = await begun(t);
    await transfer.add(place.writeMuch('much'), place.path('more'));
    await transfer.dispatch();
    return transfer;
  },
  copied: async (t: Test): Promise<Transfer> => {
    const { transfer } = await begun(t);
    await transfer.dispatch();
    await quiet(transfer);
    return transfer;
  },
  completed: async (t: Test): Promise<Transfer> => {
    const { transfer } = await begun(t);
    await transfer.dispatch();
    await transfer.wait();
    return transfer;
  },
  failed: async (t: Test): Promise<Transfer> => {
    const { place, transfer } = await begun(t);
    await transfer.add(place.path('source/a'), place.states);
    obstruct(transfer, place.path('states/a'));
    await transfer.dispatch();
    await rejection(transfer.wait());
    return transfer;
  },
  canceled: async (t: Test): Promise<Transfer> => {
    const transfer = await situations.running(t);
    await transfer.cancel();
    return transfer;
  },
  freed: async (t: Test): Promise<Transfer> => {
    const { transfer } = await begun(t);
    await transfer.free();
    return transfer;
  },
  closed: async (t: Test): Promise<Transfer> => {
    const { transfer } = await begun(t);
    await transfer[Symbol.asyncDispose]();
    return transfer;
  },
};

type Situation = keyof typeof situations;
type Call = (transfer: Transfer) => unknown;
const calls = {
  add: (transfer) => transfer.add('/etc/hostname', '/nonexistent/x'),
  addAll: (transfer) => transfer.addAll([['/etc/hostname', '/nonexistent/x']]),
  addGlob: (transfer) => transfer.addGlob('nothing*', { dest: '/nonexistent/x' }),
  point: (transfer) => transfer.point('/nonexistent/latest', 'x'),
  dispatch: (transfer) => transfer.dispatch(),
  test: (transfer) => transfer.test(),
  wait: (transfer) => transfer.wait(),
  settle: (transfer) => transfer.settle(),
  report: async (transfer) => (await transfer.report()).state,
  cancel: (transfer) => transfer.cancel(),
  resume: (transfer) => transfer.resume(),
  free: (transfer) => transfer.free(),
  progress: async (transfer) => (await transfer.progress().next()).value?.state,
} satisfies Record<string, Call>;

/** What a call gives: a code if it fails, the state of the transfer after it, or what it returned. */
const table: Record<Situation, Record<keyof typeof calls, unknown>> = {
  created: {
    add: 'created',
    addAll: 'created',
    addGlob: 'created',
    point: 'created',
    dispatch: 'dispatched',
    test: INVALID,
    wait: INVALID,
    settle: INVALID,
    report: INVALID,
    cancel: INVALID,
    resume: INVALID,
    free: 'freed',
    progress: INVALID,
  },
  running: {
    add: INVALID,
    addAll: INVALID,
    addGlob: INVALID,
    point: INVALID,
    dispatch: INVALID,
    test: false,
    wait: undefined,
    settle: undefined,
    report: INVALID,
    cancel: 'canceled',
    resume: INVALID,
    free: INVALID,
    progress: 'dispatched',
  },
  copied: {
    add: INVALID,
    addAll: INVALID,
    addGlob: INVALID,
    point: INVALID,
    dispatch: INVALID,
    test: true,
    wait: 'completed',
    settle: true,
    report: INVALID,
    cancel: 'dispatched',
    resume: INVALID,
    free: INVALID,
    progress: 'dispatched',
  },
  completed: {
    add: INVALID,
    addAll: INVALID,
    addGlob: INVALID,
    point: INVALID,
    dispatch: INVALID,
    test: true,
    wait: 'completed',
    settle: true,
    report: 'completed',
    cancel: INVALID,
    resume: INVALID,
    free: 'freed',
    progress: 'completed',
  },
  failed: {
    add: INVALID,
    addAll: INVALID,
    addGlob: INVALID,
    point: INVALID,
    dispatch: INVALID,
    test: true,
    wait: 'AXL_TRANSFER_FAILED',
    settle: false,
    report: 'failed',
    cancel: 'failed',
    resume: 'dispatched',
    free: 'freed',
    progress: 'failed',
  },
  canceled: {
    add: INVALID,
    addAll: INVALID,
    addGlob: INVALID,
    point: INVALID,
    dispatch: INVALID,
    test: true,
    wait: 'AXL_CANCELED',
    settle: false,
    report: 'canceled',
    cancel: 'canceled',
    resume: 'dispatched',
    free: 'freed',
    progress: 'canceled',
  },
  freed: {
    add: INVALID,
    addAll: INVALID,
    addGlob: INVALID,
    point: INVALID,
    dispatch: INVALID,
    test: INVALID,
    wait: INVALID,
    settle: INVALID,
    report: INVALID,
    cancel: INVALID,
    resume: INVALID,
    free: INVALID,
    progress: INVALID,
  },
  closed: {
    add: INVALID,
    addAll: INVALID,
    addGlob: INVALID,
    point: INVALID,
    dispatch: INVALID,
    test: INVALID,
    wait: INVALID,
    settle: INVALID,
    report: INVALID,
    cancel: INVALID,
    resume: INVALID,
    free: INVALID,
    progress: INVALID,
  },
};

/** The code that a call fails with; what it returns, if that is plain; otherwise the state that it leads to. */
async function outcome(call: Call, transfer: Transfer): Promise<unknown> {
  try {
    const value = await call(transfer);
    return typeof value === 'boolean' || typeof value === 'string' ? value : transfer.state;
  } catch (error) {
    return (error as AxlError).code ?? error;
  }
}

for (const [state, row] of Object.entries(table) as [Situation, object][]) {
  t.test(`a transfer that is ${state} takes the calls that fit, and refuses the others`, async (t) => {
    for (const [name, wanted] of Object.entries(row)) {
      if (wanted === undefined) continue;
      const transfer = await situations[state](t);
      t.equal(await outcome(calls[name as keyof typeof calls], transfer), wanted, name);
    }
  });
}

t.test('of two dispatches or frees at once the second is refused', async (t) => {
  const { transfer } = await begun(t);
  const first = transfer.dispatch();
  await t.rejects(transfer.dispatch(), { code: INVALID });
  await t.rejects(transfer.free(), { code: INVALID });
  await t.rejects(transfer.add('/etc/hostname', '/nonexistent/x'), { code: INVALID });
  await first;
  await transfer.wait();
  const freed = transfer.free();
  await t.rejects(transfer.free(), { code: INVALID });
  await freed;
});

t.test('wait may be called before dispatch has resolved, and twice', async (t) => {
  const { place, transfer } = await begun(t);
  const dispatched = transfer.dispatch();
  const [one, two] = await Promise.all([transfer.wait(), transfer.wait(), dispatched]);
  t.equal(one.state, 'completed');
  t.same(two.files, one.files);
  t.ok(fs.existsSync(place.path('dest/a')));
});

t.test('a wait for a dispatch that failed is refused', async (t) => {
  const { place, transfer } = await begun(t);
  fs.rmSync(place.source, { recursive: true });
  const dispatched = transfer.dispatch();
  const waited = transfer.wait();
  await t.rejects(dispatched, { code: 'AXL_IO', errnoName: 'ENOENT' });
  await t.rejects(waited, { code: INVALID });
});

t.test('what was complete before a cancel can be published or freed', async (t) => {
  for (const end of ['wait', 'free'] as const) {
    const { place, transfer } = await begun(t);
    await transfer.dispatch();
    await quiet(transfer);
    t.equal(await transfer.cancel(), 'dispatched');
    await transfer[end]();
    t.equal(transfer.state, end === 'wait' ? 'completed' : 'freed');
    t.equal(fs.existsSync(place.path('dest/a')), end === 'wait');
  }
});

t.test('a free that failed can be made again', async (t) => {
  const { place, transfer } = await begun(t);
  await transfer.dispatch();
  await transfer.wait();
  fs.renameSync(place.stateFile, place.path('states/moved'));
  fs.writeFileSync(place.stateFile, 'of another');
  await t.rejects(transfer.free(), { code: 'AXL_VERIFY' });
  t.equal(transfer.state, 'completed');
  fs.renameSync(place.path('states/moved'), place.stateFile);
  await transfer.free();
  t.same(fs.readdirSync(place.states), []);
});

t.test('a state directory may be reached through a link', async (t) => {
  const place = new Place(t);
  fs.symlinkSync('states', place.path('link'));
  const create = () => place.create({ stateFile: place.path('link', 'rank0') });
  await (await create()).free();
  const transfer = await create();
  await transfer.add(place.write('source/a'), place.path('dest/a'));
  await transfer.dispatch();
  await transfer.wait();
  await transfer.free();
  const { stateFile } = await create().then((left) => left[Symbol.asyncDispose]().then(() => left));
  t.match((await finalize(place.path('link'))).counts, { removed: 1, failed: 0 });
  t.notOk(fs.existsSync(stateFile));
});

t.test('disposing of a transfer twice, or after free, does nothing', async (t) => {
  const { place, transfer } = await begun(t);
  await transfer[Symbol.asyncDispose]();
  await transfer[Symbol.asyncDispose]();
  t.ok(fs.existsSync(place.stateFile));
  const { transfer: other } = await begun(t);
  await other.free();
  await other[Symbol.asyncDispose]();
});

t.test('an error of state names the call, the transfer, its state and what to do', async (t) => {
  const { transfer } = await begun(t);
  await transfer.free();
  t.throws(() => transfer.test(), {
    name: 'AxlError',
    message: 'test: transfer ckpt.1 is freed; create another transfer',
  });
});

t.test('an unknown option is a TypeError that says which is meant', async (t) => {
  const { place, transfer } = await begun(t);
  const create = (options: object) => Transfer.create(options as never);
  const good = { name: 'x', stateFile: place.path('states/x') };
  const message = (promise: Promise<unknown>, message: RegExp) => t.rejects(promise, { name: 'TypeError', message });
  await message(create({ ...good, statefile: 'y' }), /create has no option statefile; did you mean stateFile\?/);
  await message(create({ ...good, ownre: 'skip' }), /did you mean owner\?/);
  await message(
    create({ ...good, zzzzzzzzzz: 1 }),
    /it has name, stateFile, stateDir, durability, metadata, owner, acls, hardLinks, rank, size/,
  );
  await message(create({ ...good, toString: 1 }), /create has no option toString/);
  await message(transfer.add('a', 'b', { link: 'copy' } as never), /add has no option link; did you mean links\?/);
  await message(transfer.addGlob('*', { dest: 'b', ignores: [] } as never), /did you mean ignore\?/);
  await message(transfer.dispatch({ signals: 1 } as never), /did you mean signal\?/);
  await message(transfer.wait({ sig: 1 } as never), /wait has no option sig/);
  t.throws(() => transfer.progress({ interval: 1 } as never), { message: /did you mean intervalMs\?/ });
  t.same(fs.readdirSync(place.states), ['rank0']);
});

t.test('an option of the wrong type is a TypeError', async (t) => {
  const { place, transfer } = await begun(t);
  const good = { name: 'x', stateFile: place.path('states/x') };
  const wrong: object[] = [
    { name: 'x' },
    { stateFile: 'x' },
    { ...good, name: 7 },
    { ...good, stateFile: 7 },
    { ...good, stateFile: '' },
    { ...good, stateFile: 'with\0NUL' },
    { ...good, stateFile: new URL('http://example.org/x') },
    { ...good, durability: 'half' },
    { ...good, owner: 'root' },
    { ...good, rank: '1' },
  ];
  for (const options of wrong) await t.rejects(Transfer.create(options as never), TypeError, JSON.stringify(options));
  for (const options of [undefined, null, 'x']) await t.rejects(Transfer.create(options as never), TypeError);
  for (const path of [undefined, 7, '', 'a\0b', {}]) {
    await t.rejects(transfer.add(path as never, 'x'), TypeError);
    await t.rejects(transfer.add('x', path as never), TypeError);
    await t.rejects(Transfer.open(path as never), TypeError);
  }
  await t.rejects(transfer.add('a', 'b', { links: 'keep' as never }), TypeError);
  await t.rejects(transfer.addGlob('*', {} as never), TypeError);
  for (const patterns of ['', [''], [7], 7])
    await t.rejects(transfer.addGlob(patterns as never, { dest: 'x' }), TypeError);
  await t.rejects(transfer.addGlob('*', { dest: 'x', ignore: '*.tmp' as never }), TypeError);
  await t.rejects(transfer.addGlob('*', { dest: 'x', dot: 1 as never }), TypeError);
  await t.rejects(transfer.dispatch({ signal: 'now' as never }), TypeError);
  t.same(fs.readdirSync(place.states), ['rank0']);
  t.equal(transfer.state, 'created');
});

t.test('a number out of its range is a RangeError', async (t) => {
  const { place, transfer } = await begun(t);
  const good = { name: 'x', stateFile: place.path('states/x') };
  const wrong: object[] = [
    { rank: -1 },
    { rank: 1.5 },
    { rank: Number.NaN },
    { rank: 2 ** 32, size: 2 ** 32 - 1 },
    { rank: 1, size: 1 },
    { rank: 3, size: 2 },
    { size: 0 },
    { name: '' },
    { name: 'x'.repeat(1025) },
  ];
  for (const options of wrong)
    await t.rejects(Transfer.create({ hardLinks: 'copy', ...good, ...options }), RangeError, JSON.stringify(options));
  await transfer.dispatch();
  for (const intervalMs of [0, -1, 0.5, 2 ** 31, Number.POSITIVE_INFINITY])
    t.throws(() => transfer.progress({ intervalMs }), RangeError);
  t.same(fs.readdirSync(place.states), ['rank0']);
});
