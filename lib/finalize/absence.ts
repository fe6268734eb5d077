// Where no state file was found: what is there instead, and what that probably means. Looks at what is left after the work;
// changes nothing.
import { displayName, fromLatin1, toText } from '../base/names.js';
import { answer, native } from '../base/native.js';
import { ANSWERS } from '../base/native-word.js';
import { DEFAULT_JOBS } from '../base/options.js';
import { DRAFT, nameOf, OWN, TEMPORARY } from '../base/own-files.js';
import { kindOf, WORDS } from '../base/strangers.js';
import { entriesOf, type Listing, lookWithoutFollowing, type Search } from './scan.js';
import type { Absence, AbsenceCause, FinalizeOptions } from './types.js';

/** Names of an input that are looked at, and names below it. */
const MOST = 4096;
const BATCH = 64;
/** Files whose first bytes are read. */
const SAMPLE = 64;
const DIRECTORIES = 256;
const isLeftover = (name: string): boolean => OWN.test(name) || DRAFT.test(name);

type Of = Search &
  Pick<FinalizeOptions, 'dataset'> & {
    /** May what is in this directory be opened, and its subdirectories be listed? */
    readonly mayOpen: (dir: string) => Promise<boolean>;
    /** Was there a state file in any of the inputs? */
    readonly found: boolean;
  };

interface Input {
  readonly dir: string;
  readonly paths: readonly string[];
  /** Are these all? Not of thousands. */
  readonly whole: boolean;
  /** When it was listed there was nothing in it. */
  readonly empty: boolean;
}

/** Those that were searched, with the names that may be state files. */
function inputsOf({ directories }: Listing): Input[] {
  const byInput = new Map<string, string[]>();
  const empty = new Set<string>();
  const cut = new Set<string>();
  for (const { dir, names, searched, ...rest } of directories) {
    if (searched === undefined) continue;
    if (rest.empty) empty.add(searched);
    const paths = byInput.get(searched) ?? [];
    if (names.length > MOST - paths.length) cut.add(searched);
    for (const name of names.slice(0, MOST - paths.length)) paths.push(`${dir}/${name}`);
    byInput.set(searched, paths);
  }
  // As root each directory below an input was searched for itself.
  const isBelow = (dir: string) => [...byInput.keys()].some((other) => dir !== other && dir.startsWith(`${other}/`));
  const pathsIn = (top: string) =>
    [...byInput].flatMap(([dir, paths]) => (`${dir}/`.startsWith(`${top}/`) ? paths : []));
  return [...byInput.keys()]
    .filter((dir) => !isBelow(dir))
    .map((dir) => ({ dir, paths: pathsIn(dir), whole: cut.size === 0, empty: empty.has(dir) }));
}

const identify = (paths: readonly string[]) =>
  answer(native().identify(fromLatin1(paths.map((path) => `${path}\0`).join('')), DEFAULT_JOBS));

/** What of the names is a state file, or may have been one. Undefined: that cannot be told, or something was found. */
async function look({ paths }: Input) {
  const datasets = new Set<string>();
  let damaged = 0;
  for (let at = 0; at < paths.length; at += BATCH) {
    const batch = paths.slice(at, at + BATCH);
    const there = await Promise.all(batch.map((path) => lookWithoutFollowing(fromLatin1(path)).catch(() => undefined)));
    if (there.includes(undefined)) return undefined;
    for (const { is, name, why } of await identify(batch)) {
      if (ANSWERS[is] === 'yes') datasets.add(name);
      if (ANSWERS[is] !== 'cannot tell') continue;
      if (why?.code !== 'AXL_STATE_CORRUPT') return undefined; // what cannot be read is not taken for what is not there
      damaged++;
    }
  }
  return { datasets, damaged };
}

interface Below {
  /** A directory that holds a state file. */
  readonly found?: string;
  /** Files, the first few thousand. */
  readonly paths: readonly string[];
}

