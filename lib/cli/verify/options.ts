// The command line of axl-verify as data, with its exit statuses: --help, the man page and docs/reference/axl-verify.md are made
// of it.

import { JOBS } from '../../base/words.js';
import type { VerifyReport } from '../../index.js';
import { FINALIZE_OPTIONS, type OptionRow } from '../options.js';
import type { StatusRow } from '../statuses.js';

const OPTIONS: readonly OptionRow[] = [
  {
    name: '--strict',
    group: 'What to do',
    help: 'report files that no manifest names, too',
    man:
      'All that is below the directory of a manifest, but manifests, directories and symbolic links. Snapshots (.snapshot, ' +
      '.zfs) are not entered.',
  },
  {
    name: '--jobs',
    argument: 'N',
    default: `${JOBS.default}`,
    group: 'How',
    help: `threads, ${JOBS.least} to ${JOBS.most}`,
    man: 'Each reads a file of its own; when no other is left, they share the large ones.',
  },
  { name: '--quiet', group: 'Output', help: 'print only what is not as it was published' },
  {
    name: '--no-progress',
    group: 'Output',
    help: 'no progress bar, no progress lines',
    man: 'Without a terminal, or on a dumb one, progress is a line on standard error every ten seconds.',
  },
  {
    name: '--json',
    group: 'Output',
    help: 'print one JSON document',
    man:
      'version, inputs, files (each on a line of its own: path, verdict, size, crc32c, error), manifests, counts, unreadable, ' +
      'missingRanks, bytes, interrupted, intact, status.',
  },
  ...FINALIZE_OPTIONS.filter(({ group }) => group === 'Help'),
];

export const VERIFY = {
  name: 'axl-verify',
  synopsis: 'axl-verify [options] DIR|MANIFEST...',
  help: 'Compares the files of a checkpoint with its manifests.',
  man:
    'Prints a line for each file: ok, changed, missing, unreadable or, with --strict, extra. Of a DIR, all manifests ' +
    '(.axl-manifest.RANK) in it are read, and those of all ranks that they name must be among the inputs; of a MANIFEST that is ' +
    'given by its name this is not asked. Sizes and CRC-32C are compared, times and owners are not. Nothing is changed, ' +
    'no symbolic link below the directory of a manifest is followed, and only regular files are opened. What is wrong with one file or manifest ' +
    'does not keep the others from being checked. Memory depends on the number of files, not on their sizes.',
  argument: 'DIR|MANIFEST...',
  argumentHelp: 'a directory with manifests, or a manifest',
  options: OPTIONS,
} as const;

/** In the order in which they apply. */
export const VERIFY_STATUSES: readonly StatusRow[] = [
  { status: 6, when: 'interrupted by SIGTERM or SIGINT', remedy: 'run it again' },
  {
    status: 3,
    when: 'a file has changed or is missing, a rank has no manifest or, with --strict, there is a file that no manifest names',
    remedy: 'do not restart from this checkpoint: take another one, or copy the files that are named again',
  },
  {
    status: 1,
    when: 'an input, a manifest, a line of one, a file or a directory could not be read or believed',
    remedy: 'remove the cause that standard error names, then run it again; nothing is known of those files',
  },
  { status: 0, when: 'everything that the manifests name is as it was published', remedy: 'nothing' },
  { status: 2, when: 'the command line is wrong; nothing was read', remedy: 'correct the command line' },
];

export const VERIFY_EXAMPLES: readonly (readonly [string, string])[] = [
  ['axl-verify /p/ckpt/step42', 'is this checkpoint as it was published?'],
  ['axl-verify --strict --quiet /p/ckpt/step42', 'and is nothing else there? Print only what is wrong'],
  ['axl-verify /p/ckpt/step42/.axl-manifest.3', 'only the files of rank 3'],
  [
    'cd /p/ckpt/step42 && rhash -c .axl-manifest.3',
    'the same with RHash, of names without backslashes and control characters',
  ],
];

/** The first status of the table that applies. */
export function verifyStatus({ interrupted, counts, missingRanks, unreadable }: VerifyReport): number {
  if (interrupted) return 6;
  if (counts.changed + counts.missing + counts.extra + missingRanks.length > 0) return 3;
  return counts.unreadable + unreadable.length > 0 ? 1 : 0;
}
