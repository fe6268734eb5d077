// What people see: `-v`'s lines, what is wrong, the progress, the summary.

import { displayName } from '../../base/names.js';
import type { FinalizedEntry, FinalizeEvent, FinalizeReport } from '../../index.js';
import { type OwnFlags, shardName } from '../commands/shards.js';
import { complain, complainOf, say, stdout } from './output.js';
import { Progress } from './progress.js';
import type { Sink } from './sink.js';
import { duration, plural } from './text.js';

export class PeopleSink implements Sink {
  readonly #flags: OwnFlags;
  readonly #arguments: readonly Buffer[];
  readonly #lines: boolean;
  readonly #summary: boolean;
  readonly #progress: Progress;

  /** `args`: the command line, to say how to run it again. */
  constructor(flags: OwnFlags, args: readonly Buffer[]) {
    const documents = flags.json === true || flags.ndjson === true;
    this.#flags = flags;
    this.#arguments = args;
    this.#lines = flags.verbose === true && !documents;
    this.#summary = !flags.quiet && !documents;
    this.#progress = new Progress(flags.progress && !flags.quiet);
  }

  listen(event: FinalizeEvent): void {
    this.#progress.count(event);
    if (event.event === 'problem') complainOf('', event.failure);
    if (event.event === 'entry') this.#entry(event.entry);
    if (event.event === 'wait' && !this.#flags.quiet && !process.stderr.isTTY)
      complain(`waiting for ${plural(event.busy, 'busy transfer')}, at most ${duration(event.remaining)}`);
  }

  #entry({ stateFileBytes: file, action, error, name, rank, files }: FinalizedEntry): void {
    const transfer = name === '' ? '' : ` (${displayName(name)}, rank ${rank}, ${plural(files, 'file')})`;
    if (this.#lines) say([`${action} ${displayName(file)}${transfer}`]);
    const wrong = action === 'failed' || action === 'corrupt' || (action === 'busy' && !this.#flags.quiet);
    if (error && (wrong || (action === 'kept' && this.#lines))) complainOf(displayName(file), error);
  }

  /** Takes the progress away: what comes now stays on the terminal. */
  stop(): void {
    this.#progress.stop();
  }

  async summarize(report: FinalizeReport): Promise<void> {
    if (!this.#summary) return;
    const { Again, details, summaryLine } = await import('./summary.js');
    const { shard } = this.#flags;
    const again = new Again(this.#arguments);
    const more = details(report, this.#flags.incomplete ?? 'delete', again, displayName);
    say([summaryLine(report, shard && `shard ${shardName(shard)}`), ...more]);
  }

  end(): void {
    stdout.flush();
  }
}
