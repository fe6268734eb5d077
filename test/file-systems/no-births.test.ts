// A file system that records no births: ext4 with inodes of 128 bytes, as one that was ext3 before. Needs root, mkfs.ext4
// (Debian: e2fsprogs) and a loop device.
import * as fs from 'node:fs';
import t, { type Test } from 'tap';
import { finalize, Transfer } from '../../lib/index.js';
import { quiet } from '../journals.js';
import { isRoot, Place, temporaries } from '../support.js';
import { attempt } from './worlds.js';

const IMAGE_MIB = 32;

/** @returns why it is not mounted at `to`, or '' */
function mountOld(t: Test, place: Place, to: string): string {
  if (!isRoot) return 'only root can mount a file system';
  const image = place.write('image');
  fs.truncateSync(image, IMAGE_MIB << 20);
  t.teardown(() => attempt('umount', '-l', to));
  return attempt('mkfs.ext4', '-q', '-I', '128', image) || attempt('mount', '-o', 'loop', image, to);
}

/** Two names of one file, each of which a rank of a dataset replaces. */
async function leaveRanks(place: Place): Promise<void> {
  fs.writeFileSync(place.path('dest/0'), 'of the checkpoint before');
  fs.linkSync(place.path('dest/0'), place.path('dest/1'));
  for (const rank of [0, 1]) {
    const source = place.write(`source/${rank}`, `rank ${rank}`);
    const transfer = await Transfer.create({ name: 'ckpt', stateDir: place.states, allRanks: true, rank, size: 2 });
    await transfer.add(source, place.path(`dest/${rank}`));
    await transfer.dispatch();
    await quiet(transfer);
    await transfer[Symbol.asyncDispose]();
  }
}

t.test('the ranks of a dataset replace two names of one old file, all or none', async (t) => {
  const place = new Place(t);
  const why = mountOld(t, place, place.mkdir('dest'));
  if (why) return t.plan(0, why);
  await leaveRanks(place);
  t.match((await finalize(place.states)).counts, { published: 2, failed: 0 });
  t.same(
    [0, 1].map((rank) => fs.readFileSync(place.path(`dest/${rank}`), 'utf8')),
    ['rank 0', 'rank 1'],
  );
});

t.test(
  'what has come to a name since the dispatch is not replaced, though it has the inode number of before',
  async (t) => {
    const place = new Place(t);
    const why = mountOld(t, place, place.mkdir('dest'));
    if (why) return t.plan(0, why);
    await leaveRanks(place);
    const name = place.path('dest/0');
    const { ino } = fs.statSync(name);
    for (const rank of [0, 1]) fs.rmSync(place.path(`dest/${rank}`));
    fs.writeFileSync(name, 'newer');
    t.equal(fs.statSync(name).ino, ino, 'the number is used again');
    t.match(await finalize(place.states), {
      counts: { published: 0 },
      problems: [{ error: { code: 'AXL_CONFLICT' } }],
    });
    t.equal(fs.readFileSync(name, 'utf8'), 'newer');
    t.equal(temporaries(place.dest).length, 2);
  },
);
