// How far a run is, on standard error: a bar on a terminal, a line every ten seconds elsewhere. Loaded only if the run
// takes long enough to ask.
import { type Meter, sentence } from './meter.js';
import { complain } from './output.js';

const LINE_EVERY_MS = 10_000;

function showLines(meter: () => Meter): () => void {
  const timer = setInterval(() => complain(sentence(meter())), LINE_EVERY_MS);
  return () => clearInterval(timer);
}

/** How to show what `meter` says, until the function that this returns is called. */
export async function display(): Promise<(meter: () => Meter) => () => void> {
  if (!process.stderr.isTTY) return showLines;
  const { canRedraw, showBar } = await import('./bar.js');
  return canRedraw() ? showBar : showLines;
}
