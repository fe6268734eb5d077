// What is to be copied: the operands and lists of the command line, as pairs for Transfer.addAll. Changes nothing.
import { statSync } from 'node:fs';
import { AxlError, translated } from '../../base/errors.js';
import { displayName, latin1 } from '../../base/names.js';
import { UsageError } from '../errors.js';
import { fromBytes, readPaths, toBytes } from '../names.js';
import type { CpRequest } from './parse.js';

export interface Sources {
  /** Of a source and the destination each. */
  readonly pairs: readonly (readonly [Buffer, Buffer])[];
  /** Directories, without -r. */
  readonly omitted: readonly Buffer[];
}

/** Undefined if it is not there: who adds it says so. */
function isDirectory(path: Buffer): boolean | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory();
  } catch (error) {
    throw translated(error, path);
  }
}

/**
 * With what --files-from names: standard input is read once, and in no other process.
 * @throws {UsageError} if names are separated otherwise; {AxlError} AXL_IO
 */
export async function withList(request: CpRequest): Promise<CpRequest> {
  const { filesFrom, null: byNul } = request.flags;
  if (filesFrom === undefined || request.does !== 'copy') return request;
  try {
    return { ...request, listed: (await readPaths(filesFrom, byNul === true)).map(fromBytes) };
  } catch (error) {
    throw error instanceof UsageError ? error : translated(error, toBytes(filesFrom));
  }
}

/** With several sources, or where their number is not seen, DEST is a directory: it is there, or says that it is one. */
function checkDest(dest: Buffer): void {
  if (/\/\.?$/.test(latin1(dest)) || isDirectory(dest)) return;
  const name = displayName(dest);
  throw Object.assign(
    new AxlError('AXL_IO', `target '${name}' is not a directory: make it, or write ${name}/, and it is made`),
    { errnoName: 'ENOTDIR' },
  );
}

/** @throws {AxlError} AXL_IO */
export function sourcesOf(request: CpRequest): Sources {
  const { flags, listed = [] } = request;
  const dest = toBytes(request.dest);
  const all = [...request.sources, ...listed].map(toBytes);
  if (all.length === 0 && flags.filesFrom !== undefined && !flags.glob)
    throw new AxlError(
      'AXL_IO',
      `--files-from ${displayName(toBytes(flags.filesFrom))} names no source: nothing was copied`,
    );
  if (all.length > 1 || listed.length > 0 || (all.length > 0 && flags.glob)) checkDest(dest);
  const recursive = flags.recursive || flags.archive;
  const omits = all.map((path) => !recursive && isDirectory(path) === true);
  const pairs = all.filter((_, i) => !omits[i]).map((path) => [path, dest] as const);
  return { pairs, omitted: all.filter((_, i) => omits[i]) };
}
