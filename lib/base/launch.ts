// What a launcher has put into the environment of its ranks: who this process is among them. Reads nothing else.

/** This process among those that were launched with it. */
export interface Place {
  /** The rank, 0 to size-1. */
  readonly rank: number;
  /** How many ranks the launcher started. */
  readonly size: number;
  /** The rank among those of this node, from 0. */
  readonly localRank?: number;
  /** The scheduler's name of the job, with its step (`1234.0`); without a scheduler, the launcher's name of it. */
  readonly job?: string;
  /** How often the scheduler has started the job again, if it says so. */
  readonly attempt?: number;
  /** The launcher whose variables were found. */
  readonly launcher: LauncherName | 'none';
}

/** A launcher, by the variables that it sets; `pmi` is MPICH or `srun --mpi=pmi2`. */
export type LauncherName = 'openmpi' | 'pmi' | 'flux' | 'slurm';

interface Launcher {
  readonly name: LauncherName;
  readonly rank: string;
  readonly size: string;
  /** The first that is set counts. */
  readonly localRank: readonly string[];
  /** A variable without which the others mean something else. */
  readonly only?: string;
}

/**
 * In order of trust: under mpirun inside sbatch SLURM_PROCID is 0 on every rank; and in a batch script without srun it
 * is 0 beside a number of tasks that do not run. SLURM_STEP_ID tells that there is a step; SLURM_STEP_NUM_TASKS counts
 * its tasks, where SLURM_NTASKS may count those of the job.
 */
const LAUNCHERS: readonly Launcher[] = [
  {
    name: 'openmpi',
    rank: 'OMPI_COMM_WORLD_RANK',
    size: 'OMPI_COMM_WORLD_SIZE',
    localRank: ['OMPI_COMM_WORLD_LOCAL_RANK'],
  },
  { name: 'pmi', rank: 'PMI_RANK', size: 'PMI_SIZE', localRank: ['MPI_LOCALRANKID', 'SLURM_LOCALID'] },
  { name: 'flux', rank: 'FLUX_TASK_RANK', size: 'FLUX_JOB_SIZE', localRank: ['FLUX_TASK_LOCAL_ID'] },
  {
    name: 'slurm',
    rank: 'SLURM_PROCID',
    size: 'SLURM_STEP_NUM_TASKS',
    localRank: ['SLURM_LOCALID'],
    only: 'SLURM_STEP_ID',
  },
];

/** Names of the job, and of its step; the scheduler's first, since those are what an operator can look up. */
const JOBS: readonly (readonly string[])[] = [
  ['SLURM_JOB_ID', 'SLURM_STEP_ID'],
  ['FLUX_JOB_ID'],
  ['LSB_JOBID', 'LSB_JOBINDEX'],
  ['PBS_JOBID'],
  ['PMIX_NAMESPACE'],
];

/** Counts the starts of a job that has kept its name. A launcher that starts the ranks anew gives another step or namespace. */
const ATTEMPT = 'SLURM_RESTART_COUNT';

const DIGITS = /^\d{1,10}$/;
const PRINTABLE = /^[\x20-\x7e]{1,255}$/;

/** A count from the environment; undefined if it is no number below 2^32. */
function count(text: string | undefined): number | undefined {
  const number = DIGITS.test(text ?? '') ? Number(text) : Number.NaN;
  return number < 2 ** 32 ? number : undefined;
}

function jobOf(env: NodeJS.ProcessEnv): string | undefined {
  for (const [id, step] of JOBS) {
    const job = env[id as string] ?? '';
    if (!PRINTABLE.test(job)) continue;
    const suffix = env[step ?? ''] ?? '';
    return DIGITS.test(suffix) ? `${job}.${suffix}` : job;
  }
  return undefined;
}

function read(env: NodeJS.ProcessEnv, launcher: Launcher): Omit<Place, 'job' | 'attempt'> | undefined {
  if (launcher.only !== undefined && env[launcher.only] === undefined) return undefined;
  const [rank, size] = [count(env[launcher.rank]), count(env[launcher.size])];
  if (rank === undefined || size === undefined || rank >= size) return undefined;
  const localRank = count(env[launcher.localRank.find((name) => env[name] !== undefined) ?? '']);
  return { rank, size, ...(localRank !== undefined && { localRank }), launcher: launcher.name };
}

/**
 * Who this process is among the ranks of its launcher; rank 0 of 1 without a launcher. Open MPI's variables count
 * first, then PMI's (MPICH, and srun --mpi=pmi2), Flux's, and Slurm's inside a step.
 * @example
 * ```ts
 * const { rank, size, launcher } = launched();
 * console.log(`rank ${rank} of ${size} (${launcher})`);
 * ```
 */
export function launched(env: NodeJS.ProcessEnv = process.env): Place {
  const job = jobOf(env);
  const attempt = count(env[ATTEMPT]);
  const run = { ...(job !== undefined && { job }), ...(attempt !== undefined && { attempt }) };
  for (const launcher of LAUNCHERS) {
    const place = read(env, launcher);
    if (place) return { ...place, ...run };
  }
  return { rank: 0, size: 1, ...run, launcher: 'none' };
}

/** How many tasks a step of Slurm has on each node, as in `4(x2),3`. */
function tasksOf(perNode: string, node: number): number | undefined {
  let first = 0;
  for (const part of perNode.split(',')) {
    const [, tasks, nodes = '1'] = /^(\d{1,6})(?:\(x(\d{1,6})\))?$/.exec(part) ?? [];
    first += Number(nodes);
    if (tasks === undefined) return undefined;
    if (node < first) return Number(tasks);
  }
  return undefined;
}

/** How many ranks the launcher has started on this node; 1 if it does not say. */
export function ranksOfNode(env: NodeJS.ProcessEnv = process.env): number {
  const own = {
    openmpi: count(env.OMPI_COMM_WORLD_LOCAL_SIZE),
    pmi: count(env.MPI_LOCALNRANKS),
    flux: undefined,
    slurm: undefined,
    none: 1,
  }[launched(env).launcher];
  const { SLURM_STEP_TASKS_PER_NODE: perNode, SLURM_NODEID: node } = env;
  return own ?? tasksOf(perNode ?? '', count(node) ?? 0) ?? 1;
}
