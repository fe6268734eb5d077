// Slurm runs axl-finalize after the job by itself, with examples/slurm/burst_buffer.lua: whatever became of the job,
// its complete transfers are published and nothing else. One cluster for all tests of this file.
import * as fs from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { hash } from '../../../lib/base/names.js';
import { BOB } from '../../hostile/world.js';
import { axlFinalize, program, root, script, temporaries, tree } from '../../support.js';
import { Cluster, noCluster, read, USER, until } from './cluster.js';

const why = await noCluster();
if (why) console.error(`SKIPPED Slurm: ${why}`);
let cluster!: Cluster;

const TIMEOUT_MS = 3600_000;
const RANKS = [0, 1, 2, 3];
/** What the ranks of rank.mjs leave, when all of it is published. */
const whole = (ranks: readonly number[]) => Object.fromEntries(ranks.map((rank) => [`rank${rank}`, `rank ${rank}`]));
const shell = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
const FINALIZE = [process.execPath, join(root, 'dist/bin/axl-finalize.js')].map(shell).join(' ');

interface Wanted {
  /** What `#AXL` says besides the state directory. */
  readonly asks?: string;
  readonly ranks?: number;
  /** Lines after the ranks. */
  readonly after?: string;
  readonly extra?: string;
}

/** A job's places: sources, destination, and where its state directory is going to be. */
class Run {
  readonly base: string;
  readonly dest: string;

  constructor(name: string) {
    this.base = cluster.place(name);
    this.dest = cluster.place(`${name}/dest`);
  }

  states(id: string): string {
    return join(this.base, `state ${id}`);
  }

  rank(role: string, extra = ''): string[] {
    return [process.execPath, join(root, 'test/hpc/slurm/rank.mjs'), role, join(this.base, 'local'), this.dest, extra];
  }

  submit(role: string, wanted: Wanted = {}, ...args: string[]): Promise<string> {
    const { asks = '', ranks = 4, after = '', extra = '' } = wanted;
    const rank = this.rank(role, extra).map(shell).join(' ');
    const directive = `#AXL state="${this.base}/state %j" ${asks}`;
    const lines = ['#!/bin/bash', directive, `srun --ntasks=${ranks} --kill-on-bad-exit=0 ${rank}`, after];
    return cluster.submit(lines.join('\n'), `--ntasks=${ranks}`, '--time=5', ...args);
  }

  report(id: string, suffix = '') {
    return JSON.parse(fs.readFileSync(join(this.states(id), `axl-report.${id}${suffix}.json`), 'utf8'));
  }

  /** How many transfers were published and how many rolled back; of all others there are none. */
  counts(id: string): { published: number; rolledBack: number } {
    const { published, 'rolled-back': rolledBack, 'not-state': _, ...others } = this.report(id).counts;
    if (Object.values(others).some((count) => count !== 0)) throw new Error(JSON.stringify(others));
    return { published, rolledBack };
  }

  /** No state file and no temporary file; a run that was killed may leave its unfinished report. */
  assertClean(t: Test, id: string): void {
    const left = fs.readdirSync(this.states(id)).filter((name) => !name.includes('axl-report.'));
    t.same(left, [], 'no state file is left');
    t.same(temporaries(this.base), [], 'no temporary file is left');
  }
}

if (!why) cluster = await Cluster.start(t);

/** They wait more than they work. */
t.jobs = 6;
const test = (name: string, body: (t: Test) => Promise<void>) =>
  t.test(name, { skip: why || false, buffered: true, timeout: TIMEOUT_MS }, body);

test('what the ranks left complete is published by data_out, as the user', async (t) => {
  const run = new Run('complete');
  const id = await run.submit('leaves');
  const { JobState, Reason } = await cluster.finished(id);
  t.same([JobState, Reason], ['COMPLETED', 'None'], cluster.output(id));
  t.same(tree(run.dest), whole(RANKS));
  for (const rank of RANKS) t.equal(fs.statSync(join(run.dest, `rank${rank}`)).uid, USER);
  run.assertClean(t, id);
  t.same(run.counts(id), { published: 4, rolledBack: 0 });
});

test('a rank that is lost in the middle of its copy is rolled back, the others are published', async (t) => {
  const run = new Run('lost');
  const id = await run.submit('lost');
  await cluster.finished(id);
  t.same(tree(run.dest), whole([0, 2, 3]), cluster.output(id));
  run.assertClean(t, id);
  t.same(run.counts(id), { published: 3, rolledBack: 1 });
});

test('with dataset, a rank is lost and nothing is published', async (t) => {
  const run = new Run('dataset');
  const id = await run.submit('lost', { asks: 'dataset' });
  await cluster.finished(id);
  t.same(tree(run.dest), {});
  run.assertClean(t, id);
  t.same(run.counts(id), { published: 0, rolledBack: 4 });
});

