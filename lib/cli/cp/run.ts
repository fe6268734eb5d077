// axl-cp: what was asked for, its progress, and its outcome.
import { now } from '../../base/clock.js';
import { absolutePath } from '../../base/names.js';
import type { InspectedTransfer, Progress, Transfer } from '../../index.js';
import { toBytes } from '../names.js';
import type { Meter } from '../output/meter.js';
import { LongRun } from '../output/progress.js';
import { abortOnSignals } from '../signals.js';
import { type Outcome, tell } from './outcome.js';
import type { CpRequest } from './parse.js';
import { notBegun, outcomeOf } from './perform.js';
import { settingsOf } from './settings.js';
import { withList } from './sources.js';

const LOOK_EVERY_MS = 200;

/** The copies of a transfer, once there is one, on standard error. */
class Watch {
  #last: Omit<Progress, 'state'> = { bytesTotal: 0, bytesCopied: 0, filesTotal: 0, filesDone: 0, filesFailed: 0 };
  #began = now();
  readonly #run: LongRun;

  constructor(wanted: boolean) {
    this.#run = new LongRun(wanted, () => this.#meter());
  }

  follow(transfer: Transfer): void {
    this.#began = now();
    void (async () => {
      for await (const seen of transfer.progress({ intervalMs: LOOK_EVERY_MS })) this.#last = seen;
    })().catch(() => {}); // who waits for the transfer hears of it
  }

  /** Of another process: whole chunks. */
  saw({ bytes, bytesDone, files, filesDone, filesFailed }: InspectedTransfer): void {
    this.#last = { bytesTotal: bytes, bytesCopied: bytesDone, filesTotal: files, filesDone, filesFailed };
  }

  stop(): void {
    this.#run.stop();
  }

  #meter(): Meter {
    const elapsed = now() - this.#began;
    const { filesDone, filesTotal, bytesCopied, bytesTotal } = this.#last;
    const work = { done: bytesCopied, total: bytesTotal, elapsed };
    return { what: 'files', verb: 'copied', done: filesDone, total: filesTotal, bytes: bytesCopied, work, elapsed };
  }
}

async function inForeground(request: CpRequest): Promise<Outcome> {
  const settings = settingsOf(request.flags);
  const signal = abortOnSignals();
  const watch = new Watch(request.flags.progress === true);
  const dispatched = (transfer: Transfer) => {
    if (request.flags.progress) watch.follow(transfer);
  };
  const watched = (seen: InspectedTransfer) => watch.saw(seen);
  return outcomeOf(request, { settings, signal, dispatched, watched }).finally(() => watch.stop());
}

/** What keeps the list of sources from being read is an outcome, too. */
async function begin(given: CpRequest): Promise<Outcome> {
  let request: CpRequest;
  try {
    request = await withList(given);
  } catch (error) {
    return notBegun(error);
  }
  if (!request.flags.background) return inForeground(request);
  const { inBackground } = await import('./background.js');
  return inBackground(request).catch(notBegun);
}

/** @returns the exit status */
export async function run(request: CpRequest): Promise<number> {
  const { flags } = request;
  const { verbose } = settingsOf(flags); // a wrong one is told before anything is begun
  const outcome = await begin(request);
  const named = flags.wait ?? flags.stateFile;
  return tell(outcome, {
    stateFile: named === undefined ? undefined : absolutePath(toBytes(named), 'STATE_FILE'),
    json: flags.json === true,
    verbose,
  });
}
