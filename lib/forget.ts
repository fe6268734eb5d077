// A state file on which nobody can act: forget() removes it, and says what stays behind. What axl-finalize could still
// finalize is refused.

import { lstatSync } from 'node:fs';
import { failureOf, toFailure } from './base/errors.js';
import { isRoot } from './base/keep.js';
import { absolutePath, pack, toText } from './base/names.js';
import { answer, type NativeInspected, native, STANDINGS } from './base/native.js';
import { whyNotStateFile } from './base/strangers.js';
import type { Failure, PathLike } from './base/types.js';
import type { FinalizedEntry, FinalizeOptions } from './finalize/types.js';
import { finalize } from './finalize.js';

export interface ForgetOptions extends Pick<FinalizeOptions, 'jobEnded' | 'writerDead'> {
  /** Also a state file that axl-finalize could finalize. */
  readonly force?: boolean;
}

/** A file that stays. */
export interface Remainder {
  readonly path: string;
  readonly pathBytes: Buffer;
  readonly bytes: number;
}

export interface Forgotten {
  readonly stateFile: string;
  readonly stateFileBytes: Buffer;
  readonly removed: boolean;
  readonly name: string;
  readonly rank: number;
  /** 32 hex digits; those of temporary names are the first 16. */
  readonly uuid: string;
  /** Temporary files that exist. */
  readonly temporaries: readonly Remainder[];
  /** What stands at the final names, whoever brought it there. */
  readonly destinations: readonly Remainder[];
  /** Could the list of its files be read to the end? */
  readonly listed: boolean;
  /** Why it was not removed. */
  readonly error?: Failure;
}

/** What a transfer fails with that nobody can mend. As root a path may be unsafe for root alone. */
const HOPELESS = ['AXL_CONFLICT', 'AXL_VERIFY', 'AXL_NOT_SUPPORTED', 'AXL_BACKEND_UNAVAILABLE'];
const isHopeless = ({ code }: Failure): boolean => HOPELESS.includes(code) || (code === 'AXL_UNSAFE_PATH' && !isRoot());

const WAYS: Partial<Record<FinalizedEntry['action'], string>> = {
  published: 'its transfer can be published',
  'rolled-back': 'its transfer can be rolled back',
  removed: 'it is of no use any more, and axl-finalize removes it',
  kept: 'its transfer waits for its dataset',
};

/** Why it is not to be forgotten, if axl-finalize could do something about it. */
async function whyNot(stateFile: Buffer, { jobEnded, writerDead }: ForgetOptions): Promise<Failure | undefined> {
  const entries: FinalizedEntry[] = [];
  const { unreadable } = await finalize(stateFile, {
    dryRun: true,
    overwrite: 'replace', // what has come to a destination since is for its owner to say
    ...(jobEnded !== undefined && { jobEnded }),
    ...(writerDead && { writerDead }),
    onEvent: (event) => event.event === 'entry' && entries.push(event.entry),
  });
  const [entry] = entries;
  if (unreadable[0] || !entry) return unreadable[0];
  const { action, error } = entry;
  if (action === 'busy' || action === 'gone') return error;
  if (action === 'corrupt' || (action === 'failed' && error && isHopeless(error))) return undefined;
  const why = WAYS[action] ?? `axl-finalize fails, and may succeed once the cause is removed: ${error?.message}`;
  const message = `${why}: use axl-finalize and this state file, or --force to remove it all the same`;
  return { code: 'AXL_INVALID_STATE', message, path: toText(stateFile) };
}

function* there(paths: readonly Buffer[]): Generator<Remainder> {
  for (const path of paths) {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (!stats) continue;
    yield Object.defineProperty({ path: toText(path), bytes: stats.size } as Remainder, 'pathBytes', { value: path });
  }
}

function describe(stateFile: Buffer, seen: NativeInspected, error: Failure | undefined): Forgotten {
  const { name, rank, uuid, fileList, standing } = seen;
  const forgotten = {
    stateFile: toText(stateFile),
    removed: error === undefined,
    ...{ name, rank, uuid },
    temporaries: [...there(fileList.map(({ temporary }) => temporary))],
    destinations: [...there(fileList.map(({ dest }) => dest))],
    listed: STANDINGS[standing] !== 'corrupt',
    ...(error && { error }),
  };
  return Object.defineProperty(forgotten as unknown as Forgotten, 'stateFileBytes', { value: stateFile });
}

async function remove(stateFile: Buffer, seen: NativeInspected, options: ForgetOptions): Promise<Failure | undefined> {
  const standing = STANDINGS[seen.standing] as (typeof STANDINGS)[number];
  if (standing === 'not-state') return whyNotStateFile(stateFile);
  if ((standing === 'gone' || standing === 'unreadable') && seen.failure) return toFailure(seen.failure);
  const { jobEnded = false, writerDead = [] } = options;
  const refusal = options.force ? undefined : await whyNot(stateFile, options);
  if (refusal) return refusal;
  const deadHosts = pack(writerDead.map((host) => Buffer.from(host)));
  try {
    await answer(native().forget(stateFile, seen.modifiedNs, { jobEnded, deadHosts }));
  } catch (error) {
    return failureOf(error);
  }
  return undefined;
}

/**
 * Removes a state file, durably, and nothing else: what it names stays, and so does a verdict on its dataset. Refuses, in
 * `error`, one whose writer is alive or may be, one that axl-finalize could finalize, and what is no state file.
 * @throws {TypeError} what is no path
 */
export async function forget(stateFile: PathLike, options: ForgetOptions = {}): Promise<Forgotten> {
  const path = absolutePath(stateFile, 'stateFile');
  const seen = native().inspect(path);
  return describe(path, seen, await remove(path, seen, options));
}
