// SIGTERM and SIGINT: the first asks for an end after what is under way, the second is obeyed at once. Nothing depends on
// either: a scheduler may send SIGKILL 10 ms after SIGTERM, and the next run goes on.
import { clearBar, complain } from './output/output.js';

/** Their numbers on Linux, for an exit status. */
const NUMBERS = { SIGTERM: 15, SIGINT: 2 } as const;

/** A signal that aborts at the first SIGTERM or SIGINT. */
export function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  const stop = (name: 'SIGTERM' | 'SIGINT') => {
    if (controller.signal.aborted) return dieOf(name);
    complain(`${name}: stopping after what is under way; once more stops at once`);
    controller.abort(new Error(name));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  return controller.signal;
}

/** By the signal itself, so that no exit hook waits for a disk that does not answer; as process 1 it has no effect. */
function dieOf(name: 'SIGTERM' | 'SIGINT'): void {
  process.removeAllListeners(name);
  clearBar();
  process.kill(process.pid, name);
  setTimeout(() => process.exit(128 + NUMBERS[name]), 100);
}
