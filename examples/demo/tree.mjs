// Directory trees by bytes: walk one, describe what is in it, remove it.
// A path here is a latin1 string, one character for each byte, so that a name that is not UTF-8 is an ordinary key of a
// map; bytes() turns it back into what the file system wants.
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { readXattrs } from './xattr.mjs';

/** From a path as Node has it (UTF-8) to one of ours. */
export const latin1 = (path) => Buffer.from(path).toString('latin1');
export const bytes = (path) => Buffer.from(path, 'latin1');

/** For messages: one line, ASCII. */
export const printable = (path) =>
  path.replace(/[^ -~]|\\/g, (c) => (c === '\\' ? '\\\\' : `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`));

/** What is below `root`, parents before children, as paths relative to it. */
export function* walk(root, below = '') {
  const entries = readdirSync(bytes(`${root}/${below}`), { encoding: 'buffer', withFileTypes: true });
  for (const entry of entries) {
    const path = `${below}${entry.name.toString('latin1')}`;
    yield path;
    if (entry.isDirectory()) yield* walk(root, `${path}/`);
  }
}

function typeOf(st) {
  if (st.isFile()) return 'file';
  if (st.isDirectory()) return 'directory';
  return st.isSymbolicLink() ? 'link' : 'other';
}

function describeEntry(path) {
  const st = lstatSync(bytes(path), { bigint: true });
  const type = typeOf(st);
  const entry = { type, mode: (st.mode & 0o7777n).toString(8), uid: `${st.uid}`, gid: `${st.gid}` };
  Object.assign(entry, { mtime: `${st.mtimeNs}`, ctime: `${st.ctimeNs}`, ino: `${st.ino}`, nlink: `${st.nlink}` });
  if (type === 'file') Object.assign(entry, { size: `${st.size}`, sparse: st.blocks * 512n < st.size / 2n });
  if (type === 'link') entry.target = readlinkSync(bytes(path), { encoding: 'latin1' });
  return entry;
}

/** Path -> what lstat, readlink and listxattr say, in strings: for comparing, and to be kept as JSON. */
export function describeTree(root) {
  const entries = new Map();
  for (const path of walk(root)) entries.set(path, describeEntry(`${root}/${path}`));
  const paths = [...entries.keys()].filter((path) => entries.get(path).type !== 'link');
  readXattrs(paths.map((path) => `${root}/${path}`))?.forEach((xattrs, i) => {
    entries.get(paths[i]).xattrs = xattrs;
  });
  return entries;
}

export const hashOf = (path) =>
  createHash('sha256')
    .update(readFileSync(bytes(path)))
    .digest('hex');

/** Removes a tree in which directories may be read-only. */
export function removeTree(root) {
  for (const path of walk(root)) {
    const full = bytes(`${root}/${path}`);
    if (lstatSync(full).isDirectory()) chmodSync(full, 0o700);
  }
  rmSync(bytes(root), { recursive: true });
}
