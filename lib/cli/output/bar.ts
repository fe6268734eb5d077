// The progress bar on a terminal: one line that is never wider than it. Loaded only where there is one.
import { fraction, type Meter, rates } from './meter.js';
import { barOnTerminal, drawBar } from './output.js';
import { duration } from './text.js';

/** Redraws a second: an ssh connection from home carries it. */
const FPS = 5;
const BAR = 14;
const DEFAULT_COLUMNS = 80;

/** The locale's character set, as setlocale(3) finds it. */
function hasBlocks({ LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv): boolean {
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '');
}

/** A dumb terminal prints escapes as they are. */
export const canRedraw = ({ TERM } = process.env): boolean => TERM !== undefined && TERM !== '' && TERM !== 'dumb';

/** The first of these that is not too wide; of the last, what there is room for. */
function fitting(lines: readonly string[], columns: number): string {
  return (lines.find((line) => line.length <= columns) ?? lines.at(-1) ?? '').slice(0, columns);
}

/** The line for a terminal of that width; the last column stays empty, where some terminals go to the next line. */
export function barLine(meter: Meter, columns: number, blocks: boolean): string {
  const part = fraction(meter);
  const full = Math.floor(part * BAR);
  const bar = (blocks ? '\u2588' : '#').repeat(full) + (blocks ? '\u2591' : '.').repeat(BAR - full);
  const percent = `${Math.floor(part * 100)}%`.padStart(4);
  const { rate, volume, left, work, ratio, speed } = rates(meter);
  const files = `${meter.done}/${meter.total}`;
  const waiting = meter.waiting === undefined ? undefined : `waiting for ${meter.waiting}, ${duration(meter.elapsed)}`;
  const long = waiting ?? (work === undefined ? `${rate}, ${volume}, ${left} left` : `${work}, ${speed}, ${left} left`);
  const short = waiting ?? `${work === undefined ? volume : ratio}, ${left} left`;
  const lines = [
    `${bar} ${percent} | ${files} ${meter.what} | ${long}`,
    `${bar} ${percent} | ${files} | ${long}`,
    `${percent} | ${files} | ${long}`,
    `${percent} ${files} ${short}`,
    `${percent} ${files} ${waiting ?? left}`,
    `${percent} ${files}`,
  ];
  return fitting(lines, columns - 1);
}

/** @returns how to take it away again */
export function showBar(meter: () => Meter): () => void {
  const blocks = hasBlocks(process.env);
  const draw = () => drawBar(barLine(meter(), process.stderr.columns || DEFAULT_COLUMNS, blocks));
  barOnTerminal(true);
  draw();
  const timer = setInterval(draw, 1000 / FPS);
  return () => {
    clearInterval(timer);
    barOnTerminal(false);
  };
}
