// As root: a prefix of SCR is dealt with by a process of the user whose flush file it has; root's own only where no other user can
// have prepared it. Opens nothing of theirs.

import { canonicalAsRoot } from '../base/directory-as-root.js';
import { AxlError, failureOf, nodeFailure } from '../base/errors.js';
import { displayName, fromLatin1 } from '../base/names.js';
import { lookWithoutFollowing } from '../finalize/scan.js';
import { finalizePrefix, type ScrAsked } from '../finalize/scr.js';
import { dotScr, NO_PREFIX } from '../finalize/scr-books.js';
import type { Terms } from '../finalize/work.js';
import { finalizePrefixAs } from './others.js';
import { mayOpen } from './own-directories.js';

/** Who the owner is. @throws {AxlError} what cannot be looked at */
async function ownerOf(prefix: string): Promise<number> {
  const path = fromLatin1(`${canonicalAsRoot(dotScr(prefix))}/flush.scr`);
  const stats = await lookWithoutFollowing(path);
  if (stats.isFile()) return stats.uid;
  throw new AxlError('AXL_UNSAFE_PATH', `${displayName(path)}: this is not a regular file`);
}

/** @param wait milliseconds */
export async function finalizePrefixAsRoot(asked: ScrAsked, terms: Terms, wait: number): Promise<void> {
  const { tally } = terms;
  try {
    const uid = await ownerOf(asked.prefix);
    const where = { ...asked, prefix: canonicalAsRoot(asked.prefix).replace(/\/$/, '') };
    if (uid === 0) await finalizePrefix(where, terms, wait, mayOpen());
    else await finalizePrefixAs(uid, where, terms, wait);
  } catch (error) {
    const path = fromLatin1(`${dotScr(asked.prefix)}/flush.scr`);
    if (error instanceof AxlError) tally.unreadable(failureOf(error));
    else {
      const failure = nodeFailure(error as NodeJS.ErrnoException, path);
      const hint = failure.errnoName === 'ENOENT' ? `: ${NO_PREFIX}` : '';
      tally.unreadable({ ...failure, message: `${failure.message}${hint}` });
    }
  }
}
