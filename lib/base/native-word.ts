// What the addon is told, and tells, of who is alive.

/** By number: what a question is answered that may have no answer. */
export const ANSWERS = ['no', 'yes', 'cannot tell'] as const;

/** What the caller knows of writers. */
export interface NativeWord {
  readonly jobEnded: boolean;
  /** Host names, each ended by a NUL. */
  readonly deadHosts: Buffer;
  /** What movers have said: mover NUL token NUL `running` or `ended` NUL, ...; of other jobs nobody can tell. */
  readonly answers?: Buffer;
}

/** Nothing is known of them. */
export const NO_WORD: NativeWord = { jobEnded: false, deadHosts: Buffer.alloc(0) };
