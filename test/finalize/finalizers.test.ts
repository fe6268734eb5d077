// axl-finalize beside other finalizers, live jobs, kills and other users; its command line; finalize() as a function.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import t from 'tap';
import { type FinalizeEvent, finalize } from '../../lib/index.js';
import { begin, leave, quiet } from '../journals.js';
import {
  axlFinalize,
  type Ended,
  isRoot,
  NOBODY,
  noOwnerProcess,
  noStrangers,
  noUnprivileged,
  Place,
  script,
  takeLock,
  temporaries,
  tree,
  unprivileged,
} from '../support.js';

const MANY = 200;
/** Without --wait a finalizer gives up on a locked directory after 8 s. */
const LONGER_THAN_PATIENCE_MS = 10_000;
const names = Array.from({ length: MANY }, (_, i) => `rank${i}`);
const expected = Object.fromEntries(names.map((name) => [name, `source/${name}`]));

/** Leaves many complete transfers, a few at a time. */
async function leaveMany(place: Place): Promise<void> {
  const rest = names.values();
  const lane = async () => {
    for (const name of rest) await leave.complete(place, name);
  };
  await Promise.all([lane(), lane(), lane(), lane(), lane(), lane(), lane(), lane()]);
}

/** All is copied, nobody waits. */
const COPY = `
  const [stateFile, source, dest] = args;
  const transfer = await axl.Transfer.create({ name: 'ckpt', stateFile });
  await transfer.add(source, dest);
  await transfer.dispatch();`;

const lines = (text: string) => (text === '' ? [] : text.trimEnd().split('\n'));
const actions = ({ stdout }: Ended): string[] =>
  lines(stdout).flatMap((line) => {
    const { entry } = JSON.parse(line);
    return entry?.action ?? [];
  });

t.test('eight finalizers at once publish each transfer exactly once', async (t) => {
  const place = new Place(t);
  await leaveMany(place);
  const run = () => axlFinalize(['--ndjson', '--jobs', '4', place.states]);
  const ended = await Promise.all(Array.from({ length: 8 }, run));
  const all = ended.flatMap(actions);
  t.equal(all.filter((action) => action === 'published').length, MANY);
  t.same(
    [...new Set(all)].filter((action) => !['published', 'busy', 'gone'].includes(action)),
    [],
  );
  for (const { status, stderr } of ended) t.ok(status === 0 || status === 4, stderr);
  t.same(tree(place.dest), expected);
  t.same(tree(place.states), {});
});

t.test('what finalizers left that were killed is published by the next', async (t) => {
  const place = new Place(t);
  await leaveMany(place);
  const left = () => fs.readdirSync(place.states).filter((name) => name.startsWith('rank')).length;
  const seen = {
    'the first final name': () => fs.readdirSync(place.dest).some((name) => !name.includes('._AXL')),
    'the first state file gone': () => left() < MANY,
  };
  // It waits for this one: however late the kill comes, it has not ended.
  const live = await place.create({ stateFile: place.path('states/live') });
  for (const [moment, come] of Object.entries(seen)) {
    const { signal } = await axlFinalize(['--jobs', '1', '--wait', place.states], { killWhen: come });
    t.equal(signal, 'SIGKILL', moment);
    t.same(fs.readdirSync(place.dest).length, MANY, 'each file has one name');
  }
  await live[Symbol.asyncDispose]();
  const rest = left();
  const { status, stdout } = await axlFinalize([place.states]);
  t.equal(status, 0);
  if (rest > 0) t.match(stdout, `${rest} published`);
  t.same(tree(place.dest), expected);
  t.same(tree(place.states), {});
});

