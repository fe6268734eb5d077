// The exit statuses of axl-finalize: the one table that --help, the man page and README are made from, and the rule.
import type { FinalizeReport } from '../index.js';

export interface StatusRow {
  readonly status: number;
  /** When it is given. */
  readonly when: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** In the order in which they apply. */
export const STATUSES: readonly StatusRow[] = [
  {
    status: 6,
    when: 'interrupted by SIGTERM or SIGINT; what was under way is finished, or left as it was',
    remedy: 'run it again',
  },
  {
    status: 1,
    when: 'something failed, could not be read or, with --on-lock fail, was locked; it can be finalized again',
    remedy: 'remove the cause that standard error names (quota, permission, a node that is down), run it again',
  },
  {
    status: 5,
    when: 'a state file is corrupt or of another version; it was left alone',
    remedy: 'look at it with `axl-finalize inspect`; delete it with its temporary files if it is of no use',
  },
  {
    status: 4,
    when: 'a transfer is busy: its job or another finalizer is at work',
    remedy: 'run it again later, or with --wait; with --job-ended if the file system has no locks and the job is over',
  },
  {
    status: 3,
    when: 'a transfer was rolled back, or kept incomplete',
    remedy: 'nothing: destinations are what they were before; with --incomplete resume it may still be completed',
  },
  { status: 0, when: 'all published', remedy: 'nothing' },
  { status: 2, when: 'the command line is wrong; nothing was done', remedy: 'correct it' },
];

type Outcome = Pick<FinalizeReport, 'counts' | 'unreadable' | 'locked' | 'datasets' | 'interrupted'>;

/** The first status of the table that applies. */
export function exitStatus(report: Outcome, onLock: 'skip' | 'fail' = 'skip'): number {
  const { counts, unreadable, locked, datasets, interrupted } = report;
  const verdicts = new Set(datasets.map(({ verdict }) => verdict));
  if (interrupted) return 6;
  if (counts.failed > 0 || unreadable.length > 0 || (onLock === 'fail' && locked.length > 0)) return 1;
  if (counts.corrupt > 0) return 5;
  if (counts.busy > 0 || locked.length > 0 || verdicts.has('busy')) return 4;
  return counts['rolled-back'] > 0 || counts.kept > 0 || verdicts.has('incomplete') ? 3 : 0;
}