const there = (dir: string) =>
  fs
    .readdirSync(dir)
    .filter((name) => !name.includes('._AXL'))
    .sort();

/** Starts a job whose ranks go on until they are killed. */
async function computing(run: Run): Promise<string> {
  const id = await run.submit('computes');
  await until('all ranks compute', () => cluster.output(id).split('computing').length === RANKS.length + 1);
  return id;
}

test('a job runs into its time limit, and what was complete is published', async (t) => {
  const run = new Run('limit');
  const id = await computing(run);
  await cluster.run('scontrol', 'update', `JobId=${id}`, 'EndTime=now+1');
  t.equal((await cluster.finished(id)).JobState, 'TIMEOUT');
  t.same(tree(run.dest), whole([0, 2, 3]));
  run.assertClean(t, id);
  t.same(run.counts(id), { published: 3, rolledBack: 1 });
});

test('a running job is canceled, and what was complete is published', async (t) => {
  const run = new Run('canceled');
  const id = await computing(run);
  await cluster.run('scancel', id);
  t.equal((await cluster.finished(id)).JobState, 'CANCELLED');
  t.same(tree(run.dest), whole([0, 2, 3]));
  run.assertClean(t, id);
  t.same(run.counts(id), { published: 3, rolledBack: 1 });
});

test('a canceled job has a rank that does not end at once: data_out waits until Slurm has killed it', async (t) => {
  const run = new Run('stubborn');
  const release = join(run.base, 'release');
  const id = await run.submit('stubborn', { ranks: 1, extra: release });
  await until('it works', () => cluster.output(id).includes('computing'));
  await cluster.run('scancel', id);
  await until('it is told to end', () => cluster.output(id).includes('told to end'));
  await cluster.until(id, 'is canceled', ({ JobState }) => JobState !== 'RUNNING');
  fs.writeFileSync(release, '');
  t.equal((await cluster.finished(id)).JobState, 'CANCELLED');
  t.same(there(run.dest), ['rank0', 'rank1'], 'one transfer is of the time when Slurm had canceled the job');
  run.assertClean(t, id);
});

test('a job without transfers ends like any other', async (t) => {
  const run = new Run('nothing');
  const id = await cluster.submit(
    `#!/bin/sh\n\n#AXL state="${run.base}/state %j" \\\n#AXL dataset\necho "in $AXL_STATE_DIR"`,
  );
  t.equal((await cluster.finished(id)).JobState, 'COMPLETED');
  t.equal(cluster.output(id), `in ${run.states(id)}\n`, 'the job knows its state directory, which is there');
  run.assertClean(t, id);
  t.same(run.counts(id), { published: 0, rolledBack: 0 });
});

test('a post-stage that fails shows its reason, --hurry ends it, and it can be finished by hand', async (t) => {
  const run = new Run('fails');
  const id = await run.submit('leaves', { ranks: 1, after: `chmod 500 ${run.dest}` });
  await cluster.until(id, 'has failed', ({ Reason }) => Reason.includes('slurm_bb_data_out'));
  const { stdout } = await cluster.run('squeue', '--noheader', `--jobs=${id}`, '--format=%T %r');
  t.match(stdout, /^STAGE_OUT .*axl-finalize: .*\/dest.*EACCES/);
  t.equal(fs.existsSync(join(run.dest, 'rank0')), false);
  await cluster.run('scancel', '--hurry', id);
  t.equal((await cluster.finished(id)).JobState, 'COMPLETED');
  fs.chmodSync(run.dest, 0o755);
  t.equal((await axlFinalize(['--exclude', 'axl-report.*', run.states(id)], { uid: USER })).status, 0);
  t.same(tree(run.dest), whole([0]));
});

