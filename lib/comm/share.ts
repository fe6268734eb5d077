// What rank 0 tells all ranks: which dataset theirs is, and where its home is. The id of a dataset is drawn by rank 0 and
// carries a sum of the home, so that a Comm that can only say yes and no does, too.
import { builtin } from '../base/node-version.js';
import type { Comm } from '../base/types.js';

const HALF = 8;
const BITS = 8;

export interface Shared {
  /** 16 bytes, never the same again. */
  readonly dataset: Buffer;
  /** Canonical; undefined where a Comm could not bring it. */
  readonly home: Buffer | undefined;
}

/** Loaded by ranks that go together only: it is large. */
const crypto = () => builtin('node:crypto') as typeof import('node:crypto');

const sumOf = (home: Buffer): Buffer => crypto().createHash('sha256').update(home).digest().subarray(0, HALF);

export function drawDataset(home: Buffer): Shared {
  return { dataset: Buffer.concat([crypto().randomBytes(HALF), sumOf(home)]), home };
}

/** Is that the home which this rank takes for it? */
export function isHomeOf(dataset: Buffer, home: Buffer): boolean {
  return dataset.subarray(HALF).equals(sumOf(home));
}

/** Rank 0's bits, one call each. */
async function bitByBit(comm: Comm, call: string, mine: Buffer | undefined): Promise<Buffer> {
  const bytes = Buffer.alloc(2 * HALF);
  for (let i = 0; i < bytes.length * BITS; i++) {
    const [at, bit] = [Math.floor(i / BITS), 1 << (i % BITS)];
    const isSet = await comm.allTrue(mine === undefined || ((mine[at] as number) & bit) !== 0, call);
    if (isSet) bytes[at] = (bytes[at] as number) | bit;
  }
  return bytes;
}

/** @param mine of rank 0 only */
export async function share(comm: Comm, call: string, mine: Shared | undefined): Promise<Shared> {
  if (!comm.share) return { dataset: await bitByBit(comm, call, mine?.dataset), home: undefined };
  const text = mine && `${mine.dataset.toString('hex')}.${(mine.home ?? Buffer.alloc(0)).toString('base64url')}`;
  const [dataset = '', home = ''] = (await comm.share(text, call)).split('.');
  return { dataset: Buffer.from(dataset, 'hex'), home: home === '' ? undefined : Buffer.from(home, 'base64url') };
}
