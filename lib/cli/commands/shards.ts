// Shards of one run side by side: each has files of its own, by a name that says which; `axl-finalize merge` joins them.
import { extname } from 'node:path';
import { whichShard } from '../../finalize.js';
import type { Flags } from '../parse.js';

/** Part `index` of `count`, from 0. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** What the options say, once it is known which shard this is. */
export type OwnFlags = Omit<Flags, 'shard'> & {
  readonly shard?: Shard;
  /** That has started it as one of several. */
  readonly launcher?: string;
};

/** `run7.json` of shard 3 of 8 is `run7.3-of-8.json`: the end of a name may decide who reads it. */
function ofShard(path: string, { index, count }: Shard): string {
  const end = extname(path);
  return `${path.slice(0, path.length - end.length)}.${index}-of-${count}${end}`;
}

/** All shards are given the same command line: whatever file it names, each writes its own. */
export function ofThisShard({ shard, ...flags }: Flags): OwnFlags {
  if (shard === undefined) return flags;
  const { shard: own, launcher } = whichShard(shard);
  const { report, metrics } = flags;
  return {
    ...flags,
    shard: own,
    ...(launcher !== 'none' && own.count > 1 && { launcher }),
    ...(report !== undefined && { report: ofShard(report, own) }),
    ...(metrics !== undefined && { metrics: ofShard(metrics, own) }),
  };
}

/** Open MPI ends all shards when one ends with another status than 0: if it is in a report, it is for `merge` to tell. */
export const endsWith = (status: number, { launcher, report }: OwnFlags): number =>
  launcher === 'openmpi' && report !== undefined ? 0 : status;

/** `3/8`, as the option takes it. */
export const shardName = ({ index, count }: Shard): string => `${index}/${count}`;
