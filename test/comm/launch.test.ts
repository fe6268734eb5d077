// Who a process is, from environments as launchers leave them; and what a transfer records of it.
import { join } from 'node:path';
import t from 'tap';
import { inspect, type Place as LaunchPlace, launched, Transfer } from '../../lib/index.js';
import { codeOf, Place, script } from '../support.js';

/** As seen on Debian 12 (Open MPI 4.1.4, MPICH 4.0.2, Slurm 22.05); Flux as documented. */
const SBATCH = { SLURM_JOB_ID: '42', SLURM_PROCID: '0', SLURM_NTASKS: '8', SLURM_LOCALID: '0' };
const OPENMPI = {
  OMPI_COMM_WORLD_RANK: '3',
  OMPI_COMM_WORLD_SIZE: '4',
  OMPI_COMM_WORLD_LOCAL_RANK: '1',
  PMIX_NAMESPACE: '1234567',
  PMIX_RANK: '3',
};
const HYDRA = { PMI_RANK: '2', PMI_SIZE: '4', PMI_FD: '9', MPI_LOCALRANKID: '2' };
const SRUN = { ...SBATCH, SLURM_PROCID: '5', SLURM_STEP_ID: '0', SLURM_STEP_NUM_TASKS: '8', SLURM_LOCALID: '1' };

const TABLE: [string, NodeJS.ProcessEnv, LaunchPlace][] = [
  ['nothing', {}, { rank: 0, size: 1, launcher: 'none' }],
  ['Open MPI', OPENMPI, { rank: 3, size: 4, localRank: 1, job: '1234567', launcher: 'openmpi' }],
  ['MPICH', HYDRA, { rank: 2, size: 4, localRank: 2, launcher: 'pmi' }],
  ['srun', SRUN, { rank: 5, size: 8, localRank: 1, job: '42.0', launcher: 'slurm' }],
  [
    'srun --mpi=pmi2',
    { ...SRUN, PMI_RANK: '5', PMI_SIZE: '8', PMI_FD: '7' },
    { rank: 5, size: 8, localRank: 1, job: '42.0', launcher: 'pmi' },
  ],
  [
    'Flux',
    { FLUX_TASK_RANK: '1', FLUX_JOB_SIZE: '2', FLUX_TASK_LOCAL_ID: '0', FLUX_JOB_ID: 'f2QmrCfo' },
    { rank: 1, size: 2, localRank: 0, job: 'f2QmrCfo', launcher: 'flux' },
  ],
  ['a batch script without srun, which is no rank', SBATCH, { rank: 0, size: 1, job: '42', launcher: 'none' }],
  [
    'mpirun inside sbatch, where Slurm says rank 0 to all',
    { ...SBATCH, ...OPENMPI },
    { rank: 3, size: 4, localRank: 1, job: '42', launcher: 'openmpi' },
  ],
  [
    'a step of one task in a job of eight',
    { ...SRUN, SLURM_PROCID: '0', SLURM_STEP_NUM_TASKS: '1', SLURM_STEP_ID: '3' },
    { rank: 0, size: 1, localRank: 1, job: '42.3', launcher: 'slurm' },
  ],
  [
    'a job that Slurm has started again',
    { ...SBATCH, SLURM_RESTART_COUNT: '2' },
    { rank: 0, size: 1, job: '42', attempt: 2, launcher: 'none' },
  ],
  ['an array job of LSF', { LSB_JOBID: '9', LSB_JOBINDEX: '2' }, { rank: 0, size: 1, job: '9.2', launcher: 'none' }],
  ['a rank that is not below the size', { PMI_RANK: '4', PMI_SIZE: '4' }, { rank: 0, size: 1, launcher: 'none' }],
  ['what is no number', { PMI_RANK: '1e0', PMI_SIZE: ' 4' }, { rank: 0, size: 1, launcher: 'none' }],
  ['a number past 32 bits', { PMI_RANK: '0', PMI_SIZE: '4294967296' }, { rank: 0, size: 1, launcher: 'none' }],
  [
    'a job that cannot be printed',
    { ...HYDRA, PBS_JOBID: 'a\nb' },
    { rank: 2, size: 4, localRank: 2, launcher: 'pmi' },
  ],
];

for (const [title, env, place] of TABLE)
  t.test(`who a process is, from the environment: ${title}`, async (t) => {
    t.strictSame(launched(env), place);
  });

t.test('a transfer in a state directory is called NAME.RANK, and records what the launcher said', async (t) => {
  const place = new Place(t);
  const code = `
    const transfer = await axl.Transfer.create({ name: 'ckpt.42', stateDir: args[0] });
    console.log(transfer.stateFile);
    await transfer[Symbol.asyncDispose]();`;
  const { stdout } = await script(code, [place.states], { env: OPENMPI });
  const stateFile = join(place.states, 'ckpt.42.3');
  t.equal(stdout.trim(), stateFile);
  t.match(inspect(stateFile), { name: 'ckpt.42', rank: 3, size: 4, localRank: 1, job: '1234567', allRanks: false });
});

t.test('what create is told counts more than what the launcher said', async (t) => {
  const place = new Place(t);
  const options = { name: 'a', rank: 1, size: 2, localRank: 0, job: 'mine', allRanks: true };
  await using transfer = await Transfer.create({ ...options, stateDir: place.states });
  t.equal(transfer.stateFile, join(place.states, 'a.1'));
  t.match(inspect(transfer.stateFile), options);
});

t.test('a state file has one name: stateFile or stateDir, and a name that can be part of it', async (t) => {
  const { states, stateFile } = new Place(t);
  await t.rejects(Transfer.create({ name: 'a' }), TypeError);
  await t.rejects(Transfer.create({ name: 'a', stateDir: states, stateFile }), TypeError);
  for (const name of ['a/b', 'a\0b', 'x'.repeat(254)])
    await t.rejects(Transfer.create({ name, stateDir: states }), RangeError, JSON.stringify(name));
  await t.rejects(Transfer.create({ name: 'a', stateDir: states, rank: 1 }), RangeError, 'of a size that is 1');
  t.equal(await codeOf(Transfer.create({ name: 'a', stateDir: `${states}/none` })), 'AXL_IO');
});
