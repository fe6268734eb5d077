// A real ext4 on a real device that runs full under it: what the file system has taken is lost when it is written back, and
// the kernel tells of that once. No file of which the disk has not every byte is done, whoever asked first.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import t, { type Test } from 'tap';
import { type FileReport, Transfer, type TransferError } from '../../lib/index.js';
import { bytes, isRoot, mountSmall, Place, rejection, temporaries } from '../support.js';

const FILES = 1300;
const SIZE = 32 << 10;
const run = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: 'utf8' }).trim();

function missing(): string {
  if (!isRoot) return 'needs root, to mount';
  try {
    run('sh', '-c', 'command -v mkfs.ext4 && losetup -f');
    return '';
  } catch {
    return 'needs loop devices and e2fsprogs';
  }
}
const skip = missing();
if (skip) console.error(`SKIPPED writes that a device loses: ${skip}`);

/**
 * A file system of 200 MiB on a device that has 30, until `grow` gives it all. Its journal is on another device, and its
 * inodes have been written before: data are lost, and nothing else. A loop device calls a request that was written in part
 * a success: each is of one page.
 */
class Thin {
  readonly mount: string;
  readonly #backing: string;
  readonly #device: string;

  constructor(t: Test, place: Place) {
    this.#backing = place.mkdir('backing');
    t.equal(mountSmall(t, this.#backing, '30m'), '');
    this.mount = place.mkdir('thin');
    const journal = this.#loop(t, place.path('journal'), 8);
    this.#device = this.#loop(t, join(this.#backing, 'image'), 200);
    writeFileSync(`/sys/block/${basename(this.#device)}/queue/max_sectors_kb`, '4');
    run('mkfs.ext4', '-q', '-F', '-b', '4096', '-O', 'journal_dev', journal);
    run(
      'mkfs.ext4',
      '-q',
      '-F',
      '-b',
      '4096',
      '-N',
      '4096',
      '-J',
      `device=${journal}`,
      '-E',
      'nodiscard',
      this.#device,
    );
    run('mount', this.#device, this.mount);
    const files = Array.from({ length: 2 * FILES }, (_, i) => join(this.mount, `${i}`));
    for (const file of files) writeFileSync(file, '');
    for (const file of files) rmSync(file);
    this.forget();
    t.teardown(() => run('umount', '-l', this.mount));
  }

  #loop(t: Test, image: string, mib: number): string {
    writeFileSync(image, '');
    truncateSync(image, mib << 20);
    const device = run('losetup', '-f', '--show', image);
    t.teardown(() => run('losetup', '-d', device));
    return device;
  }

  grow(): void {
    run('mount', '-o', 'remount,size=300m', this.#backing);
  }

  /** Afterwards only what is on the device is seen. */
  forget(): void {
    run('umount', this.mount);
    run('mount', this.#device, this.mount);
  }
}

function makeSources(place: Place): string {
  const source = place.mkdir('source');
  for (let i = 0; i < FILES; i++) writeFileSync(join(source, `f${i}`), bytes(SIZE, i));
  return source;
}

/** Those that are said to be done, and are not whole. */
function lies(files: Iterable<FileReport>, dest: string): string[] {
  const there = temporaries(dest);
  const isWhole = ({ source, dest: final }: FileReport) => {
    const temporary = there.find((name) => name.startsWith(`${final.slice(dest.length + 1)}._AXL`));
    return temporary !== undefined && readFileSync(join(dest, temporary)).equals(readFileSync(source));
  };
  return [...files].filter((file) => file.state === 'done' && !isWhole(file)).map(({ dest }) => dest);
}

/** Another process that always asks. @returns what ends it */
function asking(mount: string): () => Promise<unknown> {
  const child = spawn('sh', ['-c', `trap exit TERM; while :; do sync -f ${mount}; done`], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  return () => {
    child.kill('SIGTERM');
    return ended;
  };
}

for (const first of ['this process', 'another process']) {
  t.test(`what a full device loses is never done, though ${first} is told first`, { skip }, async (t) => {
    const place = new Place(t);
    const thin = new Thin(t, place);
    const source = makeSources(place);
    const dest = join(thin.mount, 'dest');
    const stateFile = place.path('state');
    const end = first === 'another process' ? asking(thin.mount) : undefined;
    run('sync');
    const transfer = await Transfer.create({ name: 'thin', stateFile });
    await transfer.add(source, dest);
    await transfer.dispatch();
    const error = (await rejection(transfer.wait())) as TransferError;
    t.equal(error.code, 'AXL_TRANSFER_FAILED');
    await end?.();
    const { files } = error.report;
    const calls = [...new Set([...files].map((file) => file.error?.syscall))].join(' ');
    t.comment(`failed: ${error.report.filesFailed} of ${FILES}, in ${calls}`);
    await transfer[Symbol.asyncDispose]();
    thin.grow();
    thin.forget();
    t.same(lies(files, dest), []);
    const resumed = await Transfer.open(stateFile);
    await resumed.resume();
    t.equal((await resumed.wait()).filesPublished, FILES);
    thin.forget();
    for (let i = 0; i < FILES; i++)
      if (!readFileSync(join(dest, `f${i}`)).equals(bytes(SIZE, i))) t.fail(`f${i} is not whole`);
    await resumed.free();
  });
}