t.test(
  'a lock that a killed finalizer left goes when it is stale, though nothing is left to do, and no other',
  async (t) => {
    const place = new Place(t);
    const lock = (part: string) => place.path('states', `.axl-finalize.${process.geteuid?.()}${part}.lock`);
    fs.mkdirSync(lock(''));
    fs.mkdirSync(lock('.3-of-8'));
    t.match(await axlFinalize([place.states]), { status: 0, stderr: '' });
    t.same(fs.readdirSync(place.states).length, 2, 'who made them may still be at work');
    for (const part of ['', '.3-of-8']) fs.utimesSync(lock(part), 1, 1);
    t.match(await axlFinalize(['--dry-run', place.states]), { status: 0, stderr: '' });
    t.same(fs.readdirSync(place.states).length, 2, 'a dry run changes nothing');
    t.match(await axlFinalize([place.states]), { status: 0, stderr: '' });
    t.same(fs.readdirSync(place.states), []);
  },
);

t.test('--wait waits for another finalizer, too, however long that one works', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  const lock = place.path('states', `.axl-finalize.${process.geteuid?.()}.lock`);
  takeLock(lock);
  const ends = setTimeout(() => fs.rmdirSync(lock), LONGER_THAN_PATIENCE_MS);
  t.teardown(() => clearTimeout(ends));
  const ended = await axlFinalize(['--wait', place.states]);
  t.equal(ended.status, 0, ended.stderr);
  t.equal(fs.existsSync(lock), false, 'the other one was done first');
  t.same(tree(place.dest), { a: 'source/a' });
});

t.test('live transfers in a state directory do not notice finalizers', async (t) => {
  const place = new Place(t);
  const met: string[] = [];
  let working = true;
  t.teardown(() => {
    working = false;
  });
  const finalizers = (async () => {
    // A draft may be taken for an orphan in the instant before it is locked; its create then tries the next one.
    const onEvent = (event: FinalizeEvent) =>
      event.event === 'entry' && !event.entry.stateFile.endsWith('.new') && met.push(event.entry.action);
    while (working) await finalize(place.states, { onEvent });
  })();
  for (const [i, name] of names.slice(0, 40).entries()) {
    const transfer = await begin(place, name);
    await transfer.dispatch();
    while (i === 39 && met.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    await transfer.wait();
    await transfer.free();
  }
  working = false;
  await finalizers;
  t.ok(met.length > 0, 'they met');
  const others = met.filter((action) => action !== 'busy' && action !== 'gone');
  t.same(others, []);
  t.same(tree(place.dest), Object.fromEntries(Object.entries(expected).slice(0, 40)));
});

t.test('-v prints a line for each state file, with the name escaped so that it stays on its line', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  await leave.complete(place, 'new\nline');
  await leave.corrupt(place, '\x1b[31mred');
  const { stdout, stderr } = await axlFinalize(['-v', place.states]);
  const [summary, ...entries] = lines(stdout)
    .filter((line) => !line.startsWith(' '))
    .reverse();
  t.match(summary, /^axl-finalize: 3 state files: /);
  t.same(entries.sort(), [
    `corrupt ${place.states}/\\x1b[31mred`,
    `published ${place.states}/a (a, rank 0, 1 file)`,
    `published ${place.states}/new\\x0aline (new\\x0aline, rank 0, 1 file)`,
  ]);
  t.match(stderr, `axl-finalize: ${place.states}/\\x1b[31mred: `);
  t.equal(lines(stderr).length, 1);
});

t.test('a state file whose name is not UTF-8 is finalized', async (t) => {
  const place = new Place(t);
  const stateFile = await leave.complete(place, 'a');
  const odd = Buffer.concat([Buffer.from(`${place.states}/`), Buffer.of(0xff, 0x0a, 0xfe)]);
  fs.renameSync(stateFile, odd);
  const { status, stdout } = await axlFinalize(['-v', place.states]);
  t.equal(status, 0);
  t.match(stdout, `published ${place.states}/\\xff\\x0a\\xfe (a, rank 0, 1 file)\n`);
  t.same(tree(place.dest), { a: 'source/a' });
});

t.test('several directories are finalized, one that is given twice once', async (t) => {
  const place = new Place(t);
  const other = place.mkdir('other');
  await leave.complete(place, 'a');
  fs.renameSync(await leave.complete(place, 'b'), place.path('other/b'));
  fs.symlinkSync(other, place.path('link'));
  const { status, stdout } = await axlFinalize([
    place.states,
    other,
    `${other}/`,
    place.path('link'),
    `${place.root}/./other`,
  ]);
  t.equal(status, 0);
  t.match(stdout, '2 state files: 2 published');
  t.same(tree(place.dest), { a: 'source/a', b: 'source/b' });
});

