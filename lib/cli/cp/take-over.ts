// State files that another process has left: -U goes on with them, --wait says how they ended. Prints nothing.
import { AxlError } from '../../base/errors.js';
import { displayName } from '../../base/names.js';
import { jittered, sleep } from '../../base/waiting.js';
import type { InspectedTransfer, OpenOptions } from '../../index.js';
import { inspect } from '../../survey.js';
import { Transfer } from '../../transfer.js';
import { toBytes } from '../names.js';
import { shellWord } from '../output/text.js';
import { copy, finish, leave, type Run } from './copy.js';
import { failed, goOn, type Outcome, ofReport } from './outcome.js';
import type { CpFlags, CpRequest } from './parse.js';
import { untaken } from './remedies.js';

const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 2000;

/** The words of a code for who reads an action. */
const ACTIONS: Readonly<Record<string, Pick<Outcome, 'action' | 'status'>>> = {
  AXL_STATE_LOCKED: { action: 'busy', status: 4 },
  AXL_STATE_CORRUPT: { action: 'corrupt', status: 5 },
  AXL_STATE_VERSION: { action: 'corrupt', status: 5 },
  AXL_STATE_COPY: { action: 'corrupt', status: 5 },
  AXL_BACKEND_UNAVAILABLE: { action: 'corrupt', status: 5 },
};

/** It was there a moment ago. */
function gone(stateFile: Buffer): Outcome {
  const name = displayName(stateFile);
  const message = `${name} is gone: another process has finalized its copy meanwhile`;
  return { action: 'gone', status: 4, error: { code: 'AXL_IO', errnoName: 'ENOENT', message, path: name } };
}

const told = (error: unknown, stateFile: Buffer) => (error instanceof AxlError ? untaken(error, stateFile) : error);

/** What keeps a state file that was there from being taken over. */
function refused(error: unknown, stateFile: Buffer): Outcome {
  const { code, errnoName } = error as AxlError;
  if (errnoName === 'ENOENT') return gone(stateFile);
  return { ...(ACTIONS[code] ?? { action: 'failed', status: 1 }), ...failed(told(error, stateFile)) };
}

const openOptions = ({ jobEnded, verify }: CpFlags): Omit<OpenOptions, 'comm'> => ({
  ...(jobEnded && { jobEnded }),
  ...(verify && { verify }),
});

/** AXL's own state files say of no process whether it is dead, and no file whether it is whole: axl-finalize looks. */
function ofAxl(stateFile: Buffer): Outcome {
  const name = displayName(stateFile);
  const command = `axl-finalize --job-ended --incomplete resume ${shellWord(stateFile)}`;
  const message = `${name} is a state file of the C library AXL: when its job is over, run ${command}`;
  return { action: 'failed', status: 1, error: { code: 'AXL_NOT_SUPPORTED', message, path: name } };
}

function absent(stateFile: Buffer): Outcome {
  const name = displayName(stateFile);
  const message = `there is no state file ${name}: its copy was published, or has never begun`;
  return { action: 'gone', status: 1, error: { code: 'AXL_IO', errnoName: 'ENOENT', message, path: name } };
}

/** What need not be opened: AXL's own, and what is not there. */
function elsewhere(stateFile: Buffer, { format, state }: InspectedTransfer): Outcome | undefined {
  if (format === 'axl') return ofAxl(stateFile);
  return state === 'gone' ? absent(stateFile) : undefined;
}

/** A copy that was killed before its dispatch: nothing has been copied. */
async function begunAnew(request: CpRequest, stateFile: Buffer, run: Run): Promise<Outcome> {
  const { finalize } = await import('../../finalize.js');
  const jobEnded = request.flags.jobEnded === true;
  const { counts, problems, unreadable } = await finalize(stateFile, { jobEnded });
  const [error] = [...problems.flatMap((entry) => entry.error ?? []), ...unreadable];
  if (error)
    return { ...(counts.busy > 0 ? ACTIONS.AXL_STATE_LOCKED : { action: 'failed', status: 1 }), error } as Outcome;
  if (counts.removed === 0) return gone(stateFile);
  const { resume: _, ...flags } = request.flags;
  if (request.dest !== '') return copy({ ...request, does: 'copy', flags }, run);
  const note = `${displayName(stateFile)} was never dispatched, and nothing had been copied: it is deleted; run axl-cp with SOURCE and DEST`;
  return { action: 'removed', status: 3, notes: [note] };
}

