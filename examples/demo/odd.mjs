// One directory of what copy programs get wrong: modes, names, holes, times, xattrs, links.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { bytes } from './tree.mjs';
import { setXattr } from './xattr.mjs';

const MODES = [0o4751, 0o2755, 0o6711, 0o1644, 0o600, 0o777];

function write(path, contents, mode = 0o644) {
  fs.writeFileSync(bytes(path), contents);
  fs.chmodSync(bytes(path), mode);
}

/** 12 MiB of which 12 KiB are there: data, a hole, data, and a hole at the end. @returns whether it has holes */
function writeSparse(path) {
  const fd = fs.openSync(bytes(path), 'w', 0o644);
  fs.writeSync(fd, Buffer.alloc(8192, 'head'), 0, 8192, 0);
  fs.writeSync(fd, Buffer.alloc(4000, 'middle'), 0, 4000, 9 * 2 ** 20 + 4096);
  fs.ftruncateSync(fd, 12 * 2 ** 20 + 17);
  const { blocks, size } = fs.fstatSync(fd);
  fs.closeSync(fd);
  return blocks * 512 < size / 2;
}

/** Two of them where a program that sets the mode first fails: a read-only file, and a directory. */
function setXattrs(root) {
  const value = Buffer.from('42\0\xff', 'latin1');
  return ['xattr', 'empty-directory'].every((name) => setXattr(`${root}/${name}`, 'user.run', value));
}

/** @param {string[]} without features to leave out @returns {string[]} features that this place does not have */
export function makeOddFiles(root, without) {
  fs.mkdirSync(bytes(root));
  for (const mode of MODES) write(`${root}/mode.${mode.toString(8)}`, `mode ${mode}\n`, mode);
  write(`${root}/read-only`, 'nobody writes here\n', 0o444);
  write(`${root}/empty`, '');
  write(`${root}/new\nline`, 'a newline in the name\n');
  write(`${root}/caf\xe9`, 'latin1, not UTF-8, in the name\n');
  write(`${root}/${'n'.repeat(255)}`, 'no room for a suffix\n');
  write(`${root}/time.1969`, 'before the epoch\n');
  write(`${root}/time.ns`, 'one nanosecond before the next second\n');
  write(`${root}/xattr`, 'tagged\n');
  fs.mkdirSync(bytes(`${root}/empty-directory`));
  fs.mkdirSync(bytes(`${root}/read-only-directory`));
  write(`${root}/read-only-directory/file`, 'inside\n', 0o400);
  fs.symlinkSync('nowhere', bytes(`${root}/link`));
  const missing = [];
  if (!writeSparse(`${root}/sparse`)) missing.push('sparse files');
  if (without.includes('user xattrs') || !setXattrs(root)) missing.push('user xattrs');
  fs.chmodSync(bytes(`${root}/xattr`), 0o440);
  fs.chmodSync(bytes(`${root}/empty-directory`), 0o1777);
  fs.chmodSync(bytes(`${root}/read-only-directory`), 0o555);
  return missing;
}

/** Times that a number of seconds cannot hold. Without GNU touch they stay what they are. */
export function setOddTimes(root, paths) {
  const full = (name) => paths.filter((path) => path.endsWith(name)).map((path) => bytes(`${root}/${path}`).toString());
  spawnSync('touch', ['-d', '1969-07-20T20:17:40.123456789Z', '--', ...full('/time.1969')]);
  spawnSync('touch', ['-d', '2024-02-29T23:59:59.999999999Z', '--', ...full('/time.ns')]);
}
