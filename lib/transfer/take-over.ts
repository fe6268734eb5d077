// Takes over the state file of a process that is dead, unless a finalizer has decided to roll its dataset back.
import { pack } from '../base/names.js';
import { answer, type NativeOpened, type NativeTransfer, VERIFY } from '../base/native.js';
import type { OpenOptions } from '../base/types.js';
import { Jobs } from '../movers/jobs.js';

/** Locks a state file; the mover is asked whether its jobs have ended. @throws {AxlError} as Transfer.open */
export async function takeOver(
  transfer: NativeTransfer,
  stateFile: Buffer,
  {
    comm,
    mover,
    agreed = comm !== undefined,
    jobEnded = false,
    writerDead = [],
    adopt = false,
    verify = 'size',
  }: OpenOptions,
): Promise<NativeOpened> {
  const answers = mover && (await new Jobs([mover]).ask(pack([stateFile])));
  const deadHosts = pack(writerDead.map((host) => Buffer.from(host)));
  return answer(
    transfer.open(stateFile, { jobEnded, deadHosts, ...(answers && { answers }) }, adopt, agreed, VERIFY[verify]),
  );
}
