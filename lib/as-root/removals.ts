// As root: deletes temporary files of another user by a process of that user, so that nothing is deleted which that user
// could not delete.
import { fromLatin1, latin1 } from '../base/names.js';
import type { NativeRemoval, NativeTemporary } from '../base/native-upkeep.js';
import { start } from './others.js';
import { UserDatabase } from './user-database.js';

/** Bytes and numbers that JSON does not know, as text. */
const toWire = (files: readonly NativeTemporary[]): string =>
  JSON.stringify(
    files.map(({ path, modifiedNs, changedNs, dest: _, ...same }) => ({
      ...same,
      path: latin1(path),
      modifiedNs: `${modifiedNs}`,
      changedNs: `${changedNs}`,
    })),
  );

type Wired = Omit<NativeTemporary, 'path' | 'modifiedNs' | 'changedNs'> & {
  readonly path: string;
  readonly modifiedNs: string;
  readonly changedNs: string;
};

export const fromWire = (text: string): NativeTemporary[] =>
  (JSON.parse(text) as Wired[]).map(({ path, modifiedNs, changedNs, ...same }) => ({
    ...same,
    path: fromLatin1(path),
    modifiedNs: BigInt(modifiedNs),
    changedNs: BigInt(changedNs),
  }));

const failed = (files: readonly NativeTemporary[], uid: number, why: string): NativeRemoval[] =>
  files.map(({ path }) => ({
    open: false,
    failure: { code: 'AXL_IO', path, detail: `it was not deleted for its owner, user ${uid}: ${why}` },
  }));

async function removeAs(uid: number, files: readonly NativeTemporary[], users: UserDatabase): Promise<NativeRemoval[]> {
  const user = await users.lookUp(uid);
  if ('why' in user) return failed(files, uid, user.why);
  const child = start(user, 'removal-service');
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
    });
  child.stdin?.on('error', () => {}); // it ended early, and its status tells
  child.stdin?.end(toWire(files));
  const end = await new Promise<string>((resolve) => {
    child.on('error', ({ message }) => resolve(message));
    child.on('close', (status, signal) => resolve(status === 0 ? '' : `the process ended with ${signal ?? status}`));
  });
  if (end !== '') return failed(files, uid, said.stderr.trim().slice(-2000) || end);
  const removals: (NativeRemoval & { failure?: { path?: unknown; dest?: unknown } })[] = JSON.parse(said.stdout);
  // Names do not survive JSON: they are those that were asked for.
  return removals.map(({ open, failure }, i) => {
    const { path: _, dest: __, ...rest } = failure ?? {};
    return {
      open,
      ...(failure && { failure: { ...rest, path: files[i]?.path } as NativeRemoval['failure'] }),
    } as NativeRemoval;
  });
}

/** In their order. */
export async function removeForOwners(files: readonly NativeTemporary[]): Promise<NativeRemoval[]> {
  const users = new UserDatabase();
  const removals = new Map<NativeTemporary, NativeRemoval>();
  for (const uid of new Set(files.map((file) => file.uid))) {
    const own = files.filter((file) => file.uid === uid);
    for (const [i, removal] of (await removeAs(uid, own, users)).entries())
      removals.set(own[i] as NativeTemporary, removal);
  }
  return files.map((file) => removals.get(file) as NativeRemoval);
}
