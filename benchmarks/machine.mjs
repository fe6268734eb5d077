// Where and of what the figures were measured: a figure without this says nothing.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function git(...args) {
  try {
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}

/** The commit, with a `+` if what is measured is not what was committed. */
export function commit() {
  const hash = git('rev-parse', '--short=12', 'HEAD');
  if (hash === '') return 'unknown';
  return git('status', '--porcelain', '--', 'lib', 'bin', 'native', 'CMakeLists.txt') === '' ? hash : `${hash}+`;
}

/** An ext4 with a journal has a thread for it. Without one, fsync costs something else altogether. */
function withoutJournal(type, device) {
  const journals = existsSync('/proc/fs/jbd2') ? readdirSync('/proc/fs/jbd2') : [];
  return type === 'ext4' && !journals.some((name) => name.startsWith(`${basename(device)}-`));
}

/** The type and the options of the file system that a directory lies in; not where it is mounted. */
function fileSystem(directory) {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, point]) => point === '/' || directory === point || directory.startsWith(`${point}/`));
  const [device, , type, options] = mounts.reduce((best, mount) => (mount[1].length >= best[1].length ? mount : best));
  const kind = withoutJournal(type, device) ? `${type} without a journal` : type;
  return `${kind} (${options.replace(/,?size=[^,]*/, '')})`;
}

export const fileSystemType = (directory) => fileSystem(directory).split(' (')[0];

/** What must be equal for two figures to be comparable at all. */
export function machine(places) {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: `Linux ${release()}`,
    node: process.version,
    'file system "memory"': fileSystem(places.memory),
    'file system "disk"': fileSystem(places.disk),
  };
}

/** What was measured, and when; `load` says how quiet the machine was before. */
export function occasion(runs) {
  const date = new Date().toISOString().slice(0, 16).replace('T', ' ');
  return { date: `${date} UTC`, commit: commit(), runs, load: Number(loadavg()[0].toFixed(2)) };
}
