// Files that this command writes: --report and --metrics. They appear under their names when they are whole.
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { displayName } from '../names.js';
import { Buffered, complain } from './output.js';

/** A file under a temporary name beside the final one. A failure is said once, makes the exit status 1, and ends it. */
export class NewFile {
  readonly #path: Buffer;
  readonly #temporary: Buffer;
  #fd: number | undefined;
  readonly #text = new Buffered((text) => this.#attempt(() => writeAll(this.#fd as number, text)));

  constructor(path: Buffer) {
    this.#path = path;
    const unique = `${process.pid}.${Date.now().toString(36)}`;
    const name = path.toString('latin1'); // one character a byte
    this.#temporary = Buffer.from(join(dirname(name), `.${basename(name)}.${unique}.tmp`), 'latin1');
    this.#attempt(() => {
      this.#fd = openSync(this.#temporary, 'wx', 0o666);
    }, true);
  }

  write(text: string): void {
    if (this.#fd !== undefined) this.#text.write(text);
  }

  /** Durable, then visible. */
  publish(): void {
    this.#text.flush();
    this.#attempt(() => {
      fsyncSync(this.#fd as number);
      renameSync(this.#temporary, this.#path);
    });
    this.#close();
  }

  #attempt(action: () => void, first = false): void {
    if (this.#fd === undefined && !first) return;
    try {
      action();
    } catch (error) {
      process.exitCode = 1;
      complain(`${displayName(this.#path)}: ${(error as Error).message.split(" '")[0]}`);
      rmSync(this.#temporary, { force: true });
      this.#close();
    }
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
