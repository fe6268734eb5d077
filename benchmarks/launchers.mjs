// Starts the ranks of a job on this machine: with a launcher of MPI if there is one, otherwise by fork.
import { spawn, spawnSync } from 'node:child_process';

const LAUNCHERS = [
  { name: 'MPICH', command: 'mpiexec.mpich', options: ['-iface', 'lo'] },
  {
    name: 'Open MPI',
    command: 'mpirun.openmpi',
    options: ['--allow-run-as-root', '--oversubscribe', '--bind-to', 'none', '--mca', 'oob_tcp_if_include', 'lo'],
  },
];

const found = LAUNCHERS.find(({ command }) => spawnSync(command, ['--version']).status === 0);

/** Who starts the ranks here. */
export const launcher = found?.name ?? 'fork';

function ended(child) {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => (status === 0 ? resolve() : reject(new Error(`a rank ended with status ${status}`))));
  });
}

/** Starts `n` ranks of a command. @returns {Promise<void>} until all have ended with 0 */
export function launch(n, command, args) {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const stdio = ['ignore', 'ignore', 'inherit'];
  if (found)
    return ended(spawn(found.command, [...found.options, '-n', n, command, ...args].map(String), { env, stdio }));
  const one = (rank) => spawn(command, args, { env: { ...env, PMI_RANK: `${rank}`, PMI_SIZE: `${n}` }, stdio });
  return Promise.all(Array.from({ length: n }, (_, rank) => ended(one(rank))));
}
