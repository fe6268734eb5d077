// Two ranks of one dataset that have one destination.
import t from 'tap';
import { finalize } from '../../lib/index.js';
import { quiet } from '../journals.js';
import { Place, temporaries } from '../support.js';
import { published } from './datasets.js';

/** Leaves complete transfers, each with its own file and one that all have. */
async function leave(place: Place, ranks: number, shared: string): Promise<void> {
  for (let rank = 0; rank < ranks; rank++) {
    const stateFile = place.path('states', `ck.${rank}`);
    await using transfer = await place.create({ name: 'ck', stateFile, rank, size: ranks });
    await transfer.add(place.write(`source/own.${rank}`), place.path(`dest/own.${rank}`));
    if (rank !== 1) await transfer.add(place.write(`source/shared.${rank}`), place.path(`dest/${shared}`));
    await transfer.dispatch();
    await quiet(transfer);
  }
}

for (const options of [{}, { incomplete: 'resume' }, { overwrite: 'keep' }] as const)
  t.test('two ranks of a dataset to one file are a conflict before anything is renamed', async (t) => {
    const place = new Place(t);
    await leave(place, 3, 'restart');
    const { counts, problems } = await finalize(place.states, { ...options, dataset: true });
    t.match(counts, { failed: 3, published: 0, 'rolled-back': 0 });
    t.match(problems[0]?.error, { code: 'AXL_CONFLICT', message: /dest\/restart: ranks 0 and 2 of one dataset/ });
    t.same(published(place), []);
    t.equal(temporaries(place.dest).length, 5);
  });

t.test('two ranks of two datasets may replace one file', async (t) => {
  const place = new Place(t);
  await leave(place, 1, 'latest');
  t.match((await finalize(place.states, { dataset: true })).counts, { published: 1 });
  await leave(place, 1, 'latest');
  t.match((await finalize(place.states, { dataset: true })).counts, { published: 1 });
  t.same(published(place), ['latest', 'own.0']);
});
