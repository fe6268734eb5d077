// What a dataset lacks is not absent because nobody asked for it, or because it is not known again.
import * as fs from 'node:fs';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { standIns } from '../../lib/finalize/whereabouts.js';
import { type FinalizeEvent, finalize } from '../../lib/index.js';
import { cutBefore, TYPE } from '../journals.js';
import { axlFinalize, Place, temporaries, tree } from '../support.js';
import { leaveRanks, published } from './datasets.js';

function compress(path: string): void {
  fs.writeFileSync(`${path}.gz`, gzipSync(fs.readFileSync(path)));
  fs.rmSync(path);
}

const together = { allRanks: true } as const;

for (const [what, inputs, options] of [
  ['a state file that is named', ['states/part.2'], {}],
  ['state files that match a pattern', ['states'], { pattern: ['*.2'] }],
  ['state files but for one', ['states'], { exclude: ['*.0'] }],
] as const)
  t.test(`${what} is not decided about without the ranks that were not asked for`, async (t) => {
    const place = new Place(t);
    await leaveRanks(place, [0, 1, 2], 3, 'part', together);
    const paths = inputs.map((input) => place.path(input));
    const report = await finalize(paths, options);
    t.match(report.datasets, [{ name: 'part', verdict: 'complete' }]);
    t.match(report.counts, { 'rolled-back': 0, kept: 0 });
    t.match((await finalize(place.states)).counts, { 'rolled-back': 0 });
    t.same(published(place), ['part.0', 'part.1', 'part.2']);
    t.same(tree(place.states), {});
  });

t.test('a rank that is named is rolled back if another is found to be missing', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 2], 3, 'part', together);
  const report = await finalize(place.path('states/part.2'));
  t.match(report.datasets, [{ verdict: 'incomplete', missing: [1] }]);
  t.match(report.counts, { 'rolled-back': 1 });
  t.match((await finalize(place.states)).counts, { 'rolled-back': 1 });
  t.same(temporaries(place.dest), []);
});

t.test('a dataset whose state files may be anywhere is kept when not all were given', async (t) => {
  const place = new Place(t);
  fs.mkdirSync(place.path('home'));
  await leaveRanks(place, [0, 2], 3, 'part', { ...together, home: place.path('home') });
  t.match((await finalize(place.states)).counts, { kept: 2, 'rolled-back': 0 });
  t.equal(temporaries(place.dest).length, 2);
});

for (const options of [{ exclude: ['*.json'] }, { pattern: ['part.*'] }])
  t.test(
    `a dataset of which every rank was seen is not kept for what was not asked for: ${JSON.stringify(options)}`,
    async (t) => {
      const place = new Place(t);
      await leaveRanks(place, [0, 1, 2], 3, 'part');
      cutBefore(place.path('states/part.1'), TYPE.done);
      t.match((await finalize(place.states, { ...options, dataset: true })).counts, { 'rolled-back': 3, kept: 0 });
      t.same(tree(place.states), {});
    },
  );

t.test('the report that a finalizer is writing among the state files is no input and stands for no rank', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 2], 3, 'part', together);
  const report = place.path('states/axl-report.json');
  const { status, stdout } = await axlFinalize([
    '--json',
    '--exclude',
    'axl-report.*',
    '--report',
    report,
    place.states,
  ]);
  t.equal(status, 3);
  t.match(JSON.parse(stdout).counts, { 'rolled-back': 2, kept: 0, corrupt: 0, 'not-state': 0 });
  t.same(fs.readdirSync(place.states), ['axl-report.json']);
});

const damages: Record<string, (path: string) => void> = {
  'one byte of its magic is wrong': (path) => {
    const bytes = fs.readFileSync(path);
    bytes[3] = 0x5a;
    fs.writeFileSync(path, bytes);
  },
  'it is empty': (path) => fs.truncateSync(path),
  'its first block is zero': (path) => {
    const bytes = fs.readFileSync(path);
    fs.writeFileSync(path, bytes.fill(0, 0, Math.min(4096, bytes.length)));
  },
  'it was compressed': compress,
  'a link is in its place': (path) => {
    fs.renameSync(path, `${path}.moved.away`);
    fs.symlinkSync(`${path}.moved.away`, path);
    fs.renameSync(`${path}.moved.away`, path.replace('/states/', '/source/'));
  },
};

