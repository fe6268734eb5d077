// The command that finalizes: from flags to finalize(), its events to whoever listens, its report to an exit status.

import { displayName } from '../../base/names.js';
import { finalize } from '../../finalize.js';
import type { AxlError, FinalizeOptions, FinalizeReport } from '../../index.js';
import { UsageError } from '../errors.js';
import { readList, toBytes } from '../names.js';
import { complain } from '../output/output.js';
import { PeopleSink } from '../output/people.js';
import type { Sink } from '../output/sink.js';
import type { Flags } from '../parse.js';
import { abortOnSignals } from '../signals.js';
import { exitStatus } from '../statuses.js';
import { endsWith, type OwnFlags, ofThisShard, shardName } from './shards.js';

const text = (arg: string): string => toBytes(arg).toString();

function toOptions(flags: OwnFlags): FinalizeOptions {
  const { root, pattern, exclude, dataset, launcher: _l, ...others } = flags;
  const { progress: _p, verbose: _v, quiet: _q, json: _j, ndjson: _n, report: _r, metrics: _m, ...same } = others;
  return {
    ...same,
    entries: others.verbose || others.json || others.ndjson || others.report !== undefined ? 'all' : 'problems',
    ...(dataset !== undefined && { dataset: typeof dataset === 'string' ? text(dataset) : dataset }),
    ...(root && { roots: root.map(toBytes) }),
    ...(pattern && { pattern: pattern.map(text) }),
    ...(exclude && { exclude: exclude.map(text) }),
  };
}

async function readInputs(inputs: readonly string[]): Promise<Buffer[]> {
  const lists = inputs.map((input) => (input === '-' ? readList() : [toBytes(input)]));
  return (await Promise.all(lists)).flat();
}

/** As SCR finds it. */
const scrPrefix = async (): Promise<string> => (await import('../scr-prefix.js')).findPrefix();

/** What programs read, loaded only if it is asked for. */
async function documents(flags: OwnFlags, inputs: readonly string[]): Promise<Sink[]> {
  const { json, ndjson, report, shard } = flags;
  if (!json && !ndjson && report === undefined) return [];
  const { DocumentSink, LineSink } = await import('../output/document.js');
  const path = report === undefined ? undefined : toBytes(report);
  return [
    ...(json || path ? [new DocumentSink({ inputs, ...(shard && { shard }) }, json === true, path)] : []),
    ...(ndjson ? [new LineSink()] : []),
  ];
}

async function writeMetrics(flags: OwnFlags, inputs: readonly string[], report: FinalizeReport): Promise<void> {
  if (flags.metrics === undefined) return;
  const { MetricsSink } = await import('../output/metrics.js');
  const part = flags.shard && shardName(flags.shard);
  new MetricsSink(toBytes(flags.metrics), inputs, part).end(report, exitStatus(report, flags));
}

/** A run that ended with an error: nothing is known to have been done. */
function reportOf(error: AxlError): FinalizeReport {
  const none = { published: 0, 'rolled-back': 0, kept: 0, removed: 0, busy: 0, gone: 0, corrupt: 0, failed: 0 };
  const { code, message, path } = error;
  const interrupted = code === 'AXL_CANCELED';
  return {
    counts: { ...none, 'not-state': 0 },
    ...{
      files: 0,
      bytes: 0,
      lacking: 0,
      lacks: [],
      resumed: 0,
      problems: [],
      locked: [],
      datasets: [],
      dryRun: false,
      interrupted,
    },
    unreadable: interrupted ? [] : [{ code, message, ...(path !== undefined && { path }) }],
    absent: [],
    timings: { scan: 0, survey: 0, finalize: 0, total: 0 },
  };
}

/** @throws {UsageError} what the library does not take: it says so before it begins */
async function attempt(inputs: readonly Buffer[], options: FinalizeOptions): Promise<FinalizeReport> {
  let begun = false;
  const onEvent: FinalizeOptions['onEvent'] = (event) => {
    begun = true;
    options.onEvent?.(event);
  };
  try {
    return await finalize(inputs, { ...options, onEvent });
  } catch (error) {
    const { code, message } = error as AxlError;
    if (!begun && (error instanceof TypeError || error instanceof RangeError)) throw new UsageError(message);
    if (!`${code}`.startsWith('AXL_')) throw error;
    complain(message);
    return reportOf(error as AxlError);
  }
}

/** @throws {UsageError} before anything is done */
async function checkWritten({ report, metrics }: Flags): Promise<void> {
  const paths = [report, metrics].filter((path) => path !== undefined);
  if (paths.length === 0) return;
  const { refuseStateFile } = await import('../output/files.js');
  for (const path of paths) refuseStateFile(toBytes(path));
}

export async function run(given: readonly string[], asked: Flags, args: readonly string[]): Promise<number> {
  await checkWritten(asked);
  const flags = ofThisShard(asked.scr ? { incomplete: 'keep', ...asked } : asked);
  if (flags.launcher !== undefined && given.includes('-'))
    throw new UsageError('--shard auto and - exclude each other: launchers pass standard input to one rank only');
  const named = flags.scr && given.length === 0 ? [await scrPrefix()] : given;
  const inputs = await readInputs(named);
  const shown = named.map((input) => (input === '-' ? '-' : displayName(toBytes(input))));
  const people = new PeopleSink(flags, args.map(toBytes));
  const sinks: Sink[] = [people, ...(await documents(flags, shown))];
  const signal = abortOnSignals();
  const onEvent: FinalizeOptions['onEvent'] = (event) => {
    for (const sink of sinks) sink.listen(event);
  };
  const report = await attempt(inputs, { ...toOptions(flags), signal, onEvent }).finally(() => people.stop());
  const status = exitStatus(report, flags);
  await people.summarize(report);
  for (const sink of sinks) sink.end(report, status);
  await writeMetrics(flags, shown, report);
  return endsWith(status, flags);
}
