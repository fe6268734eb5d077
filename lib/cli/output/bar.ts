// The progress bar on a terminal. Loaded only where there is one, with the library that draws it.
import { Presets, SingleBar } from 'cli-progress';
import { type Meter, rates } from './meter.js';
import { barOnTerminal } from './output.js';
import { duration } from './text.js';

/** Redraws a second: an ssh connection from home carries it. */
const FPS = 5;

/** The locale's character set, as setlocale(3) finds it. */
function hasBlocks({ LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv): boolean {
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '');
}

function payload(meter: Meter): Record<string, string> {
  const { rate, volume, left } = rates(meter);
  const waiting = `waiting for ${meter.waiting}, ${duration(meter.elapsed)}`;
  return { now: meter.waiting === undefined ? `${rate}, ${volume}, ${left} left` : waiting };
}

/** @returns how to take it away again */
export function showBar(meter: () => Meter): () => void {
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
    hasBlocks(process.env) ? Presets.shades_classic : Presets.legacy,
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
