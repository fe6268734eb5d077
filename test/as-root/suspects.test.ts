// As root: what cannot be read keeps the datasets of those who may have state files there, and of nobody else.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { suspects, userMounts } from '../../lib/as-root/suspects.js';
import { finalize } from '../../lib/index.js';
import { isRoot, NOBODY, noOwnerProcess, noStrangers, Place, program, script, temporaries } from '../support.js';

const skip = isRoot ? '' : 'only root meets what it cannot read of others';
const OTHER = 54321;

const unread = (path: string) => ({ path: Buffer.from(path), failure: { code: 'AXL_IO' as const, message: path } });
const suspected = async (path: string) => {
  const { anybody, users } = await suspects([unread(path)]);
  return anybody ? 'anybody' : [...users].join();
};

t.test('what is behind a FUSE mount that others may not enter is the doing of its user', async (t) => {
  const lines = [
    '22 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
    '90 22 0:50 / /mnt/u/a\\040b rw,nosuid - fuse.sshfs host:/ rw,user_id=1000,group_id=1000',
    '91 22 0:51 / /mnt/all rw - fuse.sshfs host:/ rw,user_id=1000,group_id=1000,allow_other',
    '92 22 0:52 / /mnt/root rw - fuse.ceph-fuse ceph rw,user_id=0,group_id=0,allow_other',
  ];
  t.same(
    userMounts(lines.join('\n')).map(({ at, uid, shared }) => [at, shared ? 0 : uid]),
    [
      ['/', 0],
      ['/mnt/u/a b', 1000],
      ['/mnt/all', 0],
      ['/mnt/root', 0],
    ],
  );
});

t.test('what a directory says today does not tell who has state files below it', { skip }, async (t) => {
  const place = new Place(t);
  const own = place.mkdir('own', 0o700);
  const file = place.write('own/file');
  fs.chownSync(own, NOBODY, NOBODY);
  fs.chownSync(file, OTHER, OTHER);
  for (const path of [own, join(own, 'missing'), join(file, 'below'), place.root, '/missing'])
    t.equal(await suspected(path), 'anybody', path);
  t.equal(await suspected(file), `${OTHER}`, 'a file is of its owner');
});

/** A user's transfer that has nothing complete. */
async function begin(place: Place, uid: number): Promise<void> {
  for (const name of ['in', 'out']) place.mkdir(name);
  const dir = place.mkdir(`in/${uid}`, 0o700);
  for (const path of [dir, place.mkdir(`out/${uid}`)]) fs.chownSync(path, uid, uid);
  fs.chmodSync(place.write('source', 'checkpoint'), 0o444);
  const code = `
    const t = await axl.Transfer.create({ name: 'ckpt', stateFile: args[0], size: 2, rank: 0, allRanks: true });
    await t.add(args[1], args[2]);
    await t.dispatch();
    await t.settle();
    process.exit(0);`;
  const args = [join(dir, 'rank0'), place.path('source'), place.path('out', `${uid}`)];
  const { status, stderr } = await script(code, args, { uid });
  if (status !== 0) throw new Error(stderr);
}

async function mountOf(t: Test, place: Place, uid: number): Promise<string> {
  for (const name of ['behind', 'in/mount']) fs.chownSync(place.mkdir(name), uid, uid);
  const { status, stderr } = await program('bindfs', [place.path('behind'), place.path('in/mount')], { uid });
  if (status !== 0) return `a user cannot mount here: ${stderr}`;
  t.teardown(() => spawnSync('umount', ['-l', place.path('in/mount')]));
  return fs.existsSync(place.path('in/mount/.')) ? 'root can read what a user has mounted' : '';
}

t.test("a user's mount that root cannot read keeps that user's datasets, and nobody else's", { skip }, async (t) => {
  const place = new Place(t);
  const strangers = (await noStrangers()) || (await noOwnerProcess());
  if (strangers) return t.comment(`SKIPPED ${strangers}`);
  for (const uid of [NOBODY, OTHER]) await begin(place, uid);
  const why = await mountOf(t, place, NOBODY).catch((error: Error) => error.message);
  if (why) return t.comment(`SKIPPED ${why}`);
  const options = { recursive: true, dataset: true, incomplete: 'delete' } as const;
  const { counts, unreadable } = await finalize(place.path('in'), options);
  t.match(unreadable, [{ code: 'AXL_IO', errnoName: 'EACCES', path: place.path('in/mount') }]);
  t.match(counts, { 'rolled-back': 1, kept: 1 });
  t.equal(temporaries(place.path('out', `${NOBODY}`)).length, 1, 'may be a rank of what was not seen');
  t.equal(temporaries(place.path('out', `${OTHER}`)).length, 0);
  spawnSync('umount', ['-l', place.path('in/mount')]);
  const again = await finalize(place.path('in'), options);
  t.match(again.counts, { 'rolled-back': 1, kept: 0 });
});
