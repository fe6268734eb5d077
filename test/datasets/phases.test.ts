// Data, then commit files, then the pointer, over all ranks: whatever a finalizer is given, and however ranks end.
import * as fs from 'node:fs';
import t, { type Test } from 'tap';
import { native, VERIFY } from '../../lib/base/native.js';
import { NO_WORD } from '../../lib/base/native-word.js';
import { UNTIL } from '../../lib/base/phases.js';
import {
  type CollectiveTransfer,
  type FinalizedEntry,
  type FinalizeReport,
  finalize,
  inspect,
  Transfer,
} from '../../lib/index.js';
import { Board, options, outcomes } from '../comm/board.js';
import { append, quiet, TYPE } from '../journals.js';
import { axlFinalize, Place } from '../support.js';
import { encodeVerdict, verdictName } from '../verdicts.js';
import { dcp, watch } from './watched.js';

const SIZE = 3;

/** A checkpoint of three ranks, complete; the first has the commit file, and a pointer. */
async function leave(place: Place, text = 'new', name = 'ckpt') {
  for (let rank = 0; rank < SIZE; rank++) {
    const stateFile = place.path('states', `${name}.${rank}`);
    await using transfer = await place.create({ name, stateFile, rank, size: SIZE, home: place.states });
    const dir = `source.${text}/${rank}`;
    place.write(`${dir}/__${rank}_0.distcp`, text);
    if (rank === 0) place.write(`${dir}/.metadata`, text);
    await transfer.add(place.path(dir), place.path('dest/step'), { contents: true });
    if (rank === 0) await transfer.point(place.path('dest/latest'), 'step');
    await transfer.dispatch();
    await quiet(transfer);
  }
}

const text = (place: Place, name: string): string | undefined => {
  const path = place.path('dest/step', name);
  return fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : undefined;
};
const data = (place: Place) => [0, 1, 2].map((rank) => text(place, `__${rank}_0.distcp`));
const marker = (place: Place) => text(place, '.metadata');
const pointer = (place: Place) => fs.existsSync(place.path('dest/latest'));
const left = (place: Place) => fs.readdirSync(place.states).sort();

async function decide(place: Place, scope: 1 | 2 | 3 = 1): Promise<void> {
  const found = [0, 1, 2].map((rank) => inspect(place.path('states', `ckpt.${rank}`)));
  const transfers = scope === 1 ? found.map(({ uuid }, rank) => [uuid, `ckpt.${rank}`] as const) : [];
  const { dataset } = found[0] as (typeof found)[0];
  const bytes = encodeVerdict({ dataset, decision: 3, scope, size: SIZE, transfers });
  fs.writeFileSync(place.path('states', verdictName(dataset)), bytes);
}

function isPublished(t: Test, place: Place, report: FinalizeReport, want = 'new'): void {
  t.same([data(place), marker(place), pointer(place), left(place)], [[want, want, want], want, true, []]);
  t.match(report, { counts: { failed: 0, busy: 0 }, problems: [] });
}

t.test('a dataset is published with its commit file and its pointer', async (t) => {
  const place = new Place(t);
  await leave(place);
  const report = await finalize(place.states, { dataset: true });
  isPublished(t, place, report);
  t.match(report, { counts: { published: SIZE }, datasets: [{ name: 'ckpt', verdict: 'complete', size: SIZE }] });
});

t.test('how many files are published last is told before and after', async (t) => {
  const place = new Place(t);
  await leave(place);
  const dry = await axlFinalize(['--dry-run', '-v', place.states]);
  t.match(dry.stdout, `published ${place.path('states/ckpt.0')} (ckpt, rank 0, 3 files with 1 commit file, 1 pointer)`);
  t.match(dry.stdout, `published ${place.path('states/ckpt.1')} (ckpt, rank 1, 1 file)`);
  const json = JSON.parse((await axlFinalize(['--dry-run', '--json', place.states])).stdout);
  json.entries.sort((a: FinalizedEntry, b: FinalizedEntry) => a.rank - b.rank);
  t.match(json.entries, [{ files: 3, commitFiles: 1, pointers: 1 }, { files: 1 }, { files: 1 }]);
  t.match((await axlFinalize(['list', place.states])).stdout, '5 files with 1 commit file, 1 pointer');
});

