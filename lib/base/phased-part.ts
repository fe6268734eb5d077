// What a rank that goes together with others does when they publish in phases.
import type { UNTIL } from './native.js';

/** One rank's transfer. */
export interface PhasedPart {
  /** Has it files of other phases than data; may it replace data? REQUIRES that it is settled. */
  phases(): Promise<{ readonly are: boolean; readonly replacesData: boolean }>;
  /** Publishes so far, durably. @param clears does another rank replace data? */
  publishUntil(until: Exclude<keyof typeof UNTIL, 'all'>, clears: boolean): Promise<void>;
  /** Older transfers to the same names come first, newer ones wait. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
}
