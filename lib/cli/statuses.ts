// The exit statuses of axl-finalize: the one table that --help, the man page and README are made from, and the rule.
import type { FinalizedEntry, FinalizeOptions, FinalizeReport } from '../index.js';

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
    when: 'interrupted by SIGTERM or SIGINT; transfers under way were finished, the others left as they were',
    remedy: 'run it again',
  },
  {
    status: 1,
    when:
      'a transfer failed, an input could not be read or is no state file, --incomplete resume or keep left a transfer ' +
      'incomplete that a system call has failed (disk full, quota, permission, I/O error) or, with --on-lock fail, a ' +
      'state directory was locked',
    remedy: 'remove the cause that standard error names (quota, permission, a node that is down), then run it again',
  },
  {
    status: 7,
    when: 'fewer state files than --expect says, or with --fail-if-none no state file, were seen; nothing was done',
    remedy:
      'mount what is missing, or wait until the file system shows what other hosts have made, then run it again; if there are no more, run it without that option',
  },
  {
    status: 5,
    when: 'a state file is corrupt, of another version or of an unknown mover; it was left alone',
    remedy:
      'look at it with `axl-finalize inspect`; finalize it with the version that wrote it, or remove it with `axl-finalize forget`',
  },
  {
    status: 4,
    when: 'a transfer is busy: its job or another finalizer is at work, or may be',
    remedy:
      'run it again later, or with --wait; if nothing can be told of its writer and the job is over, with --job-ended',
  },
  {
    status: 3,
    when: 'a transfer was rolled back, or kept incomplete',
    remedy:
      'nothing: its destinations are what they were before. A transfer that was kept can be completed with --incomplete resume',
  },
  {
    status: 0,
    when: 'every transfer was published; or there was none, and the output says what was there instead',
    remedy: 'nothing',
  },
  { status: 2, when: 'the command line is wrong; nothing was done', remedy: 'correct the command line' },
];

type Outcome = Pick<
  FinalizeReport,
  'counts' | 'unreadable' | 'locked' | 'datasets' | 'interrupted' | 'fewer' | 'problems'
>;

type Asked = Pick<FinalizeOptions, 'onLock' | 'incomplete'>;

/** Why a source or a temporary name cannot be used, and no cause that can be removed. */
const FOR_GOOD: readonly string[] = ['ENOENT', 'ENOTDIR', 'EEXIST', 'ELOOP'];

/** Was it not completed because of the system: a full disk, a quota, a permission, an I/O error? */
export function isObstacle({ action, error }: Pick<FinalizedEntry, 'action' | 'error'>): boolean {
  const isIncomplete = action === 'kept' || action === 'rolled-back';
  return isIncomplete && error?.errnoName !== undefined && !FOR_GOOD.includes(error.errnoName);
}

/** The first status of the table that applies. What was to be deleted anyway needs no cause to be removed. */
export function exitStatus(report: Outcome, { onLock, incomplete = 'delete' }: Asked = {}): number {
  const { counts, unreadable, locked, datasets, interrupted, problems } = report;
  const verdicts = new Set(datasets.map(({ verdict }) => verdict));
  if (interrupted) return 6;
  if (counts.failed > 0 || unreadable.length > 0 || (onLock === 'fail' && locked.length > 0)) return 1;
  if (problems.some(({ action }) => action === 'not-state')) return 1;
  if (incomplete !== 'delete' && problems.some(isObstacle)) return 1;
  if (report.fewer) return 7;
  if (counts.corrupt > 0) return 5;
  if (counts.busy > 0 || locked.length > 0 || verdicts.has('busy')) return 4;
  return counts['rolled-back'] > 0 || counts.kept > 0 || verdicts.has('incomplete') ? 3 : 0;
}
