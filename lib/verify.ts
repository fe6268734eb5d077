// verify(): are the files beside their manifests what was published? Reads, and changes nothing.
import { toFailure } from './base/errors.js';
import { type Found, manifestsOf, rankInName } from './base/manifests.js';
import { absolutePath, displayName, fromLatin1, latin1, pack, toText } from './base/names.js';
import { answer, native } from './base/native.js';
import { FILE_VERDICTS, type NativeManifest, type NativeSlice, type NativeVerifier } from './base/native-manifest.js';
import { checkOptions, DEFAULT_JOBS, shapes } from './base/options.js';
import { MANIFEST, nameOf } from './base/own-files.js';
import type { Failure, PathLike } from './base/types.js';
import { missingRanks } from './verify/ranks.js';
import { extra, filesOf } from './verify/rows.js';
import type { FileVerdict, VerifiedFile, VerifiedManifest, VerifyOptions, VerifyReport } from './verify/types.js';

const EVERY_MS = 500;

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';
const isWithin = (path: string, dir: string): boolean => path === dir || path.startsWith(dir === '/' ? '/' : `${dir}/`);

class Verification {
  readonly #options: VerifyOptions;
  readonly #verifier: NativeVerifier;
  readonly #manifests: { readonly shown: VerifiedManifest; readonly found: Found }[] = [];
  readonly #counts: Record<FileVerdict, number> = { ok: 0, changed: 0, missing: 0, unreadable: 0, extra: 0 };
  readonly #problems: VerifiedFile[] = [];
  readonly #unreadable: Failure[] = [];
  /** What the manifests name. */
  readonly #total = { files: 0, bytes: 0 };
  #bytes = 0;

  constructor(options: VerifyOptions) {
    this.#options = options;
    this.#verifier = native().verifier(options.jobs ?? DEFAULT_JOBS);
  }

