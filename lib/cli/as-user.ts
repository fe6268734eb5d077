// --as-user UID[:GID]: this process becomes a user before anything of the library is loaded, so that a finalizer that
// root has started meets a user's files with that user's rights only. Must import nothing of the library.
import { userInfo } from 'node:os';

const usage = (word: string): never => {
  process.stderr.write(`axl-finalize: --as-user needs UID or UID:GID, not ${JSON.stringify(word)}\n`);
  process.exit(2);
};

/** The user's entry in the password database, which Node reads only for the effective user; or undefined. */
function passwd(uid: number): { readonly username: string; readonly gid: number } | undefined {
  process.seteuid?.(uid);
  try {
    return userInfo();
  } catch {
    return undefined; // a user id without a name, as in a container
  } finally {
    process.seteuid?.(0);
  }
}

/** Not in @types/node. */
const posix = process as typeof process & { initgroups?(user: string, extraGroup: number): void };

/** Groups first, then the group, then the user: in another order the later calls would be refused, or undone. */
function become(uid: number, gid: number | undefined): void {
  const user = passwd(uid);
  const group = gid ?? user?.gid ?? uid;
  if (user) posix.initgroups?.(user.username, group);
  else process.setgroups?.([group]);
  process.setgid?.(group);
  process.setuid?.(uid);
  if (process.getuid?.() !== uid || process.geteuid?.() !== uid || process.getegid?.() !== group)
    throw new Error('the kernel did not do it');
}

/** Takes a leading `--as-user` off the arguments and obeys it; ends the process if that is not possible. */
export function obeyAsUser(args: readonly string[]): readonly string[] {
  if (args[0] !== '--as-user') return args;
  const [, uid, gid] = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(args[1] ?? '') ?? usage(args[1] ?? '');
  try {
    if (process.getuid?.() !== 0 && process.getuid?.() !== Number(uid)) throw new Error('only root may');
    if (process.getuid?.() === 0) become(Number(uid), gid === undefined ? undefined : Number(gid));
  } catch (error) {
    process.stderr.write(`axl-finalize: cannot become user ${uid}: ${(error as Error).message}\n`);
    process.exit(1);
  }
  return args.slice(2);
}
