// axl-finalize as a program: what it does with each kind of state file, what it prints, how it exits.
import * as fs from 'node:fs';
import { basename } from 'node:path';
import t from 'tap';
import { type FinalizedEntry, type FinalizeReport, Transfer } from '../../lib/index.js';
import { begin, cutBefore, leave, makeNewer, quiet, TYPE, temporaryName } from '../journals.js';
import { axlFinalize, type ChildOptions, Place, temporaries, tree } from '../support.js';

/** axl-finalize --json on the state directory of a place: its exit status, the entries by name, the totals. */
async function finalized(place: Place, args: string[] = [], options: ChildOptions = {}) {
  const ended = await axlFinalize(['--json', ...args, place.states], options);
  const { entries: list, ...summary } = JSON.parse(ended.stdout) as { entries: FinalizedEntry[] } & FinalizeReport;
  const entries = Object.fromEntries(list.map((entry) => [entry.stateFile.slice(place.states.length + 1), entry]));
  return { ...ended, entries, summary };
}

t.test('complete transfers are published, and their state files go: status 0', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  await leave.complete(place, 'b');
  const { status, stdout, stderr } = await axlFinalize([place.states]);
  t.equal(status, 0, stderr);
  t.same(tree(place.dest), { a: 'source/a', b: 'source/b' });
  t.same(tree(place.states), {});
  t.match(stdout, /^axl-finalize: 2 state files: 2 published; 2 files published, 16 bytes; [\d.]+s\n$/);
  t.equal(stderr, '');
});

t.test('an empty state directory is status 0, and said to be empty', async (t) => {
  const place = new Place(t);
  const { status, stdout } = await axlFinalize([place.states]);
  t.equal(status, 0);
  t.match(stdout, /^axl-finalize: 0 state files; [\d.]+s\n {2}.*: there is no state file: it is empty.*\n$/);
});

t.test('a second run finds nothing to do and changes nothing', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  await leave.incomplete(place, 'b');
  t.equal((await axlFinalize([place.states])).status, 3);
  const after = tree(place.root);
  const { status, summary } = await finalized(place);
  t.equal(status, 0);
  t.match(summary.counts, { published: 0, 'rolled-back': 0 });
  t.same(tree(place.root), after);
});

t.test('the state file of a transfer that was never dispatched is removed', async (t) => {
  const place = new Place(t);
  await leave.created(place, 'a');
  const { status, entries } = await finalized(place);
  t.equal(status, 0);
  t.match(entries, { a: { action: 'removed' } });
  t.same(tree(place.states), {});
});

t.test('the state file of a transfer that was published and never freed is removed', async (t) => {
  const place = new Place(t);
  await leave.published(place, 'a');
  fs.writeFileSync(place.path('dest', 'a'), 'changed since');
  const { status, entries } = await finalized(place);
  t.equal(status, 0);
  t.match(entries, { a: { action: 'removed' } });
  t.same(tree(place.states), {});
  t.same(tree(place.dest), { a: 'changed since' });
});

t.test('an incomplete transfer is rolled back to what was there before: status 3', async (t) => {
  const place = new Place(t);
  place.write('dest/a', 'of before');
  place.write('source/b/c');
  const stateFile = place.path('states', 'b');
  {
    await using transfer = await place.create({ stateFile });
    await transfer.add(place.path('source/b'), place.path('dest/made/b'));
    await transfer.dispatch();
    await quiet(transfer);
  }
  cutBefore(stateFile, TYPE.done);
  await leave.incomplete(place, 'a');
  await leave.failed(place, 'f');
  const { status, entries } = await finalized(place);
  t.equal(status, 3);
  t.match(entries, { a: { action: 'rolled-back' }, b: { action: 'rolled-back' }, f: { action: 'rolled-back' } });
  t.same(tree(place.dest), { a: 'of before' });
  t.same(tree(place.states), {});
});

t.test('--incomplete keep leaves an incomplete transfer for a resume: status 3', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  const kept = await leave.incomplete(place, 'b');
  const { status, entries } = await finalized(place, ['--incomplete', 'keep']);
  t.equal(status, 3);
  t.match(entries, { a: { action: 'published' }, b: { action: 'kept', filesDone: 0, files: 1 } });
  const transfer = await Transfer.open(kept);
  await transfer.resume();
  await transfer.wait();
  await transfer.free();
  t.same(tree(place.dest), { a: 'source/a', b: 'source/b' });
});