function planned({ state, error, name, files, filesDone, bytes }: InspectedTransfer): Outcome {
  const isReady = state === 'complete' || state === 'published' || state === 'incomplete';
  const what =
    state === 'incomplete'
      ? 'it would go on'
      : state === 'complete'
        ? 'it would publish'
        : 'it is published: the state file would be deleted';
  const note = isReady ? what : 'nothing would be copied';
  return {
    action: 'planned',
    status: 0,
    name,
    files,
    filesDone,
    bytes,
    ...(error && { error }),
    notes: [`${state}: ${note}`],
  };
}

/** -U: what AXL_Resume, AXL_Wait and AXL_Free do. */
export async function resume(request: CpRequest, run: Run): Promise<Outcome> {
  const { flags, dest } = request;
  const stateFile = toBytes(flags.stateFile as string);
  const seen = inspect(stateFile);
  const other = elsewhere(stateFile, seen);
  if (other) return other;
  if (flags.dryRun) return planned(seen);
  if (seen.state === 'never-dispatched') return begunAnew(request, stateFile, run);
  const notes = dest === '' ? [] : ['-U goes on with what the state file says: SOURCE and DEST were not read'];
  let transfer: Transfer;
  try {
    transfer = await Transfer.open(stateFile, openOptions(flags));
  } catch (error) {
    return refused(error, stateFile);
  }
  try {
    if (transfer.state === 'failed' || transfer.state === 'canceled') await transfer.resume({ signal: run.signal });
  } catch (error) {
    return leave(transfer, true, error, run.signal);
  }
  run.dispatched(transfer, { name: transfer.name, files: seen.files, bytes: seen.bytes });
  const outcome = await finish(transfer, request, run, seen.allRanks);
  return { ...outcome, notes: [...notes, ...(outcome.notes ?? [])] };
}

/**
 * Waits for the lock, as long as it may be seen that somebody who is alive has it.
 * @returns undefined if a signal has ended the waiting
 */
async function whenFree(stateFile: Buffer, flags: CpFlags, { signal, watched }: Run): Promise<Transfer | undefined> {
  for (let ms = FIRST_PAUSE_MS; !signal.aborted; ms = Math.min(LAST_PAUSE_MS, 1.5 * ms)) {
    try {
      return await Transfer.open(stateFile, openOptions(flags));
    } catch (error) {
      const seen = inspect(stateFile);
      const isLocked = error instanceof AxlError && error.code === 'AXL_STATE_LOCKED';
      if (!isLocked || seen.alive === 'cannot tell') throw error;
      watched?.(seen);
      await sleep(jittered(ms), signal);
    }
  }
  return undefined;
}

/** How a copy that nobody works on ended; one that is complete is published. */
async function ended(transfer: Transfer, request: CpRequest, run: Run, isHeld: boolean): Promise<Outcome> {
  if (transfer.state === 'dispatched' || transfer.state === 'completed') return finish(transfer, request, run, isHeld);
  const report = await transfer.report();
  await transfer[Symbol.asyncDispose]();
  const [error] = report.files.flatMap((file) => file.error ?? []);
  const how = error ? 'failed' : `was ${transfer.state === 'canceled' ? 'canceled' : 'killed'}`;
  const known = { ...ofReport(report), ...(error && { error }), status: error ? 1 : 3 };
  return {
    ...known,
    action: 'kept',
    notes: [`the copy ${how}; to go on: ${goOn(transfer.stateFile)}`],
  };
}

/** --wait. */
export async function wait(request: CpRequest, run: Run): Promise<Outcome> {
  const stateFile = toBytes(request.flags.wait as string);
  const seen = inspect(stateFile);
  const other = elsewhere(stateFile, seen);
  if (other) return other;
  try {
    const transfer = await whenFree(stateFile, request.flags, run);
    if (transfer) return await ended(transfer, request, run, seen.allRanks);
  } catch (error) {
    return refused(error, stateFile);
  }
  return { action: 'busy', status: 6, notes: ['no longer waiting; the copy goes on'] };
}
