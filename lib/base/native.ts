// The addon's shape, in full. Loaded when first needed: an import loads and starts nothing.
// Numbers of enumerations are those of native/, which a test compares; the words of options stand in words.ts.
import { loadAddon } from './addon.js';
import { fromNative, type NativeFailure } from './errors.js';
import type { NativePolicies } from './keep.js';
import type { NativeBatch, NativeCommitted, NativeResumed } from './native-finalized.js';
import type { NativeHome } from './native-home.js';
import type { NativeManifests } from './native-manifest.js';
import type { NativeMoving } from './native-mover.js';
import type { NativePmix } from './native-pmix.js';
import type { NativeReport, NativeRetired } from './native-report.js';
import type { NativeUpkeep } from './native-upkeep.js';
import type { NativeWord } from './native-word.js';
import { settings } from './options.js';
import type { InspectedFile, InspectedTransfer, ListedTransfer, RecordedMetadata } from './recorded.js';
import type { Added, Progress } from './types.js';

export type { NativeBatch, NativeCommitted, NativeFinalized, NativeResumed } from './native-finalized.js';
export type { NativeReport, NativeRetired } from './native-report.js';
export { DURABILITY, INCOMPLETE, LINKS, OVERWRITE, OWNER, PHASES, PUBLISH, VERIFY } from './words.js';

export const UNKNOWN_LOCAL_RANK = 0xffff_ffff;
/** By number; what the state file says. `completed`: every file is complete, not yet published. */
export const NATIVE_STATES = [
  'created',
  'dispatched',
  'completed',
  'failed',
  'canceled',
  'published',
  'rolled back',
] as const;
export type NativeState = (typeof NATIVE_STATES)[number];
/** By number: what a name in a directory stands for. */
export const KINDS = ['absent', 'file', 'other', 'unseen'] as const;
/** By number: what axl-finalize did with a state file. */
export const ACTIONS = [
  'published',
  'rolled-back',
  'kept',
  'removed',
  'busy',
  'gone',
  'not-state',
  'corrupt',
  'failed',
] as const;
/** The number after them, never reported: left, because it is published only with all ranks of its dataset. */
export const FOR_DATASET = ACTIONS.length;
/** The next, never reported either: published as far as it was to come. */
export const IN_PHASES = FOR_DATASET + 1;
/** What is to become of the transfers of a call. `each`: each for itself, but those for which it is FOR_DATASET. */
export const DECIDED = { each: 1, 'as it is': 2, incomplete: 3, keep: 4, 'roll back': 5 } as const;
/** By number: has a transfer final names in common with another, and was it dispatched before or after it? */
export const ORDER = ['apart', 'older', 'newer'] as const;
/** By number: what a survey saw. */
export const STANDINGS = [
  'complete',
  'incomplete',
  'never-dispatched',
  'published',
  'rolled-back',
  'not-state',
  'gone',
  'corrupt',
  'unreadable',
  'copy',
] as const;

export interface NativeTransferOptions extends NativePolicies {
  readonly name: string;
  /** Absolute, as every path here. */
  readonly stateFile: Buffer;
  readonly durability: number;
  readonly rank: number;
  readonly size: number;
  readonly chunkSize: number;
  readonly job: string;
  /** UNKNOWN_LOCAL_RANK if it is not known. */
  readonly localRank: number;
  readonly allRanks: boolean;
  readonly hardLinks: boolean;
  /** Patterns, each ended by a NUL, instead of the default list; and where a manifest is made, empty: where the files are. */
  readonly commitFiles?: Buffer;
  readonly manifest?: Buffer;
  /** Absolute: where the dataset's verdict lives; empty: the directory of the state file. */
  readonly home: Buffer;
  /** 16 bytes; empty: derived from name, job, size, attempt, home and user. */
  readonly dataset: Buffer;
  /** How often the job was started again. */
  readonly attempt: number;
  /** 0: none. */
  readonly heartbeatMs: number;
  readonly bandwidth: number;
  /** Of VERIFY; of open, too. */
  readonly verify: number;
}

