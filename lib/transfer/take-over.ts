// Takes over the state file of a process that is dead, unless a finalizer has decided to roll its dataset back.
import type { Mover } from '../base/mover.js';
import { pack } from '../base/names.js';
import { answer, type NativeTransfer } from '../base/native.js';
import { Jobs } from '../movers/jobs.js';
import { type Phase, phaseOf } from './states.js';

/** `isDecided`: that its dataset is published. */
type Opened = [name: string, phase: Phase, isDecided: boolean];

/** Locks a state file. @param mover is asked whether its jobs have ended @throws {AxlError} as Transfer.open */
export async function takeOver(transfer: NativeTransfer, stateFile: Buffer, mover?: Mover): Promise<Opened> {
  const answers = mover && (await new Jobs([mover]).ask(pack([stateFile])));
  const { name, state, forwardOnly } = await answer(transfer.open(stateFile, answers));
  return [name, phaseOf(state), forwardOnly];
}
