// The scripts of examples/lsf and examples/flux, under exactly the environment that is documented for them, over state
// files of real ranks: processes of their own, some of which were killed.
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { inspect } from '../../lib/index.js';
import { type Ended, Place, program, root, script, temporaries, tree } from '../support.js';

const JOB = '77';
const CONFIGURED = /^NODE=\S+ FINALIZE=\S+ STATE=\S+ LOG=\S+ # adapt this line$/m;

/** An example's script as a site adapts it: its one line. */
function adapted(place: Place, example: string): string {
  const text = fs.readFileSync(join(root, 'examples', example), 'utf8');
  const finalizer = join(root, 'dist', 'bin', 'axl-finalize.js');
  const line = `NODE=${process.execPath} FINALIZE=${finalizer} STATE=${place.root} LOG=${place.path('log')}`;
  place.mkdir('log');
  const path = place.write(`scripts/${example}`, text.replace(CONFIGURED, line));
  if (!text.split('\n')[1]?.match(CONFIGURED)) throw new Error(`${example}: line 2 is not the one to adapt`);
  fs.chmodSync(path, 0o755);
  return path;
}

/** As LSF starts it: no arguments, hardly an environment. */
const byLsf = (path: string, ...more: string[]): Promise<Ended> =>
  program('env', ['-i', 'PATH=/bin:/usr/bin', `LSB_JOBID=${JOB}`, ...more, path]);

const RANK = `
  const [role, rank, dir, source, dest, release] = args;
  axl.config({ threads: 1 });
  const transfer = await axl.Transfer.create({ hardLinks: 'copy', name: 'ckpt', stateDir: dir, rank: Number(rank), size: 5 });
  await transfer.add(source, dest);
  if (role === 'killed early') process.kill(process.pid, 'SIGKILL');
  await transfer.dispatch();
  if (role === 'killed') process.kill(process.pid, 'SIGKILL');
  for await (const _ of transfer.progress());
  console.log('copied');
  const { existsSync } = await import('node:fs');
  while (role === 'late' && !existsSync(release)) await new Promise((resolve) => setTimeout(resolve, 20));
  process.exit(0);`;

type Role = 'exits' | 'killed' | 'killed early' | 'late';

/** One rank of the job. Nobody waits for its transfer. */
function rank(place: Place, role: Role, number: number, dir: string, onStdout?: () => void): Promise<Ended> {
  const name = `source/${number}`;
  const source = role === 'killed' ? place.writeMuch(name) : place.write(name, `of ${number}`);
  const args = [role, `${number}`, dir, source, place.path('dest', `${number}`), place.path('release')];
  return script(RANK, args, onStdout ? { onStdout } : {});
}

/** What a job leaves: two ranks complete, one killed while it copied, one before it dispatched. */
async function runJob(place: Place, dir: string): Promise<void> {
  place.mkdir('dest');
  const roles: Role[] = ['exits', 'killed', 'killed early', 'exits'];
  await Promise.all(roles.map((role, number) => rank(place, role, number, dir)));
  const states = roles.map((_, number) => inspect(join(dir, `ckpt.${number}`)).state);
  t.same(states, ['complete', 'incomplete', 'never-dispatched', 'complete'], 'the job left what it was to leave');
}

/** A rank that has copied, and lives on until it is released. */
function lateRank(place: Place, dir: string) {
  let tell = () => {};
  const copied = new Promise<void>((resolve) => {
    tell = resolve;
  });
  return { late: rank(place, 'late', 4, dir, tell), copied };
}

const log = (place: Place, name: string): string => fs.readFileSync(place.path('log', name), 'utf8');
const settled = (place: Place): string[] => Object.keys(tree(place.path('dest'))).sort();

