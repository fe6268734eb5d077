// Transfers that go to the same final names: what was dispatched later stands there in the end, or it is told.
import * as fs from 'node:fs';
import t from 'tap';
import { finalize, type Transfer } from '../../lib/index.js';
import { quiet } from '../journals.js';
import { axlFinalize, Place, script, tree } from '../support.js';

const NAMES = Array.from({ length: 20 }, (_, i) => `f${i}`);

/** Dispatches a checkpoint of `latest`, whose files say which it is. */
async function dispatch(place: Place, which: string, names: readonly string[] = NAMES): Promise<Transfer> {
  place.mkdir('dest');
  const transfer = await place.create({ name: which, stateFile: place.path(`states/${which}`) });
  await transfer.addAll(
    names.map((name) => [place.write(`source/${which}/${name}`, which), place.path(`dest/${name}`)]),
  );
  await transfer.dispatch();
  return transfer;
}

/** What the files at final names say, each once. */
const contents = (place: Place): unknown[] => {
  const files = Object.entries(tree(place.dest)).filter(([name]) => !name.includes('._AXL'));
  return [...new Set(files.map(([, text]) => text))];
};

t.test('two that are waited for at once are published in the order of their dispatch', async (t) => {
  const place = new Place(t);
  const older = await dispatch(place, 'ckpt.9');
  const newer = await dispatch(place, 'ckpt.10', NAMES.toReversed());
  const [second, first] = await Promise.all([newer.wait(), older.wait()]);
  t.same([first.state, second.state], ['completed', 'completed']);
  t.same(contents(place), ['ckpt.10']);
});

t.test('one that is dispatched while an older one copies replaces what that one has published', async (t) => {
  const place = new Place(t);
  const older = await dispatch(place, 'ckpt.9');
  const newer = await dispatch(place, 'ckpt.10');
  await older.wait();
  t.same(contents(place), ['ckpt.9']);
  await newer.wait();
  t.same(contents(place), ['ckpt.10']);
});

t.test('an older one does not replace what a newer one has published', async (t) => {
  const place = new Place(t);
  const older = await dispatch(place, 'ckpt.9');
  const newer = await dispatch(place, 'ckpt.10');
  await newer.wait();
  await t.rejects(older.wait(), { cause: { code: 'AXL_CONFLICT' } });
  t.same(contents(place), ['ckpt.10']);
  await older.free();
  t.same(contents(place), ['ckpt.10']);
});

t.test('a process that dies when the older one is published leaves a newer one that can be', async (t) => {
  const place = new Place(t);
  place.mkdir('dest');
  place.mkdir('states');
  const code = `
    const [dir] = args;
    const all = [];
    for (const which of ['ckpt.9', 'ckpt.10']) {
      const transfer = await axl.Transfer.create({ name: which, stateFile: dir + '/states/' + which });
      await transfer.add(dir + '/source/' + which, dir + '/dest/latest');
      await transfer.dispatch();
      all.push(transfer);
    }
    await all[0].wait();
    await all[0].free();
    await all[1].settle();
    process.kill(process.pid, 'SIGKILL');`;
  for (const which of ['ckpt.9', 'ckpt.10']) place.write(`source/${which}`, which);
  await script(code, [place.root]);
  t.same(contents(place), ['ckpt.9']);
  t.match((await finalize(place.states)).counts, { published: 1 });
  t.same(contents(place), ['ckpt.10']);
});

t.test('axl-finalize publishes them in the order of their dispatch, whatever they are called', async (t) => {
  const place = new Place(t);
  for (const which of ['ckpt.9', 'ckpt.10', 'ckpt.11']) {
    await using transfer = await dispatch(place, which, which === 'ckpt.10' ? NAMES.toReversed() : NAMES);
    await quiet(transfer);
  }
  const { status, stderr } = await axlFinalize(['--jobs', '4', place.states]);
  t.equal(status, 0, stderr);
  t.same(contents(place), ['ckpt.11']);
  t.same(fs.readdirSync(place.states), []);
});

t.test('shards publish transfers to the same names in that order, too', async (t) => {
  const place = new Place(t);
  const names = ['ckpt.9.0', 'ckpt.9.1', 'ckpt.10.0', 'ckpt.10.1'];
  for (const which of names) {
    await using transfer = await dispatch(place, which, [`rank${which.at(-1)}`]);
    await quiet(transfer);
  }
  const shards = await Promise.all(['0/3', '1/3', '2/3'].map((shard) => axlFinalize(['--shard', shard, place.states])));
  for (const { status, stderr } of shards) t.equal(status, 0, stderr);
  t.same(contents(place).sort(), ['ckpt.10.0', 'ckpt.10.1']);
  t.same(fs.readdirSync(place.states), []);
});

t.test('of two datasets with the same destinations the later one stands there', async (t) => {
  const place = new Place(t);
  place.mkdir('dest');
  for (const name of ['ckpt.9', 'ckpt.10'])
    for (const rank of [1, 0]) {
      const stateFile = place.path(`states/${name}.${rank}`);
      await using transfer = await place.create({ name, stateFile, rank, size: 2, allRanks: true });
      await transfer.add(place.write(`source/${name}.${rank}`, name), place.path(`dest/rank${rank}`));
      await transfer.dispatch();
      await quiet(transfer);
    }
  t.match((await finalize(place.states, { jobs: 4 })).counts, { published: 4 });
  t.same(contents(place), ['ckpt.10']);
});

t.test(
  'what has come since the dispatch is told, and stays, until the caller says what is to become of it',
  async (t) => {
    for (const [overwrite, left] of [
      ['replace', 'one'],
      ['keep', 'of somebody else'],
    ] as const) {
      const place = new Place(t);
      await using transfer = await dispatch(place, 'one', ['file']);
      await quiet(transfer);
      await transfer[Symbol.asyncDispose]();
      fs.writeFileSync(place.path('dest/file'), 'of somebody else');
      const { status, stderr } = await axlFinalize([place.states]);
      t.equal(status, 1);
      t.match(stderr, /dest\/file: something else has come .*--overwrite replace.*--overwrite keep/);
      t.equal(fs.readFileSync(place.path('dest/file'), 'utf8'), 'of somebody else');
      t.match((await finalize(place.states, { overwrite })).counts, { published: 1 });
      t.same(contents(place), [left]);
    }
  },
);

t.test('a checkpoint of a job that was started again is not replaced by one of before', async (t) => {
  const place = new Place(t);
  await using before = await dispatch(place, 'before', ['ckpt.5']);
  await quiet(before);
  await before[Symbol.asyncDispose]();
  const code = `const t = await axl.Transfer.create({ name: 'after', stateFile: args[0] + '/after' });
    await t.add(args[0] + '/again', args[0] + '/dest/ckpt.5'); await t.dispatch(); await t.wait(); await t.free();`;
  place.write('again', 'after');
  t.equal((await script(code, [place.root])).status, 0);
  t.match((await finalize(place.states)).problems, [{ error: { code: 'AXL_CONFLICT' } }]);
  t.same(tree(place.dest)['ckpt.5'], 'after');
});
