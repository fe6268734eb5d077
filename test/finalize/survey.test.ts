// list() and inspect(): what state files say, also torn and corrupt ones.
import * as fs from 'node:fs';
import { basename } from 'node:path';
import t from 'tap';
import { inspect, list } from '../../lib/index.js';
import { corrupt, leave, temporaryName } from '../journals.js';
import { Place, tree } from '../support.js';

const uid = process.geteuid?.() ?? 0;

t.test('list() says of each state file what it is, and changes nothing', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  await leave.incomplete(place, 'b');
  await leave.created(place, 'c');
  await leave.published(place, 'd');
  await leave.corrupt(place, 'e');
  place.write('states/f', 'something else');
  await using _live = await place.create({ name: 'g', stateFile: place.path('states/g'), rank: 3, size: 4 });
  const before = tree(place.root);
  const { transfers, unreadable } = await list([place.states, place.path('missing')]);
  t.same(transfers.map(({ stateFile, state }) => `${basename(stateFile)} ${state}`).sort(), [
    'a complete',
    'b incomplete',
    'c never-dispatched',
    'd published',
    'e corrupt',
    'f not-state',
    'g never-dispatched',
  ]);
  const by = (name: string) => transfers.find(({ stateFile }) => basename(stateFile) === name);
  t.match(by('a'), { name: 'a', rank: 0, size: 1, alive: 'no', files: 1, filesDone: 1, bytes: 8, bytesDone: 8, uid });
  t.match(by('e'), { error: { code: 'AXL_STATE_CORRUPT' } });
  t.match(by('g'), { name: 'g', rank: 3, size: 4, alive: 'yes', pid: process.pid });
  t.ok(Math.abs(Date.now() - Number(by('a')?.modified)) < 60_000);
  t.match(unreadable, [{ errnoName: 'ENOENT' }]);
  t.same(tree(place.root), before);
});

t.test('inspect() says all of a state file in words, of a torn or corrupt one what can be read', async (t) => {
  const place = new Place(t);
  const stateFile = await leave.complete(place, 'a');
  const file = {
    kind: 'file',
    source: place.path('source/a'),
    dest: place.path('dest/a'),
    temporary: temporaryName(stateFile, place.path('dest/a')),
    size: 8,
    state: 'done',
    crc32c: Number,
  };
  t.match(inspect(stateFile), {
    state: 'complete',
    committed: true,
    durability: 'full',
    torn: false,
    fileList: [file],
  });
  t.same(inspect(stateFile).fileList[0]?.destBytes, Buffer.from(file.dest));
  fs.appendFileSync(stateFile, 'torn');
  t.match(inspect(stateFile), { state: 'complete', torn: true });
  corrupt(stateFile);
  t.match(inspect(stateFile), { state: 'corrupt', error: { code: 'AXL_STATE_CORRUPT' } });
  t.match(inspect(place.path('missing')), { state: 'gone' });
  t.match(inspect(place.write('text')), { state: 'not-state' });
});
