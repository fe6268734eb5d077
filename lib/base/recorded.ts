// What a state file says of its transfer: the public types of list() and inspect(), from which native.ts has the fields that
// the addon gives as they are. No code.
import type { RetiredPath } from './reported.js';
import type { Durability, Failure, MetadataPart, MetadataPolicies, PublishPhase } from './types.js';

/** One line of `axl-finalize list`. */
export interface ListedTransfer {
  /** The path of the state file, as UTF-8. */
  readonly stateFile: string;
  /** The bytes of the path; not enumerable. */
  readonly stateFileBytes: Buffer;
  /** The transfer's name. */
  readonly name: string;
  /** The transfer's rank. */
  readonly rank: number;
  /** How many ranks take part. */
  readonly size: number;
  /** Who wrote the state file: this library, or the C library AXL (a KVTree file, whose files tell how far it came). */
  readonly format: 'axl-transfer' | 'axl';
  /** The identity of the state file, 32 hex digits. */
  readonly uuid: string;
  /** What the state file says. */
  readonly state: ListedState;
  /** Is its writer alive, or a finalizer at work on it? */
  readonly alive: 'no' | 'yes' | 'cannot tell';
  /** How many files the transfer has. */
  readonly files: number;
  /** How many files are complete. */
  readonly filesDone: number;
  /** How many files have failed. */
  readonly filesFailed: number;
  /** How many files are at their final names. */
  readonly filesPublished: number;
  /** How many files are of each phase of publishing. */
  readonly filesByPhase: Readonly<Record<PublishPhase, number>>;
  /** The last phase of which all files have their final names, as far as the state file says; absent: none. */
  readonly phase?: PublishPhase;
  /** Bytes of all files. */
  readonly bytes: number;
  /** Bytes of complete files and chunks. */
  readonly bytesDone: number;
  /** How many complete files lack a part of their source's metadata. */
  readonly lacking: number;
  /** What any of them lacks. */
  readonly lacks: readonly MetadataPart[];
  /** The transfer was canceled. */
  readonly canceled: boolean;
  /** The host of the writer. */
  readonly host: string;
  /** The process id of the writer. */
  readonly pid: number;
  /** It is published only with all ranks of its dataset. */
  readonly allRanks: boolean;
  /** The id of its dataset: 32 hex digits, the same for all ranks, and for no other dataset. */
  readonly dataset: string;
  /** How often the job was started again. */
  readonly attempt: number;
  /** The directory where the dataset's verdict lives; empty: the directory of the state file. */
  readonly home: string;
  /** The user id of the state file's owner. */
  readonly uid: number;
  /** When the state file was last written. */
  readonly modified: Date;
  /** Why the state file cannot be read or believed. */
  readonly error?: Failure;
}

/**
 * What a state file says of its transfer. `complete`: every file is complete, so that it can be published ·
 * `incomplete` · `never-dispatched` · `published`, and not yet freed · `rolled-back`: a roll back has begun, or has
 * ended and the state file was to be kept. Or why it says nothing: `not-state`: it is no state file · `gone`: it was
 * deleted meanwhile · `corrupt`: it is corrupt or of another version · `unreadable`: it cannot be opened or read, see
 * `error` · `copy`: it is a copy of a state file.
 */
export type ListedState =
  | 'complete'
  | 'incomplete'
  | 'never-dispatched'
  | 'published'
  | 'rolled-back'
  | 'not-state'
  | 'gone'
  | 'corrupt'
  | 'unreadable'
  | 'copy';

/** Metadata in a state file: the source's at the time of dispatch. */
export interface RecordedMetadata {
  /** The permission bits, with setuid, setgid and sticky. */
  readonly mode: number;
  /** The owner's user id. */
  readonly uid: number;
  /** The group id. */
  readonly gid: number;
  /** The access time, nanoseconds since 1970. */
  readonly atimeNs: bigint;
  /** The modification time, nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  /** How many extended attributes. */
  readonly xattrs: number;
}

/** A file of a transfer. Names are UTF-8; their bytes are in `sourceBytes`, `destBytes` and `temporaryBytes`. */
export interface InspectedFile {
  /** A regular file, a symbolic link, a further name of an earlier file, or a file that the transfer makes. */
  readonly kind: 'file' | 'symlink' | 'hard link' | 'generated';
  /** When it gets its final name. */
  readonly phase: PublishPhase;
  /** What a symbolic link points to, or a text pointer says; as UTF-8. */
  readonly target?: string;
  /** The source; empty: there is none. */
  readonly source: string;
  /** The final name. */
  readonly dest: string;
  /** The temporary name. */
  readonly temporary: string;
  /** The bytes of the source's name; not enumerable. */
  readonly sourceBytes: Buffer;
  /** The bytes of the final name; not enumerable. */
  readonly destBytes: Buffer;
  /** The bytes of the temporary name; not enumerable. */
  readonly temporaryBytes: Buffer;
  /** The size in bytes. */
  readonly size: number;
  /** How far the file is; `kept`: its destination existed and was to be kept. */
  readonly state: 'pending' | 'done' | 'failed' | 'published' | 'kept';
  /** The temporary file has its source's owner. */
  readonly ownerGiven: boolean;
  /** What the temporary file lacks of its source's metadata. */
  readonly lacks: readonly MetadataPart[];
  /** How many chunks are known to be complete. */
  readonly chunks: number;
  /** The metadata that the file gets. */
  readonly metadata: RecordedMetadata;
  /** CRC-32C of the contents, once complete. */
  readonly crc32c?: number;
  /** Why the file failed. */
  readonly error?: Failure;
}

/** A directory of a transfer. */
export interface InspectedDirectory {
  /** Its path, as UTF-8. */
  readonly path: string;
  /** The bytes of the path; not enumerable. */
  readonly pathBytes: Buffer;
  /** This transfer made the directory, and deletes it in a roll back if it is empty. */
  readonly made: boolean;
  /** The metadata that the directory gets, if a source describes it. */
  readonly metadata?: RecordedMetadata;
}

/** Everything that a state file says. */
export interface InspectedTransfer extends ListedTransfer {
  /** Every file is complete, and every temporary name is durable, so that the transfer can be published. */
  readonly committed: boolean;
  /** The last record was cut short by a crash. */
  readonly torn: boolean;
  /** How many bytes of the state file can be read. */
  readonly validBytes: number;
  /** How many records can be read. */
  readonly records: number;
  /** The mover of the bytes; `native` is the threads of this library. */
  readonly backend: string;
  /** The boot id of the writer's host. */
  readonly bootId: string;
  /** When the writer started, in clock ticks after boot. */
  readonly startTime: number;
  /** The durability of the transfer. */
  readonly durability?: Durability;
  /** What to do with metadata that a file system refuses. */
  readonly metadata?: Required<MetadataPolicies>;
  /** Bytes of a chunk. */
  readonly chunkSize: number;
  /** The job's name, from the scheduler or launcher; empty if none was known. */
  readonly job: string;
  /** The rank among those of its node. */
  readonly localRank?: number;
  /** The files of the transfer. */
  readonly fileList: readonly InspectedFile[];
  /** The directories of the transfer. */
  readonly directoryList: readonly InspectedDirectory[];
  /** What is deleted once the transfer is published. */
  readonly retired: readonly RetiredPath[];
}
