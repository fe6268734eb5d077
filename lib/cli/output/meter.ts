// What a progress display shows: numbers, and the words made of them.
import { duration, size } from './text.js';

export interface Meter {
  /** What is counted: state files that are finalized, or files, which take as long as they are large. */
  readonly what: 'state files' | 'files';
  /** What is done with files. */
  readonly verb?: 'copied' | 'verified';
  readonly done: number;
  readonly total: number;
  /** Published. */
  readonly bytes: number;
  /** Of copies that are completed, and of what is verified. */
  readonly work: { readonly done: number; readonly total: number; readonly elapsed: number };
  /** Milliseconds. */
  readonly elapsed: number;
  /** Transfers that are waited for. */
  readonly waiting?: number;
}

/** From 0 to 1: state files, and of those under way, which cannot be told apart, the bytes. */
export function fraction({ what, done, total, work }: Meter): number {
  if (total === 0) return 0;
  if (what === 'files' && work.total > 0) return Math.min(1, work.done / work.total);
  const underWay = work.total > 0 && work.done < work.total && done < total ? work.done / work.total : 0;
  return Math.min(1, (done + underWay) / total);
}

const per = (n: number, ms: number): number => (ms > 0 ? n / ms : 0);

/** By what takes longest: the state files, or the bytes that are known of. */
function timeLeft({ done, total, work, elapsed }: Meter): string {
  const files = per(done, elapsed);
  const bytes = per(work.done, work.elapsed);
  const each = [
    ...(files > 0 && total >= done ? [(total - done) / files] : []),
    ...(bytes > 0 && work.total > work.done ? [(work.total - work.done) / bytes] : []),
  ];
  return each.length > 0 ? duration(Math.max(...each)) : '?';
}

export function rates(meter: Meter) {
  const { done, bytes, work, elapsed } = meter;
  return {
    rate: `${Math.round(per(done, elapsed) * 1000)}/s`,
    volume: size(bytes),
    left: timeLeft(meter),
    /** Undefined if nothing is copied or verified. */
    work: work.total > work.done ? `${size(work.done)} of ${size(work.total)}` : undefined,
    ratio: `${size(work.done)}/${size(work.total)}`,
    speed: `${size(Math.round(per(work.done, work.elapsed) * 1000))}/s`,
  };
}

/** For who has no terminal. */
export function sentence(meter: Meter): string {
  const { rate, volume, left, work, ratio, speed } = rates(meter);
  if (meter.what === 'files')
    return `${meter.done} of ${meter.total} files, ${work ?? ratio} ${meter.verb ?? 'verified'}, ${speed}; about ${left} left`;
  const bytes = work === undefined ? '' : `; ${work} copied or verified, ${speed}`;
  const waiting = meter.waiting === undefined ? '' : `; waiting for ${meter.waiting} with a live writer`;
  return `${meter.done} of ${meter.total} state files, ${rate}, ${volume} published${bytes}; about ${left} left${waiting}`;
}
