// How far a run is, on standard error: a bar on a terminal, a line every half minute elsewhere. Loaded only if the run
// takes long enough to ask.
import { Presets, SingleBar } from 'cli-progress';
import type { Meter } from './meter.js';
import { barOnTerminal, complain } from './output.js';
import { duration, size } from './text.js';

const LINE_EVERY_MS = 30_000;
/** Redraws a second: an ssh connection from home carries it. */
const FPS = 5;

function rates({ done, total, bytes, elapsed }: Meter): { rate: string; volume: string; left: string } {
  const perMs = elapsed > 0 ? done / elapsed : 0;
  const left = perMs > 0 && total >= done ? duration((total - done) / perMs) : '?';
  return { rate: `${Math.round(perMs * 1000)}/s`, volume: size(bytes), left };
}

function payload(meter: Meter): Record<string, string> {
  const { rate, volume, left } = rates(meter);
  const waiting = `waiting for ${meter.waiting}, ${duration(meter.elapsed)}`;
  return { now: meter.waiting === undefined ? `${rate}, ${volume}, ${left} left` : waiting };
}

/** @returns how to take it away again */
function showBar(meter: () => Meter): () => void {
  const format = '{bar} {percentage}% | {value}/{total} state files | {now}'; // within 80 columns
  const bar = new SingleBar(
    {
      format,
      barsize: 14,
      stream: process.stderr,
      fps: FPS,
      forceRedraw: true,
      clearOnComplete: true,
      gracefulExit: false,
      linewrap: true,
    },
    Presets.shades_classic,
  );
  const { total, done } = meter();
  bar.start(total, done, payload(meter()));
  barOnTerminal(true);
  const timer = setInterval(() => {
    const now = meter();
    bar.setTotal(now.total);
    bar.update(now.done, payload(now));
  }, 1000 / FPS);
  return () => {
    clearInterval(timer);
    bar.stop();
    barOnTerminal(false);
  };
}

function showLines(meter: () => Meter): () => void {
  const timer = setInterval(() => {
    const now = meter();
    const { rate, volume, left } = rates(now);
    const waiting = now.waiting === undefined ? '' : `; waiting for ${now.waiting} with a live writer`;
    complain(`${now.done} of ${now.total} state files, ${rate}, ${volume} published, about ${left} left${waiting}`);
  }, LINE_EVERY_MS);
  return () => clearInterval(timer);
}

/** Shows what `meter` says, until the function it returns is called. */
export const show = (meter: () => Meter): (() => void) => (process.stderr.isTTY ? showBar(meter) : showLines(meter));
