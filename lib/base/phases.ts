// Publishing in phases, as the addon has it.

/** How far what is complete is published; `pointer`: every phase, but not concluded. */
export const UNTIL = { cleared: 0, data: 1, commit: 2, pointer: 3, all: 4 } as const;
/** Bits of phases() of a transfer. */
export const HAS_PHASES = 1;
export const REPLACES_DATA = 2;
/** One rank's transfer. */
export interface PhasedPart {
  /** Has it files of other phases than data; may it replace data? REQUIRES that it is settled. */
  phases(): Promise<{ readonly are: boolean; readonly replacesData: boolean }>;
  /** Publishes so far, durably. @param clears does another rank replace data? */
  publishUntil(until: Exclude<keyof typeof UNTIL, 'all'>, clears: boolean): Promise<void>;
  /** Says in the home, durably, that all ranks have all phases behind them. */
  passPhases(): Promise<void>;
  /** Older transfers to the same names come first, newer ones wait. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
}
