// The last resort: ranks that share nothing but a directory. `DIRECTORY/.axl-comm-ID/` holds short files whose names are
// what is said, so that none is ever seen half written:
//   join.RANK.NONCE                a rank is here, until it closes
//   roll                           rank 0's session, and by rank the nonces that it has seen
//   SESSION.CALL.RANK.NONCE.QUESTION.true   a rank's answer, or .false; gone when the rank has read the result
//   SESSION.CALL                   the result, or what rank 0 shares: the one name that the other ranks look for
// Session and nonces are drawn anew in each launch: a rank believes a roll that has its own nonce, and rank 0 believes
// answers to its own session, so that nothing an earlier launch has left counts.
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { AxlError, fromNode } from '../base/errors.js';
import { displayName, join } from '../base/names.js';
import { again } from '../base/waiting.js';
import { isElsewhere, type Provider } from './provider.js';

const FIRST_PAUSE_MS = 1;
/** And a millisecond more for each rank: a file system for all nodes gets some hundred look-ups a second, not more. */
const LONGEST_PAUSE_MS = 100;
/** After so many looks in vain: is rank 0 still there? */
const SUSPICIOUS = 8;
/** Others may remove the directory, as the last to leave, between our making it and the first file. */
const TRIES = 20;

/** Before a text that rank 0 shares, in a result. */
const SHARED = 'text:';

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** Resolves to `missing` where the name is not there. */
async function unless<T, U>(missing: U, promise: Promise<T>): Promise<T | U> {
  try {
    return await promise;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return missing;
    throw error;
  }
}

/** A directory of one user, in which names appear whole. */
class Board {
  readonly path: Buffer;

  constructor(path: Buffer) {
    this.path = path;
  }

  /** Makes the directory, if no other rank has, with a first file in it. */
  async enter(name: string): Promise<void> {
    for (let left = TRIES; ; left--) {
      await fs.mkdir(this.path, { mode: 0o700 }).catch((error) => {
        if (codeOf(error) !== 'EEXIST') throw error;
      });
      try {
        await this.#expectOurs();
        return await this.touch(name);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' || left === 0) throw error;
      }
    }
  }

