// `axl-finalize orphans`: temporary files that no state file names, and what became of them.

import { readdirSync } from 'node:fs';
import { displayName } from '../../base/names.js';
import { type OrphanOutcome, type Orphans, orphans, type TemporaryFile } from '../../orphans.js';
import { toBytes } from '../names.js';
import { toJson } from '../output/json.js';
import { complain, complainOf, say, stdout } from '../output/output.js';
import { columns, duration, plural, size } from '../output/text.js';
import type { OrphansFlags } from '../parse.js';

const HEADING = ['STATE', 'BYTES', 'AGE', 'USER', 'TEMPORARY FILE'];
const NUMBERS = [1, 2, 3];

const state = ({ orphan, outcome }: TemporaryFile): string =>
  orphan === 'cannot tell' ? '?' : outcome === 'found' ? 'orphan' : outcome;

function row(file: TemporaryFile, now: number): string[] {
  const age = duration(Math.max(0, now - file.changed.getTime()));
  return [state(file), size(file.bytes), age, `${file.uid}`, displayName(file.pathBytes)];
}

const bytesOf = (files: readonly TemporaryFile[]): string => size(files.reduce((sum, { bytes }) => sum + bytes, 0));

function* totals(files: readonly TemporaryFile[]): Generator<string> {
  const of = (orphan: TemporaryFile['orphan']) => files.filter((file) => file.orphan === orphan);
  const [yes, no, unknown] = [of('yes'), of('no'), of('cannot tell')];
  const outcomes = (['deleted', 'young', 'open', 'failed'] satisfies OrphanOutcome[]).map(
    (outcome) => [outcome, yes.filter((file) => file.outcome === outcome).length] as const,
  );
  yield plural(files.length, 'temporary file');
  yield `${plural(yes.length, 'orphan')}, ${bytesOf(yes)}`;
  for (const [outcome, n] of outcomes) if (n > 0) yield `${n} ${outcome}`;
  if (no.length > 0) yield `${no.length} that a state file names`;
  if (unknown.length > 0) yield `${unknown.length} of which nothing can be told, ${bytesOf(unknown)}`;
}

function print({ files, unclear }: Orphans, { states, delete: deletes }: OrphansFlags): void {
  const now = Date.now();
  const shown = files.filter(({ orphan }) => orphan !== 'no');
  if (shown.length > 0) say(columns([HEADING, ...shown.map((file) => row(file, now))], NUMBERS));
  say([[...totals(files)].join('; ')]);
  if (!states) say(['To tell which of them are orphans, say with --states DIR where the state files are.']);
  if (deletes && unclear.length > 0) say(['Nothing was deleted: see above.']);
}

/** A directory in which there are no temporary files, and what is there. */
function whyNone(dir: Buffer, recursive: boolean): string {
  const entries = readdirSync(dir, { withFileTypes: true });
  const below = entries.filter((entry) => entry.isDirectory()).length;
  const found =
    entries.length === 0
      ? 'it is empty'
      : below > 0 && !recursive
        ? `search its ${plural(below, 'subdirectory')}, too, with --recursive`
        : 'if its files are state files, give the directories of destinations instead';
  return `${displayName(dir)}: there are no temporary files: ${found}`;
}

interface OrphansRequest extends OrphansFlags {
  readonly dirs: readonly string[];
}

/** @returns the exit status */
export async function run({ dirs, states, json, ...options }: OrphansRequest): Promise<number> {
  const found = await orphans(dirs.map(toBytes), { ...options, ...(states && { states: states.map(toBytes) }) });
  const { files, unreadable, unclear } = found;
  for (const failure of [...unclear, ...unreadable]) complainOf('', failure);
  for (const { error, pathBytes } of files) if (error) complainOf(displayName(pathBytes), error);
  if (json) stdout.write(`${toJson(found)}\n`);
  else if (files.length > 0) print(found, { ...options, ...(states && { states }) });
  else if (unclear.length + unreadable.length === 0)
    for (const dir of dirs) complain(whyNone(toBytes(dir), options.recursive === true));
  if (unclear.length + unreadable.length > 0 || files.some(({ outcome }) => outcome === 'failed')) return 1;
  return files.some(({ outcome }) => outcome === 'open') ? 4 : 0;
}
