// As root, for other users: who a user is the user database tells, or nobody does.
import * as fs from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { leaveRanks, published } from '../datasets/datasets.js';
import { leave } from '../journals.js';
import { type Ended, NOBODY, noOwnerProcess, Place, program, root, temporaries, tree } from '../support.js';

const skip = await noOwnerProcess();

/** Runs axl-finalize as root where getent is a program that only ends so. */
async function finalizeWith(t: Test, getent: string, args: readonly string[]): Promise<[Place, Ended]> {
  const place = new Place(t);
  await leaveRanks(place, [0], 1, 'whole', { owner: 'skip' });
  await leave.incomplete(place, 'rest');
  place.give(NOBODY);
  const fake = place.write('getent', `#!/bin/sh\n${getent}\n`);
  fs.chmodSync(fake, 0o755);
  const cli = join(root, 'dist', 'bin', 'axl-finalize.js');
  const mount = 'mount --make-rprivate / && mount --bind "$0" /usr/bin/getent && exec "$@"';
  const command = ['-m', 'sh', '-c', mount, fake, process.execPath, cli, ...args, place.states];
  return [place, await program('unshare', command)];
}

t.test('a user database that cannot be asked leaves the user’s transfers as they are', { skip }, async (t) => {
  const [place, { status, stderr }] = await finalizeWith(t, 'exit 1', ['--incomplete', 'resume']);
  t.equal(status, 1);
  t.match(stderr, /the user database cannot be asked: \/usr\/bin\/getent passwd \d+ failed with 1/);
  t.same(published(place), []);
  t.equal(Object.keys(tree(place.states)).length, 2);
});

t.test('a user without an entry gets published what is complete, and keeps the rest', { skip }, async (t) => {
  const [place, { status, stderr }] = await finalizeWith(t, 'exit 2', ['--incomplete', 'resume']);
  t.equal(status, 3);
  t.match(stderr, /has no entry in the user database.*transfers that are not complete are kept/);
  t.same(published(place), ['whole.0']);
  t.same(Object.keys(tree(place.states)), ['rest']);
});

t.test('a user without an entry has transfers rolled back that are not complete', { skip }, async (t) => {
  const [place, { status, stderr }] = await finalizeWith(t, 'exit 2', []);
  t.equal(stderr, '');
  t.equal(status, 3);
  t.same([...temporaries(place.dest), ...Object.keys(tree(place.states))], []);
});
