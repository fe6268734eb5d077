// A dataset whose state files are in two directories. A finalizer that is given both is killed once it has decided; those
// that come after it are given one each, and meanwhile something becomes of the other. All ranks are published, or none.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { verdictPath } from '../../lib/finalize/verdict.js';
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

  verdict(part: Part): string {
    return verdictPath(this.of(part), NAME);
  }

  /** Rank 0 in a, rank 1 in b, complete, of a step of the job. */
  async leave(step = ''): Promise<void> {
    for (const [rank, part] of (['a', 'b'] as const).entries()) {
      const stateFile = join(this.of(part), `rank${rank}`);
      await using transfer = await this.create({ name: NAME, stateFile, rank, size: 2 });
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

  /** Has decided, and is killed before the first verdict says so by itself. */
  async justDecided(t: Test): Promise<void> {
    const { hit } = await this.killed({ root: this.of('a'), only: ['rename'] });
    t.match(hit, { call: 'rename' });
    t.same(published(this), []);
  }

  move(part: Part, to: string): void {
    fs.renameSync(this.of(part), this.path(to));
  }
}

for (const [away, here] of [
  ['a', 'b'],
  ['b', 'a'],
] as const)
  t.test(
    `what was decided counts for a directory that was away, ${away}, while others were done`,
    { skip },
    async (t) => {
      const job = new Apart(t);
      await job.leave();
      await job.decided(t);
      job.move(away, 'away');
      t.equal((await job.finalize(job.of(here))).status, 0);
      fs.renameSync(job.path('away'), job.of(away));
      const { status, report } = await job.finalize(job.of(away));
      t.match(report.datasets, [{ verdict: 'complete' }]);
      t.equal(status, 0);
      t.same(published(job), ['0', '1']);
      await job.finalize(job.of('a'), job.of('b'));
      t.same(tree(job.states), { 'a/': '', 'b/': '' });
    },
  );

for (const again of [false, true])
  for (const [done, last] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const)
    t.test(`a directory that is done with, ${done}, may be removed, made again: ${again}`, { skip }, async (t) => {
      const job = new Apart(t);
      await job.leave();
      await job.decided(t);
      t.equal((await job.finalize(job.of(done))).status, 0);
      fs.rmSync(job.of(done), { recursive: true });
      if (again) fs.mkdirSync(job.of(done));
      t.equal((await job.finalize(job.of(last))).status, 0);
      t.same(published(job), ['0', '1']);
      t.same(tree(job.of(last)), {}, 'no verdict is left');
    });

t.test('state directories that were renamed are finalized to their end', { skip }, async (t) => {
  const job = new Apart(t);
  await job.leave();
  await job.decided(t);
  job.move('a', 'a2');
  job.move('b', 'b2');
  for (const part of ['a', 'b']) job.mkdir(`states/${part}`);
  for (const dir of ['b2', 'a2']) t.equal((await job.finalize(job.path(dir))).status, 0);
  t.same(published(job), ['0', '1']);
  t.same([tree(job.path('a2')), tree(job.path('b2'))], [{}, {}]);
});

t.test(
  'what was just decided counts in a directory that makes it count, until the others have said so',
  { skip },
  async (t) => {
    const job = new Apart(t);
    await job.leave();
    await job.justDecided(t);
    job.move('a', 'away');
    t.equal((await job.finalize(job.of('b'))).status, 0);
    fs.renameSync(job.path('away'), job.of('a'));
    t.equal((await job.finalize(job.of('a'))).status, 0);
    t.same(published(job), ['0', '1']);
    t.same(tree(job.states), { 'a/': '', 'b/': '' });
  },
);

t.test(
  'a verdict that was not written to its end is not in the way, though its last directory is gone',
  { skip },
  async (t) => {
    const job = new Apart(t);
    await job.leave();
    const { hit } = await job.killed({ root: job.of('b'), only: ['link'] });
    t.match(hit, { call: 'link' });
    fs.rmSync(job.of('b'), { recursive: true });
    fs.rmSync(join(job.of('a'), 'rank0'));
    fs.mkdirSync(job.of('b'));
    await job.leave('b');
    job.move('b', 'states/c');
    t.equal((await job.finalize(job.of('a'), job.path('states/c'))).status, 0);
    t.same(published(job), ['0b', '1b']);
    t.same(tree(job.states), { 'a/': '', 'c/': '' });
  },
);

/** The second place where b is mounted; undefined if that cannot be done. */
async function mounted(t: Test, job: Apart): Promise<string | undefined> {
  const again = job.mkdir('again');
  const mount = isRoot ? await program('mount', ['--bind', job.of('b'), again]) : { status: 1, stderr: '' };
  if (mount.status === 0) t.teardown(() => spawnSync('umount', ['-l', again]));
  else t.comment(`not tested: only root can mount ${mount.stderr}`);
  return mount.status === 0 ? again : undefined;
}

t.test('a state directory that is mounted twice is one', async (t) => {
  const job = new Apart(t);
  await job.leave();
  const again = await mounted(t, job);
  if (!again) return;
  const files = [join(job.of('a'), 'rank0'), join(job.of('b'), 'rank1'), join(again, 'rank1')];
  const { report, ...ended } = await job.finalize(...files);
  t.match(report.counts, { published: 2, busy: 0 });
  t.equal(ended.status, 0);
  t.same(published(job), ['0', '1']);
});

t.test('a verdict is removed by whatever path only when no other directory needs it', { skip }, async (t) => {
  const job = new Apart(t);
  await job.leave();
  await job.justDecided(t);
  const again = await mounted(t, job);
  if (!again) return;
  for (const dir of [again, job.of('a')]) t.equal((await job.finalize(dir)).status, 0);
  t.same(published(job), ['0', '1']);
  t.same(tree(job.states), { 'a/': '', 'b/': '' });
});