t.test('--jobs 1 and --jobs 256 do the same', async (t) => {
  for (const jobs of ['1', '256']) {
    const place = new Place(t);
    for (const name of names.slice(0, 5)) await leave.complete(place, name);
    t.equal((await axlFinalize(['--jobs', jobs, place.states])).status, 0);
    t.same(Object.keys(tree(place.dest)).sort(), names.slice(0, 5));
  }
});

t.test('after a directory that cannot be read nothing is deleted anywhere: status 1', async (t) => {
  for (const missing of ['missing', 'source/a/b']) {
    const place = new Place(t);
    await leave.complete(place, 'a');
    await leave.incomplete(place, 'b');
    await leave.created(place, 'c');
    const { status, stdout, stderr } = await axlFinalize(['-v', place.states, place.path(missing)]);
    t.equal(status, 1);
    t.match(stderr, `axl-finalize: stat ${place.path(missing)}: `);
    t.match(stderr, missing === 'missing' ? 'ENOENT' : 'ENOTDIR');
    t.match(stdout, '3 state files: 1 published, 2 kept; 1 file published, 8 bytes; 1 input not read');
    t.same(fs.readdirSync(place.states), ['b', 'c']);
    t.equal(temporaries(place.dest).length, 1);
  }
});

t.test('a directory that its user may not read is one that cannot be read', async (t) => {
  const skip = await noUnprivileged();
  if (skip) return t.plan(0, skip);
  const place = new Place(t);
  await leave.incomplete(place, 'a');
  const locked = place.mkdir('locked', 0);
  if (unprivileged.uid !== undefined) place.give(unprivileged.uid);
  const { status, stderr } = await axlFinalize([place.states, locked], unprivileged);
  t.equal(status, 1);
  t.match(stderr, `${locked}: `);
  t.match(stderr, 'EACCES');
  t.same(fs.readdirSync(place.states), ['a']);
  t.equal(temporaries(place.dest).length, 1);
});

t.test('a state directory that its user may read only fails, and the state file stays', async (t) => {
  const skip = await noUnprivileged();
  if (skip) return t.plan(0, skip);
  const place = new Place(t);
  place.write('source/a');
  if (unprivileged.uid !== undefined) place.give(unprivileged.uid);
  t.equal((await script(COPY, [place.stateFile, place.source, place.dest], unprivileged)).status, 0);
  fs.chmodSync(place.states, 0o555);
  const first = await axlFinalize([place.states], unprivileged);
  t.equal(first.status, 1);
  t.match(first.stderr, 'EACCES');
  fs.chmodSync(place.states, 0o755);
  t.equal((await axlFinalize([place.states], unprivileged)).status, 0);
  t.same(tree(place.dest), { a: 'source/a' });
});

t.test("a user cannot finalize another user's state files: status 1", async (t) => {
  const skip = await noStrangers();
  if (skip) return t.plan(0, skip);
  const place = new Place(t);
  await leave.complete(place, 'a');
  await leave.incomplete(place, 'b');
  for (const mode of [0o600, 0o666]) {
    fs.chmodSync(place.path('states/a'), mode);
    const before = tree(place.root);
    const { status, stderr } = await axlFinalize([place.states], { uid: NOBODY });
    t.equal(status, 1);
    t.match(stderr, `${place.path('states/a')}: `);
    t.same(tree(place.root), before);
  }
});

t.test("root finalizes a user's state files as that user", async (t) => {
  const skip = await noOwnerProcess();
  if (skip) return t.plan(0, skip);
  const place = new Place(t);
  place.write('source/a');
  fs.writeFileSync(place.path('states', `.${'a'.repeat(32)}.new`), '');
  place.give(NOBODY);
  t.equal((await script(COPY, [place.stateFile, place.source, place.dest], { uid: NOBODY })).status, 0);
  const { status, stdout } = await axlFinalize([place.states]);
  t.equal(status, 0, stdout);
  t.same(tree(place.dest), { a: 'source/a' });
  t.equal(fs.statSync(place.path('dest/a')).uid, NOBODY);
  t.same(tree(place.states), {});
});

