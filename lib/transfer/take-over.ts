// Takes over the state file of a process that is dead, unless a finalizer has decided to roll its dataset back.
import { answer, type NativeTransfer } from '../base/native.js';
import { type Phase, phaseOf } from './states.js';

/** `isDecided`: that its dataset is published. */
type Opened = [name: string, phase: Phase, isDecided: boolean];

/** Locks a state file. @throws {AxlError} as Transfer.open */
export async function takeOver(transfer: NativeTransfer, stateFile: Buffer): Promise<Opened> {
  const { name, state, forwardOnly } = await answer(transfer.open(stateFile));
  return [name, phaseOf(state), forwardOnly];
}
