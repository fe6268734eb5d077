// What only a dataset suffers from: a rank's state file that cannot be read for a moment, or that another has finalized.
import { join } from 'node:path';
import t from 'tap';
import { loseLocks, noStrangers, said } from '../support.js';
import { type Fault, inject, noInjector, plain } from './injector.js';
import { datasetOnBehalf, type Life, lives } from './lives.js';
import { Template } from './world.js';

const skip = await noInjector();
const noOther = skip || (await noStrangers());
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

t.test('a rank that is listed, and then not there to be looked at, is not taken for absent', { skip }, async (t) => {
  const { world, first } = await unreadOnce(lives.dataset, 'openat', 'errno=ENOENT');
  t.equal(first.hit?.call, 'openat');
  t.equal(first.status, 0, `looked for again: ${first.stderr}`);
  t.same(world.differs('published'), [], 'all of it');
  const lasting = await unreadOnce(lives.dataset, 'openat', 'errno=ENOENT+');
  t.equal(lasting.first.status, 4, lasting.first.stdout);
  t.match(said(lasting.first), { counts: { busy: 1, 'rolled-back': 0 }, datasets: [{ verdict: 'busy' }] });
  t.same(lasting.changed, []);
  t.equal(lasting.second.status, 0, lasting.second.stderr);
});

t.test(
  'as root: a rank that cannot even be looked at keeps the dataset of its user as it is',
  { skip: noOther },
  async (t) => {
    const world = await template.copy(datasetOnBehalf.user);
    await datasetOnBehalf.prepare(world);
    const where = {
      place: world.place,
      root: join(world.states, 'rank1'),
      only: ['newfstatat', 'statx', 'lstat'],
      at: 1,
    };
    const first = await inject(datasetOnBehalf.command(world), { ...where, fault: 'errno=EIO+' });
    t.match(first, { status: 1, hit: { paths: [where.root] } });
    t.match(said(first), { counts: { kept: 1, published: 0, 'rolled-back': 0 }, unreadable: [{ errnoName: 'EIO' }] });
    t.equal((await plain(datasetOnBehalf.command(world))).status, 0);
    t.same(world.differs('published'), [], 'all of it by the next run');
  },
);

t.test(
  'a rank that goes with all ranks and cannot be read at a look that decides is told of as failed',
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
        // The first look is for destinations that meet, and decides nothing.
        if (at === 1 && first.status === 0) {
          t.equal(said(first).counts.published, 2, what);
          continue;
        }
        t.equal(first.status, 1, `${what}: ${first.stdout}`);
        t.match(first.stderr, fault.slice('errno='.length), what);
        if (said(first).counts.published === 0) t.same(changed, [], what);
        t.ok(second.status === 0 || second.status === 3, `${what}: ${second.stderr}`);
        t.ok(world.differs('published').length === 0, `${what}: all of it by the next run`);
      }
  },
);

t.test(
  'a dataset that another finalizer publishes while it is looked at is not told to be incomplete',
  { skip },
  async (t) => {
    for (const rank of ['rank0', 'rank1'])
      for (const life of [lives.dataset, lives.allRanks]) {
        const world = await template.copy();
        await life.prepare(world);
        const command = life.command(world);
        const publish = async () => {
          loseLocks(world.states);
          t.match(await plain(command), { status: 0, stderr: '' });
        };
        const where = { place: world.place, root: join(world.states, rank), only: ['openat'], at: 1 };
        const late = await inject(command, { ...where, fault: 'pause', meanwhile: publish });
        t.match(late, { status: 0, stderr: '', hit: { call: 'openat' } }, `${life.name}, ${rank}`);
        t.match(said(late), { counts: { gone: 2 }, datasets: { length: 0 } }, `${life.name}, ${rank}`);
        t.same(world.differs('published'), []);
      }
  },
);
