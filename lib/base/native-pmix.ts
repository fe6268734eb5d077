// What the addon says of PMIx: see native/comm/pmix.h.

/** What PMIx came to; `problem` is '' or a sentence of its library. */
export interface NativePmix {
  readonly problem: string;
  readonly rank: number;
  readonly size: number;
  readonly all: boolean;
  /** What rank 0 shared. */
  readonly text: string;
  /** A rank that has answered another question than rank 0; -1: none. */
  readonly elsewhere: number;
}
