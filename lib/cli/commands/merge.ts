// `axl-finalize merge`: the reports of all shards of a run as one, or what is wrong with them. What a report says is
// checked before it is believed: it lay in a directory, like any file. Adding up: merged.ts.
import { readFileSync } from 'node:fs';
import { fromNode } from '../../base/errors.js';
import { displayName } from '../../base/names.js';
import type { FinalizeEvent } from '../../index.js';
import { toBytes } from '../names.js';
import { DocumentSink } from '../output/document.js';
import { refuseStateFile } from '../output/files.js';
import { toJson } from '../output/json.js';
import { merged, mergedStatus, type Part, toPart } from '../output/merged.js';
import { MetricsSink } from '../output/metrics.js';
import { complain, say } from '../output/output.js';
import { PeopleSink } from '../output/people.js';
import { datasetLines, summaryLine } from '../output/summary.js';
import { plural } from '../output/text.js';
import type { MergeFlags } from '../parse.js';

/** How many shards are named. */
const NAMED = 20;

/** Undefined, and said why, if it is not the report of a shard. */
function read(file: string): Part | undefined {
  const path = toBytes(file);
  const shown = displayName(path);
  try {
    const part = toPart(shown, JSON.parse(readFileSync(path, 'utf8')));
    if (part) return part;
    complain(`${shown}: it is not the report of a shard, which --shard and --report write`);
  } catch (error) {
    if (error instanceof SyntaxError) complain(`${shown}: not JSON: ${error.message.split(/[',]/)[0]?.trim()}`);
    else complain(fromNode(error as NodeJS.ErrnoException, path).message);
  }
  return undefined;
}

function* missing(parts: readonly Part[], count: number): Generator<string> {
  const there = new Set(parts.map(({ shard }) => shard.index));
  const none: number[] = [];
  for (let i = 0; i < count && none.length <= NAMED; i++) if (!there.has(i)) none.push(i);
  const [first] = none;
  if (first === undefined) return;
  const shown = none.slice(0, NAMED).join(', ') + (none.length > NAMED ? ', ...' : '');
  const which = `${count - there.size} of ${plural(count, 'shard')} without a report: ${shown}`;
  yield `${which}; run ${count - there.size > 1 ? 'each of them' : 'it'} again, as with --shard ${first}/${count}`;
}

/** Why these are not the reports of one run, each shard's once. */
function* wrong(parts: readonly Part[]): Generator<string> {
  const [first] = parts;
  if (!first) return;
  const { count } = first.shard;
  const byIndex = new Map<number, string>();
  for (const { file, shard, inputs, dryRun } of parts) {
    const before = byIndex.get(shard.index);
    if (shard.count !== count)
      yield `${file} is from a run of ${shard.count} shards, but ${first.file} is from a run of ${count}`;
    else if (before !== undefined) yield `shard ${shard.index} of ${count} has two reports: ${before} and ${file}`;
    else byIndex.set(shard.index, file);
    if (toJson(inputs) !== toJson(first.inputs) || dryRun !== first.dryRun)
      yield `${file} is from another run than ${first.file}: its inputs or --dry-run differ`;
  }
  yield* missing(
    parts.filter(({ shard }) => shard.count === count),
    count,
  );
}

function write(parts: readonly Part[], { json, quiet, report: file, metrics }: MergeFlags): number {
  const report = merged(parts);
  const status = mergedStatus(parts);
  const shards = parts.map(({ shard, time, status, timings }) => ({ index: shard.index, time, status, timings }));
  const [{ inputs, version }] = parts as [Part];
  const people = new PeopleSink({ progress: false, ...(quiet && { quiet }), ...(json && { json }) }, []);
  const path = file === undefined ? undefined : toBytes(file);
  const sinks = [people, ...(json || path ? [new DocumentSink({ inputs, shards }, json, path)] : [])];
  const tell = (event: FinalizeEvent) => {
    for (const sink of sinks) sink.listen(event);
  };
  const [time] = parts.flatMap((part) => part.time ?? []).sort();
  if (time !== undefined && version !== undefined) tell({ event: 'start', time, version });
  for (const failure of [...report.unreadable, ...report.locked]) tell({ event: 'problem', failure });
  for (const { entries } of parts) for (const entry of entries) tell({ event: 'entry', entry });
  if (!quiet && !json) {
    const lines = [...datasetLines(report.datasets, displayName)].map((line) => `  ${line}`);
    const absent = report.absent.map(({ message }) => `  ${message}`);
    say([summaryLine(report, plural(parts.length, 'shard')), ...absent, ...lines]);
  }
  for (const sink of sinks) sink.end(report, status);
  if (metrics !== undefined) new MetricsSink(toBytes(metrics), inputs, undefined).end(report, status);
  return status;
}

interface MergeRequest extends MergeFlags {
  readonly files: readonly string[];
}

/** @returns the exit status */
export function run({ files, ...flags }: MergeRequest): number {
  const parts = files.map(read).filter((part) => part !== undefined);
  const problems = [...wrong(parts)];
  for (const problem of problems) complain(problem);
  if (problems.length > 0 || parts.length < files.length) return 1;
  for (const path of [flags.report, flags.metrics]) if (path !== undefined) refuseStateFile(toBytes(path));
  return write(
    parts.toSorted((a, b) => a.shard.index - b.shard.index),
    flags,
  );
}
