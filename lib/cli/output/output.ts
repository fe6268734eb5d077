// Standard output and standard error: buffered lines, and sentences about what went wrong.
import { displayText } from '../../base/names.js';
import type { Failure } from '../../index.js';
import { programName } from '../program.js';
import { toStderr, toStdout } from './descriptor.js';

const FLUSH_AT = 64 << 10;

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

/** Nothing of it stays in front of the prompt, however the program ends. */
export function clearBar(): void {
  if (clearLine !== '') toStderr.write(clearLine);
}

export function drawBar(line: string): void {
  if (clearLine !== '') toStderr.write(`\r${line}\x1b[K`);
}

export function barOnTerminal(there: boolean): void {
  if (there) process.once('exit', clearBar);
  else clearBar();
  clearLine = there ? '\r\x1b[K' : '';
}

export const stdout = new Buffered((text) => {
  toStdout.write(clearLine && process.stdout.isTTY ? `${clearLine}${text}` : text);
});

/** Lines for people: whatever they hold, each is one line, and acts on no terminal. */
export function say(lines: Iterable<string>): void {
  for (const line of lines) stdout.write(`${displayText(line)}\n`);
}

/** One line on standard error, after what has been printed so far. */
export function complain(message: string): void {
  stdout.flush();
  toStderr.write(`${clearLine}${programName()}: ${displayText(message)}\n`);
}

/** One sentence that names the file once, also where the failure's own message does: `FILE: why`, `open FILE: why`. */
export function sentenceOf(file: string, { message }: Pick<Failure, 'message'>): string {
  const at = message.indexOf(`${file}: `);
  const named = file === '' || at === 0 || (at > 0 && /^\w+ $/.test(message.slice(0, at)));
  return named ? message : `${file}: ${message}`;
}

export const complainOf = (file: string, failure: Pick<Failure, 'message'>): void =>
  complain(sentenceOf(file, failure));
