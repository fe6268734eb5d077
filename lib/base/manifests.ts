// Inputs -> the manifests that they mean, by canonical path. Opens none of them.
import { readdir, realpath, stat } from 'node:fs/promises';
import { canonicalAsRoot } from './directory-as-root.js';
import { type AxlCode, AxlError, failureOf, translated } from './errors.js';
import { isRoot } from './keep.js';
import { displayName, fromLatin1, join, latin1, toText } from './names.js';
import { MANIFEST, nameOf } from './own-files.js';
import type { Failure } from './types.js';

export interface Found {
  /** Canonical, in latin1. */
  readonly path: string;
  /** It was found in a directory, so the manifests of the other ranks have to be there, too. */
  readonly searched: boolean;
}

/** As root no link of a user leads the way. */
const canonical = async (dir: Buffer): Promise<string> =>
  isRoot() ? canonicalAsRoot(latin1(dir)) : realpath(dir, 'latin1');

/** A directory that is told to be one: of what else it may be, its own directory is what has to be trusted. */
async function ofFile(path: Buffer): Promise<string> {
  if (!isRoot()) return realpath(path, 'latin1');
  const text = latin1(path);
  const at = text.lastIndexOf('/');
  return latin1(join(fromLatin1(canonicalAsRoot(text.slice(0, at) || '/')), fromLatin1(text.slice(at + 1))));
}

async function inDirectory(input: Buffer): Promise<readonly string[]> {
  const dir = fromLatin1(await canonical(input));
  const names = (await readdir(dir, { encoding: 'latin1' })).filter((name) => MANIFEST.test(name));
  const rank = (name: string): number => Number(name.slice(name.lastIndexOf('.') + 1));
  if (names.length === 0)
    throw new AxlError(
      'AXL_IO',
      'there is no manifest (.axl-manifest.<rank>): give the directory in which the transfer has put it',
    );
  return names.sort((a, b) => rank(a) - rank(b)).map((name) => latin1(join(dir, fromLatin1(name))));
}

/** What is wrong with one input is told, and ends nothing. Each manifest comes once. */
export async function manifestsOf(inputs: readonly Buffer[], failed: (failure: Failure) => void): Promise<Found[]> {
  const found = new Map<string, Found>();
  const add = (path: string, searched: boolean) =>
    found.set(path, { path, searched: searched || found.get(path)?.searched === true });
  for (const input of inputs) {
    try {
      if ((await stat(input)).isDirectory()) for (const path of await inDirectory(input)) add(path, true);
      else add(await ofFile(input), false);
    } catch (error) {
      const { message, ...failure } = failureOf(translated(error, input));
      const said = message.includes(displayName(input)) ? message : `${displayName(input)}: ${message}`;
      failed({ ...failure, message: said, path: toText(input) });
    }
  }
  return [...found.values()];
}

/**
 * All of them, for whom half of them are of no use.
 * @returns their paths
 * @throws {AxlError} what is wrong with an input
 */
export async function allManifestsOf(inputs: readonly Buffer[]): Promise<Buffer[]> {
  const failures: Failure[] = [];
  const found = await manifestsOf(inputs, (failure) => failures.push(failure));
  const [first] = failures;
  if (!first) return found.map(({ path }) => fromLatin1(path));
  const { code, message, ...fields } = first;
  throw Object.assign(new AxlError(code as AxlCode, message), fields);
}

/** The rank that the name of a manifest has; undefined: it is called something else. */
export function rankInName(path: string): number | undefined {
  const rank = MANIFEST.exec(nameOf(path))?.[1];
  return rank === undefined ? undefined : Number(rank);
}
