// SCR's own files below its prefix, which are read and never written: which datasets it was flushing, which of them it counts as
// complete, and what it knows of their ranks. The bytes are the addon's to read.
import { AxlError, fromNative, type NativeFailure } from '../base/errors.js';
import { displayName, fromLatin1, latin1 } from '../base/names.js';
import { native } from '../base/native.js';

/** The keys of a KVTree file. */
export class KvTree {
  readonly #keys: readonly string[];
  readonly #depths: Buffer;
  readonly #path: Buffer;

  private constructor(path: Buffer, keys: Buffer, depths: Buffer) {
    this.#path = path;
    this.#keys = latin1(keys).split('\0').slice(0, -1);
    this.#depths = depths;
  }

  /** @returns undefined if there is no such file @throws {AxlError} what cannot be read */
  static async read(path: string): Promise<KvTree | undefined> {
    const bytes = fromLatin1(path);
    try {
      const { keys, depths } = await native().readKvTree(bytes);
      return new KvTree(bytes, keys, depths);
    } catch (error) {
      if ((error as NativeFailure).errnoName === 'ENOENT') return undefined;
      throw fromNative(error);
    }
  }

  /** The numbers of the keys below one; below nothing, of those at the top. */
  *below(of?: number): Generator<number> {
    const depth = of === undefined ? 0 : (this.#depths[of] as number) + 1;
    for (let i = of === undefined ? 0 : of + 1; i < this.#keys.length && (this.#depths[i] as number) >= depth; i++)
      if (this.#depths[i] === depth) yield i;
  }

  key(of: number): string {
    return this.#keys[of] as string;
  }

  /** The key that these lead to, if it is there. @throws {AxlError} AXL_STATE_CORRUPT: one of them stands twice */
  find(keys: readonly string[], of?: number): number | undefined {
    const [first, ...more] = keys;
    if (first === undefined) return of;
    const found = [...this.below(of)].filter((i) => this.key(i) === first);
    if (found.length > 1) throw this.#corrupt(`${displayName(fromLatin1(first))} stands twice`);
    return found[0] === undefined ? undefined : this.find(more, found[0]);
  }

  /** The one key below these. @throws {AxlError} AXL_STATE_CORRUPT: there are several */
  value(keys: readonly string[], of?: number): string | undefined {
    const at = this.find(keys, of);
    if (at === undefined) return undefined;
    const values = [...this.below(at)];
    if (values.length > 1) throw this.#corrupt(`${keys.at(-1)} has ${values.length} values`);
    return values[0] === undefined ? undefined : this.key(values[0]);
  }

  /** The same as a number. @throws {AxlError} AXL_STATE_CORRUPT: it is none */
  number(keys: readonly string[], of?: number): number | undefined {
    const text = this.value(keys, of);
    if (text === undefined) return undefined;
    if (!/^\d{1,15}$/.test(text))
      throw this.#corrupt(`${keys.at(-1)} is ${displayName(fromLatin1(text))}, and no number`);
    return Number(text);
  }

  #corrupt(what: string): AxlError {
    return new AxlError('AXL_STATE_CORRUPT', `${displayName(this.#path)}: ${what}, which SCR does not write`);
  }
}

/** A dataset that SCR's flush file lists. */
export interface Flushing {
  readonly id: number;
  /** In latin1. */
  readonly name: string;
  readonly isOutput: boolean;
  readonly isCheckpoint: boolean;
  /** Does SCR say that it is on the parallel file system? */
  readonly isFlushed: boolean;
  readonly files?: number;
  readonly bytes?: number;
}

/** What SCR's index says of a dataset. */
export interface Indexed {
  readonly name: string;
  readonly isCheckpoint: boolean;
  readonly isComplete: boolean;
}

export interface Books {
  readonly flushing: ReadonlyMap<number, Flushing>;
  readonly index: ReadonlyMap<number, Indexed>;
}

const ID = /^(0|[1-9]\d{0,9})$/;

/** The keys of `below` that are ids of datasets, with where they are. */
function* ids(tree: KvTree, below: number | undefined): Generator<[id: number, at: number]> {
  if (below === undefined) return;
  for (const at of tree.below(below)) if (ID.test(tree.key(at))) yield [Number(tree.key(at)), at];
}

const known = <K extends string>(key: K, number: number | undefined) =>
  (number === undefined ? {} : { [key]: number }) as { readonly [k in K]?: number };

function flushingOf(tree: KvTree, id: number, at: number): Flushing {
  return {
    id,
    name: tree.value(['NAME'], at) ?? tree.value(['DSETDESC', 'NAME'], at) ?? `scr.dataset.${id}`,
    isOutput: (tree.value(['OUTPUT'], at) ?? '0') !== '0',
    isCheckpoint: (tree.value(['CKPT'], at) ?? '0') !== '0',
    isFlushed: tree.find(['LOCATION', 'PFS'], at) !== undefined,
    ...known('files', tree.number(['DSETDESC', 'FILES'], at)),
    ...known('bytes', tree.number(['DSETDESC', 'SIZE'], at)),
  };
}

function indexedOf(tree: KvTree, at: number): Indexed | undefined {
  const names = tree.find(['NAME'], at);
  if (names === undefined) return undefined;
  const all = [...tree.below(names)].map((name) => ({
    name: tree.key(name),
    isCheckpoint: (tree.value(['CKPT'], name) ?? '0') !== '0',
    isComplete: tree.value(['COMPLETE'], name) === '1' && tree.find(['FAILED'], name) === undefined,
  }));
  return all.find(({ isComplete }) => isComplete) ?? all[0];
}

/** `.scr` of a prefix. */
export const dotScr = (prefix: string): string => `${prefix}/.scr`;
/** Where SCR keeps what it knows of a dataset, and the state files of its ranks. */
export const directoryOf = (prefix: string, id: number): string => `${dotScr(prefix)}/scr.dataset.${id}`;

/** What it means that there is no flush file. */
export const NO_PREFIX =
  'SCR has flushed nothing with this prefix, or it is not mounted: give the prefix of SCR, the directory that holds .scr';

/** @throws {AxlError} AXL_IO if there is no flush file; what cannot be read, or is damaged */
export async function readBooks(prefix: string): Promise<Books> {
  const path = `${dotScr(prefix)}/flush.scr`;
  const flush = await KvTree.read(path);
  if (!flush) throw new AxlError('AXL_IO', `open ${displayName(fromLatin1(path))}: ENOENT: ${NO_PREFIX}`);
  const flushing = new Map([...ids(flush, flush.find(['DATASET']))].map(([id, at]) => [id, flushingOf(flush, id, at)]));
  const tree = await KvTree.read(`${dotScr(prefix)}/index.scr`);
  const index = new Map<number, Indexed>();
  for (const [id, at] of tree ? ids(tree, tree.find(['DSET'])) : []) {
    const indexed = tree && indexedOf(tree, at);
    if (indexed) index.set(id, indexed);
  }
  return { flushing, index };
}

/** How many ranks a dataset has, by the file that SCR writes before it flushes; undefined if there is none. */
export async function countRanks(prefix: string, id: number): Promise<number | undefined> {
  for (const name of ['rank2file', 'rank2file.scr']) {
    const tree = await KvTree.read(`${directoryOf(prefix, id)}/${name}`);
    if (tree) return tree.number(['RANKS']);
  }
  return undefined;
}

/** Has SCR written the summary, and says it there that the dataset is complete? */
export async function isSummarized(prefix: string, id: number): Promise<boolean> {
  const tree = await KvTree.read(`${directoryOf(prefix, id)}/summary.scr`);
  return tree?.value(['COMPLETE']) === '1';
}
