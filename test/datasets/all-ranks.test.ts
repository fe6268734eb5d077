// Transfers that are to be published only with all ranks of their dataset: axl-finalize does so without being told.
import * as fs from 'node:fs';
import t from 'tap';
import { finalize, Transfer } from '../../lib/index.js';
import { Place, temporaries, tree } from '../support.js';
import { leaveRanks, published } from './datasets.js';

const together = { allRanks: true } as const;

t.test('a transfer that wants all ranks is not published without them, whatever axl-finalize is told', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 2], 3, 'part', together);
  await leaveRanks(place, [0], 2, 'alone');
  const dry = await finalize(place.states, { dryRun: true });
  t.match(dry.counts, { published: 1, 'rolled-back': 2 });
  const kept = await finalize(place.states, { incomplete: 'keep' });
  t.match(kept.counts, { published: 1, kept: 2 });
  t.match(kept.datasets, [{ name: 'part', verdict: 'incomplete', size: 3, missing: [1] }]);
  const report = await finalize(place.states);
  t.match(report.counts, { published: 0, 'rolled-back': 2 });
  t.same(published(place), ['alone.0']);
  t.same([...temporaries(place.dest), ...Object.keys(tree(place.states))], []);
});

t.test('one rank that is opened alone publishes nothing, unless the caller knows that all are complete', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 1], 2, 'part', together);
  {
    await using transfer = await Transfer.open(place.path('states/part.0'));
    await t.rejects(transfer.wait(), {
      code: 'AXL_INVALID_STATE',
      message: /only with all ranks.*comm.*agreed.*axl-finalize/,
    });
    t.equal(await transfer.settle(), true);
  }
  t.same(published(place), []);
  {
    await using transfer = await Transfer.open(place.path('states/part.0'), { agreed: true });
    await transfer.wait();
  }
  t.same(published(place), ['part.0']);
});

t.test('to ask for no datasets does not publish it alone, either', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0], 2, 'part', together);
  t.match((await finalize(place.states, { dataset: false })).counts, { published: 0, 'rolled-back': 1 });
  t.same(published(place), []);
});

t.test('it is published when all are complete', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 1, 2], 3, 'whole', together);
  const report = await finalize(place.states);
  t.match(report.counts, { published: 3 });
  t.match(report.datasets, [{ name: 'whole', verdict: 'complete' }]);
  t.same(published(place), ['whole.0', 'whole.1', 'whole.2']);
  t.same(tree(place.states), {});
});

t.test('one rank that asks for it speaks for its dataset', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0], 3, 'mixed', together);
  const { counts } = await finalize(place.states);
  t.match(counts, { published: 0, 'rolled-back': 1 });
});

t.test('a rank that was published before the others died has them published, too', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [1, 2], 3, 'begun', together);
  {
    const stateFile = place.path('states/begun.0');
    await using first = await place.create({ name: 'begun', stateFile, rank: 0, size: 3, ...together });
    await first.add(place.write('source/begun.0'), place.path('dest/begun.0'));
    await first.dispatch();
    await first.wait();
  }
  const report = await finalize(place.states);
  t.match(report.counts, { published: 2, removed: 1, 'rolled-back': 0 });
  t.same(published(place), ['begun.0', 'begun.1', 'begun.2']);
  t.same(tree(place.states), {});
});

t.test('none is touched while a rank lives, and each is told of once', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 1], 3, 'live', together);
  await using live = await place.create({ name: 'live', stateFile: place.path('states/live.2'), rank: 2, size: 3 });
  const report = await finalize(place.states);
  t.equal(live.state, 'created');
  t.match(report.counts, { published: 0, 'rolled-back': 0, busy: 3 });
  t.equal(fs.readdirSync(place.states).length, 3);
});

t.test('shards come to one verdict on such a dataset, and each transfer is finalized once', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 1, 2, 3, 4, 5], 6, 'shared', together);
  const forEachOther = { wait: Number.POSITIVE_INFINITY }; // who looks at all ranks has their locks for an instant
  const shards = [0, 1, 2].map((index) =>
    finalize(place.states, { shard: { index, count: 3 }, onLock: 'fail', ...forEachOther }),
  );
  const counts = (await Promise.all(shards)).map((report) => report.counts.published);
  t.equal(
    counts.reduce((sum, n) => sum + n, 0),
    6,
  );
  t.equal(published(place).length, 6);
  t.same(tree(place.states), {});
});
