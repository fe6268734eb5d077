// `axl-finalize probe`: what a file system does, told as it is here; and that nothing is left of the probe.
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { DAEMONS, type Daemon, mount } from '../file-systems/daemons.js';
import { axlFinalize, mountSmall, noUnprivileged, Place, root, said, unprivileged } from '../support.js';

const BINARY = join(root, 'dist/bin/axl-finalize.js');
const probe = (...args: string[]) => axlFinalize(['probe', ...args]);

interface Item {
  readonly item: string;
  readonly found: string;
  readonly verdict: string;
}
const byName = (items: readonly Item[]): Record<string, Item> =>
  Object.fromEntries(items.map((item) => [item.item, item]));

t.test('on a local file system everything is supported, and nothing is left', async (t) => {
  const place = new Place(t);
  const dir = place.mkdir('dir');
  const why = mountSmall(t, dir, '1m');
  if (why) t.comment(`not on a tmpfs of its own: ${why}`);
  const ended = await probe('--json', dir);
  t.equal(ended.status, 0, ended.stderr);
  const items = byName(said(ended).items);
  t.match(items.locks, { found: /granted; they are of this host alone/, verdict: 'supported' });
  t.match(items['inode numbers'], { found: /a rename, a second name, a listing, another open/, verdict: 'supported' });
  t.match(items.times, { found: '1 ns' });
  t.equal(Object.keys(items).length, 11);
  t.same(fs.readdirSync(dir), []);
  const { stdout, status } = await probe(dir);
  t.equal(status, 0);
  t.match(stdout, /^locks +supported +granted/m);
});

t.test('where nothing can be made, nothing is said', async (t) => {
  const place = new Place(t);
  t.match(await probe(place.path('missing')), { status: 1, stderr: /missing: ENOENT/ });
  t.match(await probe(place.write('file')), { status: 1, stderr: /ENOTDIR/ });
  t.equal((await probe('--hold', '--from', 'x', place.root)).status, 2);
  if (await noUnprivileged()) return;
  const closed = place.mkdir('closed', 0o555);
  t.match(await axlFinalize(['probe', closed], unprivileged), { status: 1, stderr: /mkdir .*EACCES/ });
});

/** A process of its own, to be sent a signal: `env` becomes it. */
const run = (...args: string[]): ChildProcess =>
  spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, BINARY, 'probe', ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });

const ended = (child: ChildProcess) => new Promise((resolve) => child.once('close', resolve));

/** A process that keeps a lock. */
async function holdIn(t: Test, dir: string): Promise<ChildProcess> {
  const child = run('--hold', dir);
  t.teardown(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  return child;
}

t.test('a lock that is held is seen, is no state file, and is gone after SIGINT', async (t) => {
  const place = new Place(t);
  const child = await holdIn(t, place.states);
  t.match(fs.readdirSync(place.states), [/^\.axl-probe-[0-9a-f]{16}$/]);
  const seen = await probe('--json', '--from', hostname(), place.states);
  t.match(said(seen).items, [{ item: /which runs on this host/, found: 'it is seen' }]);
  const { status, stdout } = await axlFinalize(['--recursive', place.states]);
  t.equal(status, 0);
  t.match(stdout, /0 state files;/);
  t.notMatch(stdout, /left alone/);
  child.kill('SIGINT');
  t.equal(await ended(child), 0);
  t.same(fs.readdirSync(place.states), []);
});

t.test('a signal at any moment of a probe leaves nothing', async (t) => {
  const place = new Place(t);
  for (let ms = 0; ms < 240; ms += 20) {
    const child = run(place.mkdir('dest'));
    child.stdout?.resume();
    setTimeout(() => child.kill(ms % 40 === 0 ? 'SIGINT' : 'SIGTERM'), ms);
    await ended(child);
    t.same(fs.readdirSync(place.dest), [], `after ${ms} ms`);
  }
});

for (const daemon of Object.keys(DAEMONS) as Daemon[])
  t.test(`on ${daemon} a lock that another mount does not see is found out`, async (t) => {
    const place = new Place(t);
    const skip = mount(t, place, daemon, 'one') || mount(t, place, daemon, 'two');
    if (skip) return t.comment(`SKIPPED ${skip}`);
    const tried = await probe('--json', place.path('one'));
    t.equal(tried.status, 4, tried.stderr + tried.stdout);
    const items = byName(said(tried).items);
    t.match(items.locks, { found: /whether they reach other hosts is not known/, verdict: 'job-ended' });
    t.match(items['inode numbers'], { verdict: daemon === 'fuse-overlayfs' ? 'supported' : 'limited' });
    t.equal(items.links?.verdict, daemon === 'sshfs' ? 'limited' : 'supported');
    t.same(fs.readdirSync(place.path('one')), []);
    if (daemon === 'fuse-overlayfs') return; // its second mount sees no new names
    const child = await holdIn(t, place.path('one'));
    const seen = await probe('--json', '--from', hostname(), place.path('two'));
    t.equal(seen.status, 4);
    t.match(said(seen).items, [{ found: 'it is granted here too', verdict: 'job-ended' }]);
    child.kill('SIGTERM');
    t.equal(await ended(child), 0);
    t.same(fs.readdirSync(place.path('one')), []);
  });