t.test('a transfer whose process lives is busy and left alone: status 4', async (t) => {
  const place = new Place(t);
  await using created = await begin(place, 'a');
  await using complete = await begin(place, 'b');
  await complete.dispatch();
  await quiet(complete);
  const { status, entries, stderr } = await finalized(place);
  t.equal(status, 4);
  t.match(entries, { a: { action: 'busy' }, b: { action: 'busy', error: { code: 'AXL_STATE_LOCKED' } } });
  t.match(stderr, place.path('states/b'));
  await complete.wait();
  await complete.free();
  t.equal(created.state, 'created');
  t.same(tree(place.dest), { b: 'source/b' });
});

t.test('a corrupt state file, or one of another version, is left as it is: status 5', async (t) => {
  const place = new Place(t);
  await leave.corrupt(place, 'a');
  await leave.newer(place, 'b');
  fs.writeFileSync(place.path('states/c'), fs.readFileSync(await leave.complete(place, 'c')).subarray(0, 20));
  const before = tree(place.root);
  const { status, entries, stderr } = await finalized(place);
  t.equal(status, 5);
  t.match(entries, {
    a: { action: 'corrupt', error: { code: 'AXL_STATE_CORRUPT' } },
    b: { action: 'corrupt', error: { code: 'AXL_STATE_VERSION' } },
    c: { action: 'corrupt', error: { code: 'AXL_STATE_CORRUPT' } },
  });
  t.equal(stderr.trimEnd().split('\n').length, 3);
  t.same(tree(place.root), before);
});

t.test('a state file that lost its plan is corrupt while a temporary file of it is there', async (t) => {
  const place = new Place(t);
  cutBefore(await leave.complete(place, 'a'), TYPE.sealed);
  const before = tree(place.root);
  const { status, entries } = await finalized(place);
  t.equal(status, 5);
  t.match(entries, { a: { action: 'corrupt' } });
  t.same(tree(place.root), before);
});

t.test(
  'a temporary file that is gone or another fails its transfer, and the others are published: status 1',
  async (t) => {
    const place = new Place(t);
    const gone = await leave.complete(place, 'a');
    const other = await leave.complete(place, 'b');
    await leave.complete(place, 'c');
    fs.rmSync(temporaryName(gone, place.path('dest/a')));
    const temporary = temporaryName(other, place.path('dest/b'));
    fs.renameSync(temporary, place.path('dest/moved'));
    fs.copyFileSync(place.path('dest/moved'), temporary);
    const { status, entries } = await finalized(place);
    t.equal(status, 1);
    t.match(entries, {
      a: { action: 'failed', error: { code: 'AXL_VERIFY' } },
      b: { action: 'failed', error: { code: 'AXL_VERIFY' } },
      c: { action: 'published' },
    });
    t.same(fs.readdirSync(place.states).sort(), ['a', 'b']);
    t.same(fs.readdirSync(place.dest).sort(), [temporary.slice(place.dest.length + 1), 'c', 'moved'].sort());
  },
);

t.test(
  'a temporary file that a power cut took before its name was durable makes the transfer incomplete',
  async (t) => {
    const place = new Place(t);
    const stateFile = await leave.complete(place, 'a');
    cutBefore(stateFile, TYPE.settled);
    fs.rmSync(temporaryName(stateFile, place.path('dest/a')));
    const { status, entries } = await finalized(place);
    t.equal(status, 3);
    t.match(entries, { a: { action: 'rolled-back' } });
    t.same(tree(place.states), {});
  },
);

t.test('publishing goes on where a killed finalizer stopped', async (t) => {
  const place = new Place(t);
  place.write('source/a');
  place.write('source/b');
  const stateFile = place.path('states/ab');
  {
    await using transfer = await place.create({ stateFile });
    await transfer.add(place.source, place.dest);
    await transfer.dispatch();
    await quiet(transfer);
  }
  fs.renameSync(temporaryName(stateFile, place.path('dest/a')), place.path('dest/a'));
  fs.chmodSync(place.path('dest/a'), 0o600);
  const { status, entries } = await finalized(place, ['--incomplete', 'delete']);
  t.equal(status, 0);
  t.match(entries, { ab: { action: 'published', files: 2, filesDone: 2 } });
  t.same(tree(place.dest), tree(place.source));
  t.equal(fs.statSync(place.path('dest/a')).mode, fs.statSync(place.path('source/a')).mode);
});

