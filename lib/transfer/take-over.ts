// Takes over the state file of a process that is dead, unless a finalizer has decided about its dataset.
import { AxlError } from '../base/errors.js';
import { displayName, latin1 } from '../base/names.js';
import { answer, type NativeTransfer } from '../base/native.js';
import { type Phase, phaseOf } from './states.js';

type Opened = Awaited<ReturnType<NativeTransfer['open']>>;

/** What a finalizer has decided, finalizers end: they have published, or deleted, other ranks already. */
async function expectUndecided(path: string, { name, uuid }: Opened): Promise<void> {
  const { isDecided } = await import('../finalize/verdict.js');
  if (!(await isDecided(path.slice(0, path.lastIndexOf('/')), name, uuid))) return;
  const why = `a finalizer has decided about its dataset; axl-finalize goes on`;
  throw new AxlError('AXL_STATE_LOCKED', `open: transfer ${displayName(name)}: ${why}`);
}

/** Locks a state file. @returns name and phase of its transfer @throws {AxlError} as Transfer.open */
export async function takeOver(transfer: NativeTransfer, stateFile: Buffer): Promise<[name: string, phase: Phase]> {
  const opened = await answer(transfer.open(stateFile));
  try {
    // After it is locked: see isDecided.
    await expectUndecided(latin1(stateFile), opened);
  } catch (error) {
    await answer(transfer.close());
    throw error;
  }
  return [opened.name, phaseOf(opened.state)];
}
