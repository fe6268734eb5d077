// How far the bytes are that a resume copies and a verification reads: told every second while that changes.
import { native } from '../base/native.js';
import type { Tally } from './tally.js';

const EVERY_MS = 1000;

/** Runs the work, and tells of its bytes meanwhile. Other work of this process at the same time is told of, too. */
export async function metered<T>(tally: Tally, work: () => Promise<T>): Promise<T> {
  if (!tally.heard) return work();
  const since = native().metered();
  const tell = () => {
    const { expected, done } = native().metered();
    tally.progress('here', done - since.done, Math.max(0, expected - since.expected));
  };
  const timer = setInterval(tell, EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    tell();
  }
}
