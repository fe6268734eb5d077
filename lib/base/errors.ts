// Every error this package throws, and the sentence for each. Codes are API; messages are not.
// Misuse (a wrong type, an unknown option) is a TypeError or RangeError without a code: see options.ts.
import { displayName, displayText, toText } from './names.js';
import type { Failure, TransferReport } from './types.js';

/** The codes of errors, stable across versions: */
export type AxlCode =
  /** The call does not fit the state that the transfer is in. */
  | 'AXL_INVALID_STATE'
  /** A file of the transfer failed; the report says which and why. */
  | 'AXL_TRANSFER_FAILED'
  /** A system call failed. */
  | 'AXL_IO'
  /** A source is not what it was at dispatch. */
  | 'AXL_SOURCE_CHANGED'
  /** A temporary or final file is not what the state file says, or a source not what the manifests of `expect` say. */
  | 'AXL_VERIFY'
  /** The state file cannot be believed; nothing was touched. */
  | 'AXL_STATE_CORRUPT'
  /** The writer of the state file, or a finalizer, is at work on it. */
  | 'AXL_STATE_LOCKED'
  /** The state file was written by another version of the format. */
  | 'AXL_STATE_VERSION'
  /** A state file of that name exists already: use Transfer.open. */
  | 'AXL_STATE_EXISTS'
  /** The transfer was canceled, or a signal ended the waiting. */
  | 'AXL_CANCELED'
  /** The source is a FIFO, a socket, a device or a dangling link. */
  | 'AXL_NOT_SUPPORTED'
  /** A path leads through a symbolic link, or a state file belongs to another user. */
  | 'AXL_UNSAFE_PATH'
  /**
   * Two statements cannot both be true: two sources for one destination, two values of rank and size, two homes; or a
   * destination cannot be replaced, or its directory is not the one that it was (is it mounted?).
   */
  | 'AXL_CONFLICT'
  /** Another rank failed, so that this call failed on all of them. */
  | 'AXL_RANK_FAILED'
  /** Another rank did not answer in time, or the connection to the other ranks broke. */
  | 'AXL_RANK_LOST'
  /**
   * The native addon cannot be loaded, a state file names an unknown mover, or openComm finds no way to the other
   * ranks.
   */
  | 'AXL_BACKEND_UNAVAILABLE'
  /** What `onPublished` names failed; what it was run for is published. */
  | 'AXL_COMMAND_FAILED'
  /** The file is a copy of the state file that the writer made; nothing was touched. */
  | 'AXL_STATE_COPY';

/** What the addon says of a failure. Names are bytes; errno is positive. */
export interface NativeFailure {
  readonly code: AxlCode;
  readonly errno?: number;
  readonly errnoName?: string;
  readonly reason?: string;
  readonly syscall?: string;
  readonly path?: Buffer;
  readonly dest?: Buffer;
  readonly detail?: string;
}

/** "open /a/b: EACCES, permission denied", or for what no system call said "/a/b: is a FIFO". */
function sentence(failure: NativeFailure): string {
  const names = [failure.path, failure.dest].filter((name) => name !== undefined).map(displayName);
  const subject = [failure.syscall, names.join(' -> ')].filter((part) => part !== undefined && part !== '').join(' ');
  const errno = failure.errno === undefined ? undefined : `${failure.errnoName}, ${failure.reason}`;
  const cause = [errno, failure.detail].filter((part) => part !== undefined).join('; ');
  const said = [subject, cause].filter((part) => part !== '').join(': ') || failure.code;
  return displayText(said); // the names of calls, and details, may come from a state file
}

/** The public form of a native failure: names as text, errno as Node's own errors have it. */
export function toFailure(failure: NativeFailure): Failure {
  return {
    code: failure.code,
    message: sentence(failure),
    ...(failure.errno !== undefined && { errno: -failure.errno }),
    ...(failure.errnoName !== undefined && { errnoName: failure.errnoName }),
    ...(failure.syscall !== undefined && { syscall: failure.syscall }),
    ...(failure.path !== undefined && { path: toText(failure.path) }),
    ...(failure.dest !== undefined && { dest: toText(failure.dest) }),
  };
}

