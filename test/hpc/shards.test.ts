// Finalizing in shards, started as sites start them: by the launchers of MPI, and by hand. Together they do everything
// once, and leave one report.
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { hash } from '../../lib/base/names.js';
import type { FinalizedEntry } from '../../lib/index.js';
import { leaveRanks, published } from '../datasets/datasets.js';
import { cutBefore, leave, TYPE } from '../journals.js';
import { axlFinalize, type Ended, Place, program, root, said, temporaries, tree } from '../support.js';
import { LAUNCHERS, type Launcher, missing } from './launchers.js';

const BINARY = join(root, 'dist', 'bin', 'axl-finalize.js');
const SHARDS = 4;
const fast = { durability: 'none' } as const;
const of = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

const read = (path: string) => JSON.parse(fs.readFileSync(path, 'utf8'));
const sorted = (entries: readonly FinalizedEntry[]): string[] =>
  entries.map(({ stateFile, action }) => `${action} ${stateFile}`).sort();

/** Runs the shards of a command, as a launcher of MPI starts them. */
function launch({ command: [name = '', ...options] }: Launcher, args: readonly string[]): Promise<Ended> {
  return program(name, [...options, `${SHARDS}`, ...args]);
}

/** What a job may leave: ranks that are complete, some that are not, one corrupt. */
async function leaveMixed(place: Place): Promise<void> {
  await leaveRanks(place, of(24), 24, 'ckpt', fast);
  for (const rank of [3, 9, 17]) cutBefore(place.path('states', `ckpt.${rank}`), TYPE.done);
  await leave.corrupt(place, 'bad');
}

const parts = (place: Place, n: number): string[] => of(n).map((i) => place.path(`run.${i}-of-${n}.json`));
const merge = (place: Place, files: readonly string[], ...options: string[]): Promise<Ended> =>
  axlFinalize(['merge', '--report', place.path('run.json'), ...options, ...files]);

/** The same command line for each shard, by hand. */
const byHand = (place: Place, n: number, ...options: string[]): Promise<Ended[]> =>
  Promise.all(
    of(n).map((i) =>
      axlFinalize(['--shard', `${i}/${n}`, '--report', place.path('run.json'), ...options, place.states]),
    ),
  );

for (const launcher of LAUNCHERS)
  t.test(
    `the shards that ${launcher.name} starts do everything once, and have one report`,
    { skip: missing(launcher) || false },
    async (t) => {
      const place = new Place(t);
      await leaveMixed(place);
      const all = fs.readdirSync(place.states).map((name) => join(place.states, name));
      const files = ['--report', place.path('run.json'), '--metrics', place.path('run.prom')];
      const ended = await launch(launcher, [
        ...[process.execPath, BINARY, '--shard', 'auto', '--no-progress'],
        ...[...files, place.states],
      ]);
      const entries = parts(place, SHARDS).map((path): FinalizedEntry[] => read(path).entries);
      t.same(
        sorted(entries.flat())
          .map((line) => line.split(' ')[1])
          .sort(),
        all.sort(),
        'each in one report',
      );
      t.ok(
        entries.every((some) => some.length > 0),
        'every shard has a part',
      );
      t.equal(ended.status === 0, launcher.provider === 'pmix', 'and MPICH combines the bits of 3 and 5');
      for (const i of of(SHARDS)) {
        t.match(ended.stdout, `axl-finalize: shard ${i}/${SHARDS}: `);
        t.match(fs.readFileSync(place.path(`run.${i}-of-${SHARDS}.prom`), 'utf8'), `shard="${i}/${SHARDS}"`);
      }
      t.notOk(
        fs.existsSync(place.path('run.json')) || fs.existsSync(place.path('run.prom')),
        'none writes as if alone',
      );
      const merged = await merge(place, parts(place, SHARDS), '--metrics', place.path('run.prom'));
      t.equal(merged.status, 5);
      const report = read(place.path('run.json'));
      t.match(report, {
        status: 5,
        files: 21,
        inputs: [place.states],
        counts: { published: 21, 'rolled-back': 3, corrupt: 1 },
      });
      t.same(sorted(report.entries), sorted(entries.flat()));
      t.match(fs.readFileSync(place.path('run.prom'), 'utf8'), /state_files\{[^}]*action="published"\} 21\n/);
      t.equal(published(place).length, 21);
      t.same([...temporaries(place.dest), ...fs.readdirSync(place.states)].filter((name) => name !== 'bad').length, 1);
    },
  );

