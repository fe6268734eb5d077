// Where the state file is of a copy for which none is named: beside its destination, where axl-finalize finds it if the copy is
// killed, and where the copy itself may write.
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { translated } from '../../base/errors.js';
import { absolutePath, fromLatin1, join, latin1 } from '../../base/names.js';

function isDirectory(path: Buffer): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch (error) {
    throw translated(error, path);
  }
}

/** A new name: as of a rank it ends with a number, so that no other copy of the directory takes it for data. */
function newName(): Buffer {
  const word = () =>
    Math.floor(Math.random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return Buffer.from(`.axl-cp.${word()}${word()}.0`);
}

/** In the directory that a destination is, or in the nearest one above it that is there. */
export function stateFileBeside(dest: Buffer): Buffer {
  let dir = latin1(absolutePath(dest, 'DEST'));
  while (dir !== '/' && !isDirectory(fromLatin1(dir))) dir = dirname(dir);
  return join(fromLatin1(dir), newName());
}
