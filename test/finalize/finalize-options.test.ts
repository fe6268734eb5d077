// The options of finalize(), through the library.
import * as fs from 'node:fs';
import { basename } from 'node:path';
import t from 'tap';
import {
  type FinalizeAction,
  type FinalizeEvent,
  type FinalizeOptions,
  finalize,
  inspect,
  list,
} from '../../lib/index.js';
import { events, leaveRanks, published } from '../datasets/datasets.js';
import { cutBefore, leave, quiet, TYPE, temporaryName } from '../journals.js';
import { isRoot, NOBODY, noOwnerProcess, Place, script, takeLock, tree } from '../support.js';

const uid = process.geteuid?.() ?? 0;
const lockOf = (place: Place): string => place.path(`states/.axl-finalize.${uid}.lock`);

t.test('resume completes what is missing from the sources, then publishes', async (t) => {
  for (const dataset of [false, true]) {
    const place = new Place(t);
    await leaveRanks(place, [0, 1], 2);
    cutBefore(place.path('states/ckpt.1'), TYPE.done);
    const report = await finalize(place.states, { incomplete: 'resume', dataset });
    t.match(report, { counts: { published: 2 }, resumed: 1 });
    t.same(published(place), ['ckpt.0', 'ckpt.1']);
  }
});

t.test('what cannot be resumed is kept, or deleted if fallback says so', async (t) => {
  for (const [fallback, action] of [
    ['keep', 'kept'],
    ['delete', 'rolled-back'],
  ] as const) {
    const place = new Place(t);
    await leave.incomplete(place, 'a');
    await leave.complete(place, 'b');
    fs.rmSync(place.path('source/a'));
    const { counts } = await finalize(place.states, { incomplete: 'resume', fallback });
    t.match(counts, { published: 1, [action]: 1 });
  }
});

t.test('a transfer with a destination outside of all roots fails, and nothing of it is touched', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  const other = place.mkdir('other');
  const before = tree(place.root);
  const { problems } = await finalize(place.states, { roots: [other] });
  t.match(problems, [{ action: 'failed', error: { code: 'AXL_UNSAFE_PATH' } }]);
  t.same(tree(place.root), before);
  fs.symlinkSync(place.dest, place.path('link'));
  t.match((await finalize(place.states, { roots: [other, place.path('link')] })).counts, { published: 1 });
  await t.rejects(finalize(place.states, { roots: [place.path('missing')] }), { code: 'AXL_IO' });
});

t.test('verify checksum finds what has the right size and other contents', async (t) => {
  const place = new Place(t);
  const stateFile = await leave.complete(place, 'a');
  const temporary = temporaryName(stateFile, place.path('dest/a'));
  const { atime, mtime } = fs.statSync(temporary);
  fs.writeFileSync(temporary, 'SOURCE/a');
  fs.utimesSync(temporary, atime, mtime);
  const { problems } = await finalize(place.states, { verify: 'checksum' });
  t.match(problems, [{ error: { code: 'AXL_VERIFY' } }]);
  t.match((await finalize(place.states, { verify: 'size' })).counts, { published: 1 });
});

t.test(
  'where a destination exists it is replaced, or kept, or fails the transfer before anything is published',
  async (t) => {
    for (const [overwrite, action, content] of [
      ['fail', 'failed', 'before'],
      ['keep', 'published', 'before'],
      ['replace', 'published', 'source/a'],
    ] as const) {
      const place = new Place(t);
      await leave.complete(place, 'a');
      fs.writeFileSync(place.path('dest/a'), 'before');
      const { counts } = await finalize(place.states, { overwrite });
      t.match(counts, { [action]: 1 }, overwrite);
      t.equal(fs.readFileSync(place.path('dest/a'), 'utf8'), content, overwrite);
    }
  },
);

t.test('keepState leaves state files that say they are final, and a second run changes nothing', async (t) => {
  for (const dataset of [false, true]) {
    const place = new Place(t);
    await leaveRanks(place, [0, 1], 2);
    t.match((await finalize(place.states, { keepState: true, dataset })).counts, { published: 2 });
    t.match((await list(place.states)).transfers, [{ state: 'published' }, { state: 'published' }]);
    t.same(fs.readdirSync(place.states).sort(), ['ckpt.0', 'ckpt.1']);
    const after = tree(place.root);
    t.match((await finalize(place.states, { keepState: true, dataset })).counts, { published: 2 });
    t.same(tree(place.root), after);
    t.match((await finalize(place.states, { dataset })).counts, { removed: 2 });
    t.same(tree(place.states), {});
  }
});

