// What a transfer finds: final names that are neither free nor a file, files of its own kind in the source, directories that
// may not be written to, files without a size.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import type { Test } from 'tap';
import t from 'tap';
import { finalize, Transfer } from '../../lib/index.js';
import { isRoot, mountSmall, noUnprivileged, Place, rejection, script, tree, unprivileged } from '../support.js';
import { copy } from './copying.js';

/** Makes what is no file: what it is called, and how it is made there. */
const OTHERS: Readonly<Record<string, (t: Test, path: string) => Promise<void> | void>> = {
  'a FIFO': (_, path) => {
    spawnSync('mkfifo', [path]);
  },
  'a socket': async (t, path) => {
    const server = net.createServer();
    t.teardown(() => server.close());
    await new Promise<void>((resolve) => server.listen(path, resolve));
  },
  ...(isRoot && {
    'a device': (_: Test, path: string) => {
      spawnSync('mknod', [path, 'c', '1', '3']);
    },
  }),
};

for (const [what, make] of Object.entries(OTHERS))
  t.test(`${what} at a final name is never replaced, whenever it came there`, async (t) => {
    const place = new Place(t);
    place.write('source/a');
    place.write('source/b');
    place.mkdir('dest');
    const before = await place.create();
    await before.addAll([
      [place.path('source/a'), place.dest],
      [place.path('source/b'), place.dest],
    ]);
    await make(t, place.path('dest/b'));
    if (!fs.existsSync(place.path('dest/b'))) return t.plan(0, `${what} cannot be made here`);
    await t.rejects(before.dispatch(), {
      code: 'AXL_CONFLICT',
      path: place.path('source/b'),
      dest: place.path('dest/b'),
    });
    t.equal(before.state, 'created', 'nothing was begun');
    await before.free();
    await t.rejects(copy(place, place.source, place.dest, { contents: true }), { code: 'AXL_CONFLICT' });
    await t.rejects(copy(place, place.path('source/b'), place.dest), { code: 'AXL_CONFLICT' });
    fs.renameSync(place.path('dest/b'), place.path('aside'));
    const after = await place.create();
    await after.add(`${place.source}/.`, place.dest);
    await after.dispatch();
    await after.settle();
    fs.renameSync(place.path('aside'), place.path('dest/b'));
    t.match(await rejection(after.wait()), { cause: { code: 'AXL_CONFLICT', path: place.path('dest/b') } });
    t.notOk(fs.existsSync(place.path('dest/a')), 'and none of the others is published');
    await after[Symbol.asyncDispose]();
    const { counts } = await finalize(place.states, { overwrite: 'replace' });
    t.equal(counts.failed, 1, 'also not by axl-finalize --overwrite replace');
    t.notOk(fs.existsSync(place.path('dest/a')));
    fs.renameSync(place.path('dest/b'), place.path('aside'));
    t.equal((await finalize(place.states)).counts.published, 1);
    t.same(Object.keys(tree(place.dest)), ['a', 'b']);
  });

t.test('what transfers have left in a source tree is left out, and told of', async (t) => {
  const place = new Place(t);
  const temporary = 'a._AXL0123456789abcdef';
  const draft = '.0123456789abcdef0123456789abcdef.new';
  place.write('source/a', 'data');
  place.write('source/private.1', 'x'.repeat(64));
  fs.chmodSync(place.path('source/private.1'), 0o600);
  for (const name of [temporary, draft, '.axl-verdict.0-1', '.axl-report.1.tmp', '.axl-comm-1/join', '.axl-probe-1/x'])
    place.write(`source/sub/${name}`, 'ours');
  place.mkdir('source/.axl-finalize.0.lock');
  place.mkdir('source/b._AXL0123456789abcdef');
  place.write('source/.axlrc', 'data');
  const other = await Transfer.create({ name: 'other', stateFile: place.path('source/other.0') });
  t.teardown(() => other.free());
  const transfer = await place.create({ stateFile: place.path('source/own.0') });
  const all = { '.axlrc': 'data', a: 'data', 'b._AXL0123456789abcdef/': '', 'private.1': 'x'.repeat(64), 'sub/': '' };
  t.match(await transfer.add(`${place.source}/.`, place.path('dest/tree')), { files: 3, directories: 4, skipped: 9 });
  t.match(await transfer.addGlob('**', { cwd: place.source, dest: place.path('dest/glob'), dot: true }), { files: 3 });
  for (const path of [place.path('source/own.0'), place.path('source/other.0'), place.path('source/sub', temporary)])
    await t.rejects(transfer.add(path, place.dest), { code: 'AXL_NOT_SUPPORTED', path });
  await t.rejects(transfer.add(place.path('source/a'), place.path('dest', temporary)), { code: 'AXL_CONFLICT' });
  await transfer.dispatch();
  const { warnings } = await transfer.wait();
  t.match(warnings[0], /left out 9/);
  await transfer.free();
  t.same(tree(place.path('dest/tree')), all);
  t.same(tree(place.path('dest/glob')), all);
});

