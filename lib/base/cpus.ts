// How many CPUs this rank may use: those that it is bound to, or else its part of the node's; and no more than the control
// group of a container or a job grants.
import { readFileSync } from 'node:fs';
import { ranksOfNode } from './launch.js';
import { builtin } from './node-version.js';

const CGROUPS = '/sys/fs/cgroup';

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return undefined; // another kind of control group, or none
  }
}

/** The group itself, and those above it, each of which may grant less. */
function* upwards(path: string): Generator<string> {
  for (let at = path.replace(/\/$/, ''); at !== ''; at = at.slice(0, at.lastIndexOf('/'))) yield at;
  yield '';
}

/** CPUs' worth of time that a group grants. @see cgroups(7); cpu.max of version 2, cpu.cfs_quota_us of version 1 */
function grantedBy(version: 1 | 2, group: string): number {
  const [quota, period] =
    version === 2
      ? (read(`${CGROUPS}${group}/cpu.max`) ?? '').split(' ')
      : ['quota', 'period'].map((word) => read(`${CGROUPS}/cpu${group}/cpu.cfs_${word}_us`));
  const cpus = Number(quota) / Number(period);
  return cpus > 0 ? cpus : Number.POSITIVE_INFINITY; // `max`, -1, or no such file
}

/** @param groups of /proc/self/cgroup: lines of number, controllers, path */
export function granted(groups: string, grants = grantedBy): number {
  let least = Number.POSITIVE_INFINITY;
  for (const line of groups.split('\n')) {
    const [, , controllers = '', path = ''] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    const isCpu = controllers === '' || controllers.split(',').includes('cpu');
    if (!path.startsWith('/') || !isCpu) continue;
    for (const group of upwards(path)) least = Math.min(least, grants(controllers === '' ? 2 : 1, group));
  }
  return least;
}

/**
 * @param bound CPUs that this process may run on
 * @param all CPUs of the node
 * @param ranks of the node; ranks that are not bound share them all
 */
export const shareOf = (bound: number, all: number, ranks: number): number =>
  bound < all ? bound : Math.ceil(all / Math.max(1, ranks));

/** At least 1. Read when needed: a short run of axl-finalize copies nothing. */
export function ownCpus(): number {
  const os = builtin('node:os');
  if (!os) return 2;
  const share = shareOf(os.availableParallelism(), os.cpus().length, ranksOfNode());
  return Math.max(1, Math.min(share, Math.ceil(granted(read('/proc/self/cgroup') ?? ''))));
}
