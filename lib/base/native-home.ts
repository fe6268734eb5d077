// The home of datasets, as the addon has it: see native/dataset/home.h.

/** By number, from 1: what a verdict says, and about whom. */
export const DECISIONS = ['publish', 'roll back', 'publish in phases'] as const;
export const SCOPES = ['listed', 'everyone', 'everyone at home'] as const;

/** What was decided about a dataset. */
export interface NativeVerdict {
  /** Of DECISIONS, and of SCOPES, from 1. */
  readonly decision: number;
  readonly scope: number;
  /** 16 bytes. */
  readonly dataset: Buffer;
  readonly name: string;
  readonly size: number;
  /** Of the listed transfers, 16 bytes each. */
  readonly uuids: Buffer;
  /** Their state files, each ended by a NUL: names in the home, elsewhere absolute paths. */
  readonly stateFiles: Buffer;
}

/** The home of datasets: see native/dataset/home.h. One call at a time. */
export interface NativeHome {
  readonly identity: string;
  /** False: another process has the right to decide, and had it for so many milliseconds. */
  lock(dataset: Buffer, ms: number): Promise<boolean>;
  release(): Promise<void>;
  read(dataset: Buffer): Promise<NativeVerdict | undefined>;
  decide(verdict: NativeVerdict): Promise<NativeVerdict>;
  /** `publish in phases` becomes `publish`. */
  pass(dataset: Buffer): Promise<void>;
  /** `dirs`, each ended by a NUL, are fsynced before. */
  remove(dataset: Buffer, dirs: Buffer): Promise<void>;
  /** Nothing of the directory stays open; no call may follow. */
  close(): Promise<void>;
}