/** Ends a live transfer when finalize() begins to wait for it. */
async function whileWaiting(place: Place, options: FinalizeOptions, end: () => Promise<void>) {
  let ended: Promise<void> | undefined;
  const actions: string[] = [];
  const report = await finalize(place.states, {
    ...options,
    onEvent: (event) => {
      if (event.event === 'wait') ended ??= end();
      if (event.event === 'entry') actions.push(`${basename(event.entry.stateFile)} ${event.entry.action}`);
    },
  });
  await ended;
  return { report, actions: actions.sort() };
}

t.test(
  'with entries for problems only, all the rest is counted in done events, and the report is the same',
  async (t) => {
    for (const entries of ['all', 'problems'] as const) {
      const place = new Place(t);
      await leaveRanks(place, [0, 1, 2], 3);
      await leave.incomplete(place, 'part');
      await leave.corrupt(place, 'bad');
      const entry: string[] = [];
      const done: Partial<Record<FinalizeAction, number>> = {};
      let bytes = 0;
      const { counts, problems, ...report } = await finalize(place.states, {
        entries,
        onEvent: (event) => {
          if (event.event === 'entry') entry.push(event.entry.action);
          if (event.event !== 'done') return;
          for (const action of Object.keys(event.counts) as FinalizeAction[])
            done[action] = (done[action] ?? 0) + (event.counts[action] ?? 0);
          bytes += event.bytes;
        },
      });
      t.match(counts, { published: 3, 'rolled-back': 1, corrupt: 1, failed: 0 });
      t.equal(problems.length, 1);
      t.equal(report.files, 3);
      if (entries === 'all') t.same(done, {});
      else t.same([done, entry, bytes], [{ published: 3, 'rolled-back': 1 }, ['corrupt'], report.bytes]);
      t.equal(entry.length, entries === 'all' ? 5 : 1);
    }
  },
);

t.test('wait finalizes what is busy once its writer has ended, and reports it once', async (t) => {
  for (const dataset of [false, true]) {
    const place = new Place(t);
    await leaveRanks(place, [0], 2);
    const live = await place.create({ name: 'ckpt', stateFile: place.path('states/live'), rank: 1, size: 2 });
    await live.add(place.write('source/live'), place.path('dest/live'));
    await live.dispatch();
    await quiet(live);
    const { report, actions } = await whileWaiting(place, { wait: Number.POSITIVE_INFINITY, dataset }, () =>
      live[Symbol.asyncDispose](),
    );
    t.same(actions, ['ckpt.0 published', 'live published']);
    t.equal(report.datasets.length, dataset ? 1 : 0);
  }
});

t.test('a rank that appears while a dataset is waited for belongs to it', async (t) => {
  const place = new Place(t);
  await leaveRanks(place, [0], 3);
  const live = await place.create({ name: 'ckpt', stateFile: place.path('states/live'), rank: 1, size: 3 });
  await live.add(place.write('source/live'), place.path('dest/live'));
  await live.dispatch();
  await quiet(live);
  const { report } = await whileWaiting(place, { wait: Number.POSITIVE_INFINITY, dataset: true }, async () => {
    await leaveRanks(place, [2], 3);
    await live[Symbol.asyncDispose]();
  });
  t.match(report.counts, { published: 3, busy: 0 });
});

t.test('wait ends when its time is up, and what is busy is reported once', async (t) => {
  const place = new Place(t);
  await using _live = await place.create({ stateFile: place.path('states/live') });
  const { report, actions } = await whileWaiting(place, { wait: 400 }, async () => {});
  t.same(actions, ['live busy']);
  t.ok(report.timings.total >= 400, `${report.timings.total} ms`);
});

t.test('a signal ends the waiting', async (t) => {
  const place = new Place(t);
  await using _live = await place.create({ stateFile: place.path('states/live') });
  const stop = new AbortController();
  const { report } = await whileWaiting(place, { wait: Number.POSITIVE_INFINITY, signal: stop.signal }, async () =>
    stop.abort(),
  );
  t.match(report, { interrupted: true, counts: { busy: 1 } });
});

t.test('a directory that another finalizer has locked is left to it', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  takeLock(lockOf(place));
  for (const onLock of ['skip', 'fail'] as const) {
    const stop = new AbortController();
    const onEvent = ({ event }: FinalizeEvent) => event === 'scan' && stop.abort(); // or it would be some seconds
    const { locked, counts } = await finalize(place.states, { onLock, signal: stop.signal, onEvent });
    t.match(locked, [{ code: 'AXL_STATE_LOCKED', path: place.states }]);
    t.match(counts, { published: 0 });
  }
  t.match((await finalize(place.path('states/a'))).counts, { published: 1 }, 'a single state file needs no lock');
});

