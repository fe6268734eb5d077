// How many threads copy, if nobody says so, is what this rank may use.
import t from 'tap';
import { granted, shareOf } from '../../lib/base/cpus.js';
import { ranksOfNode } from '../../lib/base/launch.js';

t.test('ranks that are bound have their CPUs, others their part of the node', async (t) => {
  t.equal(shareOf(4, 64, 16), 4, 'bound');
  t.equal(shareOf(64, 64, 16), 4, 'not bound');
  t.equal(shareOf(64, 64, 48), 2);
  t.equal(shareOf(64, 64, 1), 64);
  t.equal(shareOf(2, 2, 8), 1);
});

t.test('the control group, and each one above it, may grant less', async (t) => {
  const grants = (of: Record<string, number>) => (version: 1 | 2, group: string) =>
    of[`${version}${group}`] ?? Number.POSITIVE_INFINITY;
  t.equal(granted('0::/slurm/job_1/step_0\n', grants({ '2/slurm/job_1': 2.5, '2/slurm': 8 })), 2.5);
  t.equal(granted('0::/\n', grants({ 2: 3 })), 3, 'in a container');
  t.equal(granted('4:memory:/a\n3:cpu,cpuacct:/b/c\n', grants({ '1/b': 4, '1/a': 1 })), 4);
  t.equal(granted('', grants({ 2: 1 })), Number.POSITIVE_INFINITY);
  t.equal(granted('0::/a\n', grants({})), Number.POSITIVE_INFINITY);
});

t.test('the launcher says how many ranks this node has', async (t) => {
  const step = { SLURM_STEP_ID: '0', SLURM_PROCID: '5', SLURM_STEP_NUM_TASKS: '11' };
  for (const [env, ranks] of [
    [{}, 1],
    [{ OMPI_COMM_WORLD_RANK: '1', OMPI_COMM_WORLD_SIZE: '8', OMPI_COMM_WORLD_LOCAL_SIZE: '4' }, 4],
    [{ PMI_RANK: '1', PMI_SIZE: '8', MPI_LOCALNRANKS: '2' }, 2],
    [{ ...step, SLURM_STEP_TASKS_PER_NODE: '4(x2),3', SLURM_NODEID: '0' }, 4],
    [{ ...step, SLURM_STEP_TASKS_PER_NODE: '4(x2),3', SLURM_NODEID: '1' }, 4],
    [{ ...step, SLURM_STEP_TASKS_PER_NODE: '4(x2),3', SLURM_NODEID: '2' }, 3],
    [{ ...step, SLURM_STEP_TASKS_PER_NODE: '4(x2),3', SLURM_NODEID: '3' }, 1],
    [{ ...step, SLURM_STEP_TASKS_PER_NODE: 'many' }, 1],
  ] as const)
    t.equal(ranksOfNode(env), ranks, JSON.stringify(env));
});