  get #isAborted(): boolean {
    return this.#options.signal?.aborted === true;
  }

  async run(inputs: readonly Buffer[]): Promise<VerifyReport> {
    const stop = () => this.#verifier.stop();
    const { signal, strict = false } = this.#options;
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
    try {
      await this.#read(await manifestsOf(inputs, (failure) => this.#unreadable.push(failure)));
      await this.#check();
      if (strict && !this.#isAborted) await this.#lookForMore();
    } finally {
      signal?.removeEventListener('abort', stop);
    }
    return this.#report();
  }

  async #read(found: readonly Found[]): Promise<void> {
    const read = await answer(this.#verifier.read(pack(found.map(({ path }) => fromLatin1(path)))));
    for (const [i, manifest] of read.entries())
      if (!manifest.failure) this.#add(found[i] as Found, manifest);
      else if (manifest.failure.code !== 'AXL_CANCELED') this.#unreadable.push(toFailure(manifest.failure));
  }

  #add(found: Found, { rank, ranks, dataset, problems, files, bytes }: NativeManifest): void {
    const pathBytes = fromLatin1(found.path);
    for (const problem of problems) this.#unreadable.push(toFailure(problem));
    const named = rankInName(found.path);
    if (rank !== undefined && named !== undefined && rank !== named) {
      const message = `${displayName(pathBytes)}: its name says rank ${named} and its head rank ${rank}: restore it`;
      this.#unreadable.push({ code: 'AXL_CONFLICT', message, path: toText(pathBytes) });
    }
    const shown = {
      path: toText(pathBytes),
      ...(rank !== undefined && { rank, ranks }),
      ...(dataset !== undefined && { dataset }),
      files,
    };
    Object.defineProperty(shown, 'pathBytes', { value: pathBytes });
    this.#manifests.push({ shown: shown as VerifiedManifest, found });
    this.#total.files += files;
    this.#total.bytes += bytes;
  }

  async #check(): Promise<void> {
    const { onProgress } = this.#options;
    const { files: filesTotal, bytes: bytesTotal } = this.#total;
    let [files, bytes, since] = [0, 0, native().metered().done];
    const tell = (underWay: number) =>
      onProgress?.({ files, filesTotal, bytes: Math.min(bytes + underWay, bytesTotal), bytesTotal });
    tell(0);
    const timer = onProgress && setInterval(() => tell(native().metered().done - since), EVERY_MS);
    try {
      while (files < filesTotal && !this.#isAborted) {
        const slice = await this.#checkSlice();
        if (this.#isAborted) return; // not all of it was checked
        [files, bytes, since] = [files + slice.files, bytes + slice.bytes, native().metered().done];
      }
    } finally {
      clearInterval(timer);
      tell(0);
    }
  }

  /** Of most files nobody wants to know more than that they are well. */
  async #checkSlice(): Promise<NativeSlice> {
    const slice = await answer(this.#verifier.next(this.#options.onFile !== undefined));
    for (const [i, verdict] of FILE_VERDICTS.entries())
      if (verdict !== 'unchecked') this.#counts[verdict] += slice.counts[i] as number;
    this.#bytes += slice.bytesOk;
    for (const file of filesOf(slice.rows)) this.#tell(file);
    return slice;
  }

  #tell(file: VerifiedFile): void {
    if (file.verdict !== 'ok') this.#problems.push(file);
    this.#options.onFile?.(file);
  }

  /** What is below the directories of the manifests, each of which is searched once. */
  async #lookForMore(): Promise<void> {
    const dirs = [...new Set(this.#manifests.map(({ found }) => parentOf(found.path)))].sort();
    const tops = dirs.filter((dir) => !dirs.some((other) => other !== dir && isWithin(dir, other)));
    for (const dir of tops) {
      const { files, unreadable } = await answer(this.#verifier.listOthers(fromLatin1(dir)));
      for (const failure of unreadable) this.#unreadable.push(toFailure(failure));
      for (const path of latin1(files).split('\0'))
        if (path !== '' && !MANIFEST.test(nameOf(path))) this.#addExtra(path);
    }
  }

  #addExtra(path: string): void {
    this.#counts.extra++;
    this.#tell(extra(path));
  }

  #report(): VerifyReport {
    const counts = this.#counts;
    const searched = this.#manifests.filter(({ found }) => found.searched).map(({ shown }) => shown);
    const missing = missingRanks(searched);
    const interrupted = this.#isAborted;
    const lost = this.#problems.length + this.#unreadable.length + missing.length;
    return {
      manifests: this.#manifests.map(({ shown }) => shown),
      counts,
      problems: this.#problems,
      unreadable: this.#unreadable,
      missingRanks: missing,
      bytes: this.#bytes,
      interrupted,
      intact: lost === 0 && !interrupted,
    };
  }
}

/**
 * Compares files with the manifests that their transfers have published beside them: size and CRC-32C of each. Files are read
 * in parallel, large ones by pieces. Nothing is changed, no symbolic link below a manifest's directory is followed, and
 * nothing but a regular file is opened. What is wrong with one file or manifest ends nothing: it is in the report.
 * @param inputs manifests, or directories: all `.axl-manifest.<rank>` in them, of which no rank may be missing
 * @param options `strict`, `jobs`, `signal`, `onFile`, `onProgress`
 * @returns what was found; `intact` says whether all is well. Memory depends on the number of files, not on their sizes
 * @throws {TypeError} an option that is unknown or of the wrong type; {RangeError} a number out of range
 * @throws {AxlError} AXL_BACKEND_UNAVAILABLE if the native addon cannot be loaded
 * @example
 * ```ts
 * const { intact, problems } = await verify('/p/checkpoints/step42');
 * for (const { path, verdict } of problems) console.log(verdict, path);
 * if (!intact) console.log('not as it was published');
 * ```
 * @see rhash(1), whose `--check` reads the same manifests
 */
export async function verify(
  inputs: PathLike | readonly PathLike[],
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  checkOptions('verify', options, shapes.verify);
  const given = Array.isArray(inputs) ? (inputs as readonly PathLike[]) : [inputs as PathLike];
  return new Verification(options).run(given.map((input) => absolutePath(input, 'an input')));
}
