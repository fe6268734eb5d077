// What a progress display shows: numbers, and the words made of them.
import { duration, size } from './text.js';

export interface Meter {
  readonly done: number;
  readonly total: number;
  /** Published. */
  readonly bytes: number;
  /** Milliseconds. */
  readonly elapsed: number;
  /** Transfers that are waited for. */
  readonly waiting?: number;
}

export function rates({ done, total, bytes, elapsed }: Meter): { rate: string; volume: string; left: string } {
  const perMs = elapsed > 0 ? done / elapsed : 0;
  const left = perMs > 0 && total >= done ? duration((total - done) / perMs) : '?';
  return { rate: `${Math.round(perMs * 1000)}/s`, volume: size(bytes), left };
}
