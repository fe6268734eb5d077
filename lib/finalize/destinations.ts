// Where the files of a dataset go: two of its ranks that have one destination would replace each other's file.
import { displayName, fromLatin1, latin1, toText } from '../base/names.js';
import { type NativeCommitted, native } from '../base/native.js';
import type { Failure } from '../base/types.js';

const numbers = (packed: Buffer): BigUint64Array =>
  new BigUint64Array(packed.buffer.slice(packed.byteOffset, packed.byteOffset + packed.length));

/** Numbers that stand for final paths, by candidate. */
export class Destinations {
  readonly #transfers = new Map<string, { readonly i: number; readonly destinations: BigUint64Array }>();

  /**
   * @param batch the candidates of a commit
   * @param uuids of their transfers: one that is met by two paths counts once
   */
  add(batch: readonly number[], { destinations, counts }: NativeCommitted, uuids: Buffer): void {
    const all = numbers(destinations);
    const lengths = numbers(counts);
    let at = 0;
    for (const [index, i] of batch.entries()) {
      const own = all.subarray(at, at + Number(lengths[index]));
      at += own.length;
      if (own.length > 0)
        this.#transfers.set(uuids.toString('hex', index * 16, index * 16 + 16), { i, destinations: own });
    }
  }

  /** Two candidates that seem to have one. */
  meeting(): readonly number[] | undefined {
    const transfers = [...this.#transfers.values()];
    const sorted = new BigUint64Array(transfers.reduce((sum, { destinations }) => sum + destinations.length, 0));
    let length = 0;
    for (const { destinations } of transfers) {
      sorted.set(destinations, length);
      length += destinations.length;
    }
    sorted.sort();
    const at = sorted.findIndex((one, index) => index > 0 && one === sorted[index - 1]);
    if (at === -1) return undefined;
    return transfers.filter(({ destinations }) => destinations.includes(sorted[at] as bigint)).map(({ i }) => i);
  }
}

/**
 * Why transfers of AXL that seem to have a destination, and so a temporary name, in common with another one are left alone; those
 * that have none after all are not in it.
 * @param paths of their state files, by candidate
 */
export function sharedByAxl(paths: ReadonlyMap<number, string>): Map<number, Failure> {
  const first = new Map<string, number>();
  const found = new Map<number, Failure>();
  const shown = (i: number) => displayName(fromLatin1(paths.get(i) as string));
  for (const [i, path] of paths)
    for (const { dest } of native().inspect(fromLatin1(path)).fileList) {
      const other = first.get(latin1(dest));
      first.set(latin1(dest), other ?? i);
      if (other === undefined || other === i || (found.has(i) && found.has(other))) continue;
      const why = `${shown(other)} and ${shown(i)} are state files of AXL with this destination, which has one temporary name`;
      const remedy = 'nobody can tell whose file it is: give the newer one alone, or move the other away';
      const message = `${displayName(dest)}: ${why}: ${remedy}`;
      const failure: Failure = { code: 'AXL_CONFLICT', message, path: toText(dest) };
      for (const one of [other, i]) if (!found.has(one)) found.set(one, failure);
    }
  return found;
}

interface Member {
  readonly path: string;
  readonly rank: number;
}

/** @returns what is wrong with two transfers that have a destination in common; undefined if they have none */
export function sharedDestination(members: readonly Member[]): Failure | undefined {
  const [first, second] = members.toSorted((a, b) => a.rank - b.rank);
  if (!first || !second) return undefined;
  const destinations = ({ path }: Member) =>
    native()
      .inspect(fromLatin1(path))
      .fileList.map(({ dest }) => dest);
  const ofFirst = new Set(destinations(first).map(latin1));
  const shared = destinations(second).find((dest) => ofFirst.has(latin1(dest)));
  if (!shared) return undefined;
  const files = `state files ${displayName(fromLatin1(first.path))} and ${displayName(fromLatin1(second.path))}`;
  const why = `ranks ${first.rank} and ${second.rank} of one dataset would both publish it (${files})`;
  const remedy = 'nothing of the dataset is published: free the transfer of the rank that is wrong';
  return { code: 'AXL_CONFLICT', message: `${displayName(shared)}: ${why}: ${remedy}`, path: toText(shared) };
}
