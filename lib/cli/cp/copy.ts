// One copy of axl-cp, from its plan to its final names: calls of Transfer, and what is left behind when one fails. Prints
// nothing.

import { config } from '../../axl.js';
import { AxlError, CanceledError } from '../../base/errors.js';
import { displayName } from '../../base/names.js';
import { native } from '../../base/native.js';
import type { Added, InspectedTransfer, TransferReport } from '../../index.js';
import { Transfer } from '../../transfer.js';
import { toBytes } from '../names.js';
import { lackingText } from '../output/text.js';
import { failed, goOn, type Outcome, ofPlan, ofReport } from './outcome.js';
import type { CpFlags, CpRequest } from './parse.js';
import { stateFileBeside } from './place.js';
import { unadded, unmade } from './remedies.js';
import type { CpSettings } from './settings.js';
import { type Sources, sourcesOf } from './sources.js';

/** What a copy is told by the one who runs it. */
export interface Run {
  readonly settings: CpSettings;
  readonly signal: AbortSignal;
  /** Called once copies run; in the background it is what is told of the copy. */
  readonly dispatched: (transfer: Transfer, planned: Partial<Outcome>) => void;
  /** Called with what the state file says of a copy of another process. */
  readonly watched?: (seen: InspectedTransfer) => void;
}

/** Of the process: before its first transfer. */
export function prepare({ threads }: CpFlags, { chunkSize, pauseAfter }: CpSettings): void {
  config({ ...(threads !== undefined && { threads }), ...(chunkSize !== undefined && { chunkSize }) });
  if (pauseAfter !== undefined) native().pauseAfter(pauseAfter);
}

function create({ flags }: CpRequest, stateFile: Buffer, { place }: CpSettings): Promise<Transfer> {
  const { metadata, verify, name, allRanks } = flags;
  return Transfer.create({
    ...{ name: name === undefined ? 'axl-cp' : toBytes(name).toString(), stateFile },
    ...{ ...place, allRanks: allRanks === true, ...(metadata && { metadata }), ...(verify && { verify }) },
  });
}

/** The sources, and what matches the patterns. */
async function addAll(transfer: Transfer, { flags, dest }: CpRequest, { pairs }: Sources): Promise<Added[]> {
  const links = flags.links ?? 'follow';
  const patterns = flags.glob?.map((pattern) => toBytes(pattern).toString());
  try {
    const named = await transfer.addAll(pairs, { links });
    return patterns ? [named, await transfer.addGlob(patterns, { dest: toBytes(dest), links, atLeast: 1 })] : [named];
  } catch (error) {
    throw unadded(error, flags);
  }
}

/** @throws {AxlError} of a source or a destination; of MKDIR=0 */
async function add(transfer: Transfer, request: CpRequest, sources: Sources, mkdir: boolean): Promise<Added> {
  const all = await addAll(transfer, request, sources);
  const sum = (key: 'files' | 'directories' | 'bytes') => all.reduce((total, each) => total + each[key], 0);
  const added = { files: sum('files'), directories: sum('directories'), bytes: sum('bytes') };
  if (mkdir || added.directories === 0) return added;
  const why = `MKDIR is 0, and directories that are not there would have to be made for ${displayName(toBytes(request.dest))}: `;
  throw new AxlError('AXL_IO', `${why}${added.directories}; make them first, or leave out MKDIR=0`);
}

/** What a run that a signal has ended is worth: AXL's program ends with 0 after SIGTERM. */
const canceledStatus = (signal: AbortSignal): number => ((signal.reason as Error).message === 'SIGTERM' ? 0 : 6);

/** What stays of a copy that was not published: with -S all that is there; otherwise nothing. */
export async function leave(transfer: Transfer, keeps: boolean, error: unknown, signal: AbortSignal): Promise<Outcome> {
  const isCanceled = error instanceof CanceledError && signal.aborted;
  const report = (error as { report?: TransferReport }).report;
  const cause = isCanceled ? {} : failed(error);
  const known = { ...(report && ofReport(report)), ...cause, status: isCanceled ? canceledStatus(signal) : 1 };
  const again = goOn(transfer.stateFile);
  if (!keeps)
    try {
      await transfer.free();
      return { ...known, action: 'rolled-back', notes: isCanceled ? ['canceled; no file was published'] : [] };
    } catch (unfreed) {
      const { message } = failed(unfreed).error;
      return {
        ...known,
        action: 'kept',
        status: 1,
        notes: [`${message}; the state file stays; to go on: ${again}`],
      };
    }
  await transfer[Symbol.asyncDispose]();
  const why = isCanceled ? 'canceled' : 'not published';
  return { ...known, action: 'kept', notes: [`${why}; to go on: ${again}`] };
}

