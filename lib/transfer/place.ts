// A rank's place among those that go together, and in the job.
import { AxlError } from '../base/errors.js';
import { launched } from '../base/launch.js';
import type { CollectiveOptions, CreateOptions } from '../base/types.js';
import { placesOf } from './identity.js';

/** This rank's options, with its place in the Comm; an explicit size says that the Comm is not all of the job. */
function ownOptions({ comm, commTimeoutMs: _, ...options }: CollectiveOptions): CreateOptions {
  const { rank = comm.rank, size = comm.size } = options;
  if (rank !== comm.rank || size !== comm.size)
    throw new RangeError(`rank ${rank} of ${size} is not what comm says, rank ${comm.rank} of ${comm.size}`);
  const place = launched();
  if (options.size === undefined && place.launcher !== 'none' && place.size !== size) {
    const why = `comm has ${size} ranks, but the launcher (${place.launcher}) started ${place.size}`;
    throw new AxlError('AXL_CONFLICT', `create: ${why}; give size if comm is a part of them`);
  }
  return { allRanks: true, ...options, rank, size };
}

/** As create takes them, and where its state file and its home are. */
export async function ownPlace(options: CollectiveOptions) {
  const own = ownOptions(options);
  return { options: own, ...(await placesOf(own)) };
}
