// What this package exports.

export { CollectiveTransfer } from './collective.js';
export { openComm } from './comm.js';
export type { AxlCode } from './errors.js';
export { AxlError, CanceledError, TransferError } from './errors.js';
export { finalize } from './finalize.js';
export type * from './finalize-types.js';
export type { CollectiveId, Handle } from './functions.js';
export { add, addAll, addGlob, cancel, config, create, dispatch, free, resume, stop, test, wait } from './functions.js';
export type { LauncherName, Place } from './launch.js';
export { launched } from './launch.js';
export { displayName } from './names.js';
export { inspect, list } from './survey.js';
export { Transfer } from './transfer.js';
export type * from './types.js';
