// What people see: `-v`'s lines, what is wrong, the progress, the summary.

import { displayName } from '../../base/names.js';
import { isProblem } from '../../finalize/tally.js';
import type { Absence, FinalizedEntry, FinalizeEvent, FinalizeReport } from '../../index.js';
import { type OwnFlags, shardName } from '../commands/shards.js';
import { isObstacle } from '../statuses.js';
import { Causes } from './causes.js';
import { complain, say, stdout } from './output.js';
import { Progress } from './progress.js';
import type { Sink } from './sink.js';
import { duration, filesText, plural } from './text.js';

export class PeopleSink implements Sink {
  readonly #flags: OwnFlags;
  readonly #arguments: readonly Buffer[];
  readonly #lines: boolean;
  readonly #summary: boolean;
  readonly #progress: Progress;
  readonly #causes = new Causes();
  readonly #absences = new Causes(Number.POSITIVE_INFINITY);

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
    if (event.event === 'problem') this.#causes.add('', event.failure);
    if (event.event === 'absent' && (!this.#flags.quiet || this.#flags.failIfNone)) this.#absent(event);
    if (event.event === 'entry') this.#entry(event.entry);
    if (event.event === 'wait') this.#causes.tell();
    if (event.event === 'wait' && !this.#flags.quiet && !process.stderr.isTTY)
      complain(`waiting for ${plural(event.busy, 'busy transfer')}, at most ${duration(event.remaining)}`);
  }

  /** A line of the summary, unless it is an error. */
  #absent({ input: path, cause, message }: Absence): void {
    (this.#flags.failIfNone ? this.#causes : this.#absences).add('', {
      code: `no state file (${cause})`,
      message,
      path,
    });
  }

  #entry(entry: FinalizedEntry): void {
    const { stateFileBytes: file, action, name, rank } = entry;
    const transfer = name === '' ? '' : ` (${displayName(name)}, rank ${rank}, ${filesText(entry)})`;
    if (this.#lines) say([`${action} ${displayName(file)}${transfer}`]);
    const isToBeHeard = isProblem(entry) && !(this.#flags.quiet && this.#isNoError(entry));
    if (isToBeHeard || (this.#lines && action === 'kept')) this.#causes.ofEntry(entry);
    if (this.#lines) this.#causes.tell(); // beside its line
  }

  /** Of what --quiet is silent. */
  #isNoError(entry: FinalizedEntry): boolean {
    const { action } = entry;
    return action === 'busy' || ((action === 'kept' || action === 'rolled-back') && !isObstacle(entry));
  }

  /** Takes the progress away: what comes now stays on the terminal. */
  stop(): void {
    this.#progress.stop();
    this.#causes.tell();
  }

  async summarize(report: FinalizeReport): Promise<void> {
    if (!this.#summary) return;
    const { Again, details, summaryLine } = await import('./summary.js');
    const { shard } = this.#flags;
    const again = new Again(this.#arguments);
    const more = details(report, this.#flags.incomplete ?? 'delete', again, displayName);
    const absent = this.#absences.lines().map((line) => `  ${line}`);
    say([summaryLine(report, shard && `shard ${shardName(shard)}`), ...absent, ...more]);
  }

  end(): void {
    this.#causes.tell();
    stdout.flush();
  }
}