test('a directive that cannot be meant is refused when the job is submitted', async (t) => {
  const refused = [
    ...['', 'state=', 'state=relative', 'state=/', 'state=/a/../b', 'state=/a/%u', 'state="/a', 'dataset'],
    ...[
      'state=/a unknown',
      'state=/a incomplete=maybe',
      'state=/a shards=0',
      'state=/a --root=/',
      'state=/a dataset=x',
    ],
  ];
  for (const text of refused) {
    const error = await cluster.submit(`#!/bin/sh\n#AXL ${text}\ntrue`).catch((error: Error) => error.message);
    t.match(error, /burst_buffer\/lua: #AXL: .*\w/, text);
  }
});

test('any character in the name of a state directory means itself', async (t) => {
  const name = "it's $(touch pwned) `touch pwned`; * \\ & é";
  const run = new Run(name);
  const id = await run.submit('leaves', { ranks: 1 });
  t.equal((await cluster.finished(id)).JobState, 'COMPLETED', cluster.output(id));
  t.same(tree(run.dest), whole([0]));
  t.same(fs.readdirSync(run.base).sort(), ['dest', 'local', `state ${id}`]);
});

test("a directive that names another user's state directory holds the job, and nothing happens there", async (t) => {
  const theirs = cluster.place('bob');
  fs.writeFileSync(join(theirs, 'source'), 'bob');
  fs.chownSync(theirs, BOB, BOB);
  const state = join(theirs, 'state');
  const code = `const t = await axl.Transfer.create({ name: 'x', stateFile: args[0] + '/state' });
    await t.add(args[0] + '/source', args[0] + '/dest'); await t.dispatch();
    while (!t.test()) await new Promise((r) => setTimeout(r, 5)); process.kill(process.pid, 'SIGKILL');`;
  await script(code, [theirs], { uid: BOB });
  const before = tree(theirs);
  t.ok(fs.existsSync(state) && temporaries(theirs).length === 1, 'there is something to publish');
  const id = await cluster.submit(`#!/bin/sh\n#AXL state=${theirs}\ntrue`);
  await cluster.until(id, 'is held', ({ Reason }) => Reason.includes('slurm_bb_setup'));
  t.same(tree(theirs), before);
  await cluster.run('scancel', id);
});

test('a state directory that cannot be made holds the job before it runs', async (t) => {
  const id = await cluster.submit(`#!/bin/sh\n#AXL state=${cluster.path('etc')}/state\ntrue`);
  const { JobState } = await cluster.until(id, 'is held', ({ Reason }) => Reason.includes('slurm_bb_setup'));
  t.equal(JobState, 'PENDING');
  await cluster.run('scancel', id);
});

test('the sample: the second job goes on from the last checkpoint of the first', async (t) => {
  const run = new Run('sample');
  const { stdout, stderr } = await cluster.run('sh', join(root, 'examples/slurm/submit.sh'), run.dest);
  t.match(stdout, /^\d+ \d+\n$/, stderr);
  const [first = '', second = ''] = stdout.trim().split(' ');
  await cluster.until(second, 'is over', ({ JobState }) => /COMPLETED|FAILED/.test(JobState));
  const printed = (name: string) => fs.readFileSync(join(run.dest, name), 'utf8');
  t.equal(printed(`restart.${second}`), 'ckpt.3\n', printed(`checkpoint.${first}`));
  const report = JSON.parse(printed(`state.${first}/axl-report.${first}.json`));
  t.equal(report.counts.published, 4, 'the last was left to the post-stage');
  t.same(temporaries(run.dest), []);
});

/** Each state file that the reports name, with what was done; and every one once. */
function union(t: Test, reports: { entries: { stateFile: string; action: string }[] }[], count: number): void {
  const entries = reports.flatMap((report) => report.entries);
  if (entries.length !== count) t.comment(`${JSON.stringify(reports)}\n${cluster.log('slurmctld')}`);
  t.equal(entries.length, count);
  t.equal(new Set(entries.map(({ stateFile }) => stateFile)).size, count, 'each once');
  t.ok(entries.every(({ action }) => action === 'published'));
  t.ok(
    reports.every(({ entries }) => entries.length > 0),
    'each has its part',
  );
}
const parts = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`part${i}`, `part ${i}`]));

test('shards=4: data_out runs srun, and its four tasks publish everything once', async (t) => {
  const run = new Run('shards');
  const id = await run.submit('many', { ranks: 1, extra: '24', asks: 'shards=4' });
  const { JobState, Reason } = await cluster.finished(id);
  t.same([JobState, Reason], ['COMPLETED', 'None'], cluster.output(id));
  t.same(tree(run.dest), parts(24));
  union(
    t,
    RANKS.map((rank) => run.report(id, `.${rank}-of-4`)),
    24,
  );
  run.assertClean(t, id);
});

test('a shard that fails is not hidden by one that rolls back', async (t) => {
  const run = new Run('hidden');
  const names = Array.from({ length: 64 }, (_, i) => `ckpt.${i}`);
  const [fails, rolls] = [0, 1].map((shard) => names.find((name) => hash(name) % 2 === shard));
  const numbers = [fails, rolls].map((name) => Number(name?.slice('ckpt.'.length)));
  const id = await run.submit('fails and rolls', { ranks: 1, extra: numbers.join(), asks: 'shards=2' });
  const { Reason } = await cluster.until(id, 'is over', (job) =>
    /slurm_bb_data_out|complete/.test(job.Reason + job.BurstBufferState),
  );
  t.match(Reason, /slurm_bb_data_out/, cluster.output(id));
  t.same(
    [0, 1].map((shard) => run.report(id, `.${shard}-of-2`).status),
    [1, 3],
  );
  await cluster.run('scancel', '--hurry', id);
});