/** What was opened. */
export interface NativeOpened {
  readonly name: string;
  readonly state: number;
  /** It was decided that its dataset is published, so that it cannot be freed before. */
  readonly forwardOnly: boolean;
}

/** What an add has planned: as Added; how many directories went into one of the same name; drafts that were left out. */
export interface NativeAdded extends Required<Added> {
  readonly nested: number;
  readonly drafts: number;
}

export interface NativeAddOptions {
  /** Of LINKS. */
  readonly links: number;
  /** Of named directories, what is in them. */
  readonly contents: boolean;
  readonly syncSource: boolean;
  /** Fewer files fail the call, which then has planned nothing. */
  readonly atLeast: number;
  /** Manifests, each ended by a NUL: what is added has to be as they say. */
  readonly expect: Buffer;
  /** Of PUBLISH. */
  readonly publish: number;
}

/**
 * One transfer. Promises are rejected with a NativeFailure; see {@link answer}. Calls that return one are queued: the
 * next begins when the one before has ended. The others are immediate, and may be made at any time.
 */
export interface NativeTransfer extends NativeMoving {
  create(options: NativeTransferOptions): Promise<void>;
  /**
   * @param adopt also a copy of a state file
   * @param agreed it may be published though it goes only with all ranks, and nobody has decided that
   */
  open(stateFile: Buffer, word: NativeWord, adopt: boolean, agreed: boolean, verify: number): Promise<NativeOpened>;
  /** `packed`: source NUL destination NUL, ... `exact`: a destination is the final path itself, as for a match. */
  add(packed: Buffer, exact: boolean, options: NativeAddOptions): Promise<NativeAdded>;
  point(path: Buffer, target: Buffer, text: boolean): Promise<void>;
  /** `packed`: paths, each ended by a NUL. */
  retire(packed: Buffer): Promise<void>;
  /** Resolves once the plan is journalled and copies run. */
  dispatch(): Promise<void>;
  resume(): Promise<void>;
  /** Resolves when no copy runs any more, ours or a mover's; at once if none does. */
  whenQuiet(): Promise<void>;
  /** Needs quiet, as the five below. An index of NATIVE_STATES. */
  state(): Promise<number>;
  /** Would publish() succeed, as far as that can be told before the first rename? */
  checkPublish(): Promise<void>;
  publish(): Promise<void>;
  report(): Promise<NativeReport>;
  free(): Promise<void>;
  /** Of ranks that go together, by one of them when all are complete: see native/dataset/rank.h. */
  agreeToPublish(atHome: boolean, inPhases: boolean): Promise<void>;
  /** As publish(), but only so far, of UNTIL, which is durable then. `clears`: another rank replaces data. */
  publishUntil(until: number, clears: boolean): Promise<void>;
  /** For all ranks: they have all phases behind them. */
  passPhases(): Promise<void>;
  /** Bits HAS_PHASES, REPLACES_DATA. */
  phases(): Promise<number>;
  /** What was decided about its dataset: a number of DECISIONS, from 1; 0: nothing. */
  askVerdict(): Promise<number>;
  /** Takes that back: no rank is published, or all are, and are freed. */
  withdraw(): Promise<void>;
  /** Of ORDER: how this one stands to `publishing`, which is complete; if it is newer, it may replace it from now on. */
  meet(publishing: NativeTransfer): Promise<number>;
  /** Lets go of the state file, which stays. */
  close(): Promise<void>;
  /** Immediate. False if no copy runs. */
  cancel(): boolean;
  /** Immediate. */
  quiet(): boolean;
  /** Immediate. */
  counters(): Omit<Progress, 'state'>;
  /** Immediate. Do running copies keep the process alive? At first they do. */
  keepAlive(keep: boolean): void;
  /** Bytes a second, 0: no limit of its own. */
  setBandwidth(bytesPerSecond: number): void;
}

