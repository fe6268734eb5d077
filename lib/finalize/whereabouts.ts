// What a dataset lacks may be where nobody has looked, or be there and not be known again: a state file that was not asked
// for, and something else in the place of one. Neither is absent.
import { fromLatin1 } from '../base/names.js';
import type { Home, Homes } from './homes.js';
import { Candidates, scan } from './scan.js';
import type { Group } from './surveys.js';
import { Work } from './work.js';

/** An ending that a copy, an editor or a compressor adds. */
const ENDING = /(\.[A-Za-z][A-Za-z0-9]*|~)$/;

/** The name of a state file with another rank in it; undefined if its own rank is not in it. */
function withRank(name: string, rank: number, other: number): string | undefined {
  const numbers = [...name.matchAll(/\d+/g)].filter(([digits]) => Number(digits) === rank);
  const last = numbers.at(-1);
  if (!last) return undefined;
  const digits = `${other}`.padStart(last[0].startsWith('0') ? last[0].length : 0, '0');
  return name.slice(0, last.index) + digits + name.slice(last.index + last[0].length);
}

/**
 * What is no state file, and stands where one of a missing rank would be, going by the names of the others'.
 * @param members paths of the dataset's state files, with their ranks
 * @param others paths of what is no state file
 * @param apart each rank may have a state directory of its own: then the directory does not count
 * @returns by path, the rank
 */
export function standIns(
  members: readonly { readonly path: string; readonly rank: number }[],
  size: number,
  others: readonly string[],
  apart = false,
): Map<string, number> {
  const places = new Map<string, string>();
  const dirOf = (path: string) => path.slice(0, path.lastIndexOf('/') + 1);
  const placeOf = (path: string) => (apart ? path.slice(dirOf(path).length) : path);
  for (const path of others) for (const place of [path.replace(ENDING, ''), path]) places.set(placeOf(place), path);
  const found = new Map<string, number>();
  const known = new Set(members.map(({ rank }) => rank));
  const tried = new Set<string>();
  for (const { path, rank } of members) {
    const dir = apart ? '' : dirOf(path);
    const name = path.slice(dirOf(path).length);
    const template = withRank(name, rank, 0);
    if (template === undefined || tried.has(dir + template)) continue;
    tried.add(dir + template);
    for (let other = 0; other < size; other++) {
      const there = known.has(other) ? undefined : places.get(dir + withRank(name, rank, other));
      if (there !== undefined) found.set(there, other);
    }
  }
  return found;
}

/** Looks into the homes of datasets that were asked for in part. */
export class Wider {
  readonly #homes: Homes;
  readonly #isListed: (home: Home) => Promise<boolean>;
  /** Homes that were looked into since, by identity. */
  readonly #added = new Map<string, string>();

  /** @param isListed are all names of a directory among those that were asked for? */
  constructor(homes: Homes, isListed: (home: Home) => Promise<boolean>) {
    this.#homes = homes;
    this.#isListed = isListed;
  }

  /** Is every state file known that may be of this dataset? One whose transfers name another home may be anywhere. */
  async isSeen(home: Home, { apart }: Group): Promise<boolean> {
    return (await this.#isListed(home)) || (this.#added.has(home.identity) && !apart);
  }

  /** The same work, seen with all that is in these homes; undefined if that is no more than before. */
  async widen(work: Work, groups: readonly Group[]): Promise<Work | undefined> {
    const before = this.#added.size;
    for (const dir of new Set(groups.flatMap(({ homes }) => [...homes]))) await this.#add(dir);
    if (this.#added.size === before) return undefined;
    const { directories } = await scan(
      [...this.#added.values()].map((dir) => fromLatin1(dir || '/')),
      {},
    );
    const known = await this.#namesByHome(work.candidates);
    const more = await Promise.all(
      directories.map(async ({ dir, names }) => {
        const there = known.get((await this.#homes.open(dir)).identity);
        return { dir, names: names.filter((name) => !there?.has(name)), whole: true };
      }),
    );
    const ours = new Set([...work.ours()].map((i) => work.candidates.path(i)));
    const all = new Candidates([...work.candidates.directories, ...more]);
    return new Work(all, work.terms, work.resumes, ours, work.candidates.size);
  }

  /** By identity: a directory may have several paths. */
  async #namesByHome({ directories }: Candidates): Promise<Map<string, Set<string>>> {
    const names = new Map<string, Set<string>>();
    for (const directory of directories) {
      const home = await this.#homes.open(directory.dir).catch(() => undefined);
      if (home) names.set(home.identity, new Set([...(names.get(home.identity) ?? []), ...directory.names]));
    }
    return names;
  }

  /** A home that is not there is told of when the dataset is settled. */
  async #add(dir: string): Promise<void> {
    const home = await this.#homes.open(dir).catch(() => undefined);
    if (home && !(await this.#isListed(home))) this.#added.set(home.identity, dir);
  }
}