t.test('a newer checkpoint in the place of an older one is published in one run with it', async (t) => {
  const place = new Place(t);
  await leave(place, 'old', 'zero');
  await leave(place, 'new', 'one');
  const seen = await watch(place, dcp(SIZE), 'replaced');
  const report = await finalize(place.states, { dataset: true });
  isPublished(t, place, report);
  t.match(report.counts, { published: 2 * SIZE });
  t.same(await seen(), []);
});

t.test('a rank that is given alone publishes what is due, and waits with the rest', async (t) => {
  for (const scope of [1, 3] as const) {
    const place = new Place(t);
    await leave(place);
    await decide(place, scope);
    const one = (rank: number) => finalize(place.path('states', `ckpt.${rank}`), { dataset: true });
    const waits = { counts: { busy: 1, published: 0 }, problems: [{ error: { code: 'AXL_STATE_LOCKED' } }] };
    t.match(await one(0), waits);
    t.same([data(place), marker(place)], [['new', undefined, undefined], undefined]);
    t.match(await one(2), waits);
    t.match(await one(1), waits);
    t.same([data(place), marker(place), pointer(place)], [['new', 'new', 'new'], undefined, false]);
    t.match(await one(0), waits, 'the commit file, and not the pointer');
    t.same([marker(place), pointer(place)], ['new', false]);
    t.match(await one(0), waits, 'nothing is due');
    t.match(await one(1), waits);
    t.match(await one(2), waits);
    t.match(await one(0), waits);
    t.same(pointer(place), true);
    t.match(await one(1), { counts: { published: 1 } }, 'all have all phases behind them');
    t.match(await one(0), { counts: { published: 1 } });
    isPublished(t, place, await one(2));
  }
});

t.test('ranks that agreed wait for one whose state file is elsewhere', async (t) => {
  const place = new Place(t);
  const elsewhere = place.path('elsewhere/ckpt.1');
  fs.mkdirSync(place.path('elsewhere'));
  await leave(place);
  await decide(place, 2);
  fs.renameSync(place.path('states/ckpt.1'), elsewhere);
  const part = await finalize(place.states, { dataset: true });
  t.match(part, { counts: { busy: 2 }, datasets: [{ verdict: 'busy', missing: [1] }] });
  t.same([data(place), marker(place)], [['new', undefined, 'new'], undefined]);
  isPublished(t, place, await finalize([place.states, elsewhere], { dataset: true }));
});

/** As a rank does that was killed then. @param passes says that all ranks have come so far */
async function bring(stateFile: string, until: 'data' | 'commit' | 'pointer', passes = false): Promise<void> {
  const addon = new (native().Transfer)();
  await addon.open(Buffer.from(stateFile), NO_WORD, false, true, VERIFY.size);
  await addon.publishUntil(UNTIL[until], false);
  if (passes) await addon.passPhases();
  await addon.close();
}

t.test('no rank is done before all that agreed are, in whichever order their directories are given', async (t) => {
  for (const passed of [false, true]) {
    const place = new Place(t);
    const dirs = [0, 1, 2].map((rank) => place.mkdir(`of${rank}`));
    await leave(place);
    await decide(place, 2);
    for (const [rank, dir] of dirs.entries())
      fs.renameSync(place.path('states', `ckpt.${rank}`), `${dir}/ckpt.${rank}`);
    const files = dirs.map((dir, rank) => `${dir}/ckpt.${rank}`);
    for (const until of ['data', 'commit'] as const) for (const file of files) await bring(file, until);
    // The first, which has the pointer, was killed before its last phase, or all came to the end of it.
    for (const file of files.slice(passed ? 0 : 1)) await bring(file, 'pointer', passed && file === files[2]);
    for (const dir of [...dirs].reverse()) {
      const { counts } = await finalize(dir, { dataset: true });
      t.match(counts, passed ? { published: 1 } : { busy: 1, published: 0 });
    }
    t.same(pointer(place), passed);
    const rest = await finalize(dirs, { dataset: true });
    t.equal(rest.counts.published, passed ? 0 : SIZE);
    // The verdict of ranks that are finalized one by one stays: nobody has seen all of them.
    if (!passed) isPublished(t, place, rest);
    t.same([data(place), marker(place), pointer(place)], [['new', 'new', 'new'], 'new', true]);
    t.same(
      dirs.map((dir) => fs.readdirSync(dir)),
      [[], [], []],
    );
  }
});

