// `axl-finalize list`: which transfers it prints, what it says of each, and the totals by dataset and by user.
import * as fs from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { byDataset, byUser } from '../../lib/cli/commands/totals.js';
import { percent } from '../../lib/cli/output/text.js';
import type { ListedTransfer } from '../../lib/index.js';
import { cutBefore, leave, TYPE } from '../journals.js';
import { axlFinalize, bytes, isRoot, NOBODY, Place, said, script } from '../support.js';

const list = (...args: string[]) => axlFinalize(['list', ...args]);

t.test('--recursive lists what is below, and without it that is told', async (t) => {
  const place = new Place(t);
  fs.renameSync(await leave.complete(place, 'a'), join(place.mkdir('states/node1'), 'a'));
  t.match(await list(place.states), { status: 0, stdout: '', stderr: /node1.*--recursive/ });
  t.match(await list('--recursive', place.states), {
    status: 0,
    stdout: /\na +0\/1 +complete .*\/node1\/a\n/,
    stderr: '',
  });
});

t.test('--state prints and adds up only transfers in these states; the exit status is that of all', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  await leave.incomplete(place, 'b');
  await leave.corrupt(place, 'c');
  const states = async (...args: string[]) =>
    said(await list('--json', ...args, place.states)).transfers.map(({ state }: ListedTransfer) => state);
  t.same(await states('--state', 'complete'), ['complete']);
  t.same((await states('--state=incomplete', '--state=corrupt')).sort(), ['corrupt', 'incomplete']);
  const { status, stdout } = await list('--state', 'complete', place.states);
  t.equal(status, 5);
  t.notMatch(stdout, /\bb\b/);
  t.match(await list('--state', 'copy', place.states), {
    status: 5,
    stdout: '',
    stderr: /none of 3 transfers is copy/,
  });
  t.match(await list('--state', 'finished', place.states), { status: 2, stderr: /complete, incomplete/ });
});

t.test('--summary prints the totals only, with how much is done', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  await leave.incomplete(place, 'b');
  const { status, stdout } = await list('--summary', place.states);
  t.equal(status, 0);
  const me = userInfo().username;
  t.equal(
    stdout,
    'a: 1 of 1 rank: 1 complete; 1 file, 8 bytes\n' +
      'b: 1 of 1 rank: 1 incomplete; 1 file, 8 bytes, 0% done\n' +
      `user ${me}: 2 transfers: 1 complete, 1 incomplete; 2 files, 16 bytes, 50% done\n`,
  );
  const document = said(await list('--summary', '--json', place.states));
  t.notOk('transfers' in document);
  t.match(document, { datasets: [{ name: 'a' }, { name: 'b' }], users: [{ transfers: 2, bytes: 16, bytesDone: 8 }] });
});

t.test(
  'of several users each has a total, and each transfer its owner',
  { skip: !isRoot && 'only root' },
  async (t) => {
    const place = new Place(t);
    await leave.complete(place, 'a');
    const other = await leave.complete(place, 'b');
    fs.chownSync(other, NOBODY, NOBODY);
    const { stdout } = await list(place.states);
    t.match(stdout, /^a .* root +\S+ +.*\/a$/m);
    t.match(stdout, /^b .* nobody +\S+ +.*\/b$/m);
    t.match(stdout, '\nuser nobody: 1 transfer: 1 complete; 1 file, 8 bytes\n');
    fs.chownSync(other, 4_000_000_000, NOBODY);
    t.match(
      (await list(place.states)).stdout,
      /^b .* 4000000000 /m,
      'of whom the user database knows nothing, the number',
    );
  },
);

t.test('what is copied of a large file counts before the file is complete', async (t) => {
  const place = new Place(t);
  const source = place.write('source/big', bytes(10_000));
  const code = `const t = await axl.Transfer.create({ name: 'a', stateFile: args[0] });
    await t.add(args[1], args[2]); await t.dispatch(); await t.settle(); await t[Symbol.asyncDispose]();`;
  const ended = await script(code, [place.stateFile, source, place.dest], { env: { AXL_CHUNK_SIZE: '4096' } });
  t.equal(ended.status, 0, ended.stderr);
  cutBefore(place.stateFile, TYPE.chunk, 2);
  const document = said(await list('--json', place.states));
  t.match(document.transfers, [{ state: 'incomplete', filesDone: 0, bytes: 10_000, bytesDone: 8192 }]);
  t.match((await list(place.states)).stdout, / 81% /);
});

const transfer = (fields: Partial<ListedTransfer>): ListedTransfer =>
  ({
    name: 'a',
    size: 2,
    state: 'complete',
    alive: 'no',
    files: 1,
    filesByPhase: { data: 1, commit: 0, pointer: 0 },
    filesDone: 1,
    bytes: 8,
    bytesDone: 8,
    uid: 1,
    lacks: [],
    ...fields,
  }) as ListedTransfer;

t.test('totals are those of what could be read; a copy is counted by its original', async (t) => {
  const all = [
    transfer({}),
    transfer({ uid: 2, alive: 'yes' }),
    transfer({ state: 'copy' }),
    transfer({ name: '', state: 'unreadable' }),
  ];
  t.match(byDataset(all), [{ name: 'a', transfers: 2, size: 2, alive: 1, bytes: 16, states: { complete: 2 } }]);
  t.match(byUser(all), [
    { uid: 1, transfers: 2 },
    { uid: 2, transfers: 1 },
  ]);
});

t.test('100% is said only of what is complete', async (t) => {
  t.equal(percent({ bytes: 1000, bytesDone: 999, files: 2, filesDone: 1 }), '99%');
  t.equal(percent({ bytes: 0, bytesDone: 0, files: 4, filesDone: 1 }), '25%');
  t.equal(percent({ bytes: 0, bytesDone: 0, files: 0, filesDone: 0 }), '100%');
});
