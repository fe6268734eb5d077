// What callers get to know of a transfer: its state, and the outcome of each of its files. No code.
import type { MetadataPart } from './metadata.js';

/**
 * Where a transfer stands: `created` · `dispatched`: copies run, or all files are complete and wait publishes them ·
 * `completed`: published · `failed`: a file is not complete; see the report · `canceled` · `freed`.
 */
export type TransferStateName = 'created' | 'dispatched' | 'completed' | 'failed' | 'canceled' | 'freed';

/**
 * When a file gets its final name: those of a phase once all files of the phases before have theirs, on the disk, of all
 * ranks. `data` · `commit`: what readers take for the word that the data are there · `pointer`: what leads to them.
 */
export type PublishPhase = 'data' | 'commit' | 'pointer';

/** A failure as data. */
export interface Failure {
  /** An AXL_* code. */
  readonly code: string;
  /** A sentence for people, which may change between versions. */
  readonly message: string;
  /** The errno's name, e.g. `ENOSPC`. */
  readonly errnoName?: string;
  /** Negative, as in Node's own errors. */
  readonly errno?: number;
  /** The system call that failed. */
  readonly syscall?: string;
  /** The file or directory, as UTF-8; bytes that are not UTF-8 become U+FFFD. */
  readonly path?: string;
  /** The second file of a rename or link. */
  readonly dest?: string;
}

/** The outcome of one file. */
export interface FileReport {
  /** The source, as UTF-8; `sourceBytes` has the name itself. Empty: the transfer has made the file. */
  readonly source: string;
  /** The final name, as UTF-8; `destBytes` has the name itself. */
  readonly dest: string;
  /** The bytes of the source's name. */
  readonly sourceBytes: Buffer;
  /** The bytes of the final name. */
  readonly destBytes: Buffer;
  /** The size in bytes. */
  readonly size: number;
  /** When it gets its final name; see `publish` of {@link AddOptions}. */
  readonly phase: PublishPhase;
  /** `published`: at its final name · `done`: complete under its temporary name · `failed` · `pending`. */
  readonly state: 'published' | 'done' | 'failed' | 'pending';
  /** CRC-32C of the contents, once done. */
  readonly crc32c?: number;
  /** False: the owner could not be set (see `owner`), so setuid and setgid were dropped. */
  readonly ownerGiven: boolean;
  /** What the file lacks of its source's metadata; see `metadata` of {@link CreateOptions}. */
  readonly lacks: readonly MetadataPart[];
  /** Why the file failed, if it did. */
  readonly error?: Failure;
}

/** The outcome of a transfer, in the same form after success (wait's result) and failure (TransferError.report). */
export interface TransferReport {
  /** The transfer's name. */
  readonly name: string;
  /** The path of the state file, as UTF-8. */
  readonly stateFile: string;
  /** Where the transfer stands. */
  readonly state: TransferStateName;
  /** Bytes of all files. */
  readonly bytes: number;
  /** How many files are at their final names. */
  readonly filesPublished: number;
  /** How many files have failed. */
  readonly filesFailed: number;
  /** How many files could not be given their owner. */
  readonly ownerWarnings: number;
  /** How many files, and directories that the transfer made, lack a part of their source's metadata. */
  readonly lacking: number;
  /** What any of them lacks. */
  readonly lacks: readonly MetadataPart[];
  /**
   * Names of extended attributes of sources that grant or deny access, and that are never copied: access control lists of
   * NFSv4 (`system.nfs4_acl`) and SMB, labels of SELinux (`security.selinux`). Known to the process that dispatched.
   */
  readonly notCopied: readonly string[];
  /** How many hard links became files of their own, because the file system of their destinations has none. */
  readonly linksCopied: number;
  /**
   * Sentences for people on what may not be what was meant: a pattern or a transfer without a file, files that were left
   * out. Only the process that added them has them.
   */
  readonly warnings: readonly string[];
  /** What became of what the transfer retires, in the order of paths. */
  readonly retired: readonly RetiredPath[];
  /** The outcome of each file, in the order of adding. */
  readonly files: readonly FileReport[];
}

/** Something older that a transfer deletes once it is published: see {@link Transfer.retire}. */
export interface RetiredPath {
  /** Its canonical path, as UTF-8. */
  readonly path: string;
  /** The bytes of the path; not enumerable. */
  readonly pathBytes: Buffer;
  /** Bytes of its files, when it was named. */
  readonly size: number;
  /** `due`: it is to be deleted, as far as the state file says · `deleted` · `kept`: it stays, see `error`. */
  readonly state: 'due' | 'deleted' | 'kept';
  /** Why it stays: it has changed since, something is mounted there, it may not be deleted. */
  readonly error?: Failure;
}
