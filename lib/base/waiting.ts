// Waiting that ends early: by a signal, or by a timer; and looking again and again.
import { now } from './clock.js';
import { CanceledError } from './errors.js';

/** The error for a signal that has fired. */
export function abortError(what: string, signal: AbortSignal): CanceledError {
  return new CanceledError(what, { cause: signal.reason });
}

/** Waits for `promise`, but no longer than until `signal` fires; what was waited for goes on. */
export async function until<T>(promise: Promise<T>, what: string, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  promise.catch(() => {}); // nobody may be left to hear of it
  const stop = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = () => reject(abortError(what, signal));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true, signal: stop.signal });
  });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    stop.abort();
  }
}

/** Resolves after `ms` milliseconds or with `promise`. Does not keep the process alive. */
export async function pause(ms: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const delay = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms).unref();
  });
  await Promise.race([delay, promise]);
  clearTimeout(timer);
}

/** Resolves after `ms` milliseconds, or at once when `signal` fires. */
export async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const { setTimeout } = await import('node:timers/promises');
  await setTimeout(ms, undefined, signal && { signal }).catch(() => {});
}

/** Half to one and a half of `ms`, so that many who wait do not come back together. */
export function jittered(ms: number): number {
  return ms * (0.5 + Math.random());
}

/**
 * Looks again and again until it finds something, after pauses that grow from `first` to `longest` milliseconds. Ends
 * early with what the last look found, when `signal` fires or `ms` have passed.
 * @param look gets the number of the attempt, from 1
 */
export async function again<T>(
  { first, longest, growth = 2, ms = Number.POSITIVE_INFINITY, signal }: Pauses,
  look: (attempt: number) => Promise<T | undefined>,
): Promise<T | undefined> {
  const until = now() + ms;
  for (let attempt = 1, pause = first; ; attempt++, pause = Math.min(growth * pause, longest)) {
    const found = await look(attempt);
    if (found !== undefined || signal?.aborted || now() > until) return found;
    await sleep(jittered(pause), signal);
  }
}

/** How again() waits. */
export interface Pauses {
  readonly first: number;
  readonly longest: number;
  readonly growth?: number;
  readonly ms?: number;
  readonly signal?: AbortSignal;
}

/** Rejects unless `promise` is settled in time. Keeps the process alive: an answer is owed. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the other ranks have not answered for ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
