// Symbolic links on file systems whose servers follow them.
import * as fs from 'node:fs';
import t from 'tap';
import { Place } from '../support.js';
import { type Daemon, mount } from './daemons.js';

const NEW = 'new';

/** What is behind the mount: the daemon's own answers may be old. */
function owned(path: string): string {
  const { uid, gid, mtimeMs } = fs.lstatSync(path);
  return `${uid}:${gid} ${mtimeMs}`;
}

for (const daemon of ['sshfs', 'mergerfs', 'bindfs'] satisfies Daemon[])
  t.test(`what cannot be given to a symbolic link itself is not given to what it points to (${daemon})`, async (t) => {
    const place = new Place(t);
    const skip = mount(t, place, daemon, 'mounted');
    if (skip) return t.comment(`SKIPPED ${skip}`);
    place.write('source/file', NEW);
    fs.symlinkSync('file', place.path('source/link'));
    fs.symlinkSync('none', place.path('source/dangling'));
    const bystander = place.write('bystander');
    fs.symlinkSync(bystander, place.path('source/out'));
    for (const link of ['link', 'dangling', 'out']) {
      fs.lchownSync(place.path('source', link), 1234, 2345);
      fs.lutimesSync(place.path('source', link), 1, 1);
    }
    const stood = place.write('below/dest/source/file', 'old');
    const before = [bystander, stood].map(owned);
    const transfer = await place.create({ owner: 'warn' });
    await transfer.add(place.source, place.path('mounted/dest'));
    await transfer.dispatch();
    await transfer.settle();
    t.same([bystander, stood].map(owned), before, 'nothing is published yet');
    const { state, ownerWarnings } = await transfer.wait();
    t.equal(state, 'completed');
    t.equal(ownerWarnings, daemon === 'sshfs' ? 3 : 0, 'and the report says so');
    await transfer.free();
    t.equal(owned(bystander), before[0]);
    t.equal(fs.readFileSync(stood, 'utf8'), NEW);
    for (const link of ['link', 'dangling', 'out']) {
      t.equal(fs.readlinkSync(place.path('below/dest/source', link)), fs.readlinkSync(place.path('source', link)));
      if (daemon !== 'sshfs') t.equal(owned(place.path('below/dest/source', link)), '1234:2345 1000');
    }
  });
