// SCR's post-stage: which datasets below a prefix are published, in which order, and what SCR is told. The whole command line:
// post-stage-cli.test.ts.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type FinalizeOptions, finalize, type ScrDataset } from '../../lib/index.js';
import { format } from '../kvtree.js';
import { Place, tree } from '../support.js';
import { DATASETS, Prefix, RANKS, within, without, withValue } from './prefix.js';

const ENDED = { scr: true, jobEnded: true } as const;
const place = (t: Test): Prefix => new Prefix(new Place(t).root);

const run = (scr: Prefix, options: FinalizeOptions = {}) => finalize(scr.prefix, { ...ENDED, ...options });

/** Without SCR's programs, whatever this machine has. */
t.before(() => {
  process.env.PATH = '/usr/bin:/bin';
});

const outcomes = (datasets: readonly ScrDataset[] = []) =>
  Object.fromEntries(datasets.map(({ id, outcome }) => [id, outcome]));

t.test('outputs come first, in their order, then checkpoints, the newest first; each is published whole', async (t) => {
  const scr = place(t);
  const own = [scr.flush, scr.index];
  const before = own.map((path) => fs.readFileSync(path));
  const seen: string[] = [];
  const report = await run(scr, {
    onEvent: (event) => {
      if (event.event === 'scr') seen.push(`${event.kind} ${event.id} ${event.name}: ${event.outcome}`);
      if (event.event === 'entry') seen.push(event.entry.name);
    },
  });
  const four = (name: string) => RANKS.map(() => name);
  t.same(seen, [
    ...[...four('out.5'), 'output 5 out.5: published'],
    ...[...four('ckpt.7'), 'output 7 ckpt.7: published'],
    ...[...four('ckpt.6'), 'checkpoint 6 ckpt.6: published'],
  ]);
  t.match(report, { counts: { published: 12, failed: 0 }, problems: [], unreadable: [], files: 12 });
  for (const dataset of DATASETS) {
    scr.published(t, dataset);
    t.same(scr.names(dataset), { dest: RANKS.map((rank) => `data.${rank}`), states: [] });
  }
  t.same(
    own.map((path) => fs.readFileSync(path)),
    before,
    "SCR's own files are not written",
  );
});

t.test('finalizing twice does the same as once, and says that it was done before', async (t) => {
  const scr = place(t);
  await run(scr);
  const before = tree(scr.prefix);
  const report = await run(scr);
  t.same(outcomes(report.scr), { 5: 'published before', 6: 'published before', 7: 'published before' });
  t.match(report, { counts: { published: 0, failed: 0, kept: 0 }, datasets: [], unreadable: [], problems: [] });
  t.same(tree(scr.prefix), before);
});

t.test('a dataset is kept whole when one of its files is cut, and others are published', async (t) => {
  const scr = place(t);
  const cut = scr.cut(6);
  const report = await run(scr);
  t.same(outcomes(report.scr), { 5: 'published', 7: 'published', 6: 'incomplete' });
  t.match(report.scr?.[2]?.why, cut);
  t.match(report.counts, { published: 8, kept: 4, 'rolled-back': 0, failed: 0 });
  scr.untouched(t, 6);
  t.test('where its source is, it can be resumed', async (t) => {
    scr.restore(6, 2);
    const { counts, scr: datasets } = await run(scr, { incomplete: 'resume' });
    t.match(counts, { published: 4, failed: 0 });
    t.same(outcomes(datasets), { 5: 'published before', 7: 'published before', 6: 'published' });
    scr.published(t, 6);
  });
});

t.test('after an output that is not complete, no later dataset is published', async (t) => {
  const scr = place(t);
  scr.cut(5);
  t.same(outcomes((await run(scr)).scr), { 5: 'incomplete', 7: 'left', 6: 'left' });
  for (const dataset of DATASETS) scr.untouched(t, dataset);
  const second = place(t);
  second.cut(7);
  t.same(outcomes((await run(second)).scr), { 5: 'published', 7: 'incomplete', 6: 'published' });
  second.untouched(t, 7);
});

