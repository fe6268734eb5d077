// The homes of datasets, where finalizers read and write what was decided; the files are the addon's (native/dataset).

import { failureOf } from '../base/errors.js';
import { fromLatin1, latin1 } from '../base/names.js';
import { answer, type NativeSurveyed, native, STANDINGS } from '../base/native.js';
import { DECISIONS, type NativeHome, type NativeVerdict, SCOPES } from '../base/native-home.js';
import { NO_WORD } from '../base/native-word.js';
import { nameOf, VERDICT } from '../base/own-files.js';
import { UNTIL } from '../base/phases.js';
import type { Failure } from '../base/types.js';
import { type Answer, concerns, type Verdict } from './decide.js';

const ID_BYTES = 16;
const BATCH = 128;
/** For who has the right to decide, who may be looking at each transfer of a dataset. */
const PATIENCE_MS = 2000;
/** Added to it for each transfer that may be looked at. */
const LOOK_MS = 2;

const idOf = (digits: string): Buffer => Buffer.from(digits, 'hex');
const unpack = (packed: Buffer): string[] => latin1(packed).split('\0').slice(0, -1);
const pack = (names: Iterable<string>): Buffer => fromLatin1([...names].map((name) => `${name}\0`).join(''));

function fromAddon({ decision, scope, dataset, name, size, uuids, stateFiles }: NativeVerdict): Verdict {
  const uuid = (i: number) => uuids.toString('hex', i * ID_BYTES, (i + 1) * ID_BYTES);
  const transfers = new Map(unpack(stateFiles).map((file, i) => [uuid(i), file]));
  const words = { decision: DECISIONS[decision - 1], scope: SCOPES[scope - 1] };
  return { ...(words as Pick<Verdict, 'decision' | 'scope'>), dataset: dataset.toString('hex'), name, size, transfers };
}

function toAddon({ decision, scope, dataset, name, size, transfers }: Verdict): NativeVerdict {
  return {
    ...{ decision: DECISIONS.indexOf(decision) + 1, scope: SCOPES.indexOf(scope) + 1 },
    ...{ dataset: idOf(dataset), name, size },
    uuids: Buffer.concat([...transfers.keys()].map(idOf)),
    stateFiles: pack(transfers.values()),
  };
}

const DONE_WITH = new Set(['gone', 'not-state', 'published', 'rolled-back']);

/** Of what a survey saw: is nothing left to be done with it? */
export const isDoneWith = (standing: number): boolean => DONE_WITH.has(STANDINGS[standing] as string);

/** Is one of these still to be finalized? What cannot be read may be. */
async function isAnyLeft(
  paths: readonly string[],
  isOne: (surveyed: NativeSurveyed, i: number) => boolean,
): Promise<boolean> {
  const isLeft = (surveyed: NativeSurveyed, i: number) => {
    const word = STANDINGS[surveyed.standing] as string;
    return !isDoneWith(surveyed.standing) && (word === 'corrupt' || word === 'unreadable' || isOne(surveyed, i));
  };
  for (let at = 0; at < paths.length; at += BATCH) {
    const surveyed = await answer(native().survey(pack(paths.slice(at, at + BATCH)), 2, NO_WORD));
    if (surveyed.some((one, i) => isLeft(one, at + i))) return true;
  }
  return false;
}

const isThere = (dir: string): Promise<boolean> =>
  native()
    .openHome(fromLatin1(dir))
    .then((home) => home.close())
    .then(
      () => true,
      () => false,
    );

/** One directory. */
export class Home {
  readonly dir: string;
  readonly #native: NativeHome;

  constructor(dir: string, home: NativeHome) {
    this.dir = dir;
    this.#native = home;
  }

  /** The same for every path that leads to it. */
  get identity(): string {
    return this.#native.identity;
  }

