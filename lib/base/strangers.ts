// What is no state file: what it is instead, in words that tell what to do. Reads the first bytes of regular files, and
// changes nothing.
import { closeSync, constants, lstatSync, openSync, readSync } from 'node:fs';
import { toFailure } from './errors.js';
import { displayName, latin1, toText } from './names.js';
import { answer, native } from './native.js';
import { ANSWERS } from './native-word.js';
import { nameOf, OWN, TEMPORARY, VERDICT } from './own-files.js';
import type { Failure } from './types.js';

/** With which every file of KVTree begins: those of the C library AXL, and those of SCR. */
const KVTREE = Buffer.from('951fc3f5', 'hex');
const REPORT = '{"version":';

export const WORDS = {
  kvtree: 'a KVTree file of SCR or another program, which tells of no transfer: give the state files of AXL',
  temporary: 'a temporary file of a transfer: give the state file of that transfer',
  verdict: 'the verdict on a dataset: give the state files of its ranks, or their directory',
  own: 'a file that axl-finalize has made for itself',
  report: 'a report of axl-finalize: see axl-finalize merge',
  link: 'a symbolic link, which is not followed: give the file to which it leads',
  directory: 'a directory',
  device: 'a device',
  fifo: 'a FIFO',
  socket: 'a socket',
  other: 'another file: a state file is what Transfer.create made as stateFile or in stateDir',
} as const;

export type Stranger = keyof typeof WORDS;

function begin(path: Buffer): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const bytes = Buffer.alloc(16);
    return bytes.subarray(0, readSync(fd, bytes));
  } finally {
    closeSync(fd);
  }
}

function ofFile(path: Buffer): Stranger {
  const name = nameOf(latin1(path));
  if (TEMPORARY.test(name)) return 'temporary';
  if (VERDICT.test(name)) return 'verdict';
  if (OWN.test(name)) return 'own';
  const bytes = begin(path);
  if (bytes.subarray(0, KVTREE.length).equals(KVTREE)) return 'kvtree';
  return bytes.toString('latin1').startsWith(REPORT) ? 'report' : 'other';
}

/** What is there. What cannot be looked at is just another file: who wants to open it hears why it cannot. */
export function kindOf(path: Buffer): Stranger {
  try {
    const stats = lstatSync(path);
    if (stats.isFile()) return ofFile(path);
    if (stats.isSymbolicLink()) return 'link';
    if (stats.isDirectory()) return 'directory';
    return stats.isFIFO() ? 'fifo' : stats.isSocket() ? 'socket' : 'device';
  } catch {
    return 'other';
  }
}

/** Why a file that was given by its name is not acted on: one sentence with the file and what it is. */
export function notStateFile(path: Buffer): Failure {
  const message = `${displayName(path)}: this is not a state file, but ${WORDS[kindOf(path)]}`;
  return { code: 'AXL_STATE_CORRUPT', message, path: toText(path) };
}

/** The same, or that it may have been one: then it is damaged. */
export const whyNotStateFile = async (path: Buffer): Promise<Failure> =>
  (await mayHaveBeen(path)) ?? notStateFile(path);

/** May it have been a state file: is it empty, cut short, zeroed or compressed? Then why so. */
export async function mayHaveBeen(path: Buffer): Promise<Failure | undefined> {
  const [found] = await answer(native().identify(Buffer.concat([path, Buffer.of(0)]), 1));
  if (!found || ANSWERS[found.is] !== 'cannot tell' || !found.why) return undefined;
  return toFailure(found.why);
}
