// What becomes of a copy that is interrupted, killed, refused or in the background: what is left, and how it goes on. That it is
// interrupted in the middle is certain: AXL_DEBUG_PAUSE_AFTER holds it there.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { inspect } from '../../lib/index.js';
import { corrupt, leave, makeNewer, moveToHost } from '../journals.js';
import {
  axlCp,
  axlFinalize,
  bytes,
  CP_BINARY,
  mountSmall,
  NOBODY,
  noStrangers,
  Place,
  program,
  root,
  said,
  temporaries,
  tree,
} from '../support.js';

/** More than one chunk. */
const SIZE = 20 << 20;
const HALF = { AXL_DEBUG_PAUSE_AFTER: `${SIZE / 2}` };
const STATE = '.axl-cp.';
const TERMINAL = join(root, 'test', 'cli', 'terminal.py');
const noPython = spawnSync('python3', ['-c', 'import pty']).status === 0 ? false : 'no python3';
/** What a create that was killed leaves: a state file without a name, which axl-finalize removes. */
const DRAFT = /^\.[0-9a-f]{32}\.new$/;

function ready(t: Test): Place {
  const place = new Place(t);
  place.write('src/a', 'A');
  place.write('src/big', bytes(SIZE));
  place.mkdir('dest');
  return place;
}

const isWhole = (t: Test, place: Place, dest = place.path('dest/src')) =>
  t.same(tree(dest), tree(place.path('src')), 'complete');

const until = async (come: () => boolean) => {
  while (!come()) await new Promise((resolve) => setTimeout(resolve, 5));
};

const bytesCopied = (dir: string): number =>
  temporaries(dir).reduce((sum, name) => sum + fs.statSync(`${dir}/${name}`).blocks * 512, 0);

/** An axl-cp that stands still in the middle. */
async function paused(place: Place, args: readonly string[], env = HALF): Promise<ChildProcess> {
  const child = spawn(process.execPath, [CP_BINARY, ...args, '-r', 'src', 'dest'], {
    cwd: place.root,
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: 'ignore',
  });
  await until(() => bytesCopied(place.path('dest')) >= SIZE / 4 || child.exitCode !== null);
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const closed = once(child, 'close');
  child.kill(signal);
  await closed;
  return child.exitCode;
}

t.test('SIGTERM in the middle: status 0, nothing is published, and -U goes on', async (t) => {
  const place = ready(t);
  const state = place.stateFile;
  t.equal(await end(await paused(place, ['-S', state]), 'SIGTERM'), 0);
  t.same(
    Object.keys(tree(place.path('dest'))).filter((name) => !/^src\/$|\._AXL/.test(name)),
    [],
  );
  t.match(inspect(state), { state: 'incomplete', alive: 'no' });
  const { status, stdout } = await axlCp(['--json', '-S', state, '-U']);
  t.match(JSON.parse(stdout), { action: 'published', status, files: 2, bytes: SIZE + 1 });
  isWhole(t, place);
  t.same([tree(place.states), temporaries(place.root)], [{}, []]);
});

t.test('SIGINT in the middle: status 6, and the same', async (t) => {
  const place = ready(t);
  t.equal(await end(await paused(place, ['-S', place.stateFile]), 'SIGINT'), 6);
  t.equal((await axlCp(['-S', place.stateFile, '-U'])).status, 0);
  isWhole(t, place);
});

t.test('without -S nothing is left of it: SIGTERM is status 0, SIGINT 6', async (t) => {
  for (const [signal, status] of [
    ['SIGTERM', 0],
    ['SIGINT', 6],
  ] as const) {
    const place = ready(t);
    const child = await paused(place, []);
    t.ok(
      fs.readdirSync(place.path('dest')).some((name) => name.startsWith(STATE)),
      'beside the destination',
    );
    t.equal(await end(child, signal), status);
    t.same(tree(place.path('dest')), {}, signal);
  }
});