test('--shard auto: the tasks of srun share the work, a batch script without srun does all of it', async (t) => {
  const run = new Run('auto');
  const again = new Run('auto-batch');
  const finalize = (dir: string) =>
    `${FINALIZE} --shard auto --report ${dir}/axl-report.$SLURM_PROCID.json $AXL_STATE_DIR`;
  const lines = [run, again].flatMap(({ base, dest }, i) => [
    `mkdir ${base}/states; export AXL_STATE_DIR=${base}/states`,
    `srun -n1 ${(i === 0 ? run : again).rank('many', '24').map(shell).join(' ')}`,
    ...(i === 0 ? [`srun -n4 sh -c ${shell(finalize(dest))}`] : [finalize(dest)]),
  ]);
  const id = await cluster.submit(['#!/bin/sh', ...lines, 'echo status $?'].join('\n'), '--ntasks=4', '--time=5');
  await until('the job is over', () => cluster.output(id).includes('status'));
  t.match(cluster.output(id), /status 0/);
  const reports = (dest: string) => {
    const names = fs.readdirSync(dest).filter((name) => name.startsWith('axl-report'));
    return names.map((name) => JSON.parse(fs.readFileSync(join(dest, name), 'utf8')));
  };
  t.equal(reports(run.dest).length, 4);
  union(t, reports(run.dest), 24);
  t.equal(reports(again.dest).length, 1);
  union(t, reports(again.dest), 24);
});

test('without burst buffers the Epilog publishes, which has no PATH', async (t) => {
  const run = new Run('epilog');
  const lines = [`export AXL_STATE_DIR=${cluster.path('epilog-states')}/$SLURM_JOB_ID; mkdir $AXL_STATE_DIR`];
  lines.push(`srun -N2 -n4 --kill-on-bad-exit=0 ${run.rank('lost').map(shell).join(' ')}`);
  const id = await cluster.submit(['#!/bin/sh', ...lines].join('\n'), '--nodes=2', '--ntasks=4', '--time=5');
  const states = join(cluster.path('epilog-states'), id);
  await cluster.until(id, 'is over', ({ JobState }) => /COMPLETED|FAILED/.test(JobState));
  await until('the Epilog is over', () => fs.readdirSync(states).length === 0);
  t.same(tree(run.dest), whole([0, 2, 3]), cluster.output(id));
  t.same(temporaries(run.base), []);
  t.equal(read(cluster.path('out', 'epilog-path')), '', 'and has none indeed');
});

/** Alone, after all others: it is their slurmctld, too. */
const alone = { skip: why || false, timeout: TIMEOUT_MS };
t.test('slurmctld restarts, which kills data_out: it runs again, and dependents wait', alone, async (t) => {
  const run = new Run('restart');
  const id = await run.submit('leaves', { ranks: 3 }, '--hold');
  fs.mkdirSync(run.states(id));
  fs.chownSync(run.states(id), USER, USER);
  const release = join(run.base, 'release');
  const held = hold(run, id, release);
  await until('the holder holds', () => temporaries(run.dest).length === 1);
  const look = `#!/bin/sh\ncd '${run.dest}'; ls -d rank?; echo end`;
  const dependent = (kind: string) => cluster.submit(look, `--dependency=${kind}:${id}`);
  const [any, buffer] = [await dependent('afterany'), await dependent('afterburstbuffer')];
  await cluster.run('scontrol', 'release', id);
  await until('data_out waits for the holder', () => there(run.dest).length === 3);
  await until('what depends with afterany has run', () => cluster.output(any).includes('end'));
  await cluster.stopController();
  await cluster.startController();
  t.equal((await cluster.job(id)).JobState, 'STAGE_OUT');
  t.equal((await cluster.job(buffer)).JobState, 'PENDING');
  fs.writeFileSync(release, '');
  t.equal((await held).signal, 'SIGKILL');
  t.equal((await cluster.finished(id)).JobState, 'COMPLETED');
  t.same(tree(run.dest), whole(RANKS));
  run.assertClean(t, id);
  t.same(run.counts(id), { published: 1, rolledBack: 0 }, 'the run before was killed when it had published three');
  await until('what depends with afterburstbuffer has run', () => cluster.output(buffer).includes('end'));
  t.equal(cluster.output(buffer), 'rank0\nrank1\nrank2\nrank3\nend\n');
  t.not(cluster.output(any), cluster.output(buffer), 'afterany does not wait for data_out');
});

/** A rank of no job, as one that does not die would be: it has its lock until `release` is there. */
function hold(run: Run, id: string, release: string) {
  const env = { AXL_STATE_DIR: run.states(id), SLURM_PROCID: '3', SLURM_STEP_NUM_TASKS: '4' };
  const [node = '', ...args] = run.rank('holds', release);
  return program(node, args, { env, uid: USER });
}