t.test('a state file with a second name is refused: it may be finalized by that name', async (t) => {
  const place = new Place(t);
  const stateFile = await leave.complete(place, 'a');
  fs.linkSync(stateFile, place.path('second'));
  const { problems } = await finalize(place.states);
  t.match(problems, [{ action: 'failed', error: { code: 'AXL_UNSAFE_PATH' } }]);
  t.ok(fs.existsSync(stateFile));
});

t.test('finalize() tells each thing that happens, and returns it in sum', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  await using busy = await begin(place, 'b');
  await busy.dispatch();
  await quiet(busy);
  const seen: string[] = [];
  const entries: string[] = [];
  const report = await finalize(Buffer.from(place.states), {
    onEvent: (event) => {
      seen.push(event.event);
      if (event.event === 'entry') entries.push(`${event.entry.stateFileBytes} ${event.entry.action}`);
      if (event.event === 'scan') t.equal(event.candidates, 2);
    },
  });
  t.same(seen, ['start', 'scan', 'entry', 'entry', 'end']);
  t.same(entries.sort(), [`${place.states}/a published`, `${place.states}/b busy`]);
  t.match(report, { counts: { published: 1, busy: 1 }, files: 1, bytes: 8, dryRun: false, interrupted: false });
  t.match(report.problems, [{ stateFile: place.path('states/b'), action: 'busy' }]);
});

t.test('finalize() stops at its signal, and what is left can be finalized later', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  const stopped = await finalize(place.states, { signal: AbortSignal.abort(new Error('enough')) });
  t.match(stopped, { counts: { published: 0 }, interrupted: true });
  t.same(fs.readdirSync(place.states), ['a']);
  t.match(await finalize(place.states), { counts: { published: 1 }, interrupted: false });
});

t.test('misuse of finalize() is a TypeError or RangeError', async (t) => {
  const bad = (options: object) => finalize('/nonexistent', options as never);
  await t.rejects(bad({ incomplet: 'keep' }), {
    name: 'TypeError',
    message: 'finalize has no option incomplet; did you mean incomplete?',
  });
  await t.rejects(bad({ incomplete: 'discard' }), TypeError);
  await t.rejects(bad({ jobs: '8' }), TypeError);
  await t.rejects(bad({ dryRun: 'yes' }), TypeError);
  await t.rejects(bad({ onEvent: 1 }), TypeError);
  await t.rejects(bad({ jobs: 0 }), RangeError);
  await t.rejects(bad({ jobs: 257 }), RangeError);
  await t.rejects(finalize(42 as never), TypeError);
  await t.rejects(finalize(''), TypeError);
});

const canBind = isRoot && spawnSync('unshare', ['-m', 'mount', '--bind', '/tmp', '/tmp']).status === 0;
const noBind = canBind ? '' : 'needs root, to mount';
if (noBind) console.error(`SKIPPED two names of a directory: ${noBind}`);

t.test('a directory given by two names is finalized once, and nobody else is at work', { skip: noBind }, async (t) => {
  const place = new Place(t);
  const other = place.mkdir('other');
  t.equal(spawnSync('mount', ['--bind', place.states, other]).status, 0);
  t.teardown(() => spawnSync('umount', ['-l', other]));
  await leave.complete(place, 'rank0');
  await leave.complete(place, 'rank1');
  for (const inputs of [
    [place.states, other],
    [other, place.states],
  ]) {
    const { status, stderr, stdout } = await axlFinalize(['--keep-state', ...inputs]);
    t.equal(status, 0, stderr + stdout);
  }
  const { counts, problems } = await finalize([other, place.states]);
  t.match(counts, { removed: 2, busy: 0 });
  t.same(problems, []);
  t.same(tree(place.states), {});
});