t.test(
  'the stage-out scripts of LSF publish what is complete, wait for who still copies, delete the rest',
  async (t) => {
    const place = new Place(t);
    const dir = place.mkdir(JOB);
    const [first, second] = [adapted(place, 'lsf/stage-out-1.sh'), adapted(place, 'lsf/stage-out-2.sh')];
    await runJob(place, dir);
    const { late, copied } = lateRank(place, dir);
    await copied;

    t.match(await byLsf(first), { status: 0, stdout: '', stderr: '' });
    t.match(log(place, `${JOB}.stage-out-1.log`), /stage-out-1 of job 77: status 4\n$/);
    t.same(
      settled(place).filter((name) => !name.includes('_AXL') && name !== '1/'), // which is not complete
      ['0', '3'],
      'what is complete is published at once',
    );
    t.same(fs.readdirSync(dir).sort(), ['ckpt.1', 'ckpt.4'], 'what is not is left to the second script');

    const staging = byLsf(second);
    const waits = () =>
      fs.existsSync(place.path('log', `${JOB}.stage-out-2.log`)) && log(place, `${JOB}.stage-out-2.log`);
    let ended = false;
    staging.finally(() => (ended = true));
    while (!ended && !`${waits()}`.includes('waiting for 1 busy transfer')) await sleep(10);
    place.write('release');
    t.equal((await late).status, 0);
    t.match(await staging, { status: 0, stdout: '', stderr: '' });
    t.match(
      log(place, `${JOB}.stage-out-2.log`),
      /waiting for 1 busy transfer(.|\n)*stage-out-2 of job 77: status 3\n$/,
    );
    t.same(settled(place), ['0', '3', '4']);
    t.same([...temporaries(place.path('dest')), ...fs.readdirSync(dir)], []);
    t.match(JSON.parse(log(place, `${JOB}.stage-out-2.json`)), {
      status: 3,
      counts: { published: 1, 'rolled-back': 1 },
    });
    t.notOk(fs.existsSync(place.path('log', `${JOB}.unfinished`)));
  },
);

t.test('where the second stage-out script fails, a file says what to run, until it has succeeded', async (t) => {
  const place = new Place(t);
  const dir = place.mkdir(`${JOB}.3`);
  const second = adapted(place, 'lsf/stage-out-2.sh');
  place.mkdir('dest');
  await rank(place, 'exits', 0, dir);
  fs.renameSync(place.path('dest'), place.path('away'));
  const run = () => byLsf(second, 'LSB_JOBINDEX=3');
  t.equal((await run()).status, 0, 'LSF ignores it, whatever it is');
  t.match(log(place, `${JOB}.3.unfinished`), `axl-finalize.js ${dir}`);
  t.match(log(place, `${JOB}.3.stage-out-2.log`), /status 1\n$/);
  fs.renameSync(place.path('away'), place.path('dest'));
  await run();
  t.same(settled(place), ['0']);
  t.notOk(fs.existsSync(place.path('log', `${JOB}.3.unfinished`)));
});

t.test('the stage-out scripts of LSF without a job id say so and do nothing', async (t) => {
  const place = new Place(t);
  for (const name of ['lsf/stage-out-1.sh', 'lsf/stage-out-2.sh']) {
    const ended = await program('env', ['-i', 'PATH=/bin:/usr/bin', adapted(place, name)]);
    t.not(ended.status, 0);
    t.match(ended.stderr, 'LSB_JOBID');
  }
  t.same(fs.readdirSync(place.path('log')), []);
});

t.test('the tasks that depend on a run of Flux finalize it together, and the last job has one report', async (t) => {
  const place = new Place(t);
  const dir = place.mkdir('run7');
  const [finalize, report] = [adapted(place, 'flux/finalize.sh'), adapted(place, 'flux/report.sh')];
  await runJob(place, dir);
  const task = (rank: number) => {
    const env = ['FLUX_JOB_ID=f2QmrCfo', `FLUX_TASK_RANK=${rank}`, 'FLUX_JOB_SIZE=4', 'FLUX_TASK_LOCAL_ID=0'];
    return program('env', ['-i', 'PATH=/bin:/usr/bin', ...env, finalize, 'run7']);
  };
  const lacking = await Promise.all([0, 1, 2].map(task));
  t.same(
    lacking.map(({ status }) => status === 0 || status === 3),
    [true, true, true],
  );
  const early = await program('env', ['-i', 'PATH=/bin:/usr/bin', report, 'run7', '4']);
  t.equal(early.status, 1);
  t.match(early.stderr, /1 of 4 shards without a report: 3/);
  t.ok([0, 3].includes((await task(3)).status as number));
  t.match(await program('env', ['-i', 'PATH=/bin:/usr/bin', report, 'run7', '4']), { status: 0, stderr: '' });
  t.match(JSON.parse(log(place, 'run7.json')), { status: 3, counts: { published: 2, 'rolled-back': 1, removed: 1 } });
  t.same(settled(place), ['0', '3']);
  t.same(fs.readdirSync(dir), []);
});
