// Which directories may be looked into beside what was asked for? As root those that no other user can have prepared, and in which
// none can keep root waiting.
import { isRoot } from '../base/keep.js';
import { exposed } from './owners.js';
import { isWithin, mountsNow } from './suspects.js';

/** @returns whether a directory, as latin1 text, is one: as root one that is root's alone, and behind no server of a user */
export function mayOpen(): (dir: string) => Promise<boolean> {
  if (!isRoot()) return async () => true;
  const servers = mountsNow().filter(({ uid }) => uid !== 0);
  return async (dir) => !servers.some(({ at }) => isWithin(dir, at)) && (await exposed(dir)) === undefined;
}
