// What callers say of metadata that a file system refuses, and what is said of it. No code.

/**
 * What to do with what a file system refuses. `fail`: the file fails, and with it the transfer. `warn`: the file is
 * published without it, and the report says so (`lacks`). `skip`: it is not copied, which the report says, too.
 */
export type OwnerPolicy = 'fail' | 'warn' | 'skip';

/** One word for each part of a file's metadata; what is left out has its default. */
export interface MetadataPolicies {
  /**
   * Owner and group. Without them a file has no setuid, setgid and capabilities. Where the group was refused (`warn`), the
   * bits of group and others are those that both had: nobody may do with the file what he may not do with its source.
   * @default 'fail' as root (but not of a user namespace), otherwise 'warn'
   */
  readonly owner?: OwnerPolicy;
  /** The mode; without it a file has what its file system gives it, 0600 with `skip`. @default as owner */
  readonly mode?: OwnerPolicy;
  /** Access and modification time, which a file system may also round. @default 'warn' */
  readonly times?: OwnerPolicy;
  /** Extended attributes `user.*`. @default 'fail' */
  readonly xattrs?: OwnerPolicy;
  /**
   * POSIX access control lists. Without the list of its source, a file's mode grants group and others only what every
   * entry of that list did. A file whose source has none has none, whatever its new directory's default list says; with
   * `skip` that default list counts, as for any new file. @default 'fail'
   */
  readonly acls?: OwnerPolicy;
}

/** A word for all parts, or for each its own. */
export type MetadataPolicy = OwnerPolicy | MetadataPolicies;

/** A part of the metadata of a source that a file lacks. Capabilities are given, or not, together with the owner. */
export type MetadataPart = 'owner' | 'mode' | 'times' | 'xattrs' | 'acls' | 'capabilities';
