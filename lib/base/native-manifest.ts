// What the addon does with manifests: reads them, and checks the files that they name.
import type { NativeFailure } from './errors.js';

/** By number: what a file is, compared with its manifest. `unchecked`: the work was stopped before. */
export const FILE_VERDICTS = ['ok', 'changed', 'missing', 'unreadable', 'unchecked'] as const;

/** What was read of a manifest. */
export interface NativeManifest {
  /** Why nothing was. */
  readonly failure?: NativeFailure;
  /** Lines that are bad or missing. */
  readonly problems: readonly NativeFailure[];
  readonly rank?: number;
  readonly ranks?: number;
  /** In hex digits. */
  readonly dataset?: string;
  /** That it names. */
  readonly files: number;
  /** Of those whose size it says. */
  readonly bytes: number;
}

/** Files, by columns. */
export interface NativeRows {
  /** Absolute paths, each ended by a NUL. */
  readonly names: Buffer;
  /** NaN: the manifest does not say it. */
  readonly sizes: Float64Array;
  readonly crcs: Uint32Array;
  /** Indexes of FILE_VERDICTS. */
  readonly verdicts: Uint8Array;
  /** By row. */
  readonly problems: readonly { readonly index: number; readonly failure: NativeFailure }[];
}

/** Files that were checked together. */
export interface NativeSlice {
  /** 0: none was left. */
  readonly files: number;
  /** Of those whose size the manifests say. */
  readonly bytes: number;
  /** Of these, those that are `ok`. */
  readonly bytesOk: number;
  /** By index of FILE_VERDICTS. */
  readonly counts: readonly number[];
  readonly rows: NativeRows;
}

/** Manifests and the files that they name. One call at a time. */
export interface NativeVerifier {
  /** Adds the manifests at these paths, which are absolute, without links, and each ended by a NUL. */
  read(paths: Buffer): Promise<readonly NativeManifest[]>;
  /** Checks the next files, in the order of the manifests. The rows are all of them, or those that are not well. */
  next(allRows: boolean): Promise<NativeSlice>;
  /** All below a canonical directory but directories, links and what the manifests name: absolute paths, each ended by a NUL. */
  listOthers(dir: Buffer): Promise<{ readonly files: Buffer; readonly unreadable: readonly NativeFailure[] }>;
  /** Calls end soon; files that were not read are `unchecked`. */
  stop(): void;
}

export interface NativeManifests {
  verifier(threads: number): NativeVerifier;
}
