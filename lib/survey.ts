// What state files say, without touching them: list() a directory of them, inspect() one.
import { mayOpen } from './as-root/own-directories.js';
import { toFailure } from './base/errors.js';
import { partsOf, recorded } from './base/keep.js';
import { absolutePath, toText } from './base/names.js';
import {
  answer,
  DURABILITY,
  type NativeInspected,
  type NativeInspectedFile,
  type NativeSurveyed,
  native,
  PHASES,
  STANDINGS,
} from './base/native.js';
import { ANSWERS, NO_WORD } from './base/native-word.js';
import { checkOptions, DEFAULT_JOBS, shapes } from './base/options.js';
import type { InspectedFile, InspectedTransfer, ListedTransfer } from './base/recorded.js';
import { toRetired } from './base/retired.js';
import { whyNotStateFile } from './base/strangers.js';
import type { Failure, PathLike } from './base/types.js';
import { absences } from './finalize/absence.js';
import { Candidates, scan } from './finalize/scan.js';
import type { Listed, ListOptions } from './finalize/types.js';

const BATCH = 256;
const NS_PER_MS = 1_000_000n;
/** By number. */
const KINDS = [undefined, 'file', 'symlink', 'hard link', 'generated'] as const;
const FILE_STATES = ['pending', 'done', 'failed'] as const;

/** The word of a number in one of the tables of native.ts. */
function word<T extends string>(table: Readonly<Record<T, number>>, number: number): T | undefined {
  return (Object.keys(table) as T[]).find((key) => table[key] === number);
}

function hidden<T extends object>(object: T, fields: Readonly<Record<string, Buffer>>): T {
  for (const [name, value] of Object.entries(fields)) Object.defineProperty(object, name, { value });
  return object;
}

const byPhase = (counts: readonly number[]) =>
  Object.fromEntries(Object.entries(PHASES).map(([phase, number]) => [phase, counts[number - 1] ?? 0]));

function toListed(s: NativeSurveyed): ListedTransfer {
  const { uuid, name, rank, size, alive, files, filesDone, filesFailed, filesPublished, bytes, bytesDone } = s;
  const { canceled, host, pid, allRanks, uid, failure, dataset, attempt, lacking } = s;
  const listed = {
    stateFile: toText(s.stateFile),
    ...{ name, rank, size, format: s.axl ? 'axl' : 'axl-transfer', uuid },
    state: STANDINGS[s.standing] as ListedTransfer['state'],
    alive: ANSWERS[alive] as ListedTransfer['alive'],
    ...{ files, filesDone, filesFailed, filesPublished, filesByPhase: byPhase(s.filesOfPhase) },
    ...(s.phases > 0 && { phase: word(PHASES, s.phases) }),
    ...{ bytes, bytesDone, canceled, host, pid, allRanks, uid },
    ...{ lacking, lacks: partsOf(s.lacks), dataset, attempt, home: toText(s.home) },
    modified: new Date(Number(s.modifiedNs / NS_PER_MS)),
    ...(failure && { error: toFailure(failure) }),
  };
  return hidden(listed as unknown as ListedTransfer, { stateFileBytes: s.stateFile });
}

/**
 * Reads each state file of these directories, without changing any. A live transfer is listed as it is at that moment.
 * A file that is not a state file is listed as `not-state`.
 * @param inputs as of finalize()
 * @param options `recursive`, `pattern`, `exclude`, `jobs`
 * @returns the transfers, in the order of the directories; and the inputs that could not be read
 * @throws {TypeError} an option that is unknown or of the wrong type; {RangeError} a number out of range
 * @example
 * ```ts
 * const { transfers } = await list('/p/job/state');
 * for (const { name, rank, state } of transfers) console.log(name, rank, state);
 * ```
 */
export async function list(inputs: PathLike | readonly PathLike[], options: ListOptions = {}): Promise<Listed> {
  checkOptions('list', options, shapes.list);
  const given = Array.isArray(inputs) ? (inputs as readonly PathLike[]) : [inputs as PathLike];
  const listing = await scan(
    given.map((input) => absolutePath(input, 'an input')),
    options,
  );
  const candidates = new Candidates(listing.directories);
  const strangers: Failure[] = [];
  const transfers: ListedTransfer[] = [];
  for (let at = 0; at < candidates.size; at += BATCH) {
    const length = Math.min(BATCH, candidates.size - at);
    const packed = candidates.pack(Array.from({ length }, (_, i) => at + i));
    const surveyed = await answer(native().survey(packed, options.jobs ?? DEFAULT_JOBS, NO_WORD));
    for (const one of surveyed) transfers.push(toListed(one));
    for (const [i, { standing, stateFile }] of surveyed.entries())
      if (STANDINGS[standing] === 'not-state' && candidates.isNamed(at + i))
        strangers.push(await whyNotStateFile(stateFile));
  }
  const found = transfers.some(({ state }) => state !== 'not-state' && state !== 'gone');
  const absent = await absences(listing, { ...options, mayOpen: mayOpen(), found });
  return { transfers, unreadable: [...listing.unreadable.map(({ failure }) => failure), ...strangers], absent };
}

function toFile(file: NativeInspectedFile): InspectedFile {
  const { source, dest, temporary, size, published, kept, lacks, chunks, crc32c, failure, target } = file;
  const inspected = {
    ...{ kind: KINDS[file.kind], phase: word(PHASES, file.phase) },
    ...(target && { target: toText(target).replace(/\n$/, '') }),
    ...{ source: toText(source), dest: toText(dest), temporary: toText(temporary), size },
    state: published ? 'published' : kept ? 'kept' : FILE_STATES[file.state],
    ...{ ownerGiven: (lacks & 1) === 0, lacks: partsOf(lacks), chunks, metadata: file.metadata },
    ...(crc32c !== undefined && { crc32c }),
    ...(failure && { error: toFailure(failure) }),
  };
  return hidden(inspected as InspectedFile, { sourceBytes: source, destBytes: dest, temporaryBytes: temporary });
}

function toInspected(native: NativeInspected): InspectedTransfer {
  const { torn, validBytes, records, transfer, fileList, directoryList, committed, retired } = native;
  const { backend, bootId, startTime, durability, chunkSize, job, localRank } = transfer;
  const listed = toListed(native);
  const inspected = {
    ...listed,
    ...{ committed, torn, validBytes, records, backend, bootId, startTime, chunkSize, job },
    ...(localRank !== undefined && { localRank }),
    durability: word(DURABILITY, durability),
    metadata: recorded(transfer),
    fileList: fileList.map(toFile),
    directoryList: directoryList.map(({ path, made, metadata }) =>
      hidden({ path: toText(path), made, ...(metadata && { metadata }) }, { pathBytes: path }),
    ),
    retired: retired.map(toRetired),
  };
  return hidden(inspected as unknown as InspectedTransfer, { stateFileBytes: listed.stateFileBytes });
}

/**
 * Reads everything that a state file says, without changing it. A torn or corrupt state file is read as far as
 * possible. If it cannot be read at all, `state` and `error` say so.
 * @param stateFile the path of the state file
 * @throws {TypeError} when stateFile is not a path
 * @throws {AxlError} AXL_BACKEND_UNAVAILABLE when the native addon cannot be loaded
 * @example
 * ```ts
 * const { state, fileList } = inspect('/p/job/state/ckpt.42.7');
 * console.log(state, fileList.filter((file) => file.state === 'failed'));
 * ```
 */
export function inspect(stateFile: PathLike): InspectedTransfer {
  return toInspected(native().inspect(absolutePath(stateFile, 'stateFile')));
}
