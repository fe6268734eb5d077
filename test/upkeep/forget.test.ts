// `axl-finalize forget`: removes a state file on which nobody can act, and nothing else.
import * as fs from 'node:fs';
import t from 'tap';
import { begin, leave, makeNewer } from '../journals.js';
import { axlFinalize, NOBODY, noOwnerProcess, Place, said, temporaries, tree } from '../support.js';

const forget = (...args: string[]) => axlFinalize(['forget', ...args]);

/** What is below a directory, without one state file. */
const without = (place: Place, name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(tree(place.root)).filter(([path]) => path !== `states/${name}`));

for (const what of ['corrupt', 'newer'] as const)
  t.test(`a state file that is ${what} is removed, and nothing else`, async (t) => {
    const place = new Place(t);
    const stateFile = await leave[what](place, 'a');
    const rest = without(place, 'a');
    const uuid = fs.readFileSync(stateFile).subarray(16, 24).toString('hex');
    const unknown = await forget(stateFile);
    t.match(unknown, { status: 4, stderr: /its writer.*may be alive.*--job-ended/ }, 'its writer cannot be read');
    t.ok(fs.existsSync(stateFile));
    t.match(await forget('--job-ended', stateFile), { status: 0, stdout: /removed .*\n.*\._AXL/ });
    t.notOk(fs.existsSync(stateFile));
    t.same(tree(place.root), rest);
    t.match(temporaries(place.dest), [new RegExp(`${uuid}$`)], 'the temporary file is an orphan now');
  });

t.test('a transfer whose destination is gone for good is forgotten, and what exists is named', async (t) => {
  const place = new Place(t);
  const stateFile = await leave.complete(place, 'a');
  place.write('dest/a', 'older');
  const listed = said(await forget('--json', '--force', await leave.incomplete(place, 'b')));
  t.match(listed.stateFiles, [
    { removed: true, name: 'b', temporaries: [{ path: /dest\/b\._AXL/ }], destinations: [], listed: true },
  ]);
  fs.renameSync(place.dest, place.path('gone'));
  t.equal((await axlFinalize([stateFile])).status, 1, 'nobody can act on it');
  t.match(await forget(stateFile), { status: 0, stdout: /^removed .*\(a, rank 0\)\n$/ });
  t.notOk(fs.existsSync(stateFile));
});

t.test('a copy of a state file is forgotten, and the transfer is finalized by the original', async (t) => {
  const place = new Place(t);
  const stateFile = await leave.complete(place, 'a');
  const copy = place.path('states/a.bak');
  fs.copyFileSync(stateFile, copy);
  t.match(await forget(copy), { status: 0 });
  t.same(fs.readdirSync(place.states), ['a']);
  t.equal((await axlFinalize([place.states])).status, 0);
  t.equal(fs.readFileSync(place.path('dest/a'), 'utf8'), 'source/a');
});

t.test('what axl-finalize can finalize is refused, and says so, but for --force', async (t) => {
  const place = new Place(t);
  const all = [
    await leave.complete(place, 'complete'),
    await leave.incomplete(place, 'incomplete'),
    await leave.created(place, 'created'),
    await leave.published(place, 'published'),
  ];
  const before = tree(place.root);
  for (const stateFile of all) t.match(await forget(stateFile), { status: 1, stderr: /use axl-finalize .*or --force/ });
  t.same(tree(place.root), before);
  const { status, stdout } = await forget('--force', ...all);
  t.equal(status, 0);
  t.match(stdout, /left the temporary file .*complete\._AXL/);
  t.match(stdout, /left the destination .*dest\/published/);
  t.same(fs.readdirSync(place.states), []);
  t.equal(temporaries(place.dest).length, 2);
});

t.test('a live writer is not forgotten, whatever is said', async (t) => {
  const place = new Place(t);
  await using transfer = await begin(place, 'live');
  await transfer.dispatch();
  makeNewer(transfer.stateFile);
  for (const args of [[], ['--force'], ['--force', '--job-ended']])
    t.equal((await forget(...args, transfer.stateFile)).status, 4, args.join(' '));
  t.ok(fs.existsSync(transfer.stateFile));
});

t.test('what is no state file, a link to one, and what is not there are refused', async (t) => {
  const place = new Place(t);
  const stateFile = await leave.corrupt(place, 'a');
  const other = place.write('states/other', 'some notes');
  fs.symlinkSync(stateFile, place.path('states/link'));
  const before = tree(place.root);
  for (const [path, why] of [
    [other, /not a state file/],
    [place.path('states/link'), /./],
    [place.states, /./],
    [place.path('states/missing'), /ENOENT/],
  ] as const)
    for (const force of [[], ['--force']])
      t.match(await forget(...force, '--job-ended', path), { status: 1, stderr: why }, path);
  t.match(said(await forget('--json', '--job-ended', other)).stateFiles, [{ error: { code: 'AXL_STATE_CORRUPT' } }]);
  t.same(tree(place.root), before);
});

t.test('root forgets no state file of another user', { skip: await noOwnerProcess() }, async (t) => {
  const place = new Place(t);
  const stateFile = await leave.corrupt(place, 'a');
  place.give(NOBODY);
  t.match(await forget('--job-ended', stateFile), { status: 1, stderr: /belongs to user \d+: run this as that user/ });
  t.equal((await axlFinalize(['forget', '--job-ended', stateFile], { uid: NOBODY })).status, 0);
});

t.test(
  'what can be published over a destination is refused: that is for its owner to say, and no reason to forget',
  async (t) => {
    const place = new Place(t);
    const stateFile = await leave.complete(place, 'a');
    place.write('dest/a', 'came since');
    t.equal((await axlFinalize([stateFile])).status, 1);
    t.match(await forget(stateFile), { status: 1, stderr: /its transfer can be published: use axl-finalize/ });
    t.ok(fs.existsSync(stateFile));
  },
);
