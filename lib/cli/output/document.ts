// JSON: the document of --json and --report, written as it comes, so that memory does not grow with the state files; and
// the lines of --ndjson.
import type { FinalizeEvent, FinalizeReport } from '../../index.js';
import type { Shard } from '../commands/shards.js';
import { NewFile } from './files.js';
import { toJson } from './json.js';
import { stdout } from './output.js';
import type { Sink } from './sink.js';

/** The totals: the entries have been written one by one. */
function totals({ problems: _, timings, ...rest }: FinalizeReport): object {
  const rounded = Object.entries(timings).map(([phase, ms]) => [phase, Math.round(ms * 1000) / 1000]);
  return { ...rest, timings: Object.fromEntries(rounded) };
}

/** What a document begins with, beside version and time. */
export interface Heading {
  readonly inputs: readonly string[];
  /** It is of one shard. */
  readonly shard?: Shard;
  /** It was made of the documents of these. */
  readonly shards?: readonly object[];
}

/** One document, to standard output and to a file, or to one of them. */
export class DocumentSink implements Sink {
  readonly #writers: readonly ((text: string) => void)[];
  readonly #file: NewFile | undefined;
  readonly #heading: Heading;
  #begun = false;
  #separator = '\n';

  constructor(heading: Heading, toStdout: boolean, path: Buffer | undefined) {
    // A shard that is killed must not be merged with what it reported in an earlier run.
    const file = path && new NewFile(path, heading.shard !== undefined);
    this.#file = file;
    this.#heading = heading;
    this.#writers = [
      ...(toStdout ? [(text: string) => stdout.write(text)] : []),
      ...(file ? [(text: string) => file.write(text)] : []),
    ];
  }

  listen(event: FinalizeEvent): void {
    if (event.event === 'start') this.#begin({ version: event.version, time: event.time });
    if (event.event !== 'entry') return;
    this.#begin();
    this.#write(`${this.#separator}${toJson(event.entry)}`);
    this.#separator = ',\n';
  }

  end(report: FinalizeReport, status: number): void {
    this.#begin();
    this.#write(`],\n${toJson({ ...totals(report), status }).slice(1)}\n`);
    this.#file?.publish();
  }

  #begin(origin: object = {}): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#write(`${toJson({ ...origin, ...this.#heading }).slice(0, -1)},\n"entries":[`);
  }

  #write(text: string): void {
    for (const write of this.#writers) write(text);
  }
}

/** An event a line; the last one comes with the exit status. */
export class LineSink implements Sink {
  listen(event: FinalizeEvent): void {
    if (event.event !== 'end') stdout.write(`${toJson(event)}\n`); // Infinity becomes null: for ever
  }

  end(report: FinalizeReport, status: number): void {
    stdout.write(`${toJson({ event: 'end', report: totals(report), status })}\n`);
  }
}
