// What the addon says of what was done with state files: the part of native.ts about finalizing. No code.
import type { NativeFailure } from './errors.js';

export interface NativeFinalized {
  /** Which of the batch. */
  readonly at: number;
  /** An index of ACTIONS; or, with DECIDED.each, FOR_DATASET. */
  readonly action: number;
  /** Of IN_PHASES: the deepest that the final paths have in common, but for pointers; empty if there are none. */
  readonly directory: Buffer;
  readonly stateFile: Buffer;
  readonly name: string;
  /** It is a state file of the C library AXL. */
  readonly axl: boolean;
  readonly rank: number;
  readonly files: number;
  readonly filesDone: number;
  readonly bytes: number;
  /** How many of the files are. */
  readonly commitFiles: number;
  readonly pointers: number;
  /** How much that is older is deleted once it is published. */
  readonly retires: number;
  readonly lacking: number;
  /** Bits of {@link partsOf}. */
  readonly lacks: number;
  readonly resumed: boolean;
  readonly failure?: NativeFailure;
}

/** What was done with a batch. An object for each state file would cost more than what is done with it. */
export interface NativeBatch {
  readonly entries: readonly NativeFinalized[];
  /** Of those that have no entry: how many, by index of ACTIONS; files and bytes are of those published. */
  readonly counts: readonly number[];
  readonly files: number;
  readonly bytes: number;
  readonly lacking: number;
  readonly lacks: number;
  readonly resumed: number;
}

/** What a commit came to. */
export interface NativeCommitted {
  /** How many are durably complete, or published already. */
  readonly committed: number;
  /** What is complete and could not be published now, or could not be looked at; or is not complete, as its bytes say. */
  readonly refused: readonly NativeFinalized[];
  /** A number of 8 bytes for each final path: equal for equal paths, and hardly ever for others. */
  readonly destinations: Buffer;
  /** How many of these each transfer has, as 8 bytes. */
  readonly counts: Buffer;
}

export interface NativeResumed {
  readonly resumed: boolean;
  readonly failure?: NativeFailure;
}
