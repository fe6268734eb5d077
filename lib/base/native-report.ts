// The addon's report of a transfer, by columns: lib/transfer/report.ts makes objects of it.
import type { NativeFailure } from './errors.js';

/** Something that a transfer retires. */
export interface NativeRetired {
  readonly path: Buffer;
  readonly size: number;
  readonly deleted: boolean;
  /** Why it stays. */
  readonly failure?: NativeFailure;
}

/** A report by columns, one row a file in the order they were added. */
export interface NativeReport {
  /** Source NUL destination NUL, row by row. */
  readonly names: Buffer;
  readonly sizes: Float64Array;
  /** The low four bits are 0 pending, 1 done, 2 failed; then the flags published, has a CRC. */
  readonly states: Uint8Array;
  readonly crcs: Uint32Array;
  /** Of PHASES. */
  readonly phases: Uint8Array;
  /** Bits of {@link partsOf}. */
  readonly lacks: Uint8Array;
  readonly directoriesLacking: number;
  readonly directoriesLack: number;
  readonly notCopied: readonly string[];
  readonly linksCopied: number;
  /** Patterns of commit files of which no file of the plan had the name. */
  readonly unmatched: readonly string[];
  /** A manifest was wanted, and there is no file, and so no directory for it. */
  readonly lacksManifest: boolean;
  readonly failures: readonly (NativeFailure & { readonly index: number })[];
  readonly retired: readonly NativeRetired[];
  /** The transfer's own. */
  readonly failure?: NativeFailure;
}
export const STATE_MASK = 0x0f;
export const PUBLISHED_FLAG = 0x10;
export const HAS_CRC_FLAG = 0x40;