t.test(
  'a directory that may not be written to is refused before a byte is copied, also where a copy made it',
  async (t) => {
    const skip = await noUnprivileged();
    if (skip) return t.plan(0, skip);
    const place = new Place(t);
    place.write('source/r/f', '1');
    fs.chmodSync(place.path('source/r'), 0o555);
    place.mkdir('dest');
    if (unprivileged.uid !== undefined) place.give(unprivileged.uid);
    const code = `
    const [stateFile, source, dest] = args;
    const said = [];
    for (const round of [1, 2, 3]) {
      const transfer = await axl.Transfer.create({ name: 'ckpt', stateFile });
      try {
        await transfer.add(source, dest);
        await transfer.dispatch();
        said.push((await transfer.wait()).state);
      } catch ({ code, errnoName, syscall, path, message }) {
        said.push({ code, errnoName, syscall, path, message, state: transfer.state });
      }
      await transfer.free();
      if (round === 2) (await import('node:fs')).chmodSync(dest + '/source/r', 0o755);
    }
    console.log(JSON.stringify(said));`;
    const ended = await script(code, [place.stateFile, place.source, place.dest], unprivileged);
    t.equal(ended.status, 0, ended.stderr);
    const path = place.path('dest/source/r');
    t.match(JSON.parse(ended.stdout), [
      'completed',
      { code: 'AXL_IO', errnoName: 'EACCES', syscall: 'access', path, message: /chmod u\+w/, state: 'created' },
      'completed',
    ]);
  },
);

t.test('a read-only directory into which nothing is put is no obstacle', async (t) => {
  const skip = await noUnprivileged();
  if (skip) return t.plan(0, skip);
  const place = new Place(t);
  place.write('source/top/sub/f', '2');
  place.write('dest/top/sub/f', '1');
  if (unprivileged.uid !== undefined) place.give(unprivileged.uid);
  fs.chmodSync(place.path('dest/top'), 0o555);
  fs.chmodSync(place.dest, 0o555);
  const code = `
    const [stateFile, source, dest] = args;
    const transfer = await axl.Transfer.create({ name: 'ckpt', stateFile });
    await transfer.add(source, dest, { contents: true });
    await transfer.dispatch();
    await transfer.wait();
    await transfer.free();`;
  const ended = await script(code, [place.stateFile, place.source, place.dest], unprivileged);
  t.equal(ended.status, 0, ended.stderr);
  t.equal(fs.readFileSync(place.path('dest/top/sub/f'), 'utf8'), '2');
});

t.test(
  'a file whose size says nothing of what is in it is refused, and never published empty or as changed',
  async (t) => {
    const place = new Place(t);
    for (const source of ['/proc/cpuinfo', '/proc/self/status', '/sys/devices/system/cpu/online'])
      await t.rejects(copy(place, source, place.path('dest/x')), { code: 'AXL_NOT_SUPPORTED', path: source });
    t.notOk(fs.existsSync(place.path('dest/x')));
    place.write('source/empty', '');
    await copy(place, place.path('source/empty'), place.path('dest/empty'));
    t.same(tree(place.dest), { empty: '' });
  },
);

t.test('syncSource is refused where it cannot tell of stores to a mapping', async (t) => {
  const place = new Place(t);
  place.mkdir('memory');
  const skip = mountSmall(t, place.path('memory'), '1m');
  if (skip) return t.plan(0, skip);
  place.write('memory/a', 'a');
  await t.rejects(copy(place, place.path('memory/a'), place.path('dest/a'), { syncSource: true }), {
    code: 'AXL_NOT_SUPPORTED',
    path: place.path('memory/a'),
  });
});
