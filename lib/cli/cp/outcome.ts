// How a run of axl-cp ended, as data; and how it is told, to people and to programs.
import { version } from '../../base/addon.js';
import { type AxlError, failureOf } from '../../base/errors.js';
import { displayName, toText } from '../../base/names.js';
import type { Added, Failure, FileReport, FinalizeAction, MetadataPart, TransferReport } from '../../index.js';
import { Causes } from '../output/causes.js';
import { toJson } from '../output/json.js';
import { complain, say, stdout } from '../output/output.js';
import { lackingText, plural, shellWord, size } from '../output/text.js';

export interface Outcome {
  /**
   * As of a FinalizedEntry; `copied`: complete, to be published with all ranks;
   * `dispatched`: copies go on in the background; `planned`: a dry run.
   */
  readonly action: FinalizeAction | 'copied' | 'dispatched' | 'planned';
  /** The exit status. */
  readonly status: number;
  readonly name?: string;
  readonly files?: number;
  readonly filesDone?: number;
  readonly bytes?: number;
  readonly omitted?: readonly string[];
  readonly warnings?: readonly string[];
  /** Of the process in the background. */
  readonly pid?: number;
  readonly lacking?: number;
  readonly lacks?: readonly MetadataPart[];
  readonly error?: Failure;
  /** What people are told beside. */
  readonly notes?: readonly string[];
  /** Of each file. Not sent from one process to another. */
  readonly fileList?: readonly FileReport[];
}

/** The command that goes on with a copy, for a shell. */
export const goOn = (stateFile: Buffer | string): string => `axl-cp -S ${shellWord(Buffer.from(stateFile))} -U`;

/** What a report says, for an outcome. */
export function ofReport(report: TransferReport): Partial<Outcome> {
  const { name, files, bytes, warnings, lacking, lacks } = report;
  const filesDone = files.filter(({ state }) => state === 'done' || state === 'published').length;
  return { name, files: files.length, filesDone, bytes, warnings, lacking, lacks, fileList: files };
}

export const ofPlan = ({ files, bytes }: Pick<Added, 'files' | 'bytes'>): Partial<Outcome> => ({ files, bytes });

/** @throws what is no error of ours */
export const failed = (error: unknown): { readonly error: Failure } => ({ error: failureOf(error as AxlError) });

function tellJson(stateFile: Buffer | undefined, { fileList, notes: _, ...outcome }: Outcome): void {
  const all = { version: version(), ...(stateFile && { stateFile: toText(stateFile) }), ...outcome };
  const head = toJson(Object.defineProperty(all, 'stateFileBytes', { value: stateFile }));
  if (!fileList) {
    stdout.write(`${head}\n`);
    return;
  }
  stdout.write(`${head.slice(0, -1)},\n"fileList":[`);
  for (const [i, file] of fileList.entries()) stdout.write(`${i === 0 ? '' : ','}\n${toJson(file)}`);
  stdout.write(']}\n');
}

function summary({ action, files = 0, bytes = 0, lacking = 0, lacks = [] }: Outcome): string {
  return `axl-cp: ${[action, plural(files, 'file'), size(bytes), ...lackingText(lacking, lacks)].join(', ')}`;
}

/** What every file failed of, and, where none did, the transfer. */
function complainOf({ fileList = [], error }: Outcome): void {
  const causes = new Causes(Number.POSITIVE_INFINITY);
  const errors = fileList.filter((file) => file.error !== undefined);
  for (const file of errors) causes.add(displayName(file.destBytes), file.error as Failure);
  causes.tell();
  if (errors.length === 0 && error) complain(error.message);
}

function tellPeople(outcome: Outcome, verbose: boolean): void {
  const { action, fileList = [] } = outcome;
  const shown = verbose && action === 'published' ? fileList : [];
  for (const { sourceBytes, destBytes } of shown) say([`${displayName(sourceBytes)} -> ${displayName(destBytes)}`]);
  if ((verbose && outcome.files !== undefined) || action === 'planned') say([summary(outcome)]);
  complainOf(outcome);
}

/** @returns the exit status */
export function tell(
  outcome: Outcome,
  told: { stateFile: Buffer | undefined; json: boolean; verbose: boolean },
): number {
  for (const name of outcome.omitted ?? []) complain(`omitting directory '${name}': give -r to copy it`);
  for (const warning of outcome.warnings ?? []) complain(warning);
  if (told.json) tellJson(told.stateFile, outcome);
  if (told.json && outcome.error) complain(outcome.error.message);
  if (!told.json) tellPeople(outcome, told.verbose);
  for (const note of outcome.notes ?? []) complain(note);
  return outcome.status;
}
