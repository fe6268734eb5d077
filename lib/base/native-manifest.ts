// What the addon does with manifests: reads them, and checks the files that they name.
import type { NativeFailure } from './errors.js';

/** By number: what a file is, compared with its manifest. `unchecked`: the work was stopped before. */
export const FILE_VERDICTS = ['ok', 'changed', 'missing', 'unreadable', 'unchecked'] as const;

/** Columns, one row for each file. */
export interface NativeManifest {
  /** Absolute paths, each ended by a NUL. */
  readonly names: Buffer;
  /** Where each of them ends. */
  readonly ends: Float64Array;
  /** NaN: not known. */
  readonly sizes: Float64Array;
  readonly crcs: Uint32Array;
  /** Lines that are bad or missing. */
  readonly problems: readonly NativeFailure[];
  readonly rank?: number;
  readonly ranks?: number;
  /** In hex digits. */
  readonly dataset?: string;
}

export type NativePart = Pick<NativeManifest, 'names' | 'sizes' | 'crcs'>;

export interface NativeChecker {
  /** In the order of the files. One call at a time. */
  check(parts: readonly NativePart[]): Promise<{
    /** Indexes of FILE_VERDICTS. */
    readonly verdicts: Uint8Array;
    readonly failures: readonly { readonly index: number; readonly failure: NativeFailure }[];
  }>;
  /** All that is below a canonical directory but directories and links: absolute paths, each ended by a NUL. */
  list(dir: Buffer): Promise<{ readonly files: Buffer; readonly unreadable: readonly NativeFailure[] }>;
  /** Calls end soon; files that were not read are `unchecked`. */
  stop(): void;
}

export interface NativeManifests {
  /** Of an absolute path without links. */
  readManifest(path: Buffer): Promise<NativeManifest>;
  checker(threads: number): NativeChecker;
}
