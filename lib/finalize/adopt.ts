// Copies of state files, as a move, a restore or a backup leaves them: the only one that is left of a transfer may be
// taken over.
import { toFailure } from '../base/errors.js';
import { displayName, fromLatin1 } from '../base/names.js';
import { STANDINGS } from '../base/native.js';
import { isTransfer } from './surveys.js';
import type { Work } from './work.js';

/** Takes over every copy of our shard that is the only state file of its transfer here; of the others it is told why not. */
export async function adoptCopies(work: Work): Promise<void> {
  const { tally } = work.terms;
  const counts = new Map<string, number>();
  const copies = new Map<number, string>();
  await work.survey(work.candidates.numbers(), (i, { standing, uuid }) => {
    const word = STANDINGS[standing] as (typeof STANDINGS)[number];
    if (word === 'copy' || isTransfer(word)) counts.set(uuid, (counts.get(uuid) ?? 0) + 1);
    if (word === 'copy' && work.isOurs(i)) copies.set(i, uuid);
  });
  const isAlone = (i: number) => counts.get(copies.get(i) as string) === 1;
  const ours = [...copies.keys()];
  await work.adopt(ours.filter(isAlone), (failure) => tally.problem(toFailure(failure)));
  for (const i of ours.filter((copy) => !isAlone(copy))) {
    const path = displayName(fromLatin1(work.candidates.path(i)));
    const why = 'its transfer has another state file here, and nothing tells which of them counts';
    tally.problem({ code: 'AXL_STATE_COPY', message: `${path}: ${why}: delete the wrong one, then use --adopt again` });
  }
}
