// The directories in which trials work, one in memory and one on the disk, and the files that they copy. Whatever
// happens, the directories go away; what a killed run left behind goes with the next run.
//
// On the disk nothing small is removed before the end: where thousands of files were deleted, an ext4 without a journal
// makes each new file slow for minutes (it looks for an inode that was not in use lately).
import { execFile, spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PREFIX = 'axl-bench-';

function isAlive(pid) {
  return existsSync(`/proc/${pid}`);
}

function make(parent) {
  mkdirSync(parent, { recursive: true });
  for (const name of readdirSync(parent))
    if (name.startsWith(PREFIX) && !isAlive(name.slice(PREFIX.length)))
      rmSync(join(parent, name), { recursive: true, force: true });
  const directory = join(parent, `${PREFIX}${process.pid}`);
  mkdirSync(directory);
  return directory;
}

/** @returns {{memory: string, disk: string}} new directories in these two, removed when the process ends */
export function openScratch(memory, disk) {
  const places = { memory: make(memory), disk: make(disk) };
  process.on('exit', () => {
    spawnSync('rm', ['-rf', ...Object.values(places)]);
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));
  return places;
}

let cases = 0;

/** Runs something that may leave whatever it likes in its own pair of directories. */
export async function inScratch(places, run) {
  cases++;
  const own = Object.entries(places).map(([name, directory]) => [name, join(directory, `case.${cases}`)]);
  for (const [, directory] of own) mkdirSync(directory);
  const { memory, disk } = Object.fromEntries(own);
  try {
    return await run({ memory, disk });
  } finally {
    await remove(memory);
  }
}

export async function remove(...paths) {
  await run('rm', ['-rf', ...paths]);
}

/** So that one measurement does not pay for what another left to be written. */
export async function settle(directory) {
  await run('sync', ['-f', directory]);
}

/** Bytes that a trial may put there: what is in memory must leave most of the memory alone. */
export function space(directory) {
  const { bavail, bsize, type } = statfsSync(directory);
  const TMPFS = 0x01021994;
  const [, available] = /^MemAvailable: *(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
  return type === TMPFS ? Math.min(bavail * bsize, available * 1024 * 0.6, 8.5 * 2 ** 30) : bavail * bsize * 0.5;
}

const noise = randomFillSync(Buffer.alloc(8 << 20));

function fill(path, size) {
  const fd = openSync(path, 'wx');
  for (let at = 0; at < size; at += noise.length) writeSync(fd, noise, 0, Math.min(noise.length, size - at));
  closeSync(fd);
}

export function makeFile(path, size) {
  fill(path, size);
  return path;
}

/** `count` files in directories of a thousand. @param size bytes of the file with this number */
export function makeTree(directory, count, size) {
  mkdirSync(directory);
  for (let i = 0; i < count; i++) {
    const parent = join(directory, `d${String(Math.floor(i / 1000)).padStart(3, '0')}`);
    if (i % 1000 === 0) mkdirSync(parent);
    const path = join(parent, `file.${String(i).padStart(6, '0')}`);
    const length = size(i);
    if (length < noise.length) writeFileSync(path, noise.subarray(0, length), { flag: 'wx' });
    else fill(path, length);
  }
  return directory;
}

/** 1 to 4 KiB, about evenly spread. */
export const smallSize = (i) => 1024 + ((i * 2654435761) % 3073);
