// A state file knows which file it is: what a backup, an editor or a restore leaves is a copy, and decides nothing.
import * as fs from 'node:fs';
import t from 'tap';
import { finalize, list, Transfer } from '../../lib/index.js';
import { leaveRanks, published } from '../datasets/datasets.js';
import { cutBefore, leave, TYPE } from '../journals.js';
import { axlFinalize, Place, temporaries, tree } from '../support.js';

/** Puts a copy in the place of the file itself, as a restore does. */
function restore(path: string): void {
  fs.cpSync(path, `${path}.restored`, { preserveTimestamps: true });
  fs.rmSync(path);
  fs.renameSync(`${path}.restored`, path);
}

for (const [when, make] of [
  ['an older state of a transfer that is complete', (file: string) => cutBefore(`${file}.bak`, TYPE.done)],
  ['the same state', () => {}],
] as const)
  t.test(`a copy beside the state file is left alone, and the transfer is published: ${when}`, async (t) => {
    const place = new Place(t);
    const stateFile = await leave.complete(place, 'one');
    fs.cpSync(stateFile, `${stateFile}.bak`, { preserveTimestamps: true });
    make(stateFile);
    const { status, stderr } = await axlFinalize([place.states]);
    t.equal(status, 5);
    t.match(stderr, /one\.bak: this is a copy of the state file .* --adopt/);
    t.same(published(place), ['one']);
    t.same(fs.readdirSync(place.states), ['one.bak']);
  });

t.test('a copy alone is left alone, and taken over with --adopt', async (t) => {
  const place = new Place(t);
  restore(await leave.complete(place, 'one'));
  t.match((await finalize(place.states)).problems, [{ action: 'corrupt', error: { code: 'AXL_STATE_COPY' } }]);
  t.match((await list(place.states)).transfers, [{ state: 'copy', name: 'one' }]);
  await t.rejects(Transfer.open(place.path('states/one')), { code: 'AXL_STATE_COPY' });
  t.match((await finalize(place.states, { adopt: true, dryRun: true })).counts, { corrupt: 1 });
  t.match((await finalize(place.states, { adopt: true, jobEnded: true })).counts, { published: 1, corrupt: 0 });
  t.same(tree(place.states), {});
});

t.test('a copy that was taken over is the state file from then on', async (t) => {
  const place = new Place(t);
  const stateFile = await leave.incomplete(place, 'one');
  restore(stateFile);
  t.match((await finalize(place.states, { adopt: true, jobEnded: true, incomplete: 'keep' })).counts, {
    kept: 1,
    corrupt: 0,
  });
  t.match((await list(place.states)).transfers, [{ state: 'incomplete' }]);
  t.match((await finalize(place.states)).counts, { 'rolled-back': 1 });
  t.same(temporaries(place.dest), []);
});

t.test('of two state files of one transfer, none is taken over', async (t) => {
  const place = new Place(t);
  const stateFile = await leave.complete(place, 'one');
  fs.cpSync(stateFile, `${stateFile}.1`);
  fs.cpSync(stateFile, `${stateFile}.2`);
  fs.rmSync(stateFile);
  const { status, stderr } = await axlFinalize(['--adopt', '--job-ended', place.states]);
  t.equal(status, 5);
  t.match(stderr, /one\.1: its transfer has another state file here/);
  t.same(published(place), []);
  t.same(fs.readdirSync(place.states), ['one.1', 'one.2']);
});

t.test('a copy is not taken over while the writer of its transfer is alive', async (t) => {
  const place = new Place(t);
  place.mkdir('dest');
  await using transfer = await place.create({ name: 'one', stateFile: place.path('states/one') });
  await transfer.add(place.write('source/one'), place.path('dest/one'));
  await transfer.dispatch();
  for await (const _ of transfer.progress());
  place.mkdir('backup');
  fs.cpSync(place.path('states/one'), place.path('backup/one'));
  const { status, stderr } = await axlFinalize(['--adopt', place.path('backup')]);
  t.equal(status, 5);
  t.match(
    stderr,
    /backup\/one: its writer, process \d+, may be alive, and the lock of a copy tells nothing: .*--job-ended/,
  );
  await transfer.wait();
  t.same(published(place), ['one']);
});

t.test('moving a state directory, or a state file, makes no copy', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'one');
  fs.renameSync(place.states, place.path('moved'));
  fs.renameSync(place.path('moved/one'), place.path('moved/other'));
  t.match((await finalize(place.path('moved'))).counts, { published: 1 });
});

for (const [what, remove, counts] of [
  ['a copy of a rank that is there is no missing rank', false, { published: 0, 'rolled-back': 2, corrupt: 1 }],
  ['a copy of a rank that is not there may be it', true, { published: 0, kept: 1, corrupt: 1 }],
] as const)
  t.test(what, async (t) => {
    const place = new Place(t);
    await leaveRanks(place, [0, 1], 3, 'part', { allRanks: true });
    fs.cpSync(place.path('states/part.1'), place.path('states/saved'));
    if (remove) fs.rmSync(place.path('states/part.1'));
    t.match((await finalize(place.states)).counts, counts);
    if (!remove) return;
    await finalize(place.states, { adopt: true, jobEnded: true, incomplete: 'keep' });
    t.match((await list(place.states)).transfers.map(({ state }) => state).sort(), ['complete', 'complete']);
  });

t.test('a whole tree that was restored is published with --adopt --verify checksum', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'one');
  fs.cpSync(place.root, `${place.root}.copy`, { recursive: true, preserveTimestamps: true });
  fs.rmSync(place.states, { recursive: true });
  fs.rmSync(place.dest, { recursive: true });
  fs.cpSync(`${place.root}.copy/states`, place.states, { recursive: true, preserveTimestamps: true });
  fs.cpSync(`${place.root}.copy/dest`, place.dest, { recursive: true, preserveTimestamps: true });
  fs.rmSync(`${place.root}.copy`, { recursive: true });
  const { status, stderr } = await axlFinalize(['--adopt', '--job-ended', '--verify', 'checksum', place.states]);
  t.equal(status, 0, stderr);
  t.same(published(place), ['one']);
});
