// Text to descriptor 1 or 2, and what happens when it cannot be written. Node's own streams come in only for what must be
// waited for: to load them takes more time than most runs have to say.

import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { programName } from '../program.js';

/**
 * What can be written to at once: files and terminals as they are, as Node's streams write to them, too. A pipe is opened
 * anew, since not to wait for its reader (O_NONBLOCK) must hold for us alone. Undefined: a socket, or whatever else.
 */
function direct(fd: 1 | 2): number | undefined {
  try {
    const stats = fstatSync(fd);
    if (stats.isFIFO()) return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
    return stats.isFile() || stats.isCharacterDevice() ? fd : undefined;
  } catch {
    return undefined;
  }
}

/** Neither a reader that went away (`| head`) nor a full disk ends the work; the latter is said, and is a failure. */
export class Descriptor {
  readonly #fd: 1 | 2;
  #direct: number | undefined;
  #stream: NodeJS.WriteStream | undefined;
  #begun = false;
  #lost = false;

  constructor(fd: 1 | 2) {
    this.#fd = fd;
  }

  write(text: string): void {
    if (!this.#begun) this.#direct = direct(this.#fd);
    this.#begun = true;
    const bytes = Buffer.from(text);
    const written = this.#stream ? 0 : this.#writeAtOnce(bytes);
    if (written < bytes.length && !this.#lost) this.#toStream().write(bytes.subarray(written));
  }

  /** @returns how much; the rest has to wait */
  #writeAtOnce(bytes: Buffer): number {
    let at = 0;
    try {
      while (this.#direct !== undefined && !this.#lost && at < bytes.length) at += writeSync(this.#direct, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') this.#lose(error as NodeJS.ErrnoException);
    }
    return at;
  }

  /** From now on everything goes that way, so that it stays in order. */
  #toStream(): NodeJS.WriteStream {
    if (!this.#stream) {
      this.#stream = this.#fd === 1 ? process.stdout : process.stderr;
      this.#stream.on('error', (error) => this.#lose(error));
    }
    return this.#stream;
  }

  #lose({ code, message }: NodeJS.ErrnoException): void {
    this.#lost = true;
    if (code === 'EPIPE') return;
    process.exitCode = 1;
    if (this.#fd === 1) toStderr.write(`${programName()}: standard output: ${message}\n`);
  }
}

export const toStdout = new Descriptor(1);
export const toStderr = new Descriptor(2);
