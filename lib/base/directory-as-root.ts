// A directory that root was told of, and that others may have prepared: every step of the way is taken from a descriptor,
// so that nothing can be put in the way meanwhile, and links count only if they are root's own.
import { closeSync, constants, lstatSync, openSync, readlinkSync } from 'node:fs';
import { AxlError } from './errors.js';

const FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** As the kernel has it. */
const MAX_LINKS = 40;

const unsafe = (why: string) => new AxlError('AXL_UNSAFE_PATH', why);
const components = (path: string): string[] => path.split('/').filter((name) => name !== '');
const below = (fd: number, name: string): Buffer => Buffer.from(`/proc/self/fd/${fd}/${name}`, 'latin1');

function targetOf(fd: number, name: string): string | undefined {
  const stats = lstatSync(below(fd, name));
  if (!stats.isSymbolicLink()) return undefined;
  if (stats.uid !== 0) throw unsafe(`root follows no symbolic link of user ${stats.uid}: give the path without links`);
  return readlinkSync(below(fd, name), 'latin1');
}

/**
 * A descriptor of a directory.
 * @param path absolute, in latin1
 * @throws {AxlError} AXL_UNSAFE_PATH if a link that is not root's is on the way; {Error} if it cannot be opened
 */
export function openAsRoot(path: string): number {
  let fd = openSync('/', FLAGS);
  const move = (next: Buffer | string) => {
    const last = fd;
    fd = openSync(next, FLAGS);
    closeSync(last);
  };
  try {
    const left = components(path);
    for (let links = 0, name = left.shift(); name !== undefined; name = left.shift()) {
      const target = targetOf(fd, name);
      if (target === undefined) move(below(fd, name));
      else if (++links > MAX_LINKS) throw unsafe('the path has too many symbolic links');
      else {
        left.unshift(...components(target));
        if (target.startsWith('/')) move('/');
      }
    }
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Its canonical path, in latin1. @throws as {@link openAsRoot} */
export function canonicalAsRoot(path: string): string {
  const fd = openAsRoot(path);
  try {
    return readlinkSync(`/proc/self/fd/${fd}`, 'latin1');
  } finally {
    closeSync(fd);
  }
}