t.test('SIGKILL in the middle, then -U', async (t) => {
  const place = ready(t);
  await end(await paused(place, ['-S', place.stateFile]), 'SIGKILL');
  const waited = await axlCp(['--wait', place.stateFile]);
  t.equal(waited.status, 3);
  t.match(waited.stderr, /^axl-cp: the copy was killed; to go on: axl-cp -S \S+ -U\n$/);
  const { status, stderr } = await axlCp(['-S', place.stateFile, '-U', '-X', 'state_file', '-r', 'src', 'dest']);
  t.equal(status, 0);
  t.match(stderr, /^axl-cp: -U goes on with what the state file says: SOURCE and DEST were not read\n$/);
  isWhole(t, place);
  t.same([tree(place.states), temporaries(place.root)], [{}, []]);
});

t.test('SIGKILL in the middle of one without -S: axl-finalize clears it away', async (t) => {
  const place = ready(t);
  await end(await paused(place, []), 'SIGKILL');
  t.equal((await axlFinalize([place.path('dest')])).status, 3);
  t.same(tree(place.path('dest')), {});
});

t.test('SIGKILL at any moment, then the same command line with -U: complete, or the reason why not', async (t) => {
  for (let ms = 0; ms <= 200; ms += 10) {
    const place = ready(t);
    const args = ['-S', place.stateFile, '-r', 'src', 'dest'];
    const child = spawn(process.execPath, [CP_BINARY, ...args], { cwd: place.root, stdio: 'ignore' });
    await new Promise((resolve) => setTimeout(resolve, ms));
    await end(child, 'SIGKILL');
    const { status, stderr } = await axlCp([...args, '-U'], { cwd: place.root });
    if (status !== 0) {
      t.match(stderr, /^axl-cp: there is no state file \S+: its copy was published, or has never begun\n$/);
      if (fs.existsSync(place.path('dest/src'))) isWhole(t, place);
      t.equal((await axlCp(['-r', 'src', 'dest'], { cwd: place.root })).status, 0);
    }
    isWhole(t, place);
    const states = Object.keys(tree(place.states)).filter((name) => !DRAFT.test(name));
    t.same([states, temporaries(place.root)], [[], []], `after ${ms} ms`);
  }
});

t.test(
  'one that was killed before its dispatch: nothing was copied; -U with SOURCE and DEST begins anew',
  async (t) => {
    const place = ready(t);
    const create = () => place.create().then((transfer) => transfer[Symbol.asyncDispose]());
    await create();
    const without = await axlCp(['-S', place.stateFile, '-U']);
    t.equal(without.status, 3);
    t.match(
      without.stderr,
      /never dispatched, and nothing had been copied: it is deleted; run axl-cp with SOURCE and DEST\n$/,
    );
    t.same(tree(place.states), {});
    await create();
    const { status, stderr } = await axlCp(['-S', place.stateFile, '-U', '-r', 'src', 'dest'], { cwd: place.root });
    t.same([status, stderr], [0, '']);
    isWhole(t, place);
  },
);

t.test('one that is complete is published by -U and by --wait, also where its sources are gone', async (t) => {
  for (const args of [['-U', '-S'], ['--wait']]) {
    const place = new Place(t);
    const state = await leave.complete(place, 'a');
    fs.rmSync(place.source, { recursive: true });
    const { status, stderr } = await axlCp([...args, state]);
    t.same([status, stderr], [0, '']);
    t.same(tree(place.dest), { a: 'source/a' });
    t.same(tree(place.states), {});
  }
});

