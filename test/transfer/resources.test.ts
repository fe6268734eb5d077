// Too little memory, too few descriptors or threads, no room for the state file, a clock that jumps: each ends with a
// destination that is complete or as before, an error that says why, and a finalize that clears the rest away.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import type { Test } from 'tap';
import t from 'tap';
import { finalize } from '../../lib/index.js';
import { leave } from '../journals.js';
import {
  bytes,
  type Ended,
  mountSmall,
  noUnprivileged,
  Place,
  said,
  script,
  temporaries,
  tree,
  unprivileged,
} from '../support.js';

const FILES = 60;

/** Files to copy into a directory that has one of that name. */
function ready(t: Test): Place {
  const place = new Place(t);
  for (let i = 0; i < FILES; i++) place.write(`source/${i}`, bytes(i === 0 ? 12 << 20 : 5000, i));
  place.write('dest/7', 'of before');
  return place;
}

/** Says 'completed', or the errno or code of the first failure; lowers its own limits first. */
const COPY = `
  const [stateFile, source, dest, ...limits] = args;
  const { spawnSync } = await import('node:child_process');
  const fs = await import('node:fs');
  const used = { as: fs.readFileSync('/proc/self/statm', 'utf8').split(' ')[0] * 4096, nofile: fs.readdirSync('/proc/self/fd').length, nproc: 0 };
  axl.config({ threads: 2 });
  for (const [name, more] of limits.map((limit) => limit.split('=')))
    spawnSync('prlimit', ['--pid', process.pid, '--' + name + '=' + (used[name] + Number(more))]);
  const copy = async () => {
    const transfer = await axl.Transfer.create({ name: 'ckpt', stateFile, durability: 'none' });
    for (const name of fs.readdirSync(source)) await transfer.add(source + '/' + name, dest);
    await transfer.dispatch();
    const { state } = await transfer.wait();
    await transfer.free();
    return state;
  };
  const why = (error) => error.cause?.errnoName ?? error.errnoName ?? error.code ?? String(error);
  console.log(JSON.stringify(await copy().catch(why)));
  process.exit();`;

const copy = (place: Place, limits: readonly string[], uid?: number): Promise<Ended> =>
  script(COPY, [place.stateFile, place.source, place.dest, ...limits], { uid });

/** Finalizes what is left. @returns whether the destination is complete */
async function cleared(t: Test, place: Place, label: string): Promise<boolean> {
  const { problems, unreadable } = await finalize(place.states);
  // What was rolled back says why it was not complete.
  const left = problems.filter(({ action }) => action !== 'rolled-back');
  t.same([left, unreadable, fs.readdirSync(place.states), temporaries(place.dest)], [[], [], [], []], label);
  const now = tree(place.dest);
  if (Object.keys(now).length > 1) t.same(now, tree(place.source), label);
  else t.same(now, { 7: 'of before' }, label);
  return Object.keys(now).length > 1;
}

const noPrlimit = spawnSync('prlimit', ['--version']).status === 0 ? '' : 'there is no prlimit (util-linux) here';

t.test('where memory ends, a transfer is whole or not at all', { skip: noPrlimit }, async (t) => {
  let completed = false;
  for (const mebibytes of [0, 1, 2, 4, 8, 16, 32, 128]) {
    const place = ready(t);
    const { status, stdout } = await copy(place, [`as=${mebibytes << 20}`]);
    completed = await cleared(t, place, `${mebibytes} MiB`);
    if (status === 0) t.equal(completed, JSON.parse(stdout) === 'completed', `${mebibytes} MiB: ${stdout}`);
  }
  t.ok(completed, 'with enough memory it is whole');
});

t.test('where descriptors end, a transfer fails with EMFILE and is not published', { skip: noPrlimit }, async (t) => {
  const seen = new Set<string>();
  for (const descriptors of [0, 1, 2, 4, 8, 16, 40, 200]) {
    const place = ready(t);
    const outcome = said(await copy(place, [`nofile=${descriptors}`]));
    seen.add(outcome);
    t.equal(await cleared(t, place, `${descriptors}`), outcome === 'completed', `${descriptors}: ${outcome}`);
  }
  t.same([...seen].sort(), ['EMFILE', 'completed']);
});