t.test('the lock that a killed finalizer left does not make the next one give up', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  fs.mkdirSync(lockOf(place));
  t.match(await finalize(place.states), { counts: { published: 1 }, locked: [] });
  t.same(tree(place.states), {});
});

t.test('to lose the lock at any moment is harmless', async (t) => {
  const place = new Place(t);
  await leaveRanks(
    place,
    Array.from({ length: 48 }, (_, i) => i),
    48,
  );
  let working = true;
  const thief = (async () => {
    while (working) {
      fs.rmSync(lockOf(place), { recursive: true, force: true });
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  const code = `const { counts } = await axl.finalize(args[0], { dataset: true, wait: Infinity }); console.log(counts.published + counts.gone, counts.published)`;
  const runs = await Promise.all(Array.from({ length: 6 }, () => script(code, [place.states])));
  working = false;
  await thief;
  t.equal(
    runs.reduce((sum, { stdout }) => sum + Number(stdout.split(' ')[1]), 0),
    48,
    runs.map(({ stderr }) => stderr).join(''),
  );
  t.same(published(place).length, 48);
  t.same(tree(place.states), {});
});

t.test('a state file that is given twice, alone and by its directory, is finalized once', async (t) => {
  const place = new Place(t);
  const stateFile = await leave.complete(place, 'a');
  await leave.complete(place, 'b');
  fs.symlinkSync(place.states, place.path('link'));
  const inputs = [stateFile, place.states, Buffer.from(place.path('link/a')), stateFile];
  t.match((await finalize(inputs)).counts, { published: 2, gone: 0, busy: 0 });
});

t.test('recursive searches below, pattern and exclude choose by name', async (t) => {
  const place = new Place(t);
  place.mkdir('states/sub/deep');
  for (const name of ['a.axl', 'b.axl', 'c.txt']) await leave.complete(place, name);
  fs.renameSync(await leave.complete(place, 'd.axl'), place.path('states/sub/deep/d.axl'));
  const odd = Buffer.concat([Buffer.from(`${place.states}/sub/`), Buffer.of(0xff), Buffer.from('.axl')]);
  fs.renameSync(await leave.complete(place, 'e.axl'), odd);
  const dry = async (options: FinalizeOptions) => {
    const all = await events(place, { ...options, dryRun: true });
    const names = all.flatMap((e) => (e.event === 'entry' && e.entry.action === 'published' ? [e.entry.name] : []));
    return names.sort().join(' ');
  };
  t.equal(await dry({}), 'a.axl b.axl c.txt');
  t.equal(await dry({ pattern: ['*.axl'] }), 'a.axl b.axl');
  t.equal(await dry({ exclude: ['b*'] }), 'a.axl c.txt');
  t.equal(await dry({ recursive: true }), 'a.axl b.axl c.txt d.axl e.axl');
  t.equal(await dry({ recursive: true, pattern: ['sub/**/*.axl'] }), 'd.axl e.axl');
  t.equal(await dry({ recursive: true, pattern: ['*.axl'], exclude: ['a*'] }), 'b.axl d.axl e.axl');
  t.match((await finalize(place.states, { recursive: true })).counts, { published: 5 });
});

t.test('a state directory may have a backslash in its name, and patterns find what is in it', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  const states = place.path('back\\slash');
  fs.renameSync(place.states, states);
  t.match((await finalize(states, { pattern: ['*'] })).counts, { published: 1 });
});

t.test('root acts on what is its own only where nobody else can write', async (t) => {
  if (!isRoot) return t.plan(0, 'only root is root');
  const place = new Place(t);
  await leave.complete(place, 'a');
  for (const [mode, owner] of [
    [0o777, 0],
    [0o1777, 0],
    [0o755, NOBODY],
  ] as const) {
    fs.chmodSync(place.states, mode);
    fs.chownSync(place.states, owner, 0);
    const before = tree(place.root);
    const { problems } = await finalize(place.states);
    t.match(problems, [{ action: 'failed', error: { code: 'AXL_UNSAFE_PATH' } }]);
    t.same(tree(place.root), before);
  }
  fs.chownSync(place.states, 0, 0);
  fs.chownSync(place.root, NOBODY, 0);
  const above = await finalize(place.states);
  t.match(above.counts, { failed: 1 }, 'the directory above is another');
  t.ok(above.problems[0]?.error?.message.includes(place.root), 'and is named');
  fs.chownSync(place.root, 0, 0);
  t.match((await finalize(place.states)).counts, { published: 1 });
});

t.test("root finalizes each user's transfers as that user, datasets too", async (t) => {
  const skip = await noOwnerProcess();
  if (skip) return t.plan(0, skip);
  const place = new Place(t);
  const theirs = place.mkdir('theirs');
  for (const name of ['theirs/source', 'theirs/dest', 'theirs/states']) place.mkdir(name);
  for (const rank of [0, 1]) place.write(`theirs/source/f${rank}`);
  place.write('theirs/states/other', 'no state file');
  const { chownSync } = fs;
  for (const name of ['', ...fs.readdirSync(theirs, { recursive: true, encoding: 'utf8' })])
    chownSync(`${theirs}/${name}`, NOBODY, NOBODY);
  const code = `for (const rank of [0, 1]) {
    const transfer = await axl.Transfer.create({ name: 'ckpt', stateFile: args[0] + '/states/' + rank, rank, size: 2 });
    await transfer.add(args[0] + '/source/f' + rank, args[0] + '/dest');
    await transfer.dispatch();
  }`;
  t.equal((await script(code, [theirs], { uid: NOBODY })).status, 0);
  await leaveRanks(place, [0], 2);
  const all: string[] = [];
  const report = await finalize([place.states, `${theirs}/states`], {
    dataset: true,
    incomplete: 'keep',
    onEvent: (event) => {
      if (event.event === 'entry') all.push(`${event.entry.stateFileBytes} ${event.entry.action}`);
    },
  });
  t.same(all.sort(), [
    `${place.states}/ckpt.0 kept`,
    `${theirs}/states/0 published`,
    `${theirs}/states/1 published`,
    `${theirs}/states/other not-state`,
  ]);
  t.same(report.datasets.map(({ verdict }) => verdict).sort(), ['complete', 'incomplete']);
  for (const name of ['f0', 'f1']) t.equal(fs.statSync(`${theirs}/dest/${name}`).uid, NOBODY);
  t.same(fs.readdirSync(`${theirs}/states`), ['other']);
});

t.test('root does not follow what a user has put in the way', async (t) => {
  const skip = await noOwnerProcess();
  if (skip) return t.plan(0, skip);
  const place = new Place(t);
  const stateFile = await leave.complete(place, 'a');
  const theirs = place.mkdir('theirs');
  fs.chownSync(theirs, NOBODY, NOBODY);
  fs.symlinkSync(stateFile, `${theirs}/link`);
  fs.linkSync(stateFile, `${theirs}/hard`);
  fs.copyFileSync(stateFile, `${theirs}/forged`);
  fs.chownSync(`${theirs}/forged`, NOBODY, NOBODY);
  const before = tree(place.root);
  const { counts } = await finalize(theirs);
  t.match(counts, { published: 0, failed: 1, corrupt: 1, 'not-state': 1 });
  t.same(tree(place.root), before);
});

t.test('misuse of the options is a TypeError or RangeError', async (t) => {
  const bad = (options: object) => finalize('/nonexistent', options as never);
  await t.rejects(bad({ fallback: 'resume' }), TypeError);
  await t.rejects(bad({ dataset: 1 }), TypeError);
  await t.rejects(bad({ dataset: '' }), RangeError);
  await t.rejects(bad({ wait: '1s' }), TypeError);
  await t.rejects(bad({ wait: -1 }), RangeError);
  await t.rejects(bad({ wait: Number.NaN }), RangeError);
  await t.rejects(bad({ shard: '1/2' }), TypeError);
  await t.rejects(bad({ shard: { index: 2, count: 2 } }), RangeError);
  await t.rejects(bad({ shard: { index: 0, count: 0 } }), RangeError);
  await t.rejects(bad({ roots: '/p' }), TypeError);
  await t.rejects(bad({ roots: [1] }), TypeError);
  await t.rejects(bad({ verify: 'crc' }), TypeError);
  await t.rejects(bad({ pattern: '*' }), TypeError);
  await t.rejects(bad({ pattern: [''] }), RangeError);
  await t.rejects(bad({ jobEnd: true }), { message: 'finalize has no option jobEnd; did you mean jobEnded?' });
  await t.rejects(list('/p', { dataset: true } as never), TypeError);
  t.throws(() => inspect(''), TypeError);
});