t.test('one that cannot be published holds up the commit file of all, and only that', async (t) => {
  const place = new Place(t);
  await leave(place);
  await decide(place);
  fs.mkdirSync(place.path('dest/step/__1_0.distcp'), { recursive: true });
  const report = await finalize(place.states, { dataset: true });
  t.match(report.counts, { failed: 1, busy: 2, published: 0 });
  t.same([text(place, '__0_0.distcp'), marker(place), text(place, '__2_0.distcp')], ['new', undefined, 'new']);
  fs.rmdirSync(place.path('dest/step/__1_0.distcp'));
  isPublished(t, place, await finalize(place.states, { dataset: true }));
});

t.test('an old commit file is gone before the first data are replaced, and stays where none are', async (t) => {
  const place = new Place(t);
  place.write('dest/step/.metadata', 'old');
  place.write('dest/step/__2_0.distcp', 'old');
  await leave(place);
  await decide(place);
  await finalize(place.path('states/ckpt.1'), { dataset: true });
  t.same(
    [data(place), marker(place)],
    [[undefined, undefined, 'old'], 'old'],
    'rank 0 may replace its commit file only',
  );
  await finalize(place.path('states/ckpt.0'), { dataset: true });
  t.same(marker(place), undefined);
  isPublished(t, place, await finalize(place.states, { dataset: true }));

  const apart = new Place(t);
  apart.write('dest/step/.metadata', 'old');
  await leave(apart);
  await decide(apart);
  await finalize(
    [0, 1].map((rank) => apart.path('states', `ckpt.${rank}`)),
    { dataset: true },
  );
  t.same([data(apart), marker(apart)], [['new', 'new', undefined], 'old'], 'new data beside it are not spoken of');
  isPublished(t, apart, await finalize(apart.states, { dataset: true }));
});

t.test('an old commit file is deleted also when the rank that has it came first', async (t) => {
  for (const scope of [1, 3] as const) {
    const place = new Place(t);
    place.write('dest/step/.metadata', 'old');
    place.write('dest/step/__1_0.distcp', 'old');
    await leave(place);
    await decide(place, scope);
    await finalize(place.path('states/ckpt.0'), { dataset: true });
    t.same([data(place), marker(place)], [['new', 'old', undefined], undefined]);
    await finalize(place.path('states/ckpt.1'), { dataset: true });
    t.same([data(place), marker(place)], [['new', 'new', undefined], undefined]);
    isPublished(t, place, await finalize(place.states, { dataset: true }));
  }
});

t.test('an old commit file that was about to be deleted when the power went is seen, and deleted', async (t) => {
  const FORWARD = Buffer.of(1);
  for (const given of ['ckpt.1', '']) {
    const place = new Place(t);
    place.write('dest/step/.metadata', 'old');
    for (const rank of [0, 1, 2]) place.write(`dest/step/__${rank}_0.distcp`, 'old');
    await leave(place);
    await decide(place);
    append(place.path('states/ckpt.0'), TYPE.direction, FORWARD);
    const seen = await watch(place, dcp(SIZE));
    const report = await finalize(place.path('states', given), { dataset: true });
    if (given !== '') {
      t.match(report, { counts: { busy: 1 } }, 'it waits for the rank that has it');
      t.same([data(place), marker(place)], [['old', 'old', 'old'], 'old']);
    }
    isPublished(t, place, given === '' ? report : await finalize(place.states, { dataset: true }));
    t.same(await seen(), []);
  }
});

t.test('a rank that nobody sees may have an old commit file', async (t) => {
  const place = new Place(t);
  fs.mkdirSync(place.path('elsewhere'));
  place.write('dest/step/.metadata', 'old');
  place.write('dest/step/__1_0.distcp', 'old');
  await leave(place);
  await decide(place, 2);
  fs.renameSync(place.path('states/ckpt.0'), place.path('elsewhere/ckpt.0'));
  t.match(await finalize(place.states, { dataset: true }), { counts: { busy: 2 } });
  t.same([text(place, '__1_0.distcp'), marker(place)], ['old', 'old']);
  isPublished(t, place, await finalize([place.states, place.path('elsewhere')], { dataset: true }));
});

t.test('a dry run says what would be done, and does nothing', async (t) => {
  const place = new Place(t);
  await leave(place);
  for (const decided of [false, true]) {
    if (decided) await decide(place);
    const report = await finalize(place.states, { dataset: true, dryRun: true });
    t.match(report, { counts: { published: SIZE, failed: 0 }, datasets: [{ verdict: 'complete' }] });
    t.same([data(place), marker(place)], [[undefined, undefined, undefined], undefined]);
  }
});

