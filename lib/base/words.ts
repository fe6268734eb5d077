// The words that options may be, with their numbers in native/, and the limits of those that are numbers: each once, for
// the checks, --help and the man page. Imports nothing. A test compares the numbers with native/.
import type { Durability, LinkPolicy, MetadataPolicies, OwnerPolicy, PublishPhase, PublishPolicy } from './types.js';

export const DURABILITY = { full: 1, none: 2 } as const satisfies Record<Durability, number>;
export const OWNER = { fail: 1, warn: 2, skip: 3 } as const satisfies Record<OwnerPolicy, number>;
/** The parts of the metadata, each with a policy. */
export const KEPT = ['owner', 'mode', 'times', 'xattrs', 'acls'] as const satisfies readonly (keyof MetadataPolicies)[];
export const ACLS = ['copy', 'skip'] as const;
export const HARD_LINKS = ['keep', 'copy'] as const;
/** When a file gets its final name. */
export const PHASES = { data: 1, commit: 2, pointer: 3 } as const satisfies Record<PublishPhase, number>;
export const PUBLISH = { default: 0, last: 1, 'as-added': 2 } as const satisfies Record<
  PublishPolicy | 'default',
  number
>;
export const POINTERS = ['symlink', 'text'] as const;
export const LINKS = { default: 0, follow: 1, copy: 2, skip: 3 } as const satisfies Record<
  LinkPolicy | 'default',
  number
>;
export const INCOMPLETE = { delete: 1, keep: 2, resume: 3 } as const;
export const VERIFY = { none: 1, size: 2, checksum: 3 } as const;
export const OVERWRITE = { newer: 4, replace: 1, fail: 2, keep: 3 } as const;
/** What to do with what could not be resumed. */
export const FALLBACKS = ['delete', 'keep'] as const;
/** What to do with a state directory that another finalizer has locked. */
export const ON_LOCK = ['skip', 'fail'] as const;

/** The threads of axl-finalize; most of them wait for the disk. */
export const JOBS = { least: 1, most: 256, default: 8 } as const;
