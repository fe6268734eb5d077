// What a transfer is told to copy before its dispatch: each add, and what there is to say about all of them.
import { AxlError } from '../base/errors.js';
import { absolutePath, displayName, pack, packPairs, targetBytes } from '../base/names.js';
import {
  answer,
  LINKS,
  type NativeAdded,
  type NativeAddOptions,
  type NativeTransfer,
  PUBLISH,
} from '../base/native.js';
import { checkOptions, shapes } from '../base/options.js';
import type { Added, AddGlobOptions, AddOptions, PathLike, PointOptions } from '../base/types.js';
import { findMatches, patternList } from './sources.js';

/** As the addon takes them. */
function planOptions(options: AddOptions, expect: Buffer): NativeAddOptions {
  const { contents = false, syncSource = false, atLeast = 0 } = options;
  const links = LINKS[options.links ?? 'default'];
  return { links, contents, syncSource, atLeast, expect, publish: PUBLISH[options.publish ?? 'default'] };
}

const NOTHING = Buffer.alloc(0);

/** The manifests that a call names, packed; undefined: none, and nothing has to be waited for. */
function expected({ expect }: AddOptions): Promise<Buffer> | undefined {
  if (expect === undefined) return undefined;
  const given = Array.isArray(expect) ? (expect as readonly PathLike[]) : [expect as PathLike];
  const inputs = given.map((input) => absolutePath(input, 'expect'));
  const packed = import('../base/manifests.js').then(({ allManifestsOf }) => allManifestsOf(inputs)).then(pack);
  packed.catch(() => {}); // its turn says so
  return packed;
}

export class Planned {
  readonly #native: NativeTransfer;
  readonly #expect: (call: string) => void;
  #files = 0;
  /** The add that was made last. Never rejects. */
  #adding: Promise<unknown> = Promise.resolve();
  /** Adds that have to look for something before they reach the addon, and those that wait behind them. */
  #held = 0;
  readonly #warnings = new Set<string>();

  /** @param expect throws unless the transfer may be added to */
  constructor(native: NativeTransfer, expect: (call: string) => void) {
    this.#native = native;
    this.#expect = expect;
  }

  /** Sentences for people: what may not be what the caller meant, and is no error. */
  get warnings(): readonly string[] {
    return [...this.#warnings];
  }

  async add(call: string, pairs: readonly (readonly [PathLike, PathLike])[], options: AddOptions): Promise<Added> {
    checkOptions(call, options, shapes.add);
    const packed = packPairs(pairs);
    this.#expect(call);
    const manifests = expected(options);
    const begin = (names: Buffer) => answer(this.#native.add(packed, false, planOptions(options, names)));
    return this.#count(
      call,
      this.#inTurn(manifests !== undefined, () => (manifests ? manifests.then(begin) : begin(NOTHING))),
    );
  }

  async addGlob(patterns: string | readonly string[], options: AddGlobOptions): Promise<Added> {
    checkOptions('addGlob', options, shapes.addGlob, ['dest'], "addGlob('*.pt', { dest: '/p/run' })");
    const list = patternList(patterns);
    this.#expect('addGlob');
    const matches = findMatches(list, options);
    matches.catch(() => {}); // its turn says so
    const manifests = expected(options);
    const adding = this.#inTurn(true, async () => {
      const [found, names] = [await matches, (await manifests) ?? NOTHING];
      return answer(this.#native.add(found, true, planOptions(options, names)));
    });
    const added = await this.#count('addGlob', adding);
    if (added.files === 0) this.#warnings.add(`addGlob: no file matches ${list.map(displayName).join(', ')}`);
    return added;
  }

  async point(path: PathLike, target: string | Uint8Array, options: PointOptions): Promise<void> {
    checkOptions('point', options, shapes.point);
    const isText = options.as === 'text';
    const [at, bytes] = [absolutePath(path, 'path'), targetBytes(target, isText)];
    this.#expect('point');
    await this.#inTurn(false, () => answer(this.#native.point(at, bytes, isText)));
  }

  async retire(paths: PathLike | readonly PathLike[]): Promise<void> {
    const given = Array.isArray(paths) ? (paths as readonly PathLike[]) : [paths as PathLike];
    const packed = pack(given.map((path) => absolutePath(path, 'path')));
    this.#expect('retire');
    await this.#inTurn(false, () => answer(this.#native.retire(packed)));
  }

  /**
   * Calls take effect in the order in which they are made, also those for which nobody waits. The addon keeps the order of
   * those that reach it at once.
   * @param looks it does not reach the addon at once
   */
  #inTurn<T>(looks: boolean, begin: () => Promise<T>): Promise<T> {
    const waits = this.#held > 0;
    const adding = waits ? this.#adding.then(begin) : begin();
    const holds = looks || waits;
    if (holds) this.#held++;
    this.#adding = adding
      .catch(() => {})
      .finally(() => {
        if (holds) this.#held--;
      });
    return adding;
  }

  async #count(call: string, adding: Promise<NativeAdded>): Promise<Added> {
    const { skipped: own, nested, drafts, ...added } = await adding;
    this.#files += added.files;
    if (nested > 0)
      this.#warnings.add(`${call}: a directory went into one of the same name: to merge them, write SRC/. or contents`);
    if (own > 0)
      this.#warnings.add(`${call}: left out ${own} temporary and state files of transfers, which are no data`);
    if (drafts > 0)
      this.#warnings.add(
        `${call}: drafts of commit files that were left out, as .metadata.tmp is one: ${drafts}; a checkpoint is not finished`,
      );
    const skipped = own + drafts;
    return skipped === 0 ? added : { ...added, skipped };
  }

  /**
   * Resolves when all adds that were begun have ended.
   * @throws {AxlError} AXL_IO when they have planned fewer files than these
   */
  async whole(atLeast = 0): Promise<void> {
    await this.#adding;
    if (this.#files < atLeast) {
      const why = `dispatch: the transfer has ${this.#files} files, and atLeast wants ${atLeast}`;
      throw Object.assign(new AxlError('AXL_IO', why), { errno: -2, errnoName: 'ENOENT' });
    }
    if (this.#files === 0) this.#warnings.add('dispatch: the transfer has no file');
  }
}
