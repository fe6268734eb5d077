// AXL's form: the same calls as functions over an integer id. One line each; the rules are in transfer.ts.

import { AxlError } from './base/errors.js';
import { started } from './base/native.js';
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
  TransferReport,
  TransferStateName,
  WaitOptions,
} from './base/types.js';
import { CollectiveTransfer } from './collective.js';
import { cancelAll } from './transfer/copies.js';
import { Transfer } from './transfer.js';

/** The id of a collective transfer: the same number to JavaScript, but test() gives a promise for it. */
export type CollectiveId = number & { readonly collective: true };

/** A transfer, or the id that {@link create} returned for it. */
export type Handle = number | Transfer | CollectiveTransfer;

const transfers = new Map<number, Transfer | CollectiveTransfer>();
let lastId = 0;

function find(call: string, handle: Handle): Transfer | CollectiveTransfer {
  const transfer = typeof handle === 'number' ? transfers.get(handle) : handle;
  if (transfer instanceof Transfer || transfer instanceof CollectiveTransfer) return transfer;
  if (typeof handle !== 'number') throw new TypeError(`${call} takes the id of a transfer, or the transfer`);
  throw new AxlError('AXL_INVALID_STATE', `${call}: there is no transfer ${handle}; it was freed or never created`);
}

/**
 * Begins a transfer. Its state file exists afterwards.
 * @returns its id, for the other functions
 * @throws as {@link Transfer.create}
 * @see AXL_Create
 */
export async function create(options: CollectiveOptions): Promise<CollectiveId>;
export async function create(options: CreateOptions & { readonly comm?: undefined }): Promise<number>;
export async function create(options: CreateOptions): Promise<number> {
  const transfer = await Transfer.create(options);
  transfers.set(++lastId, transfer);
  return lastId;
}

/** @throws as {@link Transfer.add} @see AXL_Add */
export async function add(id: Handle, source: PathLike, dest: PathLike, options?: AddOptions): Promise<Added> {
  return find('add', id).add(source, dest, options);
}

/** @throws as {@link Transfer.addAll} @see AXL_Add */
export async function addAll(
  id: Handle,
  pairs: readonly (readonly [PathLike, PathLike])[],
  options?: AddOptions,
): Promise<Added> {
  return find('addAll', id).addAll(pairs, options);
}

/** @throws as {@link Transfer.addGlob} @see AXL_Add */
export async function addGlob(
  id: Handle,
  patterns: string | readonly string[],
  options: AddGlobOptions,
): Promise<Added> {
  return find('addGlob', id).addGlob(patterns, options);
}

/** @throws as {@link Transfer.dispatch} @see AXL_Dispatch */
export async function dispatch(id: Handle, options?: DispatchOptions): Promise<void> {
  return find('dispatch', id).dispatch(options);
}

/** Would wait return at once? @throws as {@link Transfer.test} @see AXL_Test */
export function test(id: CollectiveId | CollectiveTransfer): Promise<boolean>;
export function test(id: number | Transfer): boolean;
export function test(id: Handle): boolean | Promise<boolean> {
  return find('test', id).test();
}

/** @throws as {@link Transfer.wait} @see AXL_Wait */
export async function wait(id: Handle, options?: WaitOptions): Promise<TransferReport> {
  return find('wait', id).wait(options);
}

/** @throws as {@link Transfer.cancel} @see AXL_Cancel */
export async function cancel(id: Handle): Promise<TransferStateName> {
  return find('cancel', id).cancel();
}

/** @throws as {@link Transfer.resume} @see AXL_Resume */
export async function resume(id: Handle, options?: DispatchOptions): Promise<void> {
  return find('resume', id).resume(options);
}

/** The id means nothing afterwards. @throws as {@link Transfer.free} @see AXL_Free */
export async function free(id: Handle): Promise<void> {
  await find('free', id).free();
  if (typeof id === 'number') transfers.delete(id);
}

/**
 * Cancels all transfers of this process whose copies run; in a worker thread, those of the thread. When it resolves,
 * none runs. Temporary files and state files stay.
 * @see AXL_Stop
 */
export async function stop(): Promise<void> {
  return cancelAll();
}

/**
 * Sets what is given, for transfers created from now on.
 * @param options `threads` 1 to 256, before the first transfer only; `chunkSize` in bytes, a multiple of 4096;
 *   `durability` `full` or `none`
 * @returns what holds now
 * @throws {TypeError} an option that is unknown or of the wrong type; {RangeError} a number out of range
 * @throws {AxlError} AXL_INVALID_STATE for `threads` after the first transfer
 * @see AXL_Config
 */
export function config(options: ConfigOptions = {}): Required<ConfigOptions> {
  if (options.threads !== undefined && started() && options.threads !== settings().threads)
    throw new AxlError('AXL_INVALID_STATE', 'config: threads can be set before the first transfer only');
  return configure(options);
}
