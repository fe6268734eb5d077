// Finalizers that come late: one stands at a system call while others, and the job's next step, do all the rest; or it is
// killed there. What it surveyed, or decided, before must not be done to what it finds afterwards.
import * as fs from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Surveys } from '../../lib/finalize/surveys.js';
import { inspect, Transfer } from '../../lib/index.js';
import { published } from '../datasets/datasets.js';
import { cutBefore, quiet, TYPE } from '../journals.js';
import { codeOf, loseLocks, Place, said, axlFinalize as toEnd, tree } from '../support.js';
import { verdictName } from '../verdicts.js';
import { inject, noInjector, type Where } from './injector.js';
import { axlFinalize } from './lives.js';

const skip = await noInjector();
const NAME = 'ckpt';

interface Left {
  readonly ranks?: readonly number[];
  readonly size?: number;
  readonly name?: string;
  /** Which step of the job: its destinations have that behind their names. */
  readonly step?: string;
  readonly allRanks?: boolean;
  /** One that was killed while it copied. */
  readonly incomplete?: number;
  readonly dir?: string;
  /** Is the first state directory the home of the dataset? */
  readonly home?: boolean;
}

class Job extends Place {
  /** Of what was left last. */
  verdict = '';

  ofRank(rank: number, dir = 'states'): string {
    return this.path(dir, `rank${rank}`);
  }

  /** Ranks of a step, that go together and were killed. The state files have the same names in each step. */
  async leave({ ranks = [0, 1], size = 2, name = NAME, step = '', dir = 'states', ...how }: Left = {}): Promise<void> {
    this.mkdir(dir);
    for (const rank of ranks) {
      const stateFile = this.ofRank(rank, dir);
      const home = how.home ? { home: this.states } : {};
      await using transfer = await this.create({
        name,
        stateFile,
        rank,
        size,
        allRanks: how.allRanks ?? true,
        ...home,
      });
      await transfer.add(this.write(`source/${rank}${step}`), this.path('dest', `${rank}${step}`));
      await transfer.dispatch();
      await quiet(transfer);
      if (rank === how.incomplete) cutBefore(stateFile, TYPE.done);
      this.verdict = join(this.states, verdictName((await inspect(stateFile)).dataset));
    }
  }

  async finalize(...args: string[]) {
    loseLocks(this.states);
    const ended = await toEnd(['--json', ...args, this.states]);
    return { ...ended, report: said(ended) };
  }

  /** A finalizer that has a fault, or stands at a call until `meanwhile` is done. */
  async faulty(where: Omit<Where, 'place'>, args: readonly string[] = [], inputs = [this.states]) {
    const ended = await inject(axlFinalize('--json', ...args, ...inputs), { at: 1, ...where, place: this.states });
    return { ...ended, report: ended.signal === null ? said(ended) : undefined };
  }

  late(root: string, only: string, meanwhile: () => Promise<unknown>, args: readonly string[] = [], at = 1) {
    const all = async () => {
      loseLocks(this.states);
      await meanwhile();
    };
    return this.faulty({ root, only: [only], at, fault: 'pause', meanwhile: all }, args);
  }

  nothingIsLeft(t: Test): void {
    t.same(tree(this.states), {}, 'no state file, verdict or lock');
  }
}

t.test('what was decided about a transfer is done to no other that has its state file by now', { skip }, async (t) => {
  const job = new Job(t);
  await job.leave();
  const { hit, report } = await job.late(`${job.verdict}.flock`, 'unlinkat', async () => {
    fs.rmSync(`${job.verdict}.flock`); // it was decided: for others this lock is as good as let go
    t.equal((await job.finalize()).status, 0);
    await job.leave({ step: 'b', incomplete: 1 });
  });
  t.match(hit, { call: 'unlinkat' });
  t.match(report.counts, { gone: 2, published: 0, 'rolled-back': 0 });
  t.same(published(job), ['0', '1']);
  t.equal((await job.finalize()).status, 3);
  t.same(published(job), ['0', '1'], 'nothing of the step that is incomplete');
  job.nothingIsLeft(t);
});

t.test('ranks of two steps of a job are no dataset, though each was seen complete', { skip }, async (t) => {
  const job = new Job(t);
  await job.leave({ allRanks: false });
  // The look at rank 1 comes when rank 0 has been looked at.
  const meanwhile = async () => {
    t.equal((await job.finalize('--dataset')).status, 0);
    await job.leave({ step: 'b', incomplete: 0, allRanks: false });
  };
  const { report } = await job.late(job.ofRank(1), 'openat', meanwhile, ['--dataset', '--jobs', '1']);
  t.match(report.counts, { published: 0 });
  t.same(published(job), ['0', '1']);
  await job.finalize('--dataset');
  t.same(published(job), ['0', '1']);
  job.nothingIsLeft(t);
});

