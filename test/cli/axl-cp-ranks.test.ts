// axl-cp --all-ranks: ranks copy, and axl-finalize publishes all of them or none.
import * as fs from 'node:fs';
import t, { type Test } from 'tap';
import { axlCp, axlFinalize, bytes, type Ended, Place, said, temporaries, tree } from '../support.js';

const RANKS = 3;

class Job {
  readonly place: Place;

  constructor(t: Test) {
    this.place = new Place(t);
    for (let rank = 0; rank < RANKS; rank++) this.place.write(`ssd/shard.${rank}`, bytes(100_000, rank));
    this.place.mkdir('run');
  }

  copy(rank: number, ...more: string[]): Promise<Ended> {
    const own = ['--all-ranks', '--name', 'ckpt.1', '--rank', `${rank}/${RANKS}`, '-S', this.state(rank)];
    return axlCp(['--json', ...own, ...more, this.place.path(`ssd/shard.${rank}`), this.place.path('run')]);
  }

  state(rank: number): string {
    return this.place.path(`states/ckpt.1.${rank}`);
  }

  get published(): string[] {
    return fs.readdirSync(this.place.path('run')).filter((name) => !name.includes('._AXL'));
  }
}

t.test('ranks that are complete are published by axl-finalize, all at once', async (t) => {
  const job = new Job(t);
  for (const rank of [0, 1])
    t.match(said(await job.copy(rank)), { action: 'copied', status: 0, files: 1, filesDone: 1 });
  t.equal((await axlFinalize(['--incomplete', 'keep', job.place.states])).status, 3, 'rank 2 is missing');
  t.same(job.published, []);
  t.match(said(await job.copy(2, '--background')), { action: 'dispatched', status: 0 });
  t.match(said(await axlCp(['--json', '--wait', job.state(2)])), { action: 'copied', status: 0 });
  t.match(said(await axlCp(['--json', '--wait', job.state(2)])), { action: 'copied', status: 0 }, 'it stays');
  t.match(said(await axlCp(['--json', '-U', '-S', job.state(1)])), { action: 'copied', status: 0 });
  t.same(job.published, [], 'not by one rank alone');
  t.equal((await axlFinalize([job.place.states])).status, 0);
  t.same(tree(job.place.path('run')), tree(job.place.path('ssd')));
  t.same([tree(job.place.states), temporaries(job.place.root)], [{}, []]);
});

t.test('if a rank failed, none is published', async (t) => {
  const job = new Job(t);
  for (const rank of [0, 1]) await job.copy(rank);
  fs.rmSync(job.place.path('ssd/shard.2'));
  t.equal((await job.copy(2)).status, 1);
  t.equal((await axlFinalize([job.place.states])).status, 3);
  t.same(tree(job.place.path('run')), {});
});
