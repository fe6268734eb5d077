// The report of a transfer, from the addon's columns. Objects for single files are made when `files` is first read:
// a rank with 100,000 files that all went well never pays for them.
import {
  type AxlError,
  CanceledError,
  fromNative,
  type NativeFailure,
  TransferError,
  toFailure,
} from '../base/errors.js';
import { partsOf } from '../base/keep.js';
import { displayName, toText } from '../base/names.js';
import { HAS_CRC_FLAG, type NativeReport, PUBLISHED_FLAG, STATE_MASK } from '../base/native-report.js';
import { toRetired } from '../base/retired.js';
import type {
  Failure,
  FileReport,
  MetadataPart,
  PublishPhase,
  TransferReport,
  TransferStateName,
} from '../base/types.js';
import { PHASES } from '../base/words.js';

const OWNER_BIT = 1;
const ALL_BITS = 0xff;
/** By number, from 1. */
const PHASE_NAMES = Object.keys(PHASES) as PublishPhase[];
const FILE_STATES = ['pending', 'done', 'failed'] as const;

class ReportedFile implements FileReport {
  readonly source: string;
  readonly dest: string;
  readonly size: number;
  readonly phase: PublishPhase;
  readonly state: FileReport['state'];
  declare readonly crc32c?: number;
  readonly ownerGiven: boolean;
  readonly lacks: readonly MetadataPart[];
  declare readonly error?: Failure;
  // Private, and so neither printed nor in JSON.
  readonly #source: Buffer;
  readonly #dest: Buffer;

  constructor(row: number, source: Buffer, dest: Buffer, columns: NativeReport, failure: NativeFailure | undefined) {
    const flags = columns.states[row] as number;
    this.source = toText(source);
    this.dest = toText(dest);
    this.size = columns.sizes[row] as number;
    this.phase = PHASE_NAMES[(columns.phases[row] as number) - 1] as PublishPhase;
    this.state = flags & PUBLISHED_FLAG ? 'published' : (FILE_STATES[flags & STATE_MASK] as FileReport['state']);
    if (flags & HAS_CRC_FLAG) this.crc32c = columns.crcs[row] as number;
    this.lacks = partsOf(columns.lacks[row] as number);
    this.ownerGiven = !this.lacks.includes('owner');
    if (failure) this.error = toFailure(failure);
    this.#source = source;
    this.#dest = dest;
  }

  get sourceBytes(): Buffer {
    return this.#source;
  }

  get destBytes(): Buffer {
    return this.#dest;
  }
}

function readFiles(columns: NativeReport): FileReport[] {
  const failures = new Map(columns.failures.map((failure) => [failure.index, failure]));
  let at = 0;
  const next = () => {
    const end = columns.names.indexOf(0, at);
    const name = columns.names.subarray(at, end);
    at = end + 1;
    return name;
  };
  return Array.from(columns.sizes, (_, row) => new ReportedFile(row, next(), next(), columns, failures.get(row)));
}

const count = (column: Uint8Array, bits: number): number => column.reduce((n, has) => (has & bits ? n + 1 : n), 0);

interface Transferred {
  readonly name: string;
  readonly stateFile: string;
  readonly state: TransferStateName;
}

/** What became of what create was told, which nobody knows before the dispatch. */
function warningsOf({ unmatched, lacksManifest }: NativeReport): string[] {
  const files = unmatched.map((pattern) => `dispatch: no file matches ${displayName(pattern)} of commitFiles`);
  const why = 'dispatch: there is no manifest, since the transfer has no file beside which it could be: give its path';
  return lacksManifest ? [...files, why] : files;
}

/** The report to hand out. */
export function makeReport(
  { name, stateFile, state }: Transferred,
  warnings: readonly string[],
  columns: NativeReport,
): TransferReport {
  let files: FileReport[] | undefined;
  return {
    ...{ name, stateFile, state },
    warnings: [...warnings, ...warningsOf(columns)],
    bytes: columns.sizes.reduce((sum, size) => sum + size, 0),
    filesPublished: count(columns.states, PUBLISHED_FLAG),
    filesFailed: columns.failures.length,
    ownerWarnings: count(columns.lacks, OWNER_BIT),
    lacking: count(columns.lacks, ALL_BITS) + columns.directoriesLacking,
    lacks: partsOf(columns.lacks.reduce((all, bits) => all | bits, columns.directoriesLack)),
    notCopied: columns.notCopied,
    linksCopied: columns.linksCopied,
    retired: columns.retired.map(toRetired),
    get files() {
      files ??= readFiles(columns);
      return files;
    },
  };
}

/** What wait rejects with; the cause of a failed transfer is the first file's failure, or the publishing's. */
export function waitError(failure: AxlError, report: TransferReport, columns: NativeReport, reason: unknown): AxlError {
  const name = displayName(report.name);
  if (failure.code === 'AXL_CANCELED')
    return new CanceledError(`wait: transfer ${name} was canceled`, { report, cause: reason ?? failure });
  const [first] = columns.failures;
  const cause = failure.code === 'AXL_TRANSFER_FAILED' && first ? fromNative(first) : failure;
  return new TransferError(`wait: transfer ${name} failed: ${cause.message}`, report, { cause });
}
