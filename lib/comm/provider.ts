// What stands behind a Comm that openComm gives: one way for ranks to reach each other. No choice between the ways, and no
// order of calls: lib/comm.ts has both.
import type { OpenedComm } from '../base/types.js';

/** Said where ranks have come out of step: an answer to another question must not count. */
export const isElsewhere = (rank: number): string => `rank ${rank} makes another call than rank 0`;

/** Made without effect; one call at a time. */
export interface Provider {
  readonly name: OpenedComm['provider'];
  /** Known once it is open, as size is. */
  readonly rank: number;
  readonly size: number;
  /** This rank's part of the opening. Rejects with AXL_BACKEND_UNAVAILABLE where this way is none. */
  open(): Promise<void>;
  /**
   * Keeps the process alive meanwhile. Rejects as soon as another rank is known to be lost, which it need not be; and if
   * the ranks give different numbers for `question`.
   * @param question 0 to 2^31-1: what is asked
   */
  allTrue(value: boolean, question: number): Promise<boolean>;
  barrier(): Promise<void>;
  /**
   * As allTrue, for a text that rank 0 gives: it has no blanks and line breaks. Resolves to it.
   * @param text of rank 0; '' of the others
   */
  share(text: string, question: number): Promise<string>;
  /** Asks no other rank, and never rejects. What was under way may stay unanswered. */
  close(): Promise<void>;
}
