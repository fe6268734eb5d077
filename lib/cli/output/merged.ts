// One report of those of several shards: what each field of a report becomes. No I/O.
import { isProblem } from '../../finalize/tally.js';
import type { Absence, DatasetVerdict, Failure, FinalizedEntry, FinalizeReport } from '../../index.js';
import type { Shard } from '../commands/shards.js';
import { exitStatus, STATUSES } from '../statuses.js';

/** What a shard's document says; `problems` are among its entries. */
export interface Part extends Omit<FinalizeReport, 'problems' | 'fewer' | 'absent' | 'scr'> {
  /** Earlier versions did not tell. */
  readonly absent?: readonly Absence[];
  /** For people. */
  readonly file: string;
  readonly shard: Shard;
  /** Unless it could not begin. */
  readonly version?: string;
  readonly time?: string;
  readonly inputs: readonly string[];
  readonly entries: readonly FinalizedEntry[];
  readonly status: number;
}

type Kind = 'string' | 'number' | 'boolean' | 'list' | 'numbers';

const FIELDS: Readonly<Record<keyof Omit<Part, 'file' | 'version' | 'time' | 'absent'>, Kind>> = {
  shard: 'numbers',
  inputs: 'list',
  entries: 'list',
  counts: 'numbers',
  files: 'number',
  bytes: 'number',
  lacking: 'number',
  lacks: 'list',
  resumed: 'number',
  unreadable: 'list',
  locked: 'list',
  datasets: 'list',
  timings: 'numbers',
  dryRun: 'boolean',
  interrupted: 'boolean',
  status: 'number',
};

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function is(kind: Kind, value: unknown): boolean {
  if (kind === 'list') return Array.isArray(value);
  if (kind === 'numbers') return isObject(value) && Object.values(value).every((one) => typeof one === 'number');
  return typeof value === kind;
}

/** The bytes of the name again: they are not in JSON, but where it is not UTF-8. */
function toEntry(entry: FinalizedEntry & { readonly stateFileBase64?: string }): FinalizedEntry {
  const { stateFile, stateFileBase64: base64 } = entry;
  const value = base64 === undefined ? Buffer.from(stateFile) : Buffer.from(base64, 'base64');
  return Object.defineProperty(entry, 'stateFileBytes', { value });
}

const isFailure = (value: unknown): boolean => isObject(value) && typeof value.message === 'string';
const isAbsence = (value: unknown): boolean =>
  isFailure(value) && typeof (value as Record<string, unknown>).input === 'string';
const isEntry = (value: unknown): boolean =>
  isObject(value) &&
  ['stateFile', 'action', 'name'].every((key) => typeof value[key] === 'string') &&
  (value.error === undefined || isFailure(value.error));
const isVerdict = (value: unknown): boolean =>
  isObject(value) && typeof value.name === 'string' && RANK.has(value.verdict as DatasetVerdict['verdict']);
const isOptionalText = (value: unknown): boolean => value === undefined || typeof value === 'string';

function isPart(value: unknown): value is Omit<Part, 'file'> {
  if (!isObject(value) || !Object.entries(FIELDS).every(([key, kind]) => is(kind, value[key]))) return false;
  const { shard, inputs, entries, datasets, unreadable, locked, absent, status } = value as unknown as Part;
  return (
    Number.isInteger(shard.count) &&
    Number.isInteger(shard.index) &&
    shard.index >= 0 &&
    shard.index < shard.count &&
    isOptionalText(value.version) &&
    isOptionalText(value.time) &&
    inputs.every((input) => typeof input === 'string') &&
    entries.every(isEntry) &&
    datasets.every(isVerdict) &&
    [...unreadable, ...locked].every(isFailure) &&
    (absent === undefined || (Array.isArray(absent) && absent.every(isAbsence))) &&
    STATUSES.some((row) => row.status === status)
  );
}

/** The document of a shard; undefined if it is something else. */
export function toPart(file: string, document: unknown): Part | undefined {
  if (!isPart(document)) return undefined;
  return { ...document, file, entries: document.entries.map(toEntry) };
}

/**
 * Which verdict counts where shards came at different times: one that saw a live rank has left its part; one that found
 * all complete has published what the others had given up before.
 */
const RANK = new Map<DatasetVerdict['verdict'], number>([
  ['incomplete', 0],
  ['complete', 1],
  ['busy', 2],
]);

/** How many transfers a shard has kept, and another one has published later. */
function superseded(parts: readonly Part[]): number {
  const by = (action: string) => parts.flatMap(({ entries }) => entries.filter((entry) => entry.action === action));
  const published = new Set(by('published').map(({ stateFile }) => stateFile));
  return by('kept').filter(({ stateFile }) => published.has(stateFile)).length;
}

function mergedDatasets(parts: readonly Part[]): DatasetVerdict[] {
  const byName = new Map<string, DatasetVerdict>();
  const rank = ({ verdict }: DatasetVerdict) => RANK.get(verdict) as number;
  for (const verdict of parts.flatMap(({ datasets }) => datasets)) {
    const before = byName.get(verdict.name);
    if (!before || rank(before) < rank(verdict)) byName.set(verdict.name, verdict);
  }
  return [...byName.values()];
}

/** Each shard reads every input: what one could not read, the others could not either. */
function once(failures: readonly Failure[]): Failure[] {
  return [...new Map(failures.map((failure) => [failure.message, failure])).values()];
}

type Numbers = Readonly<Record<string, number>>;

/** By key, what `join` makes of the numbers of all. */
function byKey<T extends Numbers>(all: readonly T[], join: (a: number, b: number) => number): T {
  const total: Record<string, number> = {};
  for (const numbers of all)
    for (const [key, value] of Object.entries(numbers)) total[key] = join(total[key] ?? 0, value);
  return total as T;
}

const sum = (a: number, b: number): number => a + b;

/** Inputs in which no shard has found a state file: what a shard has not found, another one may have finalized. */
function absentFromAll(parts: readonly Part[]): Absence[] {
  const [first, ...others] = parts.map(({ absent = [] }) => absent);
  return (first ?? []).filter(({ input }) => others.every((absent) => absent.some((one) => one.input === input)));
}

/** The report of a run of which these are all shards. They ran side by side: its times are those of the slowest. */
export function merged(parts: readonly Part[]): FinalizeReport {
  const all = <K extends keyof Part>(key: K) => parts.map((part) => part[key]);
  const totals = parts.map(({ files, bytes, lacking, resumed }) => ({ files, bytes, lacking, resumed }));
  const counts = byKey(all('counts'), sum);
  return {
    counts: { ...counts, kept: counts.kept - superseded(parts) },
    ...byKey(totals, sum),
    lacks: [...new Set(all('lacks').flat())],
    problems: all('entries').flatMap((entries) => entries.filter(isProblem)),
    absent: absentFromAll(parts),
    unreadable: once(all('unreadable').flat()),
    locked: once(all('locked').flat()),
    datasets: mergedDatasets(parts),
    timings: byKey(all('timings'), Math.max),
    dryRun: all('dryRun').includes(true),
    interrupted: all('interrupted').includes(true),
  };
}

/** What one shard left incomplete another may have published since. */
const LEFT_INCOMPLETE = 3;

/** The first of the table that a shard ended with. */
export function mergedStatus(parts: readonly Part[]): number {
  const worst = STATUSES.find(({ status }) => parts.some((part) => part.status === status))?.status ?? 0;
  return worst === LEFT_INCOMPLETE && superseded(parts) > 0 ? exitStatus(merged(parts)) : worst;
}