/** The same for all of a run; 0: as each transfer recorded it. */
export interface NativePolicy extends NativeWord, NativePolicies {
  readonly incomplete: number;
  /** What to do with what could not be resumed; of INCOMPLETE, but not `resume`. */
  readonly fallback: number;
  readonly verify: number;
  readonly overwrite: number;
  /** Canonical directories, each ended by a NUL; empty: anywhere. */
  readonly roots: Buffer;
  readonly keepState: boolean;
  readonly axlInPlace: boolean;
  readonly dryRun: boolean;
  /** False: nothing is deleted. */
  readonly mayDelete: boolean;
  /** The state files of a batch are all open at once, however large they are. */
  readonly together: boolean;
  /** Of UNTIL. */
  readonly until: number;
  /** With `cleared`: a rank of the dataset replaces data. */
  readonly clears: boolean;
  /** With another `until` than all: also what AXL itself has completed is left for the caller to conclude. */
  readonly handsOver: boolean;
  /** False: entries only for what is failed, corrupt or busy. */
  readonly allEntries: boolean;
  /** How many calls may work at the same time. */
  readonly jobs: number;
}

/** A state file as it was at one moment. */
export interface NativeSurveyed
  extends Omit<
    ListedTransfer,
    | 'stateFile'
    | 'stateFileBytes'
    | 'format'
    | 'state'
    | 'alive'
    | 'home'
    | 'modified'
    | 'error'
    | 'lacks'
    | 'filesByPhase'
  > {
  readonly stateFile: Buffer;
  /** It is a state file of the C library AXL. */
  readonly axl: boolean;
  /** Bits of {@link partsOf}. */
  readonly lacks: number;
  /** An index of STANDINGS. */
  readonly standing: number;
  /** Has it files of other phases than data? */
  readonly inPhases: boolean;
  /** May a data file of it replace something? */
  readonly replacesData: boolean;
  /** May an old commit file stand where one of it is to stand? */
  readonly oldCommit: boolean;
  /** How many phases are published. */
  readonly phases: number;
  /** How many files are of each phase, in the order of PHASES; and of the last. */
  readonly filesOfPhase: readonly number[];
  readonly pointers: number;
  readonly dispatchedNs: bigint;
  /** An index of ANSWERS. */
  readonly alive: number;
  /** Unless that is no. */
  readonly why?: NativeFailure;
  readonly modifiedNs: bigint;
  readonly committed: boolean;
  readonly job: string;
  /** Empty: the directory of the state file. */
  readonly home: Buffer;
  /** Of movers, that may run. */
  readonly jobs: readonly { readonly mover: string; readonly token: string }[];
  readonly failure?: NativeFailure;
}

export interface NativeInspectedFile extends Pick<InspectedFile, 'size' | 'chunks' | 'crc32c' | 'metadata'> {
  /** Bits of {@link partsOf}. */
  readonly lacks: number;
  /** 1 regular, 2 symbolic link, 3 hard link, 4 generated. */
  readonly kind: number;
  /** Of PHASES. */
  readonly phase: number;
  readonly source: Buffer;
  readonly dest: Buffer;
  readonly temporary: Buffer;
  /** 0 pending, 1 done, 2 failed. */
  readonly state: number;
  /** Of a pointer or a symbolic link. */
  readonly target?: Buffer;
  readonly published: boolean;
  readonly kept: boolean;
  readonly failure?: NativeFailure;
}

/** All that a state file says. */
export interface NativeInspected extends NativeSurveyed, Pick<InspectedTransfer, 'torn' | 'validBytes' | 'records'> {
  readonly transfer: Pick<InspectedTransfer, 'backend' | 'bootId' | 'startTime' | 'chunkSize' | 'job' | 'localRank'> &
    NativePolicies & { readonly durability: number };
  readonly fileList: readonly NativeInspectedFile[];
  readonly directoryList: readonly {
    readonly path: Buffer;
    readonly made: boolean;
    readonly metadata?: RecordedMetadata;
  }[];
  readonly retired: readonly NativeRetired[];
}

