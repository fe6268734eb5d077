// Quotas of a real file system: a subvolume of btrfs with a limit, on a loop device. A quota stops at other calls than a
// full disk does: a rename, or an append of a few bytes, needs room in the trees of btrfs, too. Needs root and btrfs-progs.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import type { Test } from 'tap';
import t from 'tap';
import { type AxlError, finalize } from '../../lib/index.js';
import { leave } from '../journals.js';
import { bytes, isRoot, Place, temporaries, tree } from '../support.js';

const IMAGE_MIB = 256;
const FILES = 20;

/** @returns what went wrong, or '' */
function run(command: string, ...args: string[]): string {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? '' : `${[command, ...args].join(' ')}: ${error?.message ?? stderr.trim()}`;
}

/** A place some directories of which are in one subvolume, whose size can be limited. */
class LimitedPlace extends Place {
  readonly #subvolume = this.path('volume/limited');

  /** @returns why there can be none here, or '' */
  make(t: Test, ...names: readonly string[]): string {
    if (!isRoot) return 'only root can mount a btrfs with a quota';
    const image = this.write('image');
    fs.truncateSync(image, IMAGE_MIB << 20);
    const why = run('mkfs.btrfs', '-q', '-f', image);
    if (why) return `${why} (Debian: apt-get install btrfs-progs)`;
    return this.#mount(t, '-o', 'loop', image, this.mkdir('volume')) || this.#subvolumeWith(t, names);
  }

  #subvolumeWith(t: Test, names: readonly string[]): string {
    const why =
      run('btrfs', 'quota', 'enable', this.path('volume')) ||
      run('btrfs', 'quota', 'rescan', '-w', this.path('volume')) || // which it began: before its end nothing is counted
      run('btrfs', 'subvolume', 'create', this.#subvolume);
    return names.reduce(
      (before, name) => before || this.#mount(t, '--bind', this.mkdir(`volume/limited/${name}`), this.mkdir(name)),
      why,
    );
  }

  #mount(t: Test, ...args: readonly string[]): string {
    const why = run('mount', ...args);
    if (!why) t.teardown(() => run('umount', '-l', args.at(-1) as string));
    return why;
  }

  /** Nothing more fits than `kib` above what is there, or everything again. */
  leaveRoom(kib: number | 'all'): void {
    run('sync', '-f', this.#subvolume);
    const { stdout } = spawnSync('btrfs', ['qgroup', 'show', '-f', '--raw', this.#subvolume], { encoding: 'utf8' });
    const [, id = '', used] = /^(0\/\d+)\s+(\d+)/m.exec(stdout) ?? [];
    const limit = kib === 'all' ? 'none' : `${Math.max(1, Number(used) + kib * 1024)}`;
    const why = run('btrfs', 'qgroup', 'limit', limit, id, this.path('volume'));
    if (why) throw new Error(`${why}${stdout}`);
  }
}

/** Copies all sources, and publishes them. @returns 'completed', or the errno of what failed first */
async function copy(place: Place): Promise<string> {
  try {
    await using transfer = await place.create();
    for (const name of fs.readdirSync(place.source)) await transfer.add(place.path('source', name), place.dest);
    await transfer.dispatch();
    await transfer.wait();
    await transfer.free();
    return 'completed';
  } catch (error) {
    const { cause, errnoName } = error as AxlError & { cause?: AxlError };
    return cause?.errnoName ?? errnoName ?? String(error);
  }
}

/** Lifts the limit, and puts back what was in the destination before. */
function startOver(place: LimitedPlace): void {
  place.leaveRoom('all');
  for (const name of fs.readdirSync(place.dest)) fs.rmSync(place.path('dest', name));
  place.write('dest/7', 'of before');
}

for (const limited of [['dest'], ['dest', 'states']])
  t.test(
    `over a quota of ${limited.join(' and ')} a transfer fails with EDQUOT, and is whole or not at all`,
    async (t) => {
      const place = new LimitedPlace(t);
      const why = place.make(t, ...limited);
      if (why) return t.plan(0, why);
      for (let i = 0; i < FILES; i++) place.write(`source/${i}`, bytes(i === 0 ? 2 << 20 : 50_000, i));
      const seen = new Set<string>();
      const published: boolean[] = [];
      for (const kib of [0, 16, 64, 128, 512, 1024, 2048, 3000, 3500, 4096, 16384]) {
        startOver(place);
        place.leaveRoom(kib);
        const outcome = await copy(place);
        seen.add(outcome);
        // Where the quota leaves no room for its own work, a finalizer says so, and loses nothing.
        const { problems } = await finalize(place.states);
        t.ok(
          problems.every(({ error }) => error?.errnoName === 'EDQUOT'),
          `${kib} KiB`,
        );
        place.leaveRoom('all');
        t.same((await finalize(place.states)).problems, [], `${kib} KiB`);
        t.same([fs.readdirSync(place.states), temporaries(place.dest)], [[], []], `${kib} KiB`);
        // A quota may also be met after the last file is copied and the outcome settled: then finalizing publishes it.
        const now = tree(place.dest);
        if (outcome === 'completed' || now[1]) t.same(now, tree(place.source), `${kib} KiB: ${outcome}`);
        else t.same(now, { 7: 'of before' }, `${kib} KiB: ${outcome}`);
        published.push(now[1] !== undefined);
      }
      t.same([...seen].sort(), ['EDQUOT', 'completed']);
      t.same([published[0], published.at(-1)], [false, true]);
    },
  );

t.test('a finalizer over a quota fails what it has no room for; with room, the next one publishes it', async (t) => {
  const place = new LimitedPlace(t);
  const why = place.make(t, 'dest', 'states');
  if (why) return t.plan(0, why);
  const names = Array.from({ length: FILES }, (_, i) => `${i}`);
  const failed: number[] = [];
  for (const kib of [-1024, 0, 16, 64, 128, 256, 512, 4096]) {
    startOver(place);
    for (const name of names) await leave.complete(place, name);
    place.leaveRoom(kib);
    const { counts, problems } = await finalize(place.states);
    failed.push(counts.failed);
    t.equal(counts.published + counts.failed, FILES, `${kib} KiB`);
    t.ok(
      problems.every(({ error }) => error?.errnoName === 'EDQUOT'),
      `${kib} KiB`,
    );
    for (const name of fs.readdirSync(place.dest).filter((name) => !temporaries(place.dest).includes(name)))
      t.match(fs.readFileSync(place.path('dest', name), 'utf8'), new RegExp(`^source/${name}$|^of before$`));
    place.leaveRoom('all');
    t.match((await finalize(place.states)).counts, { published: counts.failed, failed: 0 }, `${kib} KiB`);
    t.same([fs.readdirSync(place.states), tree(place.dest)], [[], tree(place.source)], `${kib} KiB`);
  }
  t.same([failed[0], failed.at(-1)], [FILES, 0], 'the quota was met, and then it was not');
});
