// A command for what was published: when all of it is there, before the state files are deleted, at least once.
import * as fs from 'node:fs';
import t from 'tap';
import { finalize } from '../../lib/index.js';
import { leaveRanks, published } from '../datasets/datasets.js';
import { quiet } from '../journals.js';
import { NOBODY, noOwnerProcess, noStrangers, Place } from '../support.js';

const lines = (path: string): string[] =>
  fs.existsSync(path) ? fs.readFileSync(path, 'utf8').split('\n').filter(Boolean).sort() : [];

t.test('it runs once for each transfer, when its files are there and its state file, too', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0], 1, 'one');
  await leaveRanks(place, [0], 1, 'two');
  const log = place.path('log');
  const onPublished = `test -e "$AXL_DESTINATIONS/$AXL_NAME.0" && test -e "$AXL_STATE_DIR/$AXL_NAME.0" && echo "$AXL_NAME" >> '${log}'`;
  const report = await finalize(place.states, { onPublished });
  t.match(report, { counts: { published: 2, failed: 0 }, problems: [] });
  t.same(lines(log), ['one', 'two']);
  t.same(fs.readdirSync(place.states), []);
});

t.test('it is told the directory of the files, and not that of a pointer to it', async (t) => {
  const place = new Place(t);
  place.write('source/deep/a');
  {
    await using transfer = await place.create({ name: 'ckpt', stateFile: place.path('states/ckpt.0') });
    await transfer.add(place.path('source/deep'), `${place.path('dest/step')}/`, { contents: true });
    await transfer.point(place.path('dest/latest'), 'step');
    await transfer.dispatch();
    await quiet(transfer);
  }
  const log = place.path('log');
  await finalize(place.states, { onPublished: `echo "$AXL_DESTINATIONS" > '${log}'` });
  t.same(lines(log), [place.path('dest/step')]);
});

t.test('it runs once for a dataset', async (t) => {
  for (const more of [{}, { commitFiles: ['ckpt.0'] }]) {
    const place = new Place(t);
    await leaveRanks(place, [0, 1, 2], 3, 'ckpt', more);
    const log = place.path('log');
    const report = await finalize(place.states, { dataset: true, onPublished: `echo "$AXL_NAME" >> '${log}'` });
    t.match(report, { counts: { published: 3, failed: 0 }, problems: [] });
    t.same(lines(log), ['ckpt']);
    t.same(fs.readdirSync(place.states), []);
  }
});

t.test('what it fails for is published, keeps its state files, and gets it again', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 1], 2);
  await leaveRanks(place, [0], 1, 'other');
  const onPublished = 'echo why; test "$AXL_NAME" != ckpt';
  const report = await finalize(place.states, { dataset: true, onPublished });
  const failed = { action: 'failed', error: { code: 'AXL_COMMAND_FAILED', message: /status 1.*why/ } };
  t.match(report, { counts: { published: 1, failed: 2 }, problems: [failed, failed] });
  t.same(published(place), ['ckpt.0', 'ckpt.1', 'other.0']);
  t.match(await finalize(place.states, { dataset: true, onPublished: 'true' }), {
    counts: { published: 2, failed: 0 },
  });
  t.same(fs.readdirSync(place.states), []);
});

t.test('what it leaves in the background holds up nobody', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0], 1);
  const done = place.path('done');
  const onPublished = `(while ! test -e '${done}'; do sleep 0.1; done) & true`;
  t.match(await finalize(place.states, { onPublished }), { counts: { published: 1 } });
  place.write('done');
});

t.test('it does not run for what is not published, was published before, or is only tried', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0], 2);
  const log = place.path('log');
  const onPublished = `echo "$AXL_NAME" >> '${log}'`;
  await finalize(place.states, { dataset: true, incomplete: 'keep', onPublished });
  await leaveRanks(place, [1], 2);
  await finalize(place.states, { dataset: true, dryRun: true, onPublished });
  t.same(lines(log), []);
  await finalize(place.states, { dataset: true, keepState: true, onPublished });
  t.same(lines(log), ['ckpt']);
  for (const dataset of [false, true]) {
    await leaveRanks(place, [0, 1], 2, `again${dataset}`);
    await finalize(place.states, { dataset: true, keepState: true });
    t.match(await finalize(place.states, { dataset, onPublished }), {
      counts: { removed: dataset ? 2 : 4, failed: 0 },
    });
  }
  t.same(lines(log), ['ckpt'], 'nor for what another run has published');
  await t.rejects(finalize(place.states, { onPublished, shard: 'auto' }), TypeError);
  await t.rejects(finalize(place.states, { onPublished: ' ' }), RangeError);
});

t.test(
  'as root it runs as the user of the state files',
  { skip: (await noStrangers()) || (await noOwnerProcess()) },
  async (t) => {
    const place = new Place(t);
    await leaveRanks(place, [0], 1);
    for (const path of [place.states, place.path('states/ckpt.0'), place.dest]) fs.chownSync(path, NOBODY, NOBODY);
    for (const name of fs.readdirSync(place.dest)) fs.chownSync(place.path('dest', name), NOBODY, NOBODY);
    const said = place.path('dest/said');
    const report = await finalize(place.states, { owner: 'skip', onPublished: `id -u > '${said}'` });
    t.match(report, { counts: { published: 1 }, problems: [] });
    t.same(lines(said), [`${NOBODY}`]);
  },
);
