// Ranks that go together have one dataset, whose id rank 0 draws, and one home for it.
import type { Comm } from '../base/types.js';
import { drawDataset, isHomeOf, share } from './share.js';

/** Canonical paths, as a rank knows them by itself. */
export interface OwnPlace {
  /** Of its state file. */
  readonly dir: Buffer;
  /** That it was told; undefined: it takes rank 0's. */
  readonly home?: Buffer | undefined;
}

export interface Meeting {
  /** 16 bytes. */
  readonly dataset: Buffer;
  readonly home?: Buffer | undefined;
  /** Do all ranks have the same home? */
  readonly isOne: boolean;
  /** Are the state files of all ranks in it? */
  readonly atHome: boolean;
}

const NONE = { dataset: Buffer.alloc(16), home: undefined };

/**
 * Every rank asks, also one whose call has failed already.
 * @param own undefined: it has failed
 */
export async function meet(comm: Comm, call: string, own: OwnPlace | undefined): Promise<Meeting> {
  const drawn = own ? drawDataset(own.home ?? own.dir) : NONE;
  const { dataset, home: shared } = await share(comm, call, comm.rank === 0 ? drawn : undefined);
  const home = own && (own.home ?? shared ?? own.dir);
  const hasFailed = home === undefined || dataset.equals(NONE.dataset);
  const isOne = await comm.allTrue(hasFailed || isHomeOf(dataset, home), call);
  const atHome = await comm.allTrue(!hasFailed && own?.dir.equals(home) === true, call);
  return { dataset, home, isOne, atHome };
}
