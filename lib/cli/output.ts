// Standard output and standard error: buffered lines, escaped names, and what happens when nobody reads them.
import type { Failure } from '../index.js';

const FLUSH_AT = 64 << 10;

/** Neither a reader that went away (`| head`) nor a full disk ends the work; the latter is said, and is a failure. */
export function surviveLostOutput(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code === 'EPIPE' || process.exitCode === 1) return;
      process.exitCode = 1;
      if (stream === process.stdout) process.stderr.write(`axl-finalize: standard output: ${message}\n`);
    });
}

/** Text that comes in small pieces, written in large ones: once the pieces that come together are there. */
export class Buffered {
  #pieces: string[] = [];
  #length = 0;
  readonly #write: (text: string) => void;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  write(text: string): void {
    if (this.#length === 0) setImmediate(() => this.flush());
    this.#pieces.push(text);
    this.#length += text.length;
    if (this.#length >= FLUSH_AT) this.flush();
  }

  flush(): void {
    if (this.#length === 0) return;
    const text = this.#pieces.join('');
    this.#pieces = [];
    this.#length = 0;
    this.#write(text);
  }
}

/** Set while a progress bar stands in the last line of the terminal. */
let clearLine = '';

export function barOnTerminal(there: boolean): void {
  clearLine = there ? '\r\x1b[K' : '';
}

export const stdout = new Buffered((text) => {
  if (clearLine && process.stdout.isTTY) process.stdout.write(clearLine);
  process.stdout.write(text);
});

/** One line on standard error, after what has been printed so far. */
export function complain(message: string): void {
  stdout.flush();
  process.stderr.write(`${clearLine}axl-finalize: ${message}\n`);
}

/** One sentence that names the file once, also where the failure's own message begins with it. */
export function complainOf(file: string, { message }: Pick<Failure, 'message'>): void {
  complain(message.startsWith(`${file}: `) || file === '' ? message : `${file}: ${message}`);
}
