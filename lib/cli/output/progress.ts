// What a progress display needs to know, counted from the events; the display itself is loaded when a run turns out to
// be long, so that a short one pays for no terminal library.
import { now } from '../../base/clock.js';
import type { FinalizeEvent } from '../../index.js';
import type { Meter } from './meter.js';

const LONG_MS = 300;

/** Shows how far a run is, once it has turned out to be long. */
export class LongRun {
  readonly #meter: () => Meter;
  #timer: NodeJS.Timeout | undefined;
  #end: (() => void) | undefined;
  #over = false;

  constructor(wanted: boolean, meter: () => Meter) {
    this.#meter = meter;
    if (wanted) this.#timer = setTimeout(() => this.#show(), LONG_MS);
  }

  stop(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#end?.();
    this.#end = undefined;
  }

  async #show(): Promise<void> {
    const loaded = import('./display.js').then(({ display }) => display());
    const show = await loaded.catch(() => undefined); // the work goes on without
    if (!this.#over && show) this.#end = show(this.#meter);
  }
}

/** Of axl-finalize. */
export class Progress {
  readonly #started = now();
  #counted = { done: 0, total: 0, bytes: 0 };
  #work = { done: 0, total: 0 };
  #workBegan: number | undefined;
  #waiting: number | undefined;
  readonly #run: LongRun;

  constructor(wanted: boolean) {
    this.#run = new LongRun(wanted, () => this.#meter());
  }

  count(event: FinalizeEvent): void {
    if (event.event === 'wait') this.#waiting = event.busy;
    if (event.event === 'scan') {
      this.#waiting = undefined;
      this.#counted.total = this.#counted.done + event.candidates;
    }
    if (event.event === 'progress') {
      this.#work = { done: event.bytesDone, total: event.bytesTotal };
      this.#workBegan ??= now() - 1000; // an event tells of the second before it
    }
    if (event.event === 'done') {
      for (const count of Object.values(event.counts)) this.#counted.done += count;
      this.#counted.bytes += event.bytes;
    }
    if (event.event !== 'entry') return;
    this.#counted.done++;
    if (event.entry.action === 'published') this.#counted.bytes += event.entry.bytes;
  }

  stop(): void {
    this.#run.stop();
  }

  #meter(): Meter {
    return {
      what: 'state files',
      ...this.#counted,
      work: { ...this.#work, elapsed: now() - (this.#workBegan ?? now()) },
      elapsed: now() - this.#started,
      ...(this.#waiting !== undefined && { waiting: this.#waiting }),
    };
  }
}
