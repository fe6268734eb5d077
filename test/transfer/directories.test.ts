// Directories that are made: what they are refused is met before the first file of any rank has its final name.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import t, { type Test } from 'tap';
import type { CreateOptions, Transfer } from '../../lib/index.js';
import { quiet } from '../journals.js';
import { axlFinalize, isRoot, Place } from '../support.js';

const run = (command: string, ...args: string[]) => spawnSync(command, args, { encoding: 'utf8' }).status === 0;

/** What a source directory can have and ramfs, which keeps no xattrs, refuses. */
const ADORNMENTS: Record<string, (dir: string) => boolean> = {
  xattrs: (dir) => run('setfattr', '-n', 'user.axl', '-v', 'value', dir),
  acls: (dir) => run('setfacl', '-m', 'u:5001:rx,d:u:5001:r', dir),
};

/** A place whose destination keeps no xattrs; or why there is none. */
function poorPlace(t: Test, adorn: (dir: string) => boolean): Place | string {
  const place = new Place(t);
  for (const rank of [0, 1]) {
    place.write(`source/${rank}/file`);
    place.write(`source/${rank}/sub/file`);
  }
  place.mkdir('dest');
  if (!isRoot || !run('mount', '-t', 'ramfs', 'none', place.dest)) return 'it takes root to mount a ramfs';
  t.teardown(() => run('umount', '-l', place.dest));
  return adorn(place.path('source/1/sub')) ? place : 'no setfattr, no setfacl, or a file system without them';
}

async function rankOf(place: Place, rank: number, more: Partial<CreateOptions> = {}): Promise<Transfer> {
  const stateFile = place.path('states', `rank${rank}`);
  const transfer = await place.create({ stateFile, rank, size: 2, allRanks: true, ...more });
  await transfer.add(place.path(`source/${rank}`), place.path(`dest/${rank}`));
  await transfer.dispatch();
  await quiet(transfer);
  return transfer;
}

/** The files that have their final names. */
const published = (place: Place): string[] =>
  fs
    .readdirSync(place.dest, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('file'))
    .sort();

const ALL = ['0/file', '0/sub/file', '1/file', '1/sub/file'];

for (const [part, adorn] of Object.entries(ADORNMENTS)) {
  t.test(`a directory that is refused its ${part} stops all ranks before a file has its final name`, async (t) => {
    const place = poorPlace(t, adorn);
    if (typeof place === 'string') return t.plan(0, place);
    for (const rank of [0, 1]) await (await rankOf(place, rank))[Symbol.asyncDispose]();
    for (const way of [[], ['--shard', '0/1']]) {
      const refused = await axlFinalize(['--job-ended', ...way, place.states]);
      t.equal(refused.status, 1, refused.stderr);
      t.match(refused.stderr, /sub.*--metadata/s, 'with the directory and the remedy');
      t.same(published(place), []);
      t.equal(fs.readdirSync(place.states).filter((name) => name.startsWith('rank')).length, 2);
    }
    const without = await axlFinalize(['--job-ended', `--metadata=${part}=warn`, place.states]);
    t.equal(without.status, 0, without.stderr);
    t.same(published(place), ALL);
  });

  t.test(`wait() of a transfer whose directory is refused its ${part} rejects, and all is as before`, async (t) => {
    const place = poorPlace(t, adorn);
    if (typeof place === 'string') return t.plan(0, place);
    const alone = await place.create({ stateFile: place.path('states/alone') });
    await alone.add(place.path('source/1'), place.path('dest/1'));
    await alone.dispatch();
    await t.rejects(alone.wait(), { code: 'AXL_TRANSFER_FAILED' });
    t.same(published(place), []);
    await alone.free();
    t.same(fs.readdirSync(place.dest), []);
  });
}

t.test('what axl-finalize is asked for and a directory is refused stops all ranks, too', async (t) => {
  const place = poorPlace(t, ADORNMENTS.xattrs as (dir: string) => boolean);
  if (typeof place === 'string') return t.plan(0, place);
  for (const rank of [0, 1]) await (await rankOf(place, rank, { metadata: { xattrs: 'warn' } }))[Symbol.asyncDispose]();
  const refused = await axlFinalize(['--job-ended', '--metadata=xattrs=fail', place.states]);
  t.equal(refused.status, 1, refused.stderr);
  t.same(published(place), []);
  const asRecorded = await axlFinalize(['--job-ended', place.states]);
  t.equal(asRecorded.status, 0, asRecorded.stderr);
  t.same(published(place), ALL);
});