for (const launcher of LAUNCHERS)
  t.test(
    `the shards that ${launcher.name} starts publish a dataset whole or not at all`,
    { skip: missing(launcher) || false },
    async (t) => {
      const run = async (place: Place, ...options: string[]) => {
        // Who looks at all ranks of a dataset has their locks for an instant, and the others wait for it.
        const command = [process.execPath, BINARY, '--wait', '--shard', 'auto', '--report', place.path('run.json')];
        await launch(launcher, [...command, ...options, place.states]);
        await merge(place, parts(place, SHARDS));
        return read(place.path('run.json'));
      };
      for (const [more, options] of [
        [fast, ['--dataset']],
        [{ ...fast, allRanks: true }, []],
      ] as const) {
        const place = new Place(t);
        await leaveRanks(place, of(12), 12, 'whole', more);
        await leaveRanks(place, of(11), 12, 'part', more);
        const report = await run(place, ...options);
        t.match(report.counts, { published: 12, 'rolled-back': 11 });
        const verdicts = Object.fromEntries(
          report.datasets.map(({ name, verdict }: { name: string; verdict: string }) => [name, verdict]),
        );
        t.same(verdicts, { whole: 'complete', part: 'incomplete' });
        t.equal(report.datasets.length, 2, 'each verdict is there once');
        t.same(
          published(place),
          of(12)
            .map((rank) => `whole.${rank}`)
            .sort(),
        );
        t.same(tree(place.states), {});
      }
    },
  );

t.test('in a batch script, where Slurm says rank 0 and eight tasks, auto does everything', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, of(16), 16, 'ckpt', fast);
  const batch = { SLURM_JOB_ID: '42', SLURM_PROCID: '0', SLURM_NTASKS: '8', SLURM_LOCALID: '0' };
  const ended = await axlFinalize(['--shard', 'auto', '--report', place.path('run.json'), place.states], {
    env: batch,
  });
  t.equal(ended.status, 0);
  t.equal(published(place).length, 16);
  t.equal((await merge(place, parts(place, 1))).status, 0);
  t.match(read(place.path('run.json')), { counts: { published: 16 }, status: 0 });
});

t.test('a shard that is killed has no report, not even its last, and is run again', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, of(20), 20, 'ckpt', fast);
  const ours = of(20).filter((rank) => hash(`ckpt.${rank}`) % 2 === 1);
  const live = of(100)
    .map((i) => `live.${i}`)
    .find((name) => hash(name) % 2 === 1) as string;
  const writer = await place.create({ name: 'live', stateFile: place.path('states', live) });
  const stale = place.write('run.1-of-2.json', 'of yesterday');
  const command = ['--report', place.path('run.json'), '--wait', '--quiet', place.states];
  const killWhen = () => ours.every((rank) => fs.existsSync(place.path(`dest/ckpt.${rank}`)));
  const killed = await axlFinalize(['--shard', '1/2', ...command], { killWhen });
  t.equal(killed.signal, 'SIGKILL');
  t.notOk(fs.existsSync(stale));
  await writer[Symbol.asyncDispose]();
  t.equal((await axlFinalize(['--shard', '0/2', ...command])).status, 0);
  const without = await merge(place, parts(place, 2).slice(0, 1));
  t.equal(without.status, 1);
  t.match(without.stderr, '1 of 2 shards without a report: 1; run it again, as with --shard 1/2');
  t.equal((await axlFinalize(['--shard', '1/2', ...command])).status, 0);
  t.equal((await merge(place, parts(place, 2))).status, 0);
  t.equal(published(place).length, 20);
  t.same(tree(place.states), {});
});

