// Who a user is, by the user database: users may be in LDAP, which may be slow, or away for a while.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const GETENT = '/usr/bin/getent';
const LIMIT_MS = 10_000;
/** getent's status for "there is none"; every other is a failure to tell. */
const NO_SUCH_ENTRY = 2;
/** For who has no entry: a group that owns nothing. The state file's could be one that its owner is not in. */
const NOGROUP = 65534;

export interface User {
  readonly uid: number;
  readonly gid: number;
  /** Empty if there is no entry. */
  readonly name: string;
  readonly known: boolean;
}

/** `why` nobody could tell. */
export type Unknown = { readonly why: string };

function entryIn(text: string, uid: number): User {
  const fields = text.split('\n').map((line) => line.split(':'));
  const [name, , , gid] = fields.find((line) => line[2] === `${uid}`) ?? [];
  if (name === undefined || gid === undefined) return { uid, gid: NOGROUP, name: '', known: false };
  return { uid, gid: Number(gid), name, known: true };
}

function ask(uid: number): Promise<User | Unknown> {
  return new Promise((resolve) => {
    execFile(GETENT, ['passwd', `${uid}`], { encoding: 'utf8', timeout: LIMIT_MS, env: {} }, (error, text) => {
      if (!error || error.code === NO_SUCH_ENTRY) return resolve(entryIn(error ? '' : text, uid));
      const how = error.killed ? `did not answer in ${LIMIT_MS / 1000} s` : `failed with ${error.code ?? error.signal}`;
      resolve({ why: `the user database cannot be asked: ${GETENT} passwd ${uid} ${how}` });
    });
  });
}

/** The database, as one run asks it. */
export class UserDatabase {
  #silent: Unknown | undefined;

  /** Once it was silent nobody waits for it again. Where there is no getent (musl), /etc/passwd is all there is. */
  async lookUp(uid: number): Promise<User | Unknown> {
    if (!existsSync(GETENT)) return entryIn(readFileSync('/etc/passwd', 'utf8'), uid);
    if (this.#silent) return this.#silent;
    const answer = await ask(uid);
    if ('why' in answer) this.#silent ??= answer;
    return answer;
  }
}