export interface Native extends NativeUpkeep, NativeManifests {
  readonly Transfer: new () => NativeTransfer;
  /** How many threads copy. False: they have been started already. */
  configure(threads: number): boolean;
  /** Of all copies of the process, in bytes a second; 0: no limit. */
  setBandwidth(bytesPerSecond: number): void;
  /** For tests: once all copies of the process have taken so many bytes, they take no more, until they are canceled. */
  pauseAfter(bytes: number): void;
  /**
   * Finalizes state files; `packed` are their paths, each ended by a NUL. Entries come in their order.
   * @param uuids which transfer each is to be, 16 bytes each, or `gone`; zeros, or none at all: any
   * @param decided of DECIDED
   */
  finalize(packed: Buffer, policy: NativePolicy, uuids: Buffer, decided: number): Promise<NativeBatch>;
  /** Makes durable that what is complete is so; publishes nothing. */
  commit(packed: Buffer, policy: NativePolicy, uuids: Buffer): Promise<NativeCommitted>;
  /** Completes copies, and does nothing else; in the order of the paths. */
  resume(packed: Buffer, policy: NativePolicy, uuids: Buffer): Promise<readonly NativeResumed[]>;
  /** Makes copies the state files of their transfers; why not, in the order of the paths. */
  adoptCopies(packed: Buffer, policy: NativePolicy, uuids: Buffer): Promise<readonly (NativeFailure | undefined)[]>;
  /** The path without links. */
  realPath(path: Buffer): Promise<Buffer>;
  /** @throws AXL_CONFLICT when the directory is not there; as a rejection */
  openHome(dir: Buffer): Promise<NativeHome>;
  /** True: copies of a resume end soon, and are kept; also those of later calls, until it is false again. */
  stopFinalize(stop: boolean): void;
  /** Bytes that resumes copy and verifications read, since the start of the process. Immediate. */
  metered(): { readonly expected: number; readonly done: number };
  /** Looks at state files, in their order, `jobs` at a time. Holds the lock of each for an instant. */
  survey(packed: Buffer, jobs: number, word: NativeWord): Promise<readonly NativeSurveyed[]>;
  /**
   * `first`: for each state file, the first of those that it has final names in common with, be it through others. `shared`:
   * 1 for one of AXL that has one, and so a temporary name, in common with another one of AXL.
   */
  meetings(packed: Buffer, jobs: number): Promise<{ readonly first: Uint32Array; readonly shared: Uint8Array }>;
  /** Whose the names of a directory are, each ended by a NUL; opens none of them. `kinds`: indexes of KINDS. */
  owners(
    dir: Buffer,
    packed: Buffer,
    jobs: number,
  ): Promise<{ readonly kinds: Uint8Array; readonly uids: Uint32Array }>;
  /** All of one state file, at once: reads it on this thread. */
  inspect(stateFile: Buffer): NativeInspected;
  /** Cancels all copies and joins all threads, for the end of the process. Nothing starts afterwards. */
  stop(): void;
  /** Loads PMIx's library, once in a process; '' or why not. Needed before the others, which do not keep the process alive. */
  pmixLoad(library: string): string;
  /** The client of this process: rank and size. One call at a time from here on. */
  pmixOpen(): Promise<NativePmix>;
  /** `call` is new in each call, and the same on all ranks, as `question` is if they are in step. */
  pmixAllTrue(call: number, mine: boolean, question: number): Promise<NativePmix>;
  /** Rank 0's text; the others give ''. */
  pmixShare(call: number, text: string, question: number): Promise<NativePmix>;
  pmixBarrier(): Promise<NativePmix>;
  pmixClose(): Promise<NativePmix>;
  /** Resolves when PMIx says that the server or a rank is lost; otherwise never. */
  pmixLost(): Promise<string>;
}

/** What a promise of the addon says, its rejection as an AxlError. */
export async function answer<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (failure) {
    throw fromNative(failure);
  }
}

let loaded: Native | undefined;

/** @throws {AxlError} AXL_BACKEND_UNAVAILABLE when the addon is not there or does not load */
export function native(): Native {
  if (!loaded) {
    const addon = loadAddon() as Native;
    // process.exit() runs no cleanup hooks, and threads that run past it would meet destroyed objects.
    process.on('exit', () => addon.stop());
    const { threads, bandwidth } = settings();
    addon.configure(threads);
    if (bandwidth > 0) addon.setBandwidth(bandwidth); // 0 would take back what another thread of the process has said
    loaded = addon;
  }
  return loaded;
}

/** Has the number of threads been fixed? */
export function started(): boolean {
  return loaded !== undefined;
}
