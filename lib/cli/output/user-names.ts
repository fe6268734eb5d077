// Names of users, for people: asked of the user database once for all, which may be slow, or away. Then the number stands.
import { execFileSync } from 'node:child_process';
import { displayText } from '../../base/names.js';

const GETENT = '/usr/bin/getent';
const LIMIT_MS = 2000;
/** As many as a command line takes without a thought. */
const MOST = 1000;

/** Lines as /etc/passwd has them; those of users that are found, also where others are not. */
function ask(uids: readonly number[]): string {
  try {
    return execFileSync(GETENT, ['passwd', ...uids.map(String)], {
      encoding: 'utf8',
      timeout: LIMIT_MS,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {},
    });
  } catch (error) {
    return (error as { stdout?: string }).stdout ?? '';
  }
}

export class UserNames {
  readonly #names = new Map<number, string>();

  constructor(uids: readonly number[]) {
    const different = [...new Set(uids)].slice(0, MOST);
    if (different.length === 0) return;
    for (const line of ask(different).split('\n')) {
      const [name, , uid] = line.split(':');
      if (name && uid) this.#names.set(Number(uid), displayText(name));
    }
  }

  /** The number, if the name is not known. */
  of(uid: number): string {
    return this.#names.get(uid) ?? `${uid}`;
  }
}