t.test('a name that no transfer had when it was surveyed stands for none later', async (t) => {
  const surveys = new Surveys(2);
  t.same([...surveys.uuids([0, 1])], Array(32).fill(0xff), 'the id of no transfer: zeros would be any');
});

t.test(
  'a dataset is not what its state files hold after a second look, if these are others then',
  { skip },
  async (t) => {
    const job = new Job(t);
    await job.leave({ name: 'first', allRanks: false });
    const live = await Promise.all([0, 1].map((rank) => Transfer.open(job.ofRank(rank))));
    const meanwhile = async () => {
      for (const rank of live) await rank[Symbol.asyncDispose]();
      t.equal((await job.finalize('--dataset')).status, 0);
      await job.leave({ ranks: [0, 1, 2], size: 3, name: 'second', step: 'b', incomplete: 2, allRanks: false });
    };
    await job.late(job.ofRank(0), 'openat', meanwhile, ['--dataset'], 2);
    t.same(published(job), ['0', '1'], 'two ranks of three are no dataset');
    await job.finalize('--dataset');
    t.same(published(job), ['0', '1']);
    job.nothingIsLeft(t);
  },
);

t.test('a writer that ends while it is surveyed is judged by its last word', { skip }, async (t) => {
  const job = new Job(t);
  await job.leave({ allRanks: false, incomplete: 1 });
  const ranks = await Promise.all([0, 1].map((rank) => Transfer.open(job.ofRank(rank))));
  const meanwhile = async () => {
    for (const rank of ranks) await rank.resume();
    for (const rank of ranks) t.ok(await rank.settle());
    await ranks[0]?.wait(); // all are complete, and so they publish: rank 1 is killed before it does
    for (const rank of ranks) await rank[Symbol.asyncDispose]();
  };
  const { report } = await job.late(job.ofRank(1), 'flock', meanwhile, ['--dataset']);
  t.match(report.datasets, [{ verdict: 'complete' }]);
  t.same(published(job), ['0', '1']);
  job.nothingIsLeft(t);
});

t.test('a dataset that another has published and kept is not told to be incomplete', { skip }, async (t) => {
  const job = new Job(t);
  await job.leave({ incomplete: 1 });
  const meanwhile = async () => t.equal((await job.finalize('--keep-state', '--incomplete', 'resume')).status, 0);
  const { status, report } = await job.late(job.verdict, 'openat', meanwhile, ['--keep-state']);
  t.match(report.datasets, [{ verdict: 'complete' }]);
  t.equal(status, 0);
  t.same(published(job), ['0', '1']);
});

t.test('while one decides about a dataset nobody else does, and none is told a false outcome', { skip }, async (t) => {
  const job = new Job(t);
  await job.leave({ incomplete: 1 });
  const { status } = await job.late(job.states, 'renameat2', async () => {
    const other = await job.finalize('--incomplete', 'resume');
    t.match(other.report, { counts: { busy: 2 }, datasets: [{ verdict: 'busy' }] });
    t.equal(other.status, 4);
    t.equal(await codeOf(Transfer.open(job.ofRank(0))), 'AXL_STATE_LOCKED', 'nor does a rank take it over');
  });
  t.equal(status, 3);
  t.same(published(job), []);
  job.nothingIsLeft(t);
});

t.test('a verdict is removed only while nobody can write the next of that name', { skip }, async (t) => {
  const job = new Job(t);
  await job.leave();
  const { status } = await job.late(job.verdict, 'unlinkat', async () => {
    await job.leave({ step: 'b' });
    t.equal((await job.finalize()).status, 4);
  });
  t.equal(status, 0);
  t.same(published(job), ['0', '1']);
  t.equal((await job.finalize()).status, 0);
  t.same(published(job), ['0', '0b', '1', '1b']);
  job.nothingIsLeft(t);
});

t.test('a verdict that a killed finalizer left is not in the way of the next step of the job', { skip }, async (t) => {
  const job = new Job(t);
  await job.leave();
  const { hit } = await job.faulty({ root: job.verdict, only: ['unlinkat'], fault: 'kill' });
  t.match(hit, { call: 'unlinkat' });
  t.same([published(job), fs.existsSync(job.verdict)], [['0', '1'], true]);
  await job.leave({ step: 'b' });
  t.equal((await job.finalize()).status, 0);
  t.same(published(job), ['0', '0b', '1', '1b']);
  job.nothingIsLeft(t);
});

