// A dataset whose state files are in two directories, of which one is its home. A finalizer that is given both is killed
// once it has decided, or its ranks once they have agreed; those that come after it are given one directory each, and
// meanwhile something becomes of the other. All ranks are published, or none.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { finalize } from '../../lib/index.js';
import { published } from '../datasets/datasets.js';
import { quiet } from '../journals.js';
import { axlFinalize as finalizeToEnd, isRoot, loseLocks, Place, program, said, tree } from '../support.js';
import { inject, noInjector, type Where } from './injector.js';
import { axlFinalize } from './lives.js';

const skip = await noInjector();
const NAME = 'ckpt';
type Part = 'a' | 'b';

class Apart extends Place {
  constructor(t: Test) {
    super(t);
    for (const part of ['a', 'b']) this.mkdir(`states/${part}`);
  }

  of(part: Part): string {
    return join(this.states, part);
  }

  /** Rank 0 in a, rank 1 in b, complete, of a step of the job. @param home of both; undefined: each its own */
  async leave(step = '', home: string | undefined = this.of('a')): Promise<void> {
    for (const [rank, part] of (['a', 'b'] as const).entries()) {
      const stateFile = join(this.of(part), `rank${rank}`);
      await using transfer = await this.create({ name: NAME, stateFile, rank, size: 2, ...(home && { home }) });
      await transfer.add(this.write(`source/${rank}${step}`), this.path('dest', `${rank}${step}`));
      await transfer.dispatch();
      await quiet(transfer);
    }
  }

  /** Given both, with a fault. */
  async killed(where: Partial<Where>) {
    const given = (['a', 'b'] as const).map((part) => this.of(part));
    const command = axlFinalize('--dataset', '--jobs', '1', ...given);
    return inject(command, { at: 1, fault: 'kill', ...where, place: this.states });
  }

  /** Has decided, and published nothing. */
  async decided(t: Test): Promise<void> {
    const { hit } = await this.killed({ root: this.dest, only: ['renameat', 'renameat2'] });
    t.match(hit, { call: /^renameat/ });
    t.same(published(this), []);
  }

  async finalize(...dirs: string[]) {
    loseLocks(this.states);
    const ended = await finalizeToEnd(['--json', '--dataset', ...dirs]);
    return { ...ended, report: said(ended) };
  }
}

for (const [first, last] of [
  ['a', 'b'],
  ['b', 'a'],
] as const)
  t.test(`what was decided is done by finalizers that are given ${first}, then ${last}`, { skip }, async (t) => {
    const job = new Apart(t);
    await job.leave();
    await job.decided(t);
    for (const part of [first, last]) {
      const { status, report } = await job.finalize(job.of(part));
      t.match(report.datasets, [{ verdict: 'complete' }]);
      t.equal(status, 0);
    }
    t.same(published(job), ['0', '1']);
    t.same(tree(job.states), { 'a/': '', 'b/': '' }, 'no verdict is left');
  });

t.test('a directory that is not the home may be away, or be removed when it is done with', { skip }, async (t) => {
  const job = new Apart(t);
  await job.leave();
  await job.decided(t);
  t.equal((await job.finalize(job.of('b'))).status, 0);
  fs.rmSync(job.of('b'), { recursive: true });
  t.equal((await job.finalize(job.of('a'))).status, 0);
  t.same(published(job), ['0', '1']);
  fs.mkdirSync(job.of('b'));
  await job.leave('b');
  t.equal((await job.finalize(job.of('a'), job.of('b'))).status, 0);
  t.same(published(job), ['0', '0b', '1', '1b'], "and the next of that name is in nobody's way");
  t.same(tree(job.states), { 'a/': '', 'b/': '' });
});

t.test('while the home is away nothing is done to its dataset, and the sentence names it', { skip }, async (t) => {
  const job = new Apart(t);
  await job.leave();
  await job.decided(t);
  const before = tree(job.dest);
  fs.renameSync(job.of('a'), job.path('away'));
  const { status, stderr } = await job.finalize(job.of('b'));
  t.equal(status, 1);
  t.match(stderr, job.of('a'));
  t.match(stderr, 'bring this directory back');
  t.same(tree(job.dest), before);
  fs.renameSync(job.path('away'), job.of('a'));
  t.equal((await job.finalize(job.of('b'))).status, 0);
  t.equal((await job.finalize(job.of('a'))).status, 0);
  t.same(published(job), ['0', '1']);
});

t.test('a rank is published with those that are found in a home that nobody has asked for', async (t) => {
  const job = new Apart(t);
  await job.leave();
  const { counts } = await finalize(job.of('b'), { dataset: true });
  t.match(counts, { published: 1, kept: 0, 'rolled-back': 0 });
  t.match((await finalize([job.of('a'), job.of('b')], { dataset: true })).counts, { published: 1 });
});

t.test('two ranks with two homes are a contradiction that is told, and nothing is touched', async (t) => {
  const job = new Apart(t);
  await job.leave('', '');
  const before = tree(job.root);
  const { counts, problems } = await finalize([job.of('a'), job.of('b')], { dataset: true });
  t.match(counts, { failed: 2 });
  for (const { error } of problems) {
    t.equal(error?.code, 'AXL_CONFLICT');
    for (const word of [job.of('a'), job.of('b'), 'option home']) t.match(error?.message, word);
  }
  t.same(tree(job.root), before);
});

t.test('a state directory that is mounted twice is one', async (t) => {
  const job = new Apart(t);
  await job.leave();
  const again = job.mkdir('again');
  const mount = isRoot ? await program('mount', ['--bind', job.of('b'), again]) : { status: 1, stderr: '' };
  if (mount.status !== 0) return t.comment(`not tested: only root can mount ${mount.stderr}`);
  t.teardown(() => spawnSync('umount', ['-l', again]));
  const files = [join(job.of('a'), 'rank0'), join(job.of('b'), 'rank1'), join(again, 'rank1')];
  const { report, ...ended } = await job.finalize(...files);
  t.match(report.counts, { published: 2, busy: 0 });
  t.equal(ended.status, 0);
  t.same(published(job), ['0', '1']);
});
