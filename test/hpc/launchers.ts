// The launchers that start ranks on this host, as one runs them by hand: over loopback, as root too, more ranks than CPUs.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { OpenCommOptions } from '../../lib/index.js';
import { type Ended, type Place, program, root } from '../support.js';

export const SIZE = 4;

export interface Launcher {
  readonly name: string;
  /** Which way openComm takes by itself. */
  readonly provider: 'pmi' | 'pmix';
  /** The Debian package, and its command with the options that it needs here. */
  readonly package: string;
  readonly command: readonly string[];
}

export const LAUNCHERS: readonly Launcher[] = [
  {
    name: 'mpirun (Open MPI)',
    provider: 'pmix',
    package: 'openmpi-bin',
    command: ['mpirun.openmpi', '--allow-run-as-root', '--oversubscribe', '--mca', 'oob_tcp_if_include', 'lo', '-n'],
  },
  {
    name: 'mpiexec (MPICH)',
    provider: 'pmi',
    package: 'mpich',
    command: ['mpiexec.mpich', '-iface', 'lo', '-n'],
  },
];

/** '' if it is there, or what is missing. */
export function missing({ command: [name = ''], package: wanted }: Launcher): string {
  return spawnSync(name, ['--version']).error ? `needs the Debian package ${wanted} (${name})` : '';
}

/** Longer than any launch here lasts on a busy machine; shorter than the time limit of a collective call. */
const PATIENCE_MS = 300_000;

/** The command of a rank. */
export const rankCommand = (place: Place, role: readonly string[], options: OpenCommOptions = {}): string[] => {
  const program = [process.execPath, join(root, 'test/hpc/rank.mjs')];
  return [...program, place.root, JSON.stringify(options), ...role];
};

/** Runs a role of rank.mjs on all ranks. */
export function launch(launcher: Launcher, place: Place, role: string[], options?: OpenCommOptions): Promise<Ended> {
  const [command = '', ...args] = launcher.command;
  return program(command, [...args, `${SIZE}`, ...rankCommand(place, role, options)], { patienceMs: PATIENCE_MS });
}

/** What each rank has said of that; undefined for one that did not come so far. */
// biome-ignore lint/suspicious/noExplicitAny: whatever it said
export function said(place: Place, what: string): any[] {
  return Array.from({ length: SIZE }, (_, rank) => {
    const path = place.path('said', `${what}.${rank}`);
    return fs.existsSync(path) ? JSON.parse(fs.readFileSync(path, 'utf8')) : undefined;
  });
}
