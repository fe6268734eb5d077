// FAT: a file system with neither owners, nor modes, nor links, and with times of two seconds. The kernel's, on a loop
// device, or that of FUSE where the kernel has none. Needs root, mkfs.vfat (Debian: dosfstools), and fusefat for the other.
import * as fs from 'node:fs';
import type { Test } from 'tap';
import t from 'tap';
import { type CreateOptions, finalize, type Transfer, type TransferError } from '../../lib/index.js';
import { quiet } from '../journals.js';
import { bytes, codeOf, isRoot, Place, rejection, temporaries, tree } from '../support.js';
import { attempt } from './worlds.js';

const IMAGE_MIB = 64;
const UNIT_S = 2;
const TIME = 1_000_000_001.25;

/** @returns why there is no FAT at `to`, or '' */
function mountFat(image: string, to: string): string {
  const mounted = attempt('mount', '-t', 'vfat', '-o', 'loop', image, to);
  const without = mounted && attempt('fusefat', '-o', 'rw+', image, to);
  return without && `${mounted}; and ${without} (Debian: apt-get install fusefat)`;
}

/** @returns the image of a FAT that is mounted at `to`, or why there is none */
function makeFat(t: Test, place: Place, to: string): { image: string; why: string } {
  const image = place.write('image');
  if (!isRoot) return { image, why: 'only root can mount a FAT file system' };
  fs.truncateSync(image, IMAGE_MIB << 20);
  const made = attempt('mkfs.vfat', image);
  if (made) return { image, why: `${made} (Debian: apt-get install dosfstools)` };
  t.teardown(() => attempt('umount', '-l', to));
  return { image, why: mountFat(image, to) };
}

const mountOf = (path: string): string =>
  fs
    .readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((line) => line.includes(` ${path} `)) ?? '';

/** Three names of one file, and one of another user and mode, with a time that no FAT can keep. */
function makeSources(place: Place): void {
  const first = place.write('source/a', 'of three names');
  place.mkdir('source/sub');
  for (const name of ['b', 'sub/c']) fs.linkSync(first, place.path('source', name));
  const other = place.write('source/other', bytes(100_000));
  fs.chownSync(other, 1234, 1234);
  fs.chmodSync(other, 0o640);
  for (const path of [first, other]) fs.utimesSync(path, TIME, TIME);
}

async function copy(place: Place, options: Partial<CreateOptions>): Promise<Transfer> {
  const transfer = await place.create({ hardLinks: 'keep', ...options });
  await transfer.add(`${place.source}/.`, place.dest);
  await transfer.dispatch();
  await quiet(transfer);
  return transfer;
}

t.test('on FAT each hard link becomes a file, and what is refused is left out and told, or fails it', async (t) => {
  const place = new Place(t);
  const { image, why } = makeFat(t, place, place.mkdir('dest'));
  if (why) return t.plan(0, why);
  makeSources(place);

  await t.test('by a rank', async (t) => {
    await using transfer = await copy(place, { metadata: 'warn' });
    const { files, linksCopied, lacks } = await transfer.wait();
    await transfer.free();
    t.same(tree(place.dest), tree(place.source));
    t.equal(linksCopied, 2);
    t.same(lacks, ['owner', 'mode', 'times']);
    t.same(files.find(({ dest }) => dest.endsWith('other'))?.lacks, ['owner', 'mode', 'times']);
    const keepsTimes = / - vfat /.test(mountOf(place.dest));
    for (const name of ['a', 'b', 'sub/c', 'other']) {
      const { nlink, mtimeMs } = fs.statSync(place.path('dest', name));
      t.equal(nlink, 1, name);
      if (keepsTimes) t.ok(Math.abs(mtimeMs / 1000 - TIME) < UNIT_S, name); // fusefat changes it with a rename
    }
  });

  await t.test('by axl-finalize, over what is there, after a remount', async (t) => {
    fs.writeFileSync(place.path('source/a'), 'of three new ones');
    {
      await using _ = await copy(place, { metadata: 'warn' });
    }
    t.equal(attempt('umount', place.dest) || mountFat(image, place.dest), '');
    const { counts, lacks } = await finalize(place.states);
    t.match(counts, { published: 1, failed: 0 });
    t.same(lacks, ['owner', 'mode', 'times']);
    t.same([tree(place.dest), temporaries(place.dest)], [tree(place.source), []]);
  });

  const before = tree(place.dest);
  await t.test('with the words that root has by default nothing is published', async (t) => {
    fs.writeFileSync(place.path('source/a'), 'never seen');
    await using transfer = await copy(place, {});
    t.equal(await codeOf(transfer.wait()), 'AXL_TRANSFER_FAILED');
    await transfer.free();
    t.same(tree(place.dest), before);
  });

  await t.test('a symbolic link fails its transfer', async (t) => {
    fs.symlinkSync('a', place.path('source/link'));
    await using transfer = await copy(place, { metadata: 'warn' });
    const error = (await rejection(transfer.wait())) as TransferError;
    const failure = error.report.files.find(({ dest }) => dest.endsWith('link'))?.error;
    t.same([error.code, failure?.syscall], ['AXL_TRANSFER_FAILED', 'symlink']);
    await transfer.free();
    t.same(tree(place.dest), before);
  });

  await t.test('what it leads to is copied', async (t) => {
    {
      await using transfer = await place.create({ metadata: 'warn' });
      await transfer.add(`${place.source}/.`, place.dest, { links: 'follow' });
      await transfer.dispatch();
      await transfer.wait();
      await transfer.free();
    }
    t.equal(fs.readFileSync(place.path('dest', 'link'), 'utf8'), 'never seen');
  });
});