t.test('a rename of which both names are there is completed, whatever else is to become of destinations', async (t) => {
  for (const overwrite of ['replace', 'fail', 'keep']) {
    const place = new Place(t);
    const stateFile = await leave.complete(place, 'a');
    const temporary = temporaryName(stateFile, place.path('dest/a'));
    fs.linkSync(temporary, place.path('dest/a'));
    const { status, entries } = await finalized(place, ['--overwrite', overwrite]);
    t.equal(status, 0);
    t.match(entries, { a: { action: 'published' } });
    t.same(tree(place.dest), { a: 'source/a' });
  }
});

t.test('a torn last record counts as not written', async (t) => {
  const place = new Place(t);
  fs.appendFileSync(await leave.complete(place, 'a'), 'torn');
  const incomplete = await leave.complete(place, 'b');
  fs.truncateSync(incomplete, fs.statSync(incomplete).size - 1 - 13 - 30); // SETTLED, and part of DONE
  const { status, entries } = await finalized(place);
  t.equal(status, 3);
  t.match(entries, { a: { action: 'published' }, b: { action: 'rolled-back' } });
  t.same(temporaries(place.dest), []);
});

t.test('the draft of a create that was killed is removed, one that is locked is busy', async (t) => {
  const place = new Place(t);
  const draft = (digit: string) => place.path('states', `.${digit.repeat(32)}.new`);
  fs.writeFileSync(draft('a'), 'half a head');
  await using live = await begin(place, 'live');
  fs.renameSync(live.stateFile, draft('b'));
  const { status, entries } = await finalized(place);
  t.equal(status, 4);
  t.match(entries, { [basename(draft('a'))]: { action: 'removed' }, [basename(draft('b'))]: { action: 'busy' } });
  t.same(fs.readdirSync(place.states), [`.${'b'.repeat(32)}.new`]);
  fs.renameSync(draft('b'), live.stateFile);
});

t.test('--dry-run says what would be done, with the same status, and touches nothing', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'complete');
  await leave.incomplete(place, 'incomplete');
  await leave.created(place, 'created');
  await leave.published(place, 'published');
  fs.writeFileSync(place.path('states', `.${'a'.repeat(32)}.new`), '');
  const times = () => fs.readdirSync(place.states).map((name) => fs.statSync(place.path('states', name)).ctimeMs);
  const before = [tree(place.root), times()];
  const dry = await finalized(place, ['--dry-run']);
  t.same([tree(place.root), times()], before);
  t.equal(dry.summary.dryRun, true);
  const real = await finalized(place);
  t.equal(dry.status, real.status);
  t.same(dry.summary.counts, real.summary.counts);
  const actions = (entries: typeof dry.entries) => Object.keys(entries).map((name) => [name, entries[name]?.action]);
  t.same(actions(dry.entries).sort(), actions(real.entries).sort());
  t.equal(real.status, 3);
});

t.test('what is not a state file is left alone and counted', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  place.write('states/text', 'hello, world');
  place.write('states/empty', '');
  place.write('states/sub/a', 'not below');
  fs.symlinkSync('a', place.path('states/link'));
  const { status, summary } = await finalized(place);
  t.equal(status, 0);
  t.match(summary.counts, { published: 1, 'not-state': 4 });
  t.same(tree(place.states), { text: 'hello, world', empty: '', 'sub/': '', 'sub/a': 'not below', link: '-> a' });
  t.match((await axlFinalize([place.states])).stdout, '4 other names left alone');
});

t.test('the first of 1, 5, 4, 3, 0 that applies is the exit status', async (t) => {
  const place = new Place(t);
  const status = async () => (await axlFinalize(['--dry-run', place.states])).status;
  await leave.complete(place, 'complete');
  t.equal(await status(), 0);
  await leave.incomplete(place, 'incomplete');
  t.equal(await status(), 3);
  await using _busy = await begin(place, 'busy');
  t.equal(await status(), 4);
  makeNewer(await leave.complete(place, 'newer'));
  t.equal(await status(), 5);
  fs.rmSync(temporaryName(await leave.complete(place, 'failed'), place.path('dest/failed')));
  t.equal(await status(), 1);
});
