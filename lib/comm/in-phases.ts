// How ranks that go together publish, in phases if need be: then no rank goes on before all have come so far.
import type { PhasedPart } from '../base/phases.js';
import type { Agreement } from './agreement.js';

const STEPS = ['data', 'commit', 'pointer'] as const;

/** Has a rank files of other phases than data? */
export async function anyInPhases(ranks: Agreement, part: PhasedPart): Promise<boolean> {
  return !(await ranks.agree('wait', !(await part.phases()).are));
}

/**
 * @param byFirst one rank's doing
 * @param conclude this rank's last step: what it writes says that all ranks have all phases behind them
 */
export function publishTogether<T>(
  ranks: Agreement,
  part: PhasedPart,
  inPhases: boolean,
  byFirst: (work: () => Promise<void>) => Promise<void>,
  conclude: () => Promise<T>,
): Promise<T> {
  if (!inPhases) return ranks.all('wait', conclude);
  return part.inTurn(async () => {
    const clears = !(await ranks.agree('wait', !(await part.phases()).replacesData));
    for (const step of clears ? (['cleared', ...STEPS] as const) : STEPS)
      await ranks.all('wait', () => part.publishUntil(step, clears));
    await ranks.all('wait', () => byFirst(() => part.passPhases()));
    return ranks.all('wait', conclude);
  });
}