/** --all-ranks: what is complete is left for axl-finalize, which publishes it when all ranks are. */
async function hold(transfer: Transfer, signal: AbortSignal): Promise<Outcome> {
  const isComplete = await transfer.settle();
  const known = ofReport(await transfer.report());
  await transfer[Symbol.asyncDispose]();
  if (isComplete) return { ...known, action: 'copied', status: 0 };
  const [error] = known.fileList?.flatMap((file) => file.error ?? []) ?? [];
  const isCanceled = !error && signal.aborted;
  const notes = [`${isCanceled ? 'canceled' : 'not complete'}; to go on: ${goOn(transfer.stateFile)}`];
  return { ...known, ...(error && { error }), action: 'kept', status: isCanceled ? canceledStatus(signal) : 1, notes };
}

/**
 * After a dispatch or a resume: waits, publishes, and lets go of the state file.
 * @param isHeld it is published with all ranks only
 */
export async function finish(
  transfer: Transfer,
  { flags, does }: CpRequest,
  { signal }: Run,
  isHeld = flags.allRanks === true,
): Promise<Outcome> {
  if (isHeld && transfer.state !== 'completed') return hold(transfer, signal);
  const keeps = flags.stateFile !== undefined || does !== 'copy';
  let report: TransferReport;
  try {
    report = await transfer.wait();
  } catch (error) {
    return leave(transfer, keeps, error, signal);
  }
  const lacks = flags.preserve || flags.archive ? lackingText(report.lacking, report.lacks) : [];
  const published = { ...ofReport(report), notes: lacks, action: 'published', status: 0 } as const;
  if (flags.background) {
    await transfer[Symbol.asyncDispose]();
    return published;
  }
  try {
    await transfer.free();
  } catch (error) {
    return { ...published, ...failed(error), status: 1 };
  }
  return published;
}

/** What would be copied. The plan needs a state file, which is made where it disturbs nobody. */
async function plan(request: CpRequest, sources: Sources, run: Run): Promise<Outcome> {
  const [{ mkdtempSync, rmdirSync }, { tmpdir }] = await Promise.all([import('node:fs'), import('node:os')]);
  const dir = mkdtempSync(`${tmpdir()}/axl-cp-`);
  let transfer: Transfer | undefined;
  try {
    transfer = await create(request, Buffer.from(`${dir}/plan.0`), run.settings);
    const added = await add(transfer, request, sources, run.settings.mkdir);
    return { ...ofPlan(added), name: transfer.name, action: 'planned', status: 0 };
  } finally {
    await transfer?.free();
    rmdirSync(dir);
  }
}

/** @throws {AxlError} what keeps it from beginning; nothing is left then */
export async function copy(request: CpRequest, run: Run): Promise<Outcome> {
  const { flags, dest } = request;
  const sources = sourcesOf(request);
  const omitted = sources.omitted.map((path) => displayName(path));
  if (omitted.length > 0 && sources.pairs.length === 0 && !flags.glob && !flags.background)
    return { action: 'published', status: 0, files: 0, bytes: 0, omitted };
  if (flags.dryRun) return { ...(await plan(request, sources, run)), omitted };
  const stateFile = flags.stateFile === undefined ? stateFileBeside(toBytes(dest)) : toBytes(flags.stateFile);
  const transfer = await create(request, stateFile, run.settings).catch((error: unknown) => {
    throw unmade(error, flags, stateFile);
  });
  try {
    const added = await add(transfer, request, sources, run.settings.mkdir);
    await transfer.dispatch({ signal: run.signal });
    run.dispatched(transfer, { ...ofPlan(added), name: transfer.name, omitted });
  } catch (error) {
    if (transfer.state === 'created') await transfer.free();
    if (transfer.state === 'freed' && !(error instanceof CanceledError)) throw error;
    if (transfer.state !== 'freed')
      return { ...(await leave(transfer, flags.stateFile !== undefined, error, run.signal)), omitted };
    return {
      action: 'rolled-back',
      status: canceledStatus(run.signal),
      notes: ['canceled before anything was copied'],
      omitted,
    };
  }
  return { ...(await finish(transfer, request, run)), omitted };
}