t.test('what merge makes of the shards is what one process would have reported', async (t) => {
  const place = new Place(t);
  await leaveMixed(place);
  fs.renameSync(place.path('states/ckpt.5'), Buffer.concat([Buffer.from(`${place.states}/`), Buffer.of(0xff)]));
  const whole = said(await axlFinalize(['--dry-run', '--json', '--dataset', place.states]));
  await byHand(place, 3, '--wait', '--dry-run', '--dataset');
  const merged = said(await merge(place, parts(place, 3), '--json'));
  t.same(merged, read(place.path('run.json')), '--report is the document of --json');
  for (const key of [
    'counts',
    'files',
    'bytes',
    'resumed',
    'datasets',
    'inputs',
    'unreadable',
    'locked',
    'dryRun',
    'status',
  ])
    t.same(merged[key], whole[key], key);
  const byName = (a: FinalizedEntry, b: FinalizedEntry) => (a.stateFile < b.stateFile ? -1 : 1);
  t.same(merged.entries.sort(byName), whole.entries.sort(byName));
  t.same(
    merged.shards.map(({ index }: { index: number }) => index),
    [0, 1, 2],
  );
  const slowest = Math.max(...parts(place, 3).map((path) => read(path).timings.total));
  t.equal(merged.timings.total, slowest, 'they ran side by side');
});

t.test('merge takes each shard of one run once, and otherwise says what is wrong and writes nothing', async (t) => {
  const place = new Place(t);
  await leaveMixed(place);
  await byHand(place, 3, '--dry-run');
  const [a = '', b = '', c = ''] = parts(place, 3);
  fs.copyFileSync(b, place.path('copy.json'));
  await axlFinalize(['--dry-run', '--shard', '2/4', '--report', place.path('run.json'), place.states]);
  await axlFinalize(['--dry-run', '--report', place.path('alone.json'), place.states]);
  fs.writeFileSync(place.path('other.json'), fs.readFileSync(c, 'utf8').replace('"dryRun":true', '"dryRun":false'));
  place.write('torn.json', fs.readFileSync(c).subarray(0, 100));
  place.write('forged.json', JSON.stringify({ ...read(c), entries: [null] }));
  place.write('forged2.json', JSON.stringify({ ...read(c), shard: { index: 3, count: 3 } }));
  const cases: [string[], RegExp][] = [
    [[a, b], /1 of 3 shards without a report: 2; run it again, as with --shard 2\/3/],
    [[a], /2 of 3 shards without a report: 1, 2; run each of them again, as with --shard 1\/3/],
    [[a, b, c, place.path('copy.json')], /shard 1 of 3 has two reports: .*run\.1-of-3\.json and .*copy\.json/],
    [
      [a, b, c, place.path('run.2-of-4.json')],
      /run\.2-of-4\.json is from a run of 4 shards, but .*run\.0-of-3\.json is from a run of 3/,
    ],
    [[a, b, place.path('other.json')], /other\.json is from another run/],
    [[a, b, c, place.path('alone.json')], /alone\.json: it is not the report of a shard/],
    [[a, b, place.path('torn.json')], /torn\.json: not JSON/],
    [[a, b, place.path('forged.json')], /forged\.json: it is not the report of a shard/],
    [[a, b, place.path('forged2.json')], /forged2\.json: it is not the report of a shard/],
    [[a, b, place.path('none.json')], /none\.json: ENOENT/],
  ];
  for (const [files, stderr] of cases) {
    const ended = await merge(place, files);
    t.equal(ended.status, 1, `${stderr}`);
    t.match(ended.stderr, stderr);
    t.equal(ended.stdout, '');
    t.notOk(fs.existsSync(place.path('run.json')));
  }
  t.equal((await merge(place, [c, a, b])).status, 5, 'in any order');
  t.equal((await axlFinalize(['merge'])).status, 2);
});

