// How far a run is, on standard error: a bar on a terminal, a line every half minute elsewhere. Loaded only if the run
// takes long enough to ask.
import { type Meter, rates } from './meter.js';
import { complain } from './output.js';

const LINE_EVERY_MS = 30_000;

function showLines(meter: () => Meter): () => void {
  const timer = setInterval(() => {
    const now = meter();
    const { rate, volume, left } = rates(now);
    const waiting = now.waiting === undefined ? '' : `; waiting for ${now.waiting} with a live writer`;
    complain(`${now.done} of ${now.total} state files, ${rate}, ${volume} published, about ${left} left${waiting}`);
  }, LINE_EVERY_MS);
  return () => clearInterval(timer);
}

/** How to show what `meter` says, until the function that this returns is called. */
export const display = async (): Promise<(meter: () => Meter) => () => void> =>
  process.stderr.isTTY ? (await import('./bar.js')).showBar : showLines;