t.test('a dataset of which a rank has no state file is not complete: it is left, and why is told', async (t) => {
  const cases: readonly [gone: number, why: RegExp][] = [
    [3, /name 3 files, and SCR counted 4/], // the last: only the number of files tells
    [1, /1 of its 4 ranks/],
  ];
  for (const [gone, why] of cases) {
    const scr = place(t);
    fs.rmSync(scr.stateFile(6, gone));
    const { scr: datasets, counts } = await run(scr);
    t.match(datasets?.[2], { id: 6, outcome: 'incomplete' });
    t.match(counts, { published: 8, kept: 3 });
    t.equal(scr.names(6).dest.filter((name) => name.endsWith('._AXL')).length, 4);
    t.match(datasets?.[2]?.why, why);
  }
});

const rank2file = (ranks: number) =>
  format([
    ['LEVEL', [['0', []]]],
    ['RANKS', [[`${ranks}`, []]]],
  ]);

t.test('how many ranks there are is what SCR wrote before it flushed', async (t) => {
  const counted = without('FILES', 'SIZE');
  for (const [ranks, outcome] of [
    [4, 'published'],
    [5, 'incomplete'],
  ] as const) {
    const scr = place(t);
    scr.change(scr.flush, counted);
    for (const dataset of DATASETS) fs.writeFileSync(join(scr.of(dataset), 'rank2file'), rank2file(ranks));
    t.equal((await run(scr)).scr?.[0]?.outcome, outcome);
  }
  const scr = place(t);
  scr.change(scr.flush, counted);
  const [first] = (await run(scr)).scr ?? [];
  t.match(first, { outcome: 'incomplete', why: /neither how many ranks it has nor how many files/ });
});

t.test('state files that name other bytes than SCR has counted are not the dataset', async (t) => {
  const scr = place(t);
  scr.change(scr.flush, within(['DATASET', '5'], withValue('SIZE', 400_001)));
  t.match((await run(scr)).scr?.[0], { outcome: 'incomplete', why: /400000 bytes, and SCR counted 400001/ });
  scr.untouched(t, 5);
});

t.test('a state file that is empty, as AXL leaves it, keeps its dataset, and is named', async (t) => {
  const scr = place(t);
  fs.truncateSync(scr.stateFile(6, 1));
  const { scr: datasets, problems, counts } = await run(scr);
  t.match(counts, { published: 8, kept: 3, corrupt: 1 });
  t.match(datasets?.[2], { id: 6, outcome: 'incomplete', why: /rank_1.state_file.*empty/ });
  t.match(
    problems.find(({ action }) => action === 'corrupt'),
    { stateFile: scr.stateFile(6, 1) },
  );
});

t.test('what SCR says is flushed, or complete, is its own business', async (t) => {
  const scr = place(t);
  const onPfs = within(['DATASET', '5', 'LOCATION'], () => [['PFS', []]]);
  scr.change(scr.flush, onPfs);
  scr.change(scr.index, (index) => [
    ...without('DSET')(index.slice(1)),
    ['DSET', [['7', [['NAME', [['ckpt.7', [['COMPLETE', [['1', []]]]]]]]]]]],
  ]);
  t.same(outcomes((await run(scr)).scr), { 6: 'published' });
  for (const dataset of [5, 7]) scr.untouched(t, dataset);
});

t.test('a dataset that never had state files is not taken for one that was published', async (t) => {
  const scr = place(t);
  for (const rank of RANKS) fs.rmSync(scr.stateFile(5, rank));
  const report = await run(scr);
  t.same(outcomes(report.scr), { 5: 'incomplete', 7: 'left', 6: 'left' });
  t.match(report.datasets, [{ name: 'out.5', verdict: 'incomplete', why: /no rank has a state file/ }]);
});

