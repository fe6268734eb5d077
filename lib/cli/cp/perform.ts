// Does what axl-cp was asked for, in whichever process.
import { AxlError } from '../../base/errors.js';
import { UsageError } from '../errors.js';
import { copy, prepare, type Run } from './copy.js';
import { failed, type Outcome } from './outcome.js';
import type { CpRequest } from './parse.js';

/** What keeps a copy from beginning is an outcome, too: so JSON has it. @throws what is no error of the library */
export function notBegun(error: unknown): Outcome {
  if (!(error instanceof AxlError)) throw error;
  return { action: 'failed', status: 1, ...failed(error) };
}

/** What the library does not take, it says before it begins. */
function asUsage(error: unknown): unknown {
  return error instanceof TypeError || error instanceof RangeError ? new UsageError(error.message) : error;
}

/** @throws {UsageError} of what is wrong in the command line or the environment */
export async function outcomeOf(request: CpRequest, given: Run): Promise<Outcome> {
  let begun = false;
  const dispatched: Run['dispatched'] = (transfer, planned) => {
    begun = true;
    given.dispatched(transfer, planned);
  };
  const run = { ...given, dispatched };
  try {
    prepare(request.flags, run.settings);
    if (request.does === 'copy') return await copy(request, run);
    const { resume, wait } = await import('./take-over.js');
    return await (request.does === 'wait' ? wait(request, run) : resume(request, run));
  } catch (error) {
    return notBegun(begun ? error : asUsage(error));
  }
}