  /** Where others may write they could answer for us. */
  async #expectOurs(): Promise<void> {
    const stats = await fs.lstat(this.path);
    if (stats.isDirectory() && stats.uid === process.geteuid?.() && (stats.mode & 0o022) === 0) return;
    throw new AxlError(
      'AXL_UNSAFE_PATH',
      `openComm: ${displayName(this.path)} must be a directory that only this user can write to`,
    );
  }

  async touch(name: string): Promise<void> {
    await fs.writeFile(this.#at(name), '', { flag: 'wx' });
  }

  async write(name: string, text: string): Promise<void> {
    const temporary = this.#at(`.${name}.new`);
    await fs.writeFile(temporary, text);
    await fs.rename(temporary, this.#at(name));
  }

  read(name: string): Promise<string | undefined> {
    return unless(undefined, fs.readFile(this.#at(name), 'utf8'));
  }

  async has(name: string): Promise<boolean> {
    const found = fs.access(this.#at(name)).then(() => true);
    return unless(false, found);
  }

  list(): Promise<string[]> {
    return fs.readdir(this.path);
  }

  async remove(name: string): Promise<void> {
    await unless(undefined, fs.unlink(this.#at(name)));
  }

  /** With the files of these names: one that a new launch has just made stays, and the directory with it. */
  async destroy(names: readonly string[]): Promise<void> {
    for (const name of names) await this.remove(name);
    await fs.rmdir(this.path);
  }

  #at(name: string): Buffer {
    return join(this.path, Buffer.from(name));
  }
}

const lost = (why: string): AxlError => new AxlError('AXL_RANK_LOST', why);
const twice = (rank: number): AxlError =>
  new AxlError('AXL_CONFLICT', `two processes say that they are rank ${rank}; give each launch an id of its own`);
const draw = (): string => randomBytes(8).toString('hex');

/** By rank: the nonces of `join.RANK.NONCE`. */
function joined(names: readonly string[], size: number): string[][] {
  const nonces: string[][] = Array.from({ length: size }, () => []);
  for (const name of names) {
    const [, rank, nonce = ''] = /^join\.(\d{1,10})\.([0-9a-f]{16})$/.exec(name) ?? [];
    nonces[Number(rank ?? Number.NaN)]?.push(nonce);
  }
  return nonces.map((all) => all.sort());
}

interface Answer {
  readonly nonce: string;
  readonly question: string | undefined;
  readonly value: boolean;
}

/** By rank: the answers to a call. Two of one rank are those of two launches. */
function answered(names: readonly string[], call: string): Map<number, Answer> {
  const answers = new Map<number, Answer>();
  for (const name of names.filter((one) => one.startsWith(`${call}.`))) {
    const [rank, nonce = '', question, value] = name.slice(call.length + 1).split('.');
    if (answers.has(Number(rank))) throw twice(Number(rank));
    answers.set(Number(rank), { nonce, question, value: value === 'true' });
  }
  return answers;
}

/** Rank 0 collects the answers to a call and writes the result; the others look for that one file. */
export class Directory implements Provider {
  readonly name = 'directory';
  readonly rank: number;
  readonly size: number;
  readonly #board: Board;
  readonly #nonce = draw();
  readonly #closing = new AbortController();
  #session = '';
  /** By rank: the files that say who is here. Rank 0 has all, the others rank 0's. */
  #present: readonly string[] = [];
  #roll = '';
  #calls = 0;
  #answer: string | undefined;
  /** What is under way: it ends soon after `#closing`. Never rejects. */
  #working: Promise<unknown> = Promise.resolve();

  constructor(directory: Buffer, id: string, place: { readonly rank: number; readonly size: number }) {
    this.rank = place.rank;
    this.size = place.size;
    this.#board = new Board(join(directory, Buffer.from(`.axl-comm-${id}`)));
  }

  get #own(): string {
    return `join.${this.rank}.${this.#nonce}`;
  }

  async open(): Promise<void> {
    await this.#told(async () => {
      await this.#board.enter(this.#own);
      if (this.rank === 0) this.#session = draw();
      else await this.#poll(() => this.#findRoll());
    });
  }

  async allTrue(value: boolean, question: number): Promise<boolean> {
    return (await this.#answered(value, question, String)) === 'true';
  }

  async share(text: string, question: number): Promise<string> {
    return (await this.#answered(true, question, () => `${SHARED}${text}`)).slice(SHARED.length);
  }

  /** @param toResult of whether all said true, what rank 0 writes for all to read */
  #answered(value: boolean, question: number, toResult: (all: boolean) => string): Promise<string> {
    const call = `${this.#session}.${this.#calls++}`;
    return this.#told(() =>
      this.rank === 0 ? this.#collect(call, value, question, toResult) : this.#say(call, `${question}.${value}`),
    );
  }

  async barrier(): Promise<void> {
    await this.allTrue(true, 0);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#working; // or what it is about to write would come after all has been removed
    try {
      if (this.#answer !== undefined) await this.#board.remove(this.#answer);
      await this.#board.remove(this.#own);
      // Who leaves last puts out the light.
      const names = await this.#board.list();
      if (!names.some((name) => name.startsWith('join.'))) await this.#board.destroy(names);
    } catch {
      // What stays there is a file of no transfer, and counts for nobody.
    }
  }

  /** With errors of the file system as ours. */
  async #told<T>(work: () => Promise<T>): Promise<T> {
    try {
      const done = work();
      this.#working = Promise.allSettled([this.#working, done]);
      return await done;
    } catch (error) {
      if (error instanceof AxlError || codeOf(error) === undefined) throw error;
      throw fromNode(error as NodeJS.ErrnoException, this.#board.path);
    }
  }

  /** @throws AXL_RANK_LOST if it is closed before anything is found */
  async #poll<T>(look: (attempt: number) => Promise<T | undefined>): Promise<T> {
    const { signal } = this.#closing;
    const pauses = { first: FIRST_PAUSE_MS, longest: LONGEST_PAUSE_MS + this.size, growth: 1.5, signal };
    const found = await again(pauses, async (attempt) => (signal.aborted ? undefined : look(attempt)));
    if (found === undefined) throw lost('the comm is closed');
    return found;
  }

  /** Is true once rank 0 has seen that we are here. */
  async #findRoll(): Promise<true | undefined> {
    const [session = '', ...nonces] = ((await this.#board.read('roll')) ?? '').split('\n');
    if (!nonces[this.rank]?.split(' ').includes(this.#nonce)) return undefined;
    this.#session = session;
    this.#present = [`join.0.${nonces[0]}`];
    return true;
  }

  async #writeRoll(names: readonly string[]): Promise<void> {
    const nonces = joined(names, this.size).map((all, rank) => (rank === 0 ? this.#nonce : all.join(' ')));
    const roll = [this.#session, ...nonces].join('\n');
    if (roll !== this.#roll || !names.includes('roll')) await this.#board.write('roll', roll);
    this.#roll = roll;
  }

  async #collect(call: string, own: boolean, question: number, toResult: (all: boolean) => string): Promise<string> {
    const first = this.#present.length === 0;
    try {
      const answers = await this.#poll(async () => {
        const names = await this.#board.list();
        if (first) await this.#writeRoll(names);
        const found = answered(names, call);
        if (found.size === this.size - 1) return found;
        return this.#expectPresent(names);
      });
      if (first) await this.#tidy(answers);
      for (const [rank, answer] of answers) if (answer.question !== `${question}`) throw lost(isElsewhere(rank));
      const result = toResult(own && [...answers.values()].every(({ value }) => value));
      await this.#conclude(call, result);
      return result;
    } catch (error) {
      if (!this.#closing.signal.aborted) await this.#conclude(call, (error as Error).message).catch(() => {});
      throw error;
    }
  }

  /** Who has gone answers no more. */
  #expectPresent(names: readonly string[]): undefined {
    const seen = new Set(names);
    const gone = this.#present.findIndex((name) => !seen.has(name));
    if (gone >= 0) throw lost(`rank ${gone} has closed its comm`);
  }

  /** Removes what an earlier launch has left; from now on what is missing is missed. */
  async #tidy(answers: ReadonlyMap<number, Answer>): Promise<void> {
    const others = Array.from({ length: this.size - 1 }, (_, i) => `join.${i + 1}.${answers.get(i + 1)?.nonce}`);
    this.#present = [this.#own, ...others];
    const known = new Set(this.#present);
    const stale = (name: string) => !known.has(name) && name !== 'roll' && !name.startsWith(this.#session);
    for (const name of (await this.#board.list()).filter(stale)) await this.#board.remove(name);
  }

  /** All have read the result before, or they had not answered. */
  async #conclude(call: string, result: string): Promise<void> {
    await this.#board.write(call, result);
    await this.#board.remove(`${this.#session}.${this.#calls - 2}`);
  }

  async #say(call: string, answer: string): Promise<string> {
    this.#answer = `${call}.${this.rank}.${this.#nonce}.${answer}`;
    await this.#board.touch(this.#answer);
    const result = await this.#poll((attempt) => this.#findResult(call, attempt));
    await this.#board.remove(this.#answer);
    this.#answer = undefined;
    // Rank 0 has taken one answer for this rank, and removed whoever gave another.
    if (this.#calls === 1 && !(await this.#board.has(this.#own))) throw twice(this.rank);
    if (result !== 'true' && result !== 'false' && !result.startsWith(SHARED)) throw lost(result);
    return result;
  }

  async #findResult(call: string, attempt: number): Promise<string | undefined> {
    const result = await this.#board.read(call);
    if (result !== undefined || attempt % SUSPICIOUS !== 0) return result;
    if (await this.#board.has(this.#present[0] as string)) return undefined;
    // It may have left right after the result.
    return (await this.#board.read(call)) ?? 'rank 0 has closed, or the directory is gone';
  }
}
