// Shards of one run side by side: each has files of its own, by a name that says which; `axl-finalize merge` joins them.
import { extname } from 'node:path';
import { whichShard } from '../finalize.js';
import type { Flags } from './parse.js';

/** Part `index` of `count`, from 0. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** What the options say, once it is known which shard this is. */
export type OwnFlags = Omit<Flags, 'shard'> & { readonly shard?: Shard };

/** `run7.json` of shard 3 of 8 is `run7.3-of-8.json`: the end of a name may decide who reads it. */
function ofShard(path: string, { index, count }: Shard): string {
  const end = extname(path);
  return `${path.slice(0, path.length - end.length)}.${index}-of-${count}${end}`;
}

/** All shards are given the same command line: whatever file it names, each writes its own. */
export function ofThisShard({ shard, ...flags }: Flags): OwnFlags {
  if (shard === undefined) return flags;
  const own = whichShard(shard);
  const { report, metrics } = flags;
  return {
    ...flags,
    shard: own,
    ...(report !== undefined && { report: ofShard(report, own) }),
    ...(metrics !== undefined && { metrics: ofShard(metrics, own) }),
  };
}

/**
 * Is this one of several that a launcher started? Then its status is for `merge` to tell, if it is in a report: Open MPI
 * ends all others when one ends with another than 0, and srun's is the largest, not the first that applies.
 */
export const isLaunched = (asked: Flags, { shard }: OwnFlags): boolean =>
  asked.shard === 'auto' && shard !== undefined && shard.count > 1;

/** `3/8`, as the option takes it. */
export const shardName = ({ index, count }: Shard): string => `${index}/${count}`;
