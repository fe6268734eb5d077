// Files that this command writes: --report and --metrics. They appear under their names when they are whole.

import { closeSync, constants, fsyncSync, lstatSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { openAsRoot } from '../../base/directory-as-root.js';
import { AxlError, fromNode } from '../../base/errors.js';
import { isRoot } from '../../base/keep.js';
import { absoluteDirectory, displayName, fromLatin1, latin1 } from '../../base/names.js';
import { UsageError } from '../errors.js';
import { Buffered, complain } from './output.js';

/** With which every state file begins: docs/state-format.md. */
const MAGIC = Buffer.from('8941584c0d0a1a0a', 'hex');

function beginsWithMagic(path: Buffer): boolean {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const bytes = Buffer.alloc(MAGIC.length);
    return readSync(fd, bytes) === bytes.length && bytes.equals(MAGIC);
  } finally {
    closeSync(fd);
  }
}

/**
 * Is there a state file of that name? `--report DIR/*` makes the first of them the report, and takes it from the inputs:
 * its transfer would be lost, and its dataset found incomplete.
 */
export function refuseStateFile(path: Buffer): void {
  let found = false;
  try {
    found = lstatSync(path, { throwIfNoEntry: false })?.isFile() === true && beginsWithMagic(path);
  } catch {
    // who wants to write it will say what is wrong
  }
  if (found) throw new UsageError(`${displayName(path)} is a state file: write reports and metrics to another file`);
}

/** Only a file is replaced: a rename over /dev/null or /dev/stdout takes it away from everybody. */
function refuseOthers(path: Buffer): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats && !stats.isFile())
    throw new AxlError('AXL_UNSAFE_PATH', 'it exists and is not a regular file, so it is not replaced');
}

/** A file under a temporary name beside the final one. A failure is said once, makes the exit status 1, and ends it. */
export class NewFile {
  static #made = 0;
  readonly #path: Buffer;
  #temporary: Buffer;
  #final: Buffer;
  #directory: number | undefined;
  #fd: number | undefined;
  #named = false;
  readonly #text = new Buffered((text) => this.#attempt(() => writeAll(this.#fd as number, text)));

  /** @param alone removes what has the final name: until the file is whole, there is none */
  constructor(path: Buffer, alone = false) {
    this.#path = path;
    this.#final = path;
    this.#temporary = path;
    const unique = `${process.pid}.${Date.now().toString(36)}.${(NewFile.#made++).toString(36)}`;
    const name = path.toString('latin1'); // one character a byte
    this.#attempt(() => {
      const dir = this.#enter(dirname(name));
      this.#final = fromLatin1(join(dir, basename(name)));
      refuseOthers(this.#final);
      // Short, whatever the final name is: that may be as long as a name can be. lib/finalize/scan.ts knows it is no input.
      this.#temporary = fromLatin1(join(dir, `.axl-report.${unique}.tmp`));
      this.#fd = openSync(this.#temporary, 'wx', 0o666);
      if (alone) rmSync(this.#final, { force: true });
    }, true);
  }

  /** How the directory is called from now on: as root by its descriptor, so that nobody can put another in its place. */
  #enter(dir: string): string {
    if (!isRoot()) return dir;
    this.#directory = openAsRoot(latin1(absoluteDirectory(fromLatin1(dir), 'a directory')));
    return `/proc/self/fd/${this.#directory}`;
  }

  write(text: string): void {
    if (this.#fd !== undefined) this.#text.write(text);
  }

  /** Durable, then visible. */
  publish(): void {
    this.#text.flush();
    this.#attempt(() => {
      fsyncSync(this.#fd as number);
      refuseOthers(this.#final);
      renameSync(this.#temporary, this.#final);
      this.#named = true;
    });
    this.#close();
  }

  #attempt(action: () => void, first = false): void {
    if (this.#fd === undefined && !first) return;
    try {
      action();
    } catch (error) {
      process.exitCode = 1;
      const shown = displayName(this.#path);
      complain(error instanceof AxlError ? `${shown}: ${error.message}` : fromNode(error as Error, this.#path).message);
      this.#close();
    }
  }

  /** What was begun and not renamed is removed. */
  #remove(): void {
    try {
      rmSync(this.#temporary, { force: true });
    } catch {
      // what is wrong there was said before
    }
  }

  #close(): void {
    if (this.#fd !== undefined && !this.#named) this.#remove();
    for (const fd of [this.#fd, this.#directory]) if (fd !== undefined) closeSync(fd);
    this.#fd = undefined;
    this.#directory = undefined;
  }
}

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
