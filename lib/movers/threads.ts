// Our own native threads as a mover. They write no SUBMITTED: they live as long as the lock of the state file is held.
import type { Assignment, Engine, JobState, Mover } from '../base/mover.js';

/** Of this process: another's threads are not ours to tell about. */
const PREFIX = `${process.pid}.${Math.random().toString(36).slice(2)}.`;
const running = new Map<string, Engine>();
let issued = 0;

export const threads: Mover = {
  name: 'threads',
  capabilities: { outlivesProcess: false, keepsPartial: true },

  async submit({ engine }: Assignment): Promise<string> {
    if (!engine) throw new TypeError('threads copy only for a transfer of this process');
    await engine.start();
    const token = `${PREFIX}${++issued}`;
    running.set(token, engine);
    engine.whenQuiet().then(() => running.delete(token));
    return token;
  },

  async attach(token: string): Promise<JobState> {
    const isOurs = token.startsWith(PREFIX) && Number(token.slice(PREFIX.length)) <= issued;
    if (!isOurs) return 'unknown';
    return (running.get(token)?.quiet() ?? true) ? 'ended' : 'running';
  },

  async progress(token: string) {
    return { bytes: running.get(token)?.bytes() ?? 0 };
  },

  async cancel(token: string): Promise<void> {
    running.get(token)?.cancel();
  },

  async close(): Promise<void> {},
};