t.test('shards publish one dataset in phases together', async (t) => {
  const place = new Place(t);
  await leave(place);
  const shards = [0, 1, 2].map((index) => finalize(place.states, { dataset: true, shard: { index, count: 3 } }));
  const reports = await Promise.all(shards);
  t.same([data(place), marker(place), pointer(place)], [['new', 'new', 'new'], 'new', true]);
  t.same(left(place), []);
  for (const { counts } of reports) t.match(counts, { failed: 0, busy: 0 });
});

t.test('a rank that is not the first has no pointer', async (t) => {
  const place = new Place(t);
  await leave(place);
  fs.rmSync(place.path('states/ckpt.1'));
  const single = await place.create({
    name: 'ckpt',
    stateFile: place.path('states/x'),
    rank: 1,
    size: SIZE,
    home: place.states,
  });
  await t.rejects(single.point(place.path('dest/other'), 'step'), { code: 'AXL_CONFLICT' });
  await single.free();
});

async function createRanks(place: Place, board: Board): Promise<CollectiveTransfer[]> {
  return Promise.all(
    Array.from({ length: SIZE }, (_, rank) =>
      Transfer.create({ ...options(place, board.comm(rank)), home: place.states }),
    ),
  );
}

async function dispatchRanks(
  place: Place,
  ranks: Awaited<ReturnType<typeof createRanks>>,
  text = 'new',
): Promise<void> {
  const add = async (transfer: CollectiveTransfer, rank: number) => {
    place.write(`source/${rank}/__${rank}_0.distcp`, text);
    if (rank === 0) place.write(`source/${rank}/.metadata`, text);
    await transfer.add(place.path(`source/${rank}`), place.path('dest/step'), { contents: true });
    await transfer.point(place.path('dest/latest'), 'step');
    await transfer.dispatch();
  };
  await Promise.all(ranks.map(add));
}

t.test('ranks with a comm show the commit file when all data are there, and the pointer last', async (t) => {
  const place = new Place(t);
  place.write('dest/step/.metadata', 'old');
  place.write('dest/step/__1_0.distcp', 'old');
  const board = new Board(SIZE);
  const ranks = await createRanks(place, board);
  await dispatchRanks(place, ranks);
  const seen: unknown[] = [];
  board.whenAnswered = () => seen.push([data(place), marker(place), pointer(place)]);
  t.same(await outcomes(ranks.map((transfer) => transfer.wait())), ['ok', 'ok', 'ok']);
  for (const [all, mark, points] of seen as [string[], string | undefined, boolean][]) {
    if (mark === 'new') t.same(all, ['new', 'new', 'new']);
    if (mark === 'old') t.same(all, [undefined, 'old', undefined]);
    if (points) t.equal(mark, 'new');
  }
  t.same([data(place), marker(place), pointer(place)], [['new', 'new', 'new'], 'new', true]);
  t.same(await outcomes(ranks.map((transfer) => transfer.free())), ['ok', 'ok', 'ok']);
  t.same(left(place), []);
});

t.test('a rank that dies between phases leaves it to axl-finalize to go on from there', async (t) => {
  for (let asked = 1; ; asked++) {
    const place = new Place(t);
    const board = new Board(SIZE);
    const ranks = await createRanks(place, board);
    await dispatchRanks(place, ranks);
    let answers = 0;
    board.whenAnswered = () => {
      if (++answers === asked) board.lose();
    };
    const ends = await outcomes(ranks.map((transfer) => transfer.wait()));
    await Promise.all(ranks.map((transfer) => transfer[Symbol.asyncDispose]()));
    if (marker(place) !== undefined) t.same(data(place), ['new', 'new', 'new'], `${asked}`);
    if (pointer(place)) t.equal(marker(place), 'new');
    const report = await finalize(place.states, { dataset: true, jobEnded: true });
    t.match(report.counts, { failed: 0, busy: 0 }, `${asked}`);
    t.same([data(place), marker(place), pointer(place)], [['new', 'new', 'new'], 'new', true], `${asked}`);
    if (ends.every((end) => end === 'ok')) break;
    t.ok(asked < 50, 'it ends');
  }
});

t.test('one rank of a dataset in phases is not published by its own wait', async (t) => {
  const place = new Place(t);
  await leave(place);
  await decide(place);
  await using transfer = await Transfer.open(place.path('states/ckpt.0'), { agreed: true });
  await t.rejects(transfer.wait(), { code: 'AXL_INVALID_STATE' });
  t.same([data(place), marker(place)], [[undefined, undefined, undefined], undefined]);
});
