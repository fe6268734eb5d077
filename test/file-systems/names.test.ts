// Names on a file system that takes shorter ones than the kernel does.
import * as fs from 'node:fs';
import t from 'tap';
import type { AxlError } from '../../lib/index.js';
import { Place, rejection, tree } from '../support.js';
import { mount } from './daemons.js';

/** What `._AXL` and 16 digits leave of the 251 bytes that a name may have on fuse-overlayfs. */
const LONGEST = 251 - 21;

t.test('a file whose temporary name does not fit at its destination is refused when it is added', async (t) => {
  const place = new Place(t);
  const skip = mount(t, place, 'fuse-overlayfs', 'mounted');
  if (skip) return t.comment(`SKIPPED ${skip}`);
  const fits = 'f'.repeat(LONGEST);
  const transfer = await place.create();
  for (const name of [`${fits}f`, 'f'.repeat(240), 'f'.repeat(251)]) {
    const source = place.write(`source/${name}`);
    for (const dest of ['mounted', 'mounted/new/directory']) {
      const error = (await rejection(transfer.add(source, place.path(dest, name)))) as AxlError;
      t.match(error, { code: 'AXL_IO', errnoName: 'ENAMETOOLONG' });
      t.match(error.message, /its temporary name would have 25\d bytes, and this file system takes 251: shorten it/);
    }
  }
  await transfer.add(place.write(`source/${fits}`), place.path('mounted/new', fits));
  await transfer.dispatch();
  await transfer.wait();
  await transfer.free();
  t.same(Object.keys(tree(place.path('mounted'))), ['new/', `new/${fits}`]);
  t.equal(fs.readFileSync(place.path('mounted/new', fits), 'utf8'), `source/${fits}`);
});