/**
 * An error of this library. Misuse (a wrong type, an unknown option) is a TypeError or RangeError instead.
 * @example examples/api/AxlError.ts
 */
export class AxlError extends Error {
  override name = 'AxlError';
  /** The reason, stable across versions; messages are not. */
  readonly code: AxlCode;
  /** As in Node's own errors: negative, for `util.getSystemErrorName`. */
  declare readonly errno?: number;
  /** The errno's name, e.g. `EDQUOT`: libuv has no names for some that matter here. */
  declare readonly errnoName?: string;
  /** The system call that failed, if one did. */
  declare readonly syscall?: string;
  /** The file or directory, as UTF-8. */
  declare readonly path?: string;
  /** The second file of a rename or link, as UTF-8. */
  declare readonly dest?: string;

  constructor(code: AxlCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * The error of wait when a file, or the publishing, failed. Its `cause` is the first failure.
 * @example examples/api/TransferError.ts
 */
export class TransferError extends AxlError {
  override name = 'TransferError';
  /** What became of each file, in the form that a success has, too. */
  readonly report: TransferReport;

  constructor(message: string, report: TransferReport, options?: ErrorOptions) {
    super('AXL_TRANSFER_FAILED', message, options);
    this.report = report;
  }
}

/**
 * The transfer was canceled, or a signal ended the waiting. Its name is `AbortError`, its cause the signal's reason.
 * @example examples/api/CanceledError.ts
 */
export class CanceledError extends AxlError {
  override name = 'AbortError';
  /** What became of each file of a canceled transfer; absent when a signal only ended the waiting. */
  declare readonly report?: TransferReport;

  constructor(message: string, options?: ErrorOptions & { report?: TransferReport }) {
    super('AXL_CANCELED', message, options);
    if (options?.report) this.report = options.report;
  }
}

/** An error from what a promise of the addon was rejected with. */
export function fromNative(failure: unknown): Error {
  if (failure instanceof Error) return failure;
  const { code, message, ...fields } = toFailure(failure as NativeFailure);
  return Object.assign(new AxlError(code as AxlCode, message), fields);
}

/** Of Node's permission model, which names no system call. */
export const isForbidden = ({ code }: NodeJS.ErrnoException): boolean => code === 'ERR_ACCESS_DENIED';

/** An error of Node's file system calls, as ours. */
export function fromNode(error: NodeJS.ErrnoException, path: Buffer): AxlError {
  if (isForbidden(error)) {
    const detail = "Node's permission model forbids it: start node with --allow-fs-read and --allow-fs-write for it";
    return Object.assign(fromNative({ code: 'AXL_IO', path, detail }) as AxlError, { cause: error });
  }
  const [, reason] = /^\w+: ([^,]*)/.exec(error.message) ?? [];
  const failure = {
    code: 'AXL_IO',
    path,
    ...(error.errno !== undefined && { errno: -error.errno, errnoName: error.code ?? '', reason: reason ?? '' }),
    ...(error.syscall !== undefined && { syscall: error.syscall }),
  } as const;
  return Object.assign(fromNative(failure) as AxlError, { cause: error });
}

/** The error of a system call as ours; others as they are. */
export function translated(error: unknown, path: Buffer): unknown {
  const isOfCall = !(error instanceof AxlError) && (error as NodeJS.ErrnoException).syscall !== undefined;
  return isOfCall ? fromNode(error as NodeJS.ErrnoException, path) : error;
}

/** An error of ours as data. @throws what is none */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof AxlError)) throw error;
  const { code, message, errno, errnoName, syscall, path } = error;
  return {
    code,
    message,
    ...(errno && { errno }),
    ...(errnoName && { errnoName }),
    ...(syscall && { syscall }),
    ...(path && { path }),
  };
}

/** An error of Node's file system calls, as data. */
export const nodeFailure = (error: NodeJS.ErrnoException, path: Buffer): Failure => failureOf(fromNode(error, path));
