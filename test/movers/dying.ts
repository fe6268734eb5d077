// A mover in a process that kills itself at one of the steps of a job.
import type { Assignment, Mover } from '../../lib/index.js';

/** In their order. */
export const STEPS = ['before submitted', 'submitted', 'begun', 'half', 'ended'] as const;
export type Step = (typeof STEPS)[number];

async function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
}

/** The same mover, but that this process dies. `half`: when something was copied, and not all. */
export function dyingAt(step: Step, mover: Mover): Mover {
  const submitted = async (assignment: Assignment, token: string) => {
    if (step === 'before submitted') await die();
    await assignment.submitted(token);
    if (step === 'submitted') await die();
  };
  return {
    ...mover,
    async submit(assignment) {
      const token = await mover.submit({ ...assignment, submitted: (given) => submitted(assignment, given) });
      return step === 'begun' ? die() : token;
    },
    async attach(token) {
      const state = await mover.attach(token);
      const { bytes } = await mover.progress(token);
      if ((state === 'ended' && step === 'ended') || (bytes > 0 && step === 'half')) await die();
      return state;
    },
  };
}