t.test('of two with one state file at once, one copies, and the other says so', async (t) => {
  const place = ready(t);
  const args = ['-S', place.stateFile, '-r', 'src', 'dest'];
  const first = await paused(place, args.slice(0, 2));
  const { status, stderr } = await axlCp(args, { cwd: place.root });
  t.equal(status, 1);
  t.match(stderr, /is there already, and its copy is under way: --wait waits for it\n$/);
  t.equal(await end(first, 'SIGTERM'), 0);
  t.equal((await axlCp([...args, '-U'], { cwd: place.root })).status, 0);
  const merged = () => axlCp(['-S', place.stateFile, '-r', 'src', 'dest/'], { cwd: place.root });
  for (const ended of await Promise.all([merged(), merged(), merged()]))
    t.ok(ended.status === 0 || /is there already/.test(ended.stderr), ended.stderr);
  isWhole(t, place);
  t.same([tree(place.states), temporaries(place.root)], [{}, []]);
});

t.test('of many that resume one state file at once, one does, and none does harm', async (t) => {
  const place = ready(t);
  await end(await paused(place, ['-S', place.stateFile]), 'SIGKILL');
  const ends = await Promise.all(Array.from({ length: 6 }, () => axlCp(['-S', place.stateFile, '-U'])));
  t.equal(ends.filter(({ status }) => status === 0).length, 1);
  for (const { status, stderr } of ends.filter(({ status }) => status !== 0))
    t.match(
      stderr,
      status === 4 ? /^axl-cp: \S+:? (is gone|its writer is alive)[^\n]+\n$/ : /^axl-cp: there is no state file/,
    );
  isWhole(t, place);
  t.same([tree(place.states), temporaries(place.root)], [{}, []]);
});

t.test('a state file that is in use is status 4, and stays', async (t) => {
  const place = ready(t);
  const child = await paused(place, ['-S', place.stateFile]);
  const { status, stderr } = await axlCp(['-S', place.stateFile, '-U']);
  t.equal(status, 4);
  t.match(stderr, /^axl-cp: \S+rank0: its writer is alive[^\n]+\n$/);
  t.equal(await end(child, 'SIGTERM'), 0);
});

t.test('a writer of which nothing can be told is status 4, also for --wait; --job-ended goes on', async (t) => {
  const place = new Place(t);
  const state = await leave.incomplete(place, 'a');
  moveToHost(state);
  const seen = inspect(state).alive;
  const { status } = await axlCp(['--wait', state]);
  t.equal(status, seen === 'cannot tell' ? 4 : 3, seen);
  t.equal((await axlCp(['--job-ended', '-S', state, '-U'])).status, 0);
  t.same(tree(place.dest), { a: 'source/a' });
});

t.test('what is no state file, is corrupt, newer or not there, is left alone and named', async (t) => {
  const place = new Place(t);
  const damaged = await leave.incomplete(place, 'a');
  corrupt(damaged);
  const newer = await leave.incomplete(place, 'b');
  makeNewer(newer);
  const other = place.write('states/other', 'hello');
  const empty = place.write('states/empty', '');
  const before = tree(place.root);
  for (const [file, status] of [
    [damaged, 5],
    [newer, 5],
    [other, 5],
    [empty, 5],
    [place.path('none'), 1],
    [place.states, 1],
  ] as const)
    for (const args of [
      ['-U', '-S', file],
      ['--wait', file],
    ]) {
      const ended = await axlCp(args);
      t.equal(ended.status, status, `${args.join(' ')}: ${ended.stderr}`);
      t.match(ended.stderr, /^axl-cp: [^\n]+\n$/);
      t.ok(ended.stderr.includes(file));
    }
  t.same(tree(place.root), before);
});

