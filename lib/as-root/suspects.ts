// As root: whose state files may be behind what cannot be read? What one user has brought about keeps that user's datasets,
// and nobody else's.
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fromLatin1, latin1 } from '../base/names.js';
import { lookWithoutFollowing, type Unread } from '../finalize/scan.js';

/** Others may enter, or read. An access control list that lets them shows in the bits of the group. */
const SHARED = 0o077;

/** `anybody`: there may be state files of every user; otherwise only of these. */
export interface Suspects {
  readonly anybody: boolean;
  readonly users: ReadonlySet<number>;
}

export const isSuspect = ({ anybody, users }: Suspects, uid: number): boolean => anybody || users.has(uid);

interface UserMount {
  readonly at: string;
  /** Of the user whose server it is, and who alone may look into it; 0: there is none. */
  readonly uid: number;
}

const unescaped = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/**
 * What each FUSE mount shows is its user's doing.
 * @param text as /proc/self/mountinfo has it, in latin1
 */
export function userMounts(text: string): UserMount[] {
  const mounts: UserMount[] = [];
  for (const line of text.split('\n')) {
    const [before = '', behind = ''] = line.split(' - ');
    const [type = '', , options = ''] = behind.split(' ');
    const isPrivate = type.startsWith('fuse') && !options.split(',').includes('allow_other');
    const uid = isPrivate ? /(?:^|,)user_id=(\d+)/.exec(options)?.[1] : undefined;
    mounts.push({ at: unescaped(before.split(' ')[4] ?? ''), uid: Number(uid ?? 0) });
  }
  return mounts;
}

const isWithin = (path: string, dir: string): boolean => path === dir || path.startsWith(dir === '/' ? '/' : `${dir}/`);

/** The last mount whose point is the longest above the path is what the path leads to. */
function mountOf(path: string, mounts: readonly UserMount[]): UserMount | undefined {
  let best: UserMount | undefined;
  for (const mount of mounts) if (isWithin(path, mount.at) && mount.at.length >= (best?.at.length ?? 0)) best = mount;
  return best;
}

/**
 * Nobody else has state files below a directory that nobody else can enter, unless another mount leads past it.
 * @param path in latin1
 * @returns the one user who may have state files there, or undefined if others may, too
 */
async function whoseIs(path: string, mounts: readonly UserMount[]): Promise<number | undefined> {
  const mount = mountOf(path, mounts);
  if (mount === undefined || mount.uid !== 0) return mount?.uid;
  for (let at = path; isWithin(at, mount.at) && at !== '/'; at = dirname(at)) {
    const stats = await lookWithoutFollowing(fromLatin1(at)).catch(() => undefined);
    if (stats?.isFile() && at === path) return stats.uid;
    if (stats?.isDirectory() && stats.uid !== 0 && (stats.mode & SHARED) === 0) return stats.uid;
  }
  return undefined;
}

export async function suspects(unread: readonly Unread[]): Promise<Suspects> {
  const users = new Set<number>();
  if (unread.length === 0) return { anybody: false, users };
  const mounts = userMounts(readFileSync('/proc/self/mountinfo', 'latin1'));
  let anybody = false;
  for (const { path } of unread) {
    const uid = await whoseIs(latin1(path), mounts);
    if (uid === undefined) anybody = true;
    else users.add(uid);
  }
  return { anybody, users };
}
