// What this package exports.

export type { CollectiveId, Handle } from './axl.js';
export {
  add,
  addAll,
  addGlob,
  cancel,
  config,
  create,
  dispatch,
  free,
  point,
  resume,
  retire,
  stop,
  test,
  wait,
} from './axl.js';
export type { AxlCode } from './base/errors.js';
export { AxlError, CanceledError, TransferError } from './base/errors.js';
export type { LauncherName, Place } from './base/launch.js';
export { launched } from './base/launch.js';
export type {
  Assignment,
  JobState,
  Mover,
  MoverCapabilities,
  MoverFile,
  MoverProgress,
} from './base/mover.js';
export { displayName } from './base/names.js';
export type * from './base/recorded.js';
export type * from './base/types.js';
export { CollectiveTransfer } from './collective.js';
export { openComm } from './comm.js';
export type * from './finalize/types.js';
export { finalize } from './finalize.js';
export { inspect, list } from './survey.js';
export { Transfer } from './transfer.js';
export type * from './verify/types.js';
export { verify } from './verify.js';
