// As root: whose state files may be behind what cannot be read? What one user has brought about keeps that user's datasets,
// and nobody else's.
import { readFileSync } from 'node:fs';
import { fromLatin1, latin1 } from '../base/names.js';
import { lookWithoutFollowing, type Unread } from '../finalize/scan.js';

/** `anybody`: there may be state files of every user; otherwise only of these. */
export interface Suspects {
  readonly anybody: boolean;
  readonly users: ReadonlySet<number>;
}

export const isSuspect = ({ anybody, users }: Suspects, uid: number): boolean => anybody || users.has(uid);

interface UserMount {
  readonly at: string;
  /** Of the user whose server it is; 0: it is root's, or the kernel's. */
  readonly uid: number;
  /** May others look into it? */
  readonly shared: boolean;
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
    const uid = type.startsWith('fuse') ? /(?:^|,)user_id=(\d+)/.exec(options)?.[1] : undefined;
    const shared = uid === undefined || options.split(',').includes('allow_other');
    mounts.push({ at: unescaped(before.split(' ')[4] ?? ''), uid: Number(uid ?? 0), shared });
  }
  return mounts;
}

export const mountsNow = (): UserMount[] => userMounts(readFileSync('/proc/self/mountinfo', 'latin1'));

export const isWithin = (path: string, dir: string): boolean =>
  path === dir || path.startsWith(dir === '/' ? '/' : `${dir}/`);

/** The last mount whose point is the longest above the path is what the path leads to. */
function mountOf(path: string, mounts: readonly UserMount[]): UserMount | undefined {
  let best: UserMount | undefined;
  for (const mount of mounts) if (isWithin(path, mount.at) && mount.at.length >= (best?.at.length ?? 0)) best = mount;
  return best;
}

/**
 * What the mode of a directory says today says nothing of who came in before; and another mount may lead past it.
 * @param path in latin1
 * @returns the one user who may have state files there, or undefined if others may, too
 */
async function whoseIs(path: string, mounts: readonly UserMount[]): Promise<number | undefined> {
  const mount = mountOf(path, mounts);
  if (mount !== undefined && mount.uid !== 0) return mount.shared ? undefined : mount.uid;
  const stats = await lookWithoutFollowing(fromLatin1(path)).catch(() => undefined);
  return stats?.isFile() ? stats.uid : undefined;
}

export async function suspects(unread: readonly Unread[]): Promise<Suspects> {
  const users = new Set<number>();
  if (unread.length === 0) return { anybody: false, users };
  const mounts = mountsNow();
  let anybody = false;
  for (const { path } of unread) {
    const uid = await whoseIs(latin1(path), mounts);
    if (uid === undefined) anybody = true;
    else users.add(uid);
  }
  return { anybody, users };
}