t.test('a lock that a killed finalizer left goes with the next run', { skip }, async (t) => {
  const job = new Job(t);
  await job.leave();
  await job.faulty({ root: `${job.verdict}.flock`, only: ['unlinkat'], at: 2, fault: 'kill' });
  t.same([published(job), fs.existsSync(`${job.verdict}.flock`)], [['0', '1'], true]);
  t.equal((await job.finalize()).status, 0);
  job.nothingIsLeft(t);
});

t.test('a verdict is in the home of its dataset before any rank is touched', { skip }, async (t) => {
  const job = new Job(t);
  await job.leave({ ranks: [0], home: true });
  await job.leave({ ranks: [1], dir: 'states2', home: true });
  const inputs = [job.states, job.path('states2')];
  const first = await job.faulty(
    { root: join(job.root, 'dest'), only: ['renameat', 'renameat2'], at: 2, fault: 'kill' },
    ['--jobs', '1'],
    inputs,
  );
  t.match(first.hit, { call: /^renameat/ });
  t.equal(published(job).length, 1, 'one rank is published, and its state file may be gone');
  for (const dir of [job.states, job.path('states2')]) loseLocks(dir);
  t.equal((await toEnd(inputs)).status, 0);
  t.same(published(job), ['0', '1']);
  t.same([tree(job.states), tree(job.path('states2'))], [{}, {}]);
});

t.test('nothing is done to a dataset while its home is gone', { skip }, async (t) => {
  const job = new Job(t);
  await job.leave({ ranks: [0, 1], dir: 'states2', home: true });
  const other = job.path('states2');
  const before = tree(job.dest);
  fs.renameSync(job.states, job.path('away'));
  const { status, stderr } = await toEnd([other]);
  t.equal(status, 1);
  t.match(stderr, `${job.states}: the home of its dataset is not there`);
  t.equal(await codeOf(Transfer.open(job.ofRank(0, 'states2'))), 'AXL_CONFLICT', 'nor does a rank take it over');
  t.same(tree(job.dest), before);
  fs.renameSync(job.path('away'), job.states);
  t.equal((await toEnd([job.states, other])).status, 0);
  t.same([published(job), tree(job.states), tree(other)], [['0', '1'], {}, {}]);
});

for (const incomplete of [undefined, 1])
  t.test(
    `a rank comes to no other end than a finalizer has decided, rank ${incomplete} incomplete`,
    { skip },
    async (t) => {
      const job = new Job(t);
      await job.leave(incomplete === undefined ? {} : { incomplete });
      await job.faulty({ root: `${job.verdict}.flock`, only: ['unlinkat'], fault: 'kill' });
      t.ok(fs.existsSync(job.verdict));
      for (const rank of [0, 1])
        if (incomplete === undefined) {
          await using transfer = await Transfer.open(job.ofRank(rank));
          t.equal(await codeOf(transfer.free()), 'AXL_INVALID_STATE', 'only wait ends what is to be published');
        } else t.equal(await codeOf(Transfer.open(job.ofRank(rank))), 'AXL_STATE_LOCKED');
      t.equal((await job.finalize()).status, incomplete === undefined ? 0 : 3);
      t.same(published(job), incomplete === undefined ? ['0', '1'] : []);
      job.nothingIsLeft(t);
    },
  );

t.test('without hard links a verdict is written, too, and the first one counts', { skip }, async (t) => {
  const job = new Job(t);
  await job.leave();
  const { hit, status } = await job.faulty({ root: job.verdict, only: ['renameat2'], fault: 'errno=EPERM' });
  t.match(hit, { call: 'renameat2' });
  t.equal(status, 0);
  t.same(published(job), ['0', '1']);
  job.nothingIsLeft(t);
});

t.test('ranks that were published together are complete, though one of them is freed', async (t) => {
  const job = new Job(t);
  await job.leave();
  for (const rank of [0, 1]) {
    await using transfer = await Transfer.open(job.ofRank(rank), { agreed: true });
    await transfer.wait();
    if (rank === 0) await transfer.free();
  }
  const { status, report } = await job.finalize();
  t.match(report, { counts: { removed: 1 }, datasets: [{ verdict: 'complete', missing: [] }] });
  t.equal(status, 0);
  t.same(published(job), ['0', '1']);
  job.nothingIsLeft(t);
});
