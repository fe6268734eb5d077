// AXL's form: the same calls as functions over an integer id. One line each; the rules are in transfer.ts.

import { AxlError } from './base/errors.js';
import { native, started } from './base/native.js';
import { configure, settings } from './base/options.js';
import type {
  Added,
  AddGlobOptions,
  AddOptions,
  CollectiveOptions,
  ConfigOptions,
  CreateOptions,
  DispatchOptions,
  PathLike,
  PointOptions,
  TransferReport,
  TransferStateName,
  WaitOptions,
} from './base/types.js';
import { CollectiveTransfer } from './collective.js';
import { cancelAll } from './transfer/copies.js';
import { Transfer } from './transfer.js';

/** The id of a collective transfer: the same number to JavaScript, but test() gives a promise for it. */
export type CollectiveId = number & { readonly collective: true };

/** A transfer, or the id that {@link create} gave it. */
export type Handle = number | Transfer | CollectiveTransfer;

const transfers = new Map<number, Transfer | CollectiveTransfer>();
let lastId = 0;

function find(call: string, handle: Handle): Transfer | CollectiveTransfer {
  const transfer = typeof handle === 'number' ? transfers.get(handle) : handle;
  if (transfer instanceof Transfer || transfer instanceof CollectiveTransfer) return transfer;
  if (typeof handle !== 'number') throw new TypeError(`${call} needs the id of a transfer, or the transfer itself`);
  throw new AxlError(
    'AXL_INVALID_STATE',
    `${call}: there is no transfer with the id ${handle}: it was freed or never created`,
  );
}

/**
 * Begins a transfer. When it resolves, the state file exists.
 * @returns the transfer's id, for the other functions
 * @throws as {@link Transfer.create}
 * @example examples/api/create.ts
 * @see AXL_Create
 */
export async function create(options: CollectiveOptions): Promise<CollectiveId>;
export async function create(options: CreateOptions & { readonly comm?: undefined }): Promise<number>;
export async function create(options: CreateOptions): Promise<number> {
  const transfer = await Transfer.create(options);
  transfers.set(++lastId, transfer);
  return lastId;
}

/**
 * Plans to copy a file or a directory, as {@link Transfer.add} does.
 * @throws as {@link Transfer.add}
 * @example examples/api/add.ts
 * @see AXL_Add
 */
export async function add(id: Handle, source: PathLike, dest: PathLike, options?: AddOptions): Promise<Added> {
  return find('add', id).add(source, dest, options);
}

/**
 * Plans to copy many files and directories, all or none, as {@link Transfer.addAll} does.
 * @throws as {@link Transfer.addAll}
 * @example examples/api/addAll.ts
 * @see AXL_Add
 */
export async function addAll(
  id: Handle,
  pairs: readonly (readonly [PathLike, PathLike])[],
  options?: AddOptions,
): Promise<Added> {
  return find('addAll', id).addAll(pairs, options);
}

/**
 * Plans to copy the files that match patterns, as {@link Transfer.addGlob} does.
 * @throws as {@link Transfer.addGlob}
 * @example examples/api/addGlob.ts
 * @see AXL_Add
 */
export async function addGlob(
  id: Handle,
  patterns: string | readonly string[],
  options: AddGlobOptions,
): Promise<Added> {
  return find('addGlob', id).addGlob(patterns, options);
}

/**
 * Plans a pointer, as {@link Transfer.point} does; for the id of a collective transfer all ranks call it.
 * @throws as {@link Transfer.point}
 * @example examples/api/point.ts
 */
export async function point(
  id: Handle,
  path: PathLike,
  target: string | Uint8Array,
  options?: PointOptions,
): Promise<void> {
  return find('point', id).point(path, target, options);
}

/**
 * Plans to delete what is older, as {@link Transfer.retire} does.
 * @throws as {@link Transfer.retire}
 * @example examples/api/retire.ts
 */
export async function retire(id: Handle, paths: PathLike | readonly PathLike[]): Promise<void> {
  return find('retire', id).retire(paths);
}

/**
 * Starts the copies, as {@link Transfer.dispatch} does. When it resolves, the plan is on the disk and copies run.
 * @throws as {@link Transfer.dispatch}
 * @example examples/api/dispatch.ts
 * @see AXL_Dispatch
 */
export async function dispatch(id: Handle, options?: DispatchOptions): Promise<void> {
  return find('dispatch', id).dispatch(options);
}

/**
 * Would wait return at once? It says nothing about success.
 * @throws as {@link Transfer.test}
 * @example examples/api/test.ts
 * @see AXL_Test
 */
export function test(id: CollectiveId | CollectiveTransfer): Promise<boolean>;
export function test(id: number | Transfer): boolean;
export function test(id: Handle): boolean | Promise<boolean> {
  return find('test', id).test();
}

/**
 * Waits for the copies, then publishes all files or none, as {@link Transfer.wait} does.
 * @throws as {@link Transfer.wait}
 * @example examples/api/wait.ts
 * @see AXL_Wait
 */
export async function wait(id: Handle, options?: WaitOptions): Promise<TransferReport> {
  return find('wait', id).wait(options);
}

/**
 * Stops the copies, as {@link Transfer.cancel} does. When it resolves, none runs.
 * @throws as {@link Transfer.cancel}
 * @example examples/api/cancel.ts
 * @see AXL_Cancel
 */
export async function cancel(id: Handle): Promise<TransferStateName> {
  return find('cancel', id).cancel();
}

/**
 * Goes on with the copies after a cancel or a failure, as {@link Transfer.resume} does. When it resolves, copies run.
 * @throws as {@link Transfer.resume}
 * @example examples/api/resume.ts
 * @see AXL_Resume
 */
export async function resume(id: Handle, options?: DispatchOptions): Promise<void> {
  return find('resume', id).resume(options);
}

/**
 * Ends a transfer and deletes its state file, as {@link Transfer.free} does. The id is not valid afterwards.
 * @throws as {@link Transfer.free}
 * @example examples/api/free.ts
 * @see AXL_Free
 */
export async function free(id: Handle): Promise<void> {
  await find('free', id).free();
  if (typeof id === 'number') transfers.delete(id);
}

/**
 * Cancels all transfers of this process whose copies run; in a worker thread, those of the thread. When it resolves, no
 * copy runs. Temporary files and state files stay, so that each transfer can be resumed.
 * @throws {AxlError} AXL_IO when a state file cannot be written
 * @example examples/api/stop.ts
 * @see AXL_Stop
 */
export async function stop(): Promise<void> {
  return cancelAll();
}

/**
 * Changes the settings of transfers that are created from now on.
 * @param options `threads` 1 to 256, before the first transfer only; `chunkSize` in bytes, a multiple of 4096;
 *   `durability` `full` or `none`; `bandwidth` in bytes a second, which counts for running copies, too
 * @returns the settings that are in force now
 * @throws {TypeError} an option that is unknown or of the wrong type; {RangeError} a number out of range
 * @throws {AxlError} AXL_INVALID_STATE for `threads` after the first transfer
 * @example examples/api/config.ts
 * @see AXL_Config
 */
export function config(options: ConfigOptions = {}): Required<ConfigOptions> {
  if (options.threads !== undefined && started() && options.threads !== settings().threads)
    throw new AxlError('AXL_INVALID_STATE', 'config: set threads before the first transfer is created');
  const inForce = configure(options);
  if (options.bandwidth !== undefined && started()) native().setBandwidth(options.bandwidth);
  return inForce;
}
