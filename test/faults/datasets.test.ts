// Faults that only a dataset suffers from: a rank's state file that cannot be read for a moment.
import { join } from 'node:path';
import t from 'tap';
import { said } from '../support.js';
import { type Fault, inject, noInjector } from './injector.js';
import { type Life, lives } from './lives.js';
import { Template } from './world.js';

const skip = await noInjector();
const template = new Template();
t.teardown(() => template.remove());

/** Finalizes two complete ranks, while one of them cannot be read at the first call of a kind; then again. */
async function unreadOnce(life: Life, call: string, fault: Fault, at = 1) {
  const world = await template.copy();
  await life.prepare(world);
  const root = join(world.states, 'rank1');
  const first = await inject(life.command(world), { place: world.place, root, only: [call], at, fault });
  const changed = world.differs('as before').filter((line) => !line.includes('._AXL') && !line.startsWith('sub:'));
  const second = await inject(life.command(world), { place: world.place });
  return { world, first, changed, second };
}

t.test('a rank whose state file could not be read is not published without its dataset', { skip }, async (t) => {
  for (const [call, fault] of [
    ['openat', 'errno=EMFILE'],
    ['pread64', 'errno=EIO'],
  ] as const) {
    const { world, first, changed, second } = await unreadOnce(lives.dataset, call, fault);
    t.equal(first.hit?.call, call);
    t.equal(first.status, 1, first.stdout);
    t.match(first.stderr, fault.slice('errno='.length));
    t.same(changed, [], `${fault} from ${call}`);
    const { published, failed } = said(first).counts;
    t.match({ published, failed }, { published: 0, failed: 1 });
    t.equal(second.status, 0, second.stderr);
    t.same(world.differs('published'), [], 'all of it by the next run');
  }
});

t.test(
  'a rank that goes with all ranks and cannot be read, at whichever look, is told of as failed',
  { skip },
  async (t) => {
    for (const [call, fault] of [
      ['openat', 'errno=EMFILE'],
      ['pread64', 'errno=EIO'],
    ] as const)
      for (const at of [1, 2, 3, 4]) {
        const { world, first, changed, second } = await unreadOnce(lives.allRanks, call, fault, at);
        const what = `${fault} from ${call} ${at}`;
        if (first.hit === undefined) continue; // so many looks there are not
        t.equal(first.status, 1, `${what}: ${first.stdout}`);
        t.match(first.stderr, fault.slice('errno='.length), what);
        if (said(first).counts.published === 0) t.same(changed, [], what);
        t.ok(second.status === 0 || second.status === 3, `${what}: ${second.stderr}`);
        t.ok(world.differs('published').length === 0, `${what}: all of it by the next run`);
      }
  },
);
