// Compares what is at the destination with what should be there: for a rank that completed its sources, for the others
// what was there before. Any path that is neither is an error, so no temporary file and no lost file goes unseen.
// Knows nothing of the library. `node check.mjs DIRECTORY` checks a directory that `run.mjs --keep` left, once more.
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';
import { bytes, describeTree, hashOf, latin1, printable } from './tree.mjs';

const LIKE_SOURCE = ['type', 'mode', 'uid', 'gid', 'mtime', 'size', 'target', 'xattrs'];
const UNTOUCHED = [...LIKE_SOURCE, 'ino', 'nlink', 'ctime'];
// A directory's times change with its entries. One that was there before a transfer is not made like the source.
const SAME_DIRECTORY = ['type', 'mode', 'uid', 'gid', 'ino', 'xattrs'];
const SOURCE_UNTOUCHED = ['type', 'mode', 'uid', 'gid', 'mtime', 'size', 'ino', 'nlink', 'target', 'xattrs'];

export const isTemporary = (path) => /\._AXL[0-9a-f]{16}$/.test(path);

function sameBytes(a, b) {
  const fds = [openSync(bytes(a)), openSync(bytes(b))];
  const [left, right] = [Buffer.allocUnsafe(1 << 18), Buffer.allocUnsafe(1 << 18)];
  try {
    for (;;) {
      const [n, m] = [readSync(fds[0], left), readSync(fds[1], right)];
      if (n !== m || left.compare(right, 0, n, 0, n) !== 0) return false;
      if (n === 0) return true;
    }
  } finally {
    fds.forEach(closeSync);
  }
}

function differing(keys, have, want) {
  return keys.filter((key) => have[key] !== want[key]).map((key) => `${key} is ${have[key]}, not ${want[key]}`);
}

/** What is wrong with a path that must be what it was. */
function changes(demo, path, have, old) {
  if (have === undefined) return ['is gone'];
  const found = differing(old.type === 'directory' ? SAME_DIRECTORY : UNTOUCHED, have, old);
  if (old.type === 'file' && have.type === 'file' && hashOf(`${latin1(demo.run)}/${path}`) !== old.hash)
    found.push('has other contents than before');
  return found;
}

/** What is wrong with a path that a completed rank copied. */
function unlike(demo, path, have, source, old) {
  if (have === undefined) return ['is missing'];
  if (old?.type === 'directory') return changes(demo, path, have, old);
  const found = differing(LIKE_SOURCE, have, source);
  if (old?.ino === have.ino) found.push('has the inode of the old file, so it was not put there by rename');
  if (source.type !== 'file' || have.type !== 'file') return found;
  if (have.nlink !== '1') found.push(`has ${have.nlink} links`);
  if (source.sparse && !have.sparse && !demo.missing.includes('sparse files')) found.push('is not sparse');
  const [from, to] = [demo.source, demo.run].map((root) => `${latin1(root)}/${path}`);
  if (!existsSync(bytes(from)) || !sameBytes(from, to)) found.push('has other contents than its source');
  return found;
}

/** Which rank owns a path, by the first name in it; undefined: none. */
function rankOf(demo, path) {
  const [top] = path.split('/', 1);
  return demo.ranks.find(({ names }) => names.includes(top));
}

/** The state of the destination before the job, with the contents' hashes. */
export function describeRun(run) {
  const entries = describeTree(latin1(run));
  for (const [path, entry] of entries) if (entry.type === 'file') entry.hash = hashOf(`${latin1(run)}/${path}`);
  return entries;
}

/** @returns {string[]} what has changed of the destinations that `of(rank)` names, temporary names aside */
export function checkUntouched(demo, of) {
  const now = describeTree(latin1(demo.run));
  const old = [...demo.runBefore].filter(([path]) => of(rankOf(demo, path)));
  return old.flatMap(([path, entry]) =>
    changes(demo, path, now.get(path), entry).map((difference) => `${printable(path)} ${difference}`),
  );
}

/** A source must be what it was, too. */
function checkSources(demo) {
  const now = describeTree(latin1(demo.source));
  return [...demo.sourceBefore].flatMap(([path, entry]) =>
    differing(SOURCE_UNTOUCHED, now.get(path) ?? {}, entry).map((what) => `source ${printable(path)}: ${what}`),
  );
}

/** @returns what should be at this path: a copy, an old file that is kept, or nothing; and what is wrong with it */
function judge(demo, path, have) {
  const old = demo.runBefore.get(path);
  const source = rankOf(demo, path)?.complete ? demo.sourceBefore.get(path) : undefined;
  if (source !== undefined) return { kind: 'copied', found: unlike(demo, path, have, source, old) };
  if (old !== undefined) return { kind: 'kept', found: changes(demo, path, have, old) };
  if (have === undefined) return { kind: 'nothing', found: [] };
  return { kind: 'extra', found: [isTemporary(path) ? 'is a temporary file' : 'should not be there'] };
}

/** @returns {{differences: string[], ranks: {copied: number, kept: number, bad: number}[], temporary: number}} */
export function check(demo) {
  const now = describeTree(latin1(demo.run));
  const ranks = demo.ranks.map(() => ({ copied: 0, kept: 0, extra: 0, nothing: 0, bad: 0 }));
  const differences = checkSources(demo);
  for (const path of new Set([...demo.sourceBefore.keys(), ...demo.runBefore.keys(), ...now.keys()])) {
    const { kind, found } = judge(demo, path, now.get(path));
    const tally = ranks[rankOf(demo, path)?.rank];
    if (tally) tally[kind]++;
    if (tally && found.length > 0) tally.bad++;
    differences.push(...found.map((difference) => `${printable(path)} ${difference}`));
  }
  for (const name of readdirSync(demo.state)) differences.push(`state file ${printable(name)} is left`);
  return { differences, ranks, temporary: [...now.keys()].filter(isTemporary).length };
}

/** What run.mjs found before it began, as it wrote it down. */
export function load(base) {
  const demo = JSON.parse(readFileSync(`${base}/demo.json`, 'utf8'));
  return { ...demo, sourceBefore: new Map(demo.sourceBefore), runBefore: new Map(demo.runBefore) };
}

if (import.meta.url === pathToFileURL(argv[1]).href) {
  const { differences } = check(load(argv[2]));
  console.log(differences.length === 0 ? 'no differences' : differences.join('\n'));
  process.exitCode = differences.length === 0 ? 0 : 1;
}