t.test('a finalize that runs out of descriptors fails what it has none for; the next goes on', async (t) => {
  if (noPrlimit) return t.plan(0, noPrlimit);
  const place = new Place(t);
  const names = Array.from({ length: 40 }, (_, i) => `${i}`);
  for (const name of names) await leave.complete(place, name);
  const code = `
    const { spawnSync } = await import('node:child_process');
    await axl.finalize(args[0], { dryRun: true });
    const open = (await import('node:fs')).readdirSync('/proc/self/fd').length;
    spawnSync('prlimit', ['--pid', process.pid, '--nofile=' + (open + 12)]);
    const { counts, problems } = await axl.finalize(args[0]);
    console.log(JSON.stringify([counts.published + counts.failed, problems.every((p) => p.error.errnoName === 'EMFILE')]));`;
  t.same(said(await script(code, [place.states])), [names.length, true]);
  t.match((await finalize(place.states)).counts, { failed: 0 });
  t.same(Object.keys(tree(place.dest)).sort(), names.sort());
});

t.test('a process that gets no more threads copies with those that it has', async (t) => {
  const why = noPrlimit || (await noUnprivileged());
  if (why) return t.plan(0, why);
  const place = ready(t);
  if (unprivileged.uid !== undefined) place.give(unprivileged.uid);
  t.equal(said(await copy(place, ['nproc=1'], unprivileged.uid)), 'completed');
  t.same(tree(place.dest), tree(place.source));
});

t.test('where there is no room for the state file, a transfer fails with ENOSPC and can be cleared away', async (t) => {
  const place = ready(t);
  const why = mountSmall(t, place.states, '64k');
  if (why) return t.plan(0, why);
  fs.chmodSync(place.states, 0o755);
  const seen = new Set<string>();
  for (const free of [0, 4, 8, 12, 16, 20, 28, 60]) {
    fs.writeFileSync(place.path('states/.filler'), Buffer.alloc((60 - free) << 10));
    const outcome = said(await copy(place, []));
    seen.add(outcome);
    const { problems } = await finalize(place.states);
    t.same([problems, fs.readdirSync(place.states)], [[], ['.filler']], `${free} KiB: ${outcome}`);
    t.same(temporaries(place.dest), []);
    const wanted = outcome === 'completed' ? tree(place.source) : { 7: 'of before' };
    t.same(tree(place.dest), wanted, `${free} KiB: ${outcome}`);
    fs.rmSync(place.dest, { recursive: true });
    place.write('dest/7', 'of before');
  }
  t.same([...seen].sort(), ['ENOSPC', 'completed']);
});

const faketime = fs
  .readdirSync('/usr/lib')
  .map((name) => `/usr/lib/${name}/faketime/libfaketime.so.1`)
  .find((path) => fs.existsSync(path));

t.test('a clock that jumps by forty years changes nothing', async (t) => {
  if (!faketime) return t.plan(0, 'there is no libfaketime here (Debian: apt-get install libfaketime)');
  const place = ready(t);
  const clock = place.write('clock', '-20y');
  const env = {
    LD_PRELOAD: faketime,
    FAKETIME_TIMESTAMP_FILE: clock,
    FAKETIME_NO_CACHE: '1',
    NO_FAKE_STAT: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  const code = `
    const fs = await import('node:fs');
    const [stateFile, source, dest, clock, states] = args;
    const years = new Set();
    const jump = () => {
      fs.writeFileSync(clock, years.size % 2 ? '+20y' : '-20y');
      years.add(new Date().getFullYear());
    };
    for (const finalizes of [false, true]) {
      jump();
      const transfer = await axl.Transfer.create({ name: 'ckpt', stateFile });
      jump();
      for (const name of fs.readdirSync(source)) await transfer.add(source + '/' + name, dest);
      await transfer.dispatch();
      jump();
      for await (const _ of transfer.progress({ intervalMs: 1 })) jump();
      if (!finalizes) await transfer.wait();
      await transfer[Symbol.asyncDispose]();
      jump();
      await axl.finalize(states);
    }
    console.log(JSON.stringify([...years]));`;
  const ended = await script(code, [place.stateFile, place.source, place.dest, clock, place.states], { env });
  t.equal(said(ended).length, 2, 'the clock did jump');
  t.ok(await cleared(t, place, 'after the jumps'));
  for (const name of fs.readdirSync(place.source))
    t.equal(fs.statSync(place.path('dest', name)).mtimeMs, fs.statSync(place.path('source', name)).mtimeMs, name);
});
