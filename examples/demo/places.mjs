// Where the demo puts things: the sources on a memory file system, in the part of a burst buffer, when there is one with
// room; the destination and the state directory in the temporary directory.
import * as fs from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { mebibytes } from './table.mjs';
import { latin1, removeTree } from './tree.mjs';

/** Real paths, because the library does not write through symbolic links. */
const makeDirectory = (parent) => fs.realpathSync(fs.mkdtempSync(join(parent, 'axl-demo-')));

function hasRoom(path, bytes) {
  const { bavail, bsize } = fs.statfsSync(path);
  return bavail * bsize > bytes * 1.1;
}

/** @returns {string | undefined} a new directory on /dev/shm, if `bytes` of memory are to spare */
function burstBuffer(bytes) {
  try {
    if (freemem() < 2 * bytes || !hasRoom('/dev/shm', bytes)) return undefined;
    return makeDirectory('/dev/shm');
  } catch {
    return undefined; // not there, or not for us
  }
}

/**
 * @returns {{base: string, burst: string, source: string, run: string, state: string}} base and burst exist
 * @throws {Error} when the directory is not there, or has no room for the sources and the destination
 */
export function findPlaces(bytes) {
  const parent = process.env.AXL_DEMO_DIR || tmpdir();
  const burst = burstBuffer(bytes);
  try {
    if (!hasRoom(parent, burst === undefined ? 2 * bytes : bytes))
      throw new Error(`too little room in ${parent}, up to ${mebibytes(2 * bytes)} are needed: see AXL_DEMO_DIR`);
    const base = makeDirectory(parent);
    const source = join(burst ?? base, 'source');
    return { base, burst: burst ?? base, source, run: join(base, 'run'), state: join(base, 'state') };
  } catch (error) {
    if (burst !== undefined) fs.rmdirSync(burst);
    throw error;
  }
}

export function removePlaces({ base, burst }) {
  for (const place of new Set([base, burst])) removeTree(latin1(place));
}
