// The state files of AXL that SCR has left for one of its datasets, as the ranks of one dataset of ours: AXL records neither
// which rank one is of, nor of how many. No I/O.
import type { NativeFinalized, NativeSurveyed } from '../base/native.js';
import { nameOf } from '../base/own-files.js';

/** What SCR says of a dataset. */
export interface ScrRanks {
  /** The prefix, in latin1. */
  readonly prefix: string;
  readonly id: number;
  readonly name: string;
  /** How many ranks it has; if SCR does not say, as many as their state files count up to. */
  readonly size: number;
  /** Files and bytes of all ranks, if SCR says. */
  readonly files?: number;
  readonly bytes?: number;
  /** SCR says how many ranks, or how many files, there are: otherwise nobody knows whether all are here. */
  readonly isCounted: boolean;
}

const STATE_FILE = /^rank_(0|[1-9]\d{0,8})\.state_file$/;

/** Of which rank this is the state file; undefined if it is none of SCR's. */
export function rankOf(name: string): number | undefined {
  const digits = STATE_FILE.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

const HEX = 16;
/** In front of the number of a dataset: "SCR" and zeros, for an id that is no UUID of ours. */
const MARK = '53435200'.padEnd(16, '0');

/** The id of the dataset, 32 hex digits: the same in each run. Its verdict lives in the directory of its state files. */
export const datasetId = (id: number): string => MARK + id.toString(HEX).padStart(16, '0');

/** What a survey saw, as SCR means it. @param path of the state file */
export function surveyedAs({ id, name, size }: ScrRanks, path: string, surveyed: NativeSurveyed): NativeSurveyed {
  const rank = rankOf(nameOf(path));
  if (!surveyed.axl || rank === undefined) return surveyed;
  return { ...surveyed, dataset: datasetId(id), name, rank, size };
}

export function finalizedAs({ name }: ScrRanks, path: string, entry: NativeFinalized): NativeFinalized {
  const rank = rankOf(nameOf(path));
  return !entry.axl || rank === undefined ? entry : { ...entry, name, rank };
}

/** Why the state files that are there, which name so many files and bytes, are not all of the dataset; '' if they are. */
export function shortfall(scr: ScrRanks, seen: { readonly files: number; readonly bytes: number }): string {
  if (!scr.isCounted) return 'SCR says neither how many ranks it has nor how many files';
  if (scr.files !== undefined && scr.files !== seen.files)
    return `its state files name ${seen.files} files, and SCR counted ${scr.files}: not every rank has one`;
  if (scr.bytes !== undefined && scr.bytes !== seen.bytes)
    return `its state files name ${seen.bytes} bytes, and SCR counted ${scr.bytes}`;
  return '';
}