/** What there is below, among the first few thousand names. No link is followed. */
async function lookBelow(top: string, names: readonly string[], mayOpen: Of['mayOpen']): Promise<Below> {
  const pending = names.map((name) => `${top}/${name}`);
  const paths: string[] = [];
  for (let at = 0; at < Math.min(pending.length, DIRECTORIES) && paths.length < MOST; at++) {
    const dir = pending[at] as string;
    const entries = (await mayOpen(dir)) ? await entriesOf(dir).catch(() => []) : [];
    pending.push(...entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${dir}/${name}`));
    const files = entries.filter((entry) => entry.isFile()).slice(0, MOST - paths.length);
    const own = files.map(({ name }) => `${dir}/${name}`);
    paths.push(...own);
    if ((await identify(own)).some(({ is }) => ANSWERS[is] === 'yes')) return { found: dir, paths };
  }
  return { paths };
}

const shown = (dir: string): string => displayName(fromLatin1(dir || '/'));
const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;

type Why = readonly [AbsenceCause, string];

/** Of a directory without a state file, by the files in it and below it. */
function whyNone(files: readonly string[]): Why {
  const temporaries = files.filter((path) => TEMPORARY.test(path)).length;
  const others = files.filter((path) => !TEMPORARY.test(path) && !isLeftover(nameOf(path)));
  const first = others.slice(0, SAMPLE).find((path) => kindOf(fromLatin1(path)) === 'kvtree');
  if (first !== undefined) return ['foreign', `${shown(nameOf(first))} is ${WORDS.kvtree}`];
  if (temporaries > 0) {
    const what = `${count(temporaries, 'temporary file', 'temporary files')} of transfers`;
    return ['temporaries', `it holds ${what}, so it is a directory of destinations: give the one of the state files`];
  }
  if (others.length === 0)
    return ['leftovers', 'it holds only what finalizers make: its transfers were finalized before, or are just now'];
  const what = `${count(others.length, 'file', 'files')}, and none is a state file`;
  return ['other', `it holds ${what}: if these are the checkpoints, give the directory of the state files instead`];
}

const EMPTY: Why = ['empty', 'it is empty: its transfers were finalized before, or it is not mounted'];

const isNamedDataset = (name: Of['dataset']): name is string => typeof name === 'string';

/** Of a directory that is not looked into: what was acted on, others than we have opened. */
async function whyByNames(dir: string, found: boolean): Promise<Why | undefined> {
  const names = (await entriesOf(dir)).map(({ name }) => name);
  if (names.length === 0) return EMPTY;
  return found ? undefined : ['other', `it holds ${count(names.length, 'name', 'names')}, and none is a state file`];
}

async function why(input: Input, of: Of): Promise<Why | undefined> {
  const { recursive, pattern, exclude, dataset, mayOpen } = of;
  const { dir } = input;
  if (input.empty) return EMPTY; // the usual second run, which looks at nothing again
  if (!input.whole && of.found) return undefined; // perhaps in what was not looked at
  if (!(await mayOpen(dir))) return whyByNames(dir, of.found);
  const seen = await look(input);
  if (!seen) return undefined;
  const entries = await entriesOf(dir);
  if (entries.length === 0) return EMPTY;
  if (seen.datasets.size > 0) {
    if (!isNamedDataset(dataset) || seen.datasets.has(dataset)) return undefined;
    const others = [...seen.datasets].slice(0, 3).map(displayName).join(', ');
    return ['dataset', `it has no state file of dataset ${displayName(dataset)}, but some of ${others}`];
  }
  const isOther = (name: string) => !isLeftover(name); // the locks of finalizers are directories
  const directories = entries.filter((entry) => entry.isDirectory() && isOther(entry.name)).map(({ name }) => name);
  const isFiltered = pattern !== undefined || (exclude?.length ?? 0) > 0; // what is below may be let through no more
  const below = recursive || isFiltered ? { paths: input.paths } : await lookBelow(dir, directories, mayOpen);
  if ('found' in below)
    return ['below', `it has none itself, but there are some in ${shown(below.found)}: search that with --recursive`];
  if (seen.damaged > 0) {
    const what = count(seen.damaged, 'file that is', 'files that are');
    return [
      'damaged',
      `it holds ${input.whole ? '' : 'at least '}${what} empty, cut short, zeroed or compressed, and may have been state files`,
    ];
  }
  if (input.paths.length === 0 && isFiltered)
    return [
      'excluded',
      `it holds ${count(entries.length, 'name', 'names')}, and --pattern and --exclude let none through`,
    ];
  const files = entries.filter(({ name }) => !directories.includes(name)).map(({ name }) => `${dir}/${name}`);
  const all = [...new Set([...files, ...below.paths])];
  if (all.length > 0) return whyNone(all);
  return ['other', `it holds ${count(directories.length, 'directory', 'directories')} without a file`];
}

/** For each directory among the inputs in which no state file was found, why. */
export async function absences(listing: Listing, of: Of): Promise<Absence[]> {
  const found: Absence[] = [];
  for (const input of inputsOf(listing)) {
    const reason = await why(input, of).catch(() => undefined); // what cannot be read was told by the scan
    if (!reason) continue;
    const [cause, sentence] = reason;
    const message = `${shown(input.dir)}: there is no state file: ${sentence}`;
    found.push({ input: toText(fromLatin1(input.dir || '/')), cause, message });
  }
  return found;
}