t.test('in the background it returns at once, and --wait says how it ended', async (t) => {
  const place = ready(t);
  const background = (args: string[], env: Record<string, string> = {}) =>
    axlCp(['--background', '--json', '-S', place.stateFile, ...args], { cwd: place.root, env });
  const begun = said(await background(['-r', 'src', 'dest'], HALF));
  t.match(begun, { action: 'dispatched', status: 0, files: 2, bytes: SIZE + 1, stateFile: place.stateFile });
  const stat = fs
    .readFileSync(`/proc/${begun.pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  t.equal(Number(stat[3]), begun.pid, 'it leads a session');
  t.same(
    [0, 1, 2].map((fd) => /^socket:/.test(fs.readlinkSync(`/proc/${begun.pid}/fd/${fd}`))),
    [true, true, true],
    'none of them is of the shell',
  );
  t.equal(fs.readlinkSync(`/proc/${begun.pid}/cwd`), '/');
  const waiting = axlCp(['--wait', place.stateFile]);
  await until(() => bytesCopied(place.path('dest')) >= SIZE / 4);
  process.kill(begun.pid, 'SIGTERM');
  const canceled = await waiting;
  t.equal(canceled.status, 3);
  t.match(canceled.stderr, /^axl-cp: the copy was canceled; to go on: axl-cp -S \S+ -U\n$/);
  t.match(said(await background(['-U'])), { action: 'dispatched' });
  const { stdout } = await axlCp(['--json', '--wait', place.stateFile]);
  t.match(JSON.parse(stdout), { action: 'published', status: 0, files: 2 });
  isWhole(t, place);
  t.same(tree(place.states), {});
  const again = await axlCp(['--wait', place.stateFile]);
  t.equal(again.status, 1, 'it was waited for');
});

t.test('a signal ends the waiting, not the copy: status 6; meanwhile there is a bar', { skip: noPython }, async (t) => {
  const place = ready(t);
  const child = await paused(place, ['-S', place.stateFile]);
  await until(() => inspect(place.stateFile).bytesDone > 0);
  const command = [process.execPath, CP_BINARY, '--progress', '--wait', place.stateFile];
  const env = { TERM: 'xterm', LC_ALL: 'C.UTF-8' };
  const { status, stdout } = await program('python3', [TERMINAL, '100', ' of 20.0 MiB', 'TERM', ...command], { env });
  t.equal(status, 6, stdout);
  t.match(stdout, /\/2 files \| [\d.]+ \w+ of 20\.0 MiB/);
  t.match(stdout, 'axl-cp: no longer waiting; the copy goes on');
  t.equal(child.exitCode, null);
  await end(child, 'SIGTERM');
});

t.test('in the background, what keeps it from beginning is told at once, and nothing stays', async (t) => {
  const place = ready(t);
  const run = (...args: string[]) => axlCp(['--background', '-S', place.stateFile, ...args], { cwd: place.root });
  const missing = await run('none', 'dest');
  t.equal(missing.status, 1);
  t.match(missing.stderr, /^axl-cp: .*none: ENOENT, no such file or directory\n$/);
  const usage = await run('--name', 'x'.repeat(1025), 'src/a', 'dest');
  t.equal(usage.status, 2);
  t.match(usage.stderr, /^axl-cp: name .*\n$/);
  t.same([tree(place.states), tree(place.path('dest'))], [{}, {}]);
});

t.test('in the background it outlives its shell, its session and its terminal', async (t) => {
  const place = ready(t);
  const command = `exec setsid sh -c '"$0" "$@"; kill -9 -$$' "$@"`;
  const args = [process.execPath, CP_BINARY, '--background', '-S', place.stateFile, '-r', 'src', 'dest'];
  const { signal } = await program('sh', ['-c', command, 'sh', ...args], { cwd: place.root });
  t.equal(signal, 'SIGKILL', 'the whole group of the shell is killed');
  t.equal((await axlCp(['--wait', place.stateFile])).status, 0);
  isWhole(t, place);
});

t.test('a copy in the background that failed is status 1 for --wait, and -U goes on', async (t) => {
  const place = ready(t);
  const begun = said(
    await axlCp(['--json', '--background', '-S', place.stateFile, '-r', 'src', 'dest'], { cwd: place.root, env: HALF }),
  );
  await until(() => bytesCopied(place.path('dest')) >= SIZE / 4);
  process.kill(begun.pid, 'SIGTERM');
  await axlCp(['--wait', place.stateFile]);
  fs.appendFileSync(place.path('src/big'), 'more');
  const resumed = await axlCp(['-S', place.stateFile, '-U']);
  t.equal(resumed.status, 1);
  t.match(resumed.stderr, /changed/);
  const { status, stdout } = await axlCp(['--json', '--wait', place.stateFile]);
  t.equal(status, 1);
  t.match(JSON.parse(stdout), { action: 'kept', status: 1, error: { code: 'AXL_SOURCE_CHANGED' } });
  t.notOk(fs.existsSync(place.path('dest/src/a')), 'nothing is published');
});

t.test('on a full disk the copy fails, destinations are as before, and -U goes on when there is room', async (t) => {
  const place = ready(t);
  const disk = place.mkdir('disk');
  const why = mountSmall(t, disk, '12m');
  if (why) return t.pass(why);
  fs.writeFileSync(`${disk}/big`, 'of before');
  const filler = `${disk}/filler`;
  fs.writeFileSync(filler, Buffer.alloc(4 << 20));
  const plain = await axlCp(['src/a', 'src/big', 'disk'], { cwd: place.root });
  t.equal(plain.status, 1);
  t.match(plain.stderr, /^(axl-cp: [^\n]*ENOSPC[^\n]*\n)+$/);
  t.same(tree(disk), { big: 'of before', filler: tree(disk).filler }, 'and nothing is left');
  const kept = await axlCp(['-S', place.stateFile, 'src/a', 'src/big', 'disk'], { cwd: place.root });
  t.equal(kept.status, 1);
  t.match(kept.stderr, /ENOSPC[^\n]*\naxl-cp: not published; to go on: axl-cp -S \S+ -U\n$/);
  t.equal(fs.readFileSync(`${disk}/big`, 'utf8'), 'of before');
  fs.rmSync(filler);
  spawnSync('mount', ['-o', 'remount,size=64m', disk]);
  t.equal((await axlCp(['-S', place.stateFile, '-U'])).status, 0);
  t.same(tree(disk), tree(place.path('src')));
});

t.test(
  'as nobody: what may not be read or written is named, and nothing is left',
  { skip: await noStrangers() },
  async (t) => {
    const place = ready(t);
    place.write('secret', 's');
    fs.chmodSync(place.path('secret'), 0o600);
    const own = place.mkdir('own');
    fs.chownSync(own, NOBODY, NOBODY);
    const run = (...args: string[]) => axlCp(args, { cwd: place.root, uid: NOBODY });
    t.equal((await run('-r', 'src', 'own')).status, 0);
    isWhole(t, place, `${own}/src`);
    const secret = await run('secret', 'own');
    t.equal(secret.status, 1);
    t.match(secret.stderr, /^axl-cp: .*secret: EACCES[^\n]*\n$/);
    const closed = await run('src/a', 'dest');
    t.equal(closed.status, 1);
    t.match(closed.stderr, /^axl-cp: .*EACCES[^\n]*give -S STATE_FILE[^\n]*\n$/);
    t.same(tree(place.path('dest')), {});
    fs.chownSync(place.states, NOBODY, NOBODY);
    await end(await paused(place, ['-S', place.stateFile]), 'SIGKILL');
    const others = await run('-S', place.stateFile, '-U');
    t.ok([1, 5].includes(others.status as number), others.stderr);
    t.match(others.stderr, /^axl-cp: [^\n]+\n$/, "root's state file is not touched");
    fs.chownSync(place.stateFile, NOBODY, NOBODY);
    const foreign = await axlCp(['-S', place.stateFile, '-U']);
    t.equal(foreign.status, 1);
    const command = `axl-finalize --incomplete resume ${place.stateFile}`;
    t.match(foreign.stderr, `belongs to uid ${NOBODY}: let that user run axl-cp, or root run ${command}\n`);
  },
);