t.test('nothing is done before the job has ended, and that is said', async (t) => {
  const scr = place(t);
  const { scr: datasets, counts } = await run(scr, { jobEnded: false });
  t.match(counts, { published: 0, busy: 4 });
  t.match(datasets?.[0], { outcome: 'busy', why: /--job-ended/ });
  for (const dataset of DATASETS) scr.untouched(t, dataset);
});

t.test('with dryRun nothing is changed, and all is told', async (t) => {
  const scr = place(t);
  scr.cut(6);
  const before = tree(scr.root);
  const { scr: datasets, counts } = await run(scr, { dryRun: true, onPublished: 'false' });
  t.same(outcomes(datasets), { 5: 'published', 7: 'published', 6: 'incomplete' });
  t.match(counts, { published: 8, kept: 4 });
  t.same(tree(scr.root), before);
});

t.test('a destination outside of all roots fails its dataset, of which nothing is published', async (t) => {
  const scr = place(t);
  const { scr: datasets } = await run(scr, { roots: [scr.dest(5)] });
  t.same(outcomes(datasets), { 5: 'published', 7: 'failed', 6: 'failed' });
  for (const dataset of [6, 7]) scr.untouched(t, dataset);
});

t.test('with checksum, a file that has other bytes than its source keeps its dataset', async (t) => {
  const scr = place(t);
  scr.restore(5, 1);
  fs.writeFileSync(scr.temporary(5, 1), scr.bytesOf(2));
  const { scr: datasets, counts } = await run(scr, { verify: 'checksum' });
  t.match(datasets?.[0], { outcome: 'incomplete', why: /does not have the bytes of its source/ });
  t.match(counts, { published: 0, kept: 4, failed: 0, busy: 0 });
  scr.untouched(t, 5);
});

t.test('two datasets that share a file are left: AXL gives both one temporary name', async (t) => {
  const scr = place(t);
  scr.change(scr.stateFile(6, 3), withValue('DEST', scr.temporary(7, 3)));
  const { scr: datasets, problems } = await run(scr);
  t.same(outcomes(datasets), { 5: 'published', 7: 'failed', 6: 'failed' });
  t.match(problems[0]?.error, { code: 'AXL_CONFLICT', path: scr.final(7, 3) });
  scr.untouched(t, 7);
});

t.test('two ranks of a dataset that share a file are left', async (t) => {
  for (const incomplete of ['keep', 'resume'] as const) {
    const scr = place(t);
    scr.change(scr.stateFile(5, 3), withValue('DEST', scr.temporary(5, 2)));
    scr.change(scr.stateFile(5, 3), withValue('SIZE', 70_000));
    scr.change(scr.flush, within(['DATASET', '5'], withValue('SIZE', 370_000)));
    scr.restore(5, 3);
    const { scr: datasets } = await run(scr, { incomplete });
    t.match(datasets?.[0], { outcome: 'failed', why: /data.2: .*one temporary name/ });
    scr.untouched(t, 5);
  }
});

t.test('what AXL has completed itself is handed to the command, too', async (t) => {
  const scr = place(t);
  const log = join(scr.root, 'log');
  for (const rank of RANKS) {
    const completed = (key: string, value: number) => scr.change(scr.stateFile(5, rank), withValue(key, value));
    completed('STATE', 4);
    completed('STATUS', 3);
    fs.renameSync(scr.temporary(5, rank), scr.final(5, rank));
  }
  const { scr: datasets } = await run(scr, { onPublished: `echo "$AXL_SCR_DATASET" >> '${log}'` });
  t.equal(datasets?.[0]?.outcome, 'published');
  t.equal(fs.readFileSync(log, 'utf8'), '5\n7\n6\n');
  t.equal((await run(scr)).scr?.[0]?.outcome, 'published before');
});