for (const [how, damage] of Object.entries(damages))
  t.test(`a state file is not absent if ${how}: the other ranks stay`, async (t) => {
    const place = new Place(t);
    await leaveRanks(place, [0, 1, 2], 3, 'part', together);
    damage(place.path('states/part.1'));
    const told: string[] = [];
    const onEvent = (event: FinalizeEvent) => event.event === 'problem' && told.push(event.failure.message);
    const each = await finalize(place.states, { onEvent });
    t.match(each.counts, { kept: 2, 'rolled-back': 0 });
    t.equal(each.counts.corrupt + told.length, 1, 'it is told');
    const { counts, problems } = await finalize(place.states, { dataset: true });
    t.match(counts, { kept: 2, corrupt: 1, 'rolled-back': 0 });
    t.match(problems, [{ action: 'corrupt', stateFile: /part\.1/ }]);
    t.equal(temporaries(place.dest).length, 3);
  });

t.test('nor if each rank has a state directory of its own', async (t) => {
  const place = new Place(t);
  fs.mkdirSync(place.path('home'));
  const dirs = [0, 1, 2].map((rank) => place.path(`d${rank}`));
  for (const [rank, dir] of dirs.entries()) {
    fs.mkdirSync(dir);
    const stateFile = `${dir}/part.${rank}`;
    await leaveRanks(place, [rank], 3, 'part', { ...together, home: place.path('home'), stateFile });
  }
  compress(`${dirs[1]}/part.1`);
  const { counts, problems } = await finalize([...dirs, place.path('home')], { dataset: true });
  t.match(counts, { kept: 2, corrupt: 1, 'rolled-back': 0 });
  t.match(problems, [{ action: 'corrupt', stateFile: /part\.1\.gz$/ }]);
});

t.test('nor if another rank began twice', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 1], 2, 'part', together);
  {
    const stateFile = place.path('states/again');
    await using _ = await place.create({ name: 'part', rank: 0, size: 2, ...together, stateFile });
  }
  compress(place.path('states/part.1'));
  const { counts } = await finalize(place.states, { dataset: true });
  t.match(counts, { kept: 1, corrupt: 1, 'rolled-back': 0 });
});

t.test('other names beside the state files are nobody’s business', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0, 2], 3, 'part', together);
  for (const name of ['job.log', 'part.7', 'other.1']) place.write(`states/${name}`);
  t.match((await finalize(place.states)).counts, { 'rolled-back': 2, 'not-state': 3 });
});

t.test('what is given by its own path and is no state file is told', async (t) => {
  const place = new Place(t);
  const stranger = place.write('states/stranger');
  const { counts, problems } = await finalize(stranger, { entries: 'problems' });
  t.match(counts, { corrupt: 0, 'not-state': 1 });
  t.match(problems, [{ action: 'not-state', error: { code: 'AXL_STATE_CORRUPT' } }]);
  t.match((await finalize(place.states)).counts, { corrupt: 0, 'not-state': 1 });
});

t.test('where the state file of a rank would be follows from the names of the others', async (t) => {
  const found = (names: readonly [string, number][], others: readonly string[]) =>
    Object.fromEntries(
      standIns(
        names.map(([path, rank]) => ({ path, rank })),
        3,
        others,
      ),
    );
  t.same(found([['/s/ck.42.0', 0]], ['/s/ck.42.1', '/s/ck.42.2.gz', '/s/ck.41.1', '/t/ck.42.1']), {
    '/s/ck.42.1': 1,
    '/s/ck.42.2.gz': 2,
  });
  t.same(found([['/s/rank000/state', 0]], ['/s/rank001/state']), {});
  t.same(found([['/s/r001.ck', 1]], ['/s/r000.ck~', '/s/r2.ck']), { '/s/r000.ck~': 0 });
  t.same(found([['/s/state', 0]], ['/s/other']), {});
});