t.test('the status of merge is the first of the table that a shard ended with', async (t) => {
  const place = new Place(t);
  await byHand(place, 3);
  const statuses: [number[], number][] = [
    [[0, 0, 0], 0],
    [[0, 3, 0], 3],
    [[3, 4, 0], 4],
    [[4, 3, 5], 5],
    [[5, 1, 4], 1],
    [[1, 6, 5], 6],
  ];
  for (const [given, expected] of statuses) {
    for (const [i, status] of given.entries()) {
      const path = parts(place, 3)[i] as string;
      fs.writeFileSync(path, JSON.stringify({ ...read(path), status }));
    }
    t.equal((await merge(place, parts(place, 3))).status, expected, given.join(' '));
  }
});

t.test('shards that a launcher started take no list on standard input, which most of them would not see', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, of(4), 4, 'ckpt', fast);
  for (const rank of ['0', '1']) {
    const env = { PMI_RANK: rank, PMI_SIZE: '2' };
    const ended = await axlFinalize(['--shard', 'auto', '-'], { env });
    t.equal(ended.status, 2);
    t.match(ended.stderr, '--shard auto and - exclude each other');
  }
  t.same(published(place), []);
});

t.test('under Open MPI, which ends all when one fails, a shard with a report leaves the status to merge', async (t) => {
  const place = new Place(t);
  await leave.corrupt(place, 'bad');
  const index = hash('bad') % 2;
  const openMpi = { OMPI_COMM_WORLD_RANK: `${index}`, OMPI_COMM_WORLD_SIZE: '2' };
  const others = { PMI_RANK: `${index}`, PMI_SIZE: '2' };
  const run = async (args: readonly string[], env: Record<string, string>) =>
    (await axlFinalize([...args, place.states], { env })).status;
  const report = ['--report', place.path('run.json')];
  t.equal(await run(['--shard', 'auto', ...report], openMpi), 0);
  t.equal(read(place.path(`run.${index}-of-2.json`)).status, 5);
  t.equal(await run(['--shard', 'auto', ...report], others), 5);
  t.equal(await run(['--shard', 'auto'], openMpi), 5, 'or nobody would tell');
  t.equal(await run(['--shard', `${index}/2`, ...report], openMpi), 5, 'by hand it is its own');
  t.equal(await run(['--shard', 'auto', '--report', place.path('none/run.json')], openMpi), 1);
});

t.test(
  'where shards came at different times, the verdict that leaves work counts; what all met is there once',
  async (t) => {
    const place = new Place(t);
    await byHand(place, 3);
    const verdict = (word: string) => ({ name: 'ckpt', verdict: word, size: 3, missing: [], missingCount: 0 });
    const unreadable = [{ code: 'AXL_IO', message: `${place.states}: EIO` }];
    const cases = [
      [['complete', 'busy', 'complete'], 'busy'],
      [['incomplete', 'busy', 'complete'], 'busy'],
      [['complete', 'complete', 'incomplete'], 'complete'], // the one that found it complete has published all
      [['incomplete', 'incomplete', 'incomplete'], 'incomplete'],
      [['complete', 'complete', 'complete'], 'complete'],
    ] as const;
    for (const [seen, expected] of cases) {
      for (const [i, word] of seen.entries()) {
        const path = parts(place, 3)[i] as string;
        fs.writeFileSync(
          path,
          JSON.stringify({ ...read(path), datasets: [verdict(word)], unreadable, interrupted: i === 2 }),
        );
      }
      const merged = said(await merge(place, parts(place, 3), '--json'));
      t.match(merged, { datasets: [{ name: 'ckpt', verdict: expected }], interrupted: true }, seen.join(' '));
      t.same([merged.datasets.length, merged.unreadable], [1, unreadable]);
    }
  },
);
