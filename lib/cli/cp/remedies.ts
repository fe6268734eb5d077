// What axl-cp adds to a sentence of the library: which of its options helps.
import { lstatSync } from 'node:fs';
import { AxlError } from '../../base/errors.js';
import { displayName } from '../../base/names.js';
import { inspect } from '../../survey.js';
import { shellWord } from '../output/text.js';
import type { CpFlags } from './parse.js';

/** The same failure in other words. */
function worded(error: AxlError, message: string): AxlError {
  const { errno, errnoName, syscall, path } = error;
  return Object.assign(new AxlError(error.code, message, { cause: error }), {
    ...(errno !== undefined && { errno }),
    ...(errnoName !== undefined && { errnoName }),
    ...(syscall !== undefined && { syscall }),
    ...(path !== undefined && { path }),
  });
}

/** Of a state file that cannot be made. */
export function unmade(error: unknown, { stateFile: given }: CpFlags, stateFile: Buffer): unknown {
  if (!(error instanceof AxlError)) return error;
  const name = displayName(stateFile);
  if (error.code === 'AXL_STATE_EXISTS') {
    const { state, alive } = inspect(stateFile);
    const isOurs = !['not-state', 'gone', 'unreadable', 'corrupt'].includes(state);
    if (!isOurs) return worded(error, `${name} is there already, and is no state file: give -S another name`);
    if (alive === 'yes')
      return worded(error, `${name} is there already, and its copy is under way: --wait waits for it`);
    return worded(error, `${name} is there already: -U goes on with its copy`);
  }
  if (given !== undefined) return error;
  const why = `${error.syscall ?? 'open'} ${name}: ${error.errnoName ?? error.code}`;
  const remedy = 'make that possible, or give -S STATE_FILE';
  return worded(error, `${why}; the state file of a copy without -S is beside its destination: ${remedy}`);
}

/** Of a state file that cannot be taken over. */
export function untaken(error: AxlError, stateFile: Buffer): AxlError {
  const { state, uid } = inspect(stateFile);
  const isOthers = error.code === 'AXL_UNSAFE_PATH' && state !== 'unreadable' && uid !== process.geteuid?.();
  if (!isOthers) return error;
  const command = `axl-finalize --incomplete resume ${shellWord(stateFile)}`;
  return worded(error, `${error.message}: let that user run axl-cp, or root run ${command}`);
}

function isLink(path: string | undefined): boolean {
  try {
    return path !== undefined && lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

/** Of a source that cannot be added. */
export function unadded(error: unknown, { links }: CpFlags): unknown {
  if (!(error instanceof AxlError) || links !== undefined || !isLink(error.path)) return error;
  return worded(error, `${error.message}; --links copy copies links as links, --links skip leaves them out`);
}