t.test('the command is told the prefix and the dataset; what it fails for gets it again', async (t) => {
  const scr = place(t);
  const log = join(scr.root, 'log');
  const told = `$AXL_NAME $AXL_SCR_PREFIX $AXL_SCR_DATASET $AXL_STATE_DIR $AXL_DESTINATIONS`;
  const onPublished = `echo "${told}" >> '${log}'; test "$AXL_NAME" != ckpt.7 || test -e '${log}.again'`;
  const first = await run(scr, { onPublished });
  t.same(outcomes(first.scr), { 5: 'published', 7: 'failed', 6: 'published' });
  t.match(first.counts, { published: 8, failed: 4 });
  scr.published(t, 7);
  fs.writeFileSync(`${log}.again`, '');
  const second = await run(scr, { onPublished });
  t.same(outcomes(second.scr), { 5: 'published before', 7: 'published', 6: 'published before' });
  const line = (id: number, name: string) => `${name} ${scr.prefix} ${id} ${scr.of(id)} ${scr.dest(id)}\n`;
  const lines = [line(5, 'out.5'), line(7, 'ckpt.7'), line(6, 'ckpt.6'), line(7, 'ckpt.7')];
  t.equal(fs.readFileSync(log, 'utf8'), lines.join(''));
});

t.test('a dataset of one rank is remembered, too', async (t) => {
  const scr = place(t);
  scr.change(scr.flush, within(['DATASET', '5'], withValue('FILES', 1)));
  scr.change(scr.flush, within(['DATASET', '5'], withValue('SIZE', 100_000)));
  for (const rank of [1, 2, 3]) fs.rmSync(scr.stateFile(5, rank));
  t.equal((await run(scr)).scr?.[0]?.outcome, 'published');
  t.equal((await run(scr)).scr?.[0]?.outcome, 'published before');
});

t.test("SCR's files that are damaged or absent are named, and nothing is done", async (t) => {
  const damages: readonly [string, (scr: Prefix) => void, RegExp][] = [
    [
      'absent',
      (scr) => fs.rmSync(scr.flush),
      /flush.scr: ENOENT.*: SCR has flushed nothing with this prefix.*give the prefix of SCR/,
    ],
    ['cut', (scr) => fs.truncateSync(scr.flush, 100), /flush.scr: .*cut short/],
    [
      'a FIFO',
      (scr) => {
        fs.rmSync(scr.flush);
        spawnSync('mkfifo', [scr.flush]);
      },
      /flush.scr/,
    ],
    ['a wrong number', (scr) => scr.change(scr.flush, withValue('FILES', '-4')), /FILES is -4, and no number/],
    [
      'twice',
      (scr) =>
        scr.change(
          scr.flush,
          within(['DATASET'], (all) => [
            ...all,
            [
              '5',
              [
                [
                  'NAME',
                  [
                    ['a', []],
                    ['b', []],
                  ],
                ],
              ],
            ],
          ]),
        ),
      /NAME has 2 values/,
    ],
    ['index', (scr) => fs.writeFileSync(scr.index, 'no'), /index.scr/],
  ];
  for (const [name, damage, message] of damages) {
    const scr = place(t);
    damage(scr);
    const { unreadable, counts } = await run(scr);
    t.match(unreadable, [{ message }], name);
    t.match(counts, { published: 0 });
    for (const dataset of DATASETS) scr.untouched(t, dataset);
  }
});

t.test('what goes with no prefix of SCR is refused', async (t) => {
  const bad: FinalizeOptions[] = [
    { dataset: true },
    { expect: 1 },
    { shard: 'auto' },
    { recursive: true },
    { keepState: true },
  ];
  for (const options of [
    ...bad,
    { incomplete: 'delete' },
    { fallback: 'delete' },
    { axlInPlace: true },
  ] as FinalizeOptions[])
    await t.rejects(finalize('/p', { ...ENDED, ...options }), TypeError, JSON.stringify(options));
  await t.rejects(finalize(['/a', '/b'], ENDED), /takes one input/);
});