  /** The path of a state file that a verdict lists. */
  #pathOf(file: string): string {
    return file.startsWith('/') ? file : `${this.dir}/${file}`;
  }

  close(): Promise<void> {
    return answer(this.#native.close());
  }

  /** What was decided about a dataset; durable. @throws {AxlError} what cannot be read, or is no verdict of ours */
  async read(dataset: string): Promise<Verdict | undefined> {
    const found = await answer(this.#native.read(idOf(dataset)));
    return found && fromAddon(found);
  }

  /** Writes it, unless there is one. @returns the first one that was written; durable */
  async decide(verdict: Verdict): Promise<Verdict> {
    return fromAddon(await answer(this.#native.decide(toAddon(verdict))));
  }

  /** All transfers of a dataset have all phases behind them: from here on each is concluded for itself. Durable. */
  pass(dataset: string): Promise<void> {
    return answer(this.#native.pass(idOf(dataset)));
  }

  /**
   * Does the work while nobody else decides about a dataset.
   * @param ranks how many transfers may be looked at by who does
   * @returns undefined, and nothing was done, if somebody still does
   */
  async alone<T>(dataset: string, ranks: number, work: () => Promise<T>): Promise<{ readonly done: T } | undefined> {
    if (!(await answer(this.#native.lock(idOf(dataset), PATIENCE_MS + LOOK_MS * ranks)))) return undefined;
    try {
      return { done: await work() };
    } finally {
      await answer(this.#native.release());
    }
  }

  /** Is one of the transfers that a verdict lists still to be finalized? In a directory that is away nothing is seen. */
  async isPending(verdict: Verdict): Promise<Answer> {
    const listed = [...verdict.transfers].map(([uuid, file]) => ({ uuid, path: this.#pathOf(file) }));
    for (const dir of this.#dirsOf(verdict)) if (!(await isThere(dir))) return 'cannot tell';
    const paths = listed.map(({ path }) => path);
    return (await isAnyLeft(paths, ({ uuid }, i) => uuid === listed[i]?.uuid)) ? 'yes' : 'no';
  }

  /**
   * How many phases are published of each transfer that a verdict lists and that was not seen. One whose state file is
   * gone was published as a whole.
   * @returns the least of them, and whether an old commit file may stand where one of theirs is to stand; undefined if that
   *   cannot be told
   */
  async phasesOf(verdict: Verdict, isSeen: (uuid: string) => boolean) {
    const listed = [...verdict.transfers].filter(([uuid]) => !isSeen(uuid));
    for (const dir of this.#dirsOf(verdict)) if (!(await isThere(dir))) return undefined;
    const unseen = { least: UNTIL.pointer as number, oldCommit: false };
    for (let at = 0; at < listed.length; at += BATCH) {
      const part = listed.slice(at, at + BATCH);
      const surveyed = await answer(native().survey(pack(part.map(([, file]) => this.#pathOf(file))), 2, NO_WORD));
      for (const [i, { standing, uuid, phases, oldCommit }] of surveyed.entries()) {
        const word = STANDINGS[standing] as string;
        if (word === 'corrupt' || word === 'unreadable') return undefined;
        if (uuid !== part[i]?.[0]) continue;
        unseen.least = Math.min(unseen.least, phases);
        unseen.oldCommit ||= oldCommit;
      }
    }
    return unseen;
  }

  #dirsOf({ transfers }: Verdict): Set<string> {
    const elsewhere = [...transfers.values()].filter((file) => file.startsWith('/'));
    return new Set(elsewhere.map((path) => path.slice(0, path.lastIndexOf('/')) || '/'));
  }

  /** Removes a verdict, or what killed writers left of one. REQUIRES `alone`. @param dirs of its state files */
  async remove(dataset: string, dirs: Iterable<string>): Promise<void> {
    await answer(this.#native.remove(idOf(dataset), pack(new Set([...dirs, this.dir === '' ? '/' : this.dir]))));
  }

  /** Makes room for another: a verdict that is about none of these transfers is removed if it was carried out. */
  async clear(dataset: string, uuids: readonly string[]): Promise<void> {
    const there = await this.read(dataset);
    if (!there || uuids.some((uuid) => concerns(there, uuid))) return;
    if ((await this.isPending(there)) === 'no') await this.remove(dataset, this.#dirsOf(there));
  }

  /**
   * Removes a verdict that was carried out, what a killed writer left of one, or an old lock.
   * @param names all that is in this directory; undefined: not all was listed
   */
  async clearIfCarriedOut(dataset: string, names: readonly string[] | undefined): Promise<void> {
    await this.alone(dataset, 0, async () => {
      const there = await this.read(dataset);
      if (there && !(await this.#isCarriedOut(there, names))) return;
      await this.remove(dataset, there ? this.#dirsOf(there) : []);
    });
  }

  async #isCarriedOut(verdict: Verdict, names: readonly string[] | undefined): Promise<boolean> {
    // The state files of ranks that agreed may be where nobody has looked.
    if (verdict.scope === 'everyone') return false;
    if (verdict.scope === 'listed') return (await this.isPending(verdict)) === 'no';
    if (!names) return false;
    const paths = names.map((name) => `${this.dir}/${name}`);
    return !(await isAnyLeft(paths, ({ dataset }) => dataset === verdict.dataset));
  }
}

/** The homes that a run has opened: a directory that stays open cannot be unmounted. */
export class Homes {
  readonly #open = new Map<string, Promise<Home>>();

  /** @throws {AxlError} AXL_CONFLICT when it is not there */
  open(dir: string): Promise<Home> {
    const known = this.#open.get(dir) ?? this.#make(dir);
    this.#open.set(dir, known);
    return known;
  }

  /** No call may follow. */
  async close(): Promise<void> {
    for (const home of await Promise.allSettled(this.#open.values()))
      if (home.status === 'fulfilled') await home.value.close();
    this.#open.clear();
  }

  async #make(dir: string): Promise<Home> {
    return new Home(dir, await answer(native().openHome(fromLatin1(dir === '' ? '/' : dir))));
  }
}

/**
 * Clears away what finalizers left in a home and nobody needs any more.
 * @param path a verdict's, a draft's or a lock's
 * @param namesIn all that was found in a directory
 * @returns what went wrong
 */
export async function clearTrace(
  path: string,
  homes: Homes,
  namesIn: (dir: string) => readonly string[] | undefined,
): Promise<Failure | undefined> {
  const [, dataset, user] = VERDICT.exec(nameOf(path)) ?? [];
  if (dataset === undefined || Number(user) !== process.geteuid?.()) return undefined;
  try {
    const dir = path.slice(0, path.lastIndexOf('/'));
    const home = await homes.open(dir);
    await home.clearIfCarriedOut(dataset, namesIn(dir));
  } catch (error) {
    return failureOf(error);
  }
  return undefined;
}
