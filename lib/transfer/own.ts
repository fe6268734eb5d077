// What a collective transfer has of its own rank: a transfer, and what one rank says for all in the home of the dataset.
import type { AxlError } from '../base/errors.js';
import { answer, type NativeTransfer } from '../base/native.js';
import { DECISIONS } from '../base/native-home.js';
import { HAS_PHASES, type PhasedPart, REPLACES_DATA, UNTIL } from '../base/phases.js';
import type {
  Added,
  AddGlobOptions,
  AddOptions,
  DispatchOptions,
  PathLike,
  PointOptions,
  Progress,
  ProgressOptions,
  ResumeOptions,
  TransferReport,
  TransferStateName,
  WaitOptions,
} from '../base/types.js';
import type { Turn } from './turns.js';

/** This rank's part: a Transfer. */
export interface OwnTransfer {
  readonly name: string;
  readonly stateFile: string;
  readonly state: TransferStateName;
  add(source: PathLike, dest: PathLike, options?: AddOptions): Promise<Added>;
  addAll(pairs: readonly (readonly [PathLike, PathLike])[], options?: AddOptions): Promise<Added>;
  addGlob(patterns: string | readonly string[], options: AddGlobOptions): Promise<Added>;
  point(path: PathLike, target: string | Uint8Array, options?: PointOptions): Promise<void>;
  retire(paths: PathLike | readonly PathLike[]): Promise<void>;
  dispatch(options?: DispatchOptions): Promise<void>;
  resume(options?: ResumeOptions): Promise<void>;
  test(): boolean;
  settle(options?: WaitOptions): Promise<boolean>;
  report(): Promise<TransferReport>;
  wait(options?: WaitOptions): Promise<TransferReport>;
  cancel(): Promise<TransferStateName>;
  free(): Promise<void>;
  progress(options?: ProgressOptions): AsyncGenerator<Progress, void, undefined>;
  setBandwidth(bandwidth: number): unknown;
  unref(): unknown;
  ref(): unknown;
  [Symbol.asyncDispose](): Promise<void>;
}

/** This rank's part, and what one rank says for all in the home of the dataset. */
export interface OwnPart extends PhasedPart {
  readonly transfer: OwnTransfer;
  /** Was it decided, before it was opened, that all are published? */
  readonly isDecided: boolean;
  /** Durable afterwards. @throws {AxlError} AXL_STATE_LOCKED when a finalizer rolls them back */
  agreeToPublish(atHome: boolean, inPhases: boolean): Promise<void>;
  isRolledBack(): Promise<boolean>;
  withdraw(): Promise<void>;
  /** As settle of the transfer; and why it could not be published now, if anything can be told before the first rename. */
  settle(options: WaitOptions | undefined): Promise<[ready: boolean, refused?: AxlError]>;
}

/** @param isDecided was it decided before that all are published? */
export function partOf(transfer: OwnTransfer, addon: NativeTransfer, turn: Turn, isDecided: boolean): OwnPart {
  return {
    inTurn: (work) =>
      turn.wait(async () => {
        await turn.come();
        return work();
      }),
    ...{ transfer, isDecided },
    agreeToPublish: (atHome, inPhases) => answer(addon.agreeToPublish(atHome, inPhases)),
    async phases() {
      const bits = await answer(addon.phases());
      return { are: (bits & HAS_PHASES) !== 0, replacesData: (bits & REPLACES_DATA) !== 0 };
    },
    passPhases: () => answer(addon.passPhases()),
    publishUntil: (until, clears) => answer(addon.publishUntil(UNTIL[until], clears)),
    isRolledBack: async () => DECISIONS[(await answer(addon.askVerdict())) - 1] === 'roll back',
    withdraw: () => answer(addon.withdraw()),
    async settle(options) {
      if (!(await transfer.settle(options))) return [false];
      return [true, await answer(addon.checkPublish()).then(undefined, (refused: AxlError) => refused)];
    },
  };
}
