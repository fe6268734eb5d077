// What has to be told to SCR of a dataset that is published, by SCR's own programs: it writes its files, and nobody else does. No
// shell is between: the name of a dataset is one word, whatever is in it.
import { fromLatin1, toText } from '../base/names.js';
import { findProgram } from '../base/programs.js';

/** The paths of SCR's programs. */
export interface ScrPrograms {
  readonly flushFile: string;
  readonly index: string;
}

/** As people type them. */
const NAMES: ScrPrograms = { flushFile: 'scr_flush_file', index: 'scr_index' };

/** Undefined unless both are on the PATH. */
export function findPrograms(): ScrPrograms | undefined {
  const [flushFile, index] = [findProgram(NAMES.flushFile), findProgram(NAMES.index)];
  return flushFile !== undefined && index !== undefined ? { flushFile, index } : undefined;
}

export interface ToTell {
  /** In latin1, as the name. */
  readonly prefix: string;
  readonly id: number;
  readonly name: string;
  /** SCR has written that it is complete. */
  readonly isSummarized: boolean;
  /** It is the checkpoint to begin the next job with. */
  readonly isCurrent: boolean;
}

/**
 * The command lines, in their order: SCR writes its summary and takes the dataset out of its flush file; it is entered in the
 * index; a checkpoint that is the newest becomes the current one. Undefined if a name is no UTF-8, which Node cannot pass on.
 */
export function commandLines(
  { prefix, id, name, isSummarized, isCurrent }: ToTell,
  { flushFile, index }: ScrPrograms = NAMES,
): readonly (readonly string[])[] | undefined {
  const [dir, called] = [prefix, name].map((latin1) => toText(fromLatin1(latin1))) as [string, string];
  if (`${dir}${called}`.includes('\uFFFD')) return undefined;
  return [
    ...(isSummarized ? [] : [[flushFile, '--dir', dir, '--summary', '-s', `${id}`]]),
    [index, '--prefix', dir, `--add=${called}`],
    ...(isCurrent ? [[index, '--prefix', dir, `--current=${called}`]] : []),
  ];
}
