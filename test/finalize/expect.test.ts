// A listing that may be older than what was made since: --expect, and directories that look empty.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { LOCAL, look } from '../../lib/finalize/expect.js';
import { type Listing, scan } from '../../lib/finalize/scan.js';
import { finalize } from '../../lib/index.js';
import { leave } from '../journals.js';
import { axlFinalize, isRoot, Place, rejection, root, tree } from '../support.js';

/** A file system that shows what is there at the `nth` look only. */
function late(dir: string, nth: number) {
  const looks = { count: 0 };
  const hidden: Listing = {
    directories: [{ dir, names: [], whole: true, searched: dir }],
    listed: [],
    traces: [],
    unreadable: [],
  };
  return { looks, scan: async () => (++looks.count < nth ? hidden : scan([Buffer.from(dir)], {})) };
}

t.test('nothing is done while fewer state files are seen than were expected', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  await leave.incomplete(place, 'b');
  place.write('states/other', 'no state file');
  fs.symlinkSync('a', place.path('states/link'));
  const before = tree(place.root);
  for (const how of [[], ['--dataset'], ['--incomplete', 'keep'], ['--dry-run']]) {
    const { status, stdout, stderr } = await axlFinalize(['--expect', '3', ...how, place.states]);
    t.equal(status, 7);
    t.match(stderr, /2 of 3 expected state files were seen, so nothing was done/);
    t.match(stdout, /2 of 3 expected state files seen, nothing was done.*\n.*To look again: .*--expect 3/);
  }
  t.same(tree(place.root), before);
  const { stdout } = await axlFinalize(['--expect', '3', '--json', place.states]);
  t.match(JSON.parse(stdout), { status: 7, fewer: { expected: 3, seen: 2 }, entries: [], counts: { published: 0 } });
  t.equal((await axlFinalize(['--expect', '2', place.states])).status, 3, 'as many are enough');
});

t.test('corrupt state files and those of another version are there', async (t) => {
  const place = new Place(t);
  await leave.corrupt(place, 'a');
  await leave.newer(place, 'b');
  t.equal((await axlFinalize(['--expect', '2', place.states])).status, 5);
});

t.test('with a dataset by name, only its state files count', async (t) => {
  const place = new Place(t);
  for (const name of ['a', 'b']) await leave.complete(place, name);
  t.equal((await axlFinalize(['--expect', '2', '--dataset=a', place.states])).status, 7);
  t.equal((await axlFinalize(['--expect', '1', '--dataset=a', place.states])).status, 0);
});

t.test('the next run is proposed without --expect, once state files were finalized', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  await leave.failed(place, 'b');
  const { stdout } = await axlFinalize(['--expect', '2', '--incomplete=keep', place.states]);
  t.match(stdout, /--incomplete=resume/);
  t.notMatch(stdout, '--expect');
});

t.test('--expect takes a number from 1, and no shard, which removes what another one counts', async (t) => {
  const place = new Place(t);
  for (const args of [['0'], ['-1'], ['x'], ['2', '--shard', '0/2']])
    t.equal((await axlFinalize(['--expect', ...args, place.states])).status, 2, args.join(' '));
  t.match(await rejection(finalize(place.states, { expect: 2, shard: 'auto' })), { name: 'TypeError' });
  t.match(await rejection(finalize(place.states, { expect: 0 })), { name: 'RangeError' });
});

t.test('what is expected and comes late is waited for', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  const { looks, scan: lateScan } = late(place.states, 2);
  const { listing, fewer } = await look(lateScan, { expect: 1 });
  t.equal(fewer, undefined);
  t.equal(listing.directories[0]?.names.length, 1);
  t.equal(looks.count, 2);
});

t.test('a local directory that is empty is looked at once', async (t) => {
  const place = new Place(t);
  const { looks, scan: lateScan } = late(place.states, 2);
  t.equal((await look(lateScan, {})).listing.directories[0]?.names.length, 0);
  t.equal(looks.count, 1);
  const table = fs.readFileSync(join(root, 'native/os/locks.cc'), 'utf8');
  const known = table.slice(table.indexOf('kOfThisKernel'), table.indexOf('kOfMany'));
  for (const magic of LOCAL)
    t.match(known.toLowerCase(), new RegExp(`0x0?${magic.toString(16)}l`), 'as the table says');
});

function mountBindfs(t: Test, place: Place): string {
  const [from, to] = [place.mkdir('below'), place.mkdir('mount')];
  const { status, error } = spawnSync('bindfs', [from, to]);
  if (error || status !== 0) return 'bindfs cannot be mounted here';
  t.teardown(() => spawnSync('umount', ['-l', to]));
  return '';
}

t.test(
  'a directory on FUSE that is empty is looked at again',
  { skip: !isRoot && 'only root can mount' },
  async (t) => {
    const place = new Place(t);
    const why = mountBindfs(t, place);
    if (why) return t.comment(`SKIPPED ${why}`);
    await leave.complete(place, 'a');
    fs.renameSync(place.path('states/a'), place.path('below/a'));
    const { looks, scan: lateScan } = late(place.path('mount'), 2);
    t.equal((await look(lateScan, {})).listing.directories[0]?.names.length, 1);
    t.equal(looks.count, 2);
  },
);
