// The rank and size of this process, as its launcher put them into the environment.

export interface Place {
  readonly rank: number;
  readonly size: number;
}

interface Launcher {
  readonly rank: string;
  readonly size: string;
  /** A variable without which the others mean something else. */
  readonly only?: string;
}

/**
 * In order of trust: under mpirun inside sbatch SLURM_PROCID is 0 on every rank; and in a batch script without srun it
 * is 0 beside a number of tasks that do not run. SLURM_STEP_ID tells that there is a step.
 */
const LAUNCHERS: readonly Launcher[] = [
  { rank: 'OMPI_COMM_WORLD_RANK', size: 'OMPI_COMM_WORLD_SIZE' },
  { rank: 'PMI_RANK', size: 'PMI_SIZE' },
  { rank: 'FLUX_TASK_RANK', size: 'FLUX_JOB_SIZE' },
  { rank: 'SLURM_PROCID', size: 'SLURM_STEP_NUM_TASKS', only: 'SLURM_STEP_ID' },
];

const DIGITS = /^\d{1,10}$/;

function read(env: NodeJS.ProcessEnv, { rank, size, only }: Launcher): Place | undefined {
  const texts = [env[rank] ?? '', env[size] ?? ''];
  if (only !== undefined && env[only] === undefined) return undefined;
  if (!texts.every((text) => DIGITS.test(text))) return undefined;
  const [index, count] = texts.map(Number) as [number, number];
  return index < count ? { rank: index, size: count } : undefined;
}

/** This process among those of its launcher; alone (rank 0 of 1) if there is none. */
export function launched(env: NodeJS.ProcessEnv = process.env): Place {
  for (const launcher of LAUNCHERS) {
    const place = read(env, launcher);
    if (place) return place;
  }
  return { rank: 0, size: 1 };
}
