#!/usr/bin/env node
// The command line of finalize(): parses, prints, and turns what was done into an exit status. No logic.
import { Command, InvalidArgumentError, Option } from 'commander';
import type { FinalizedEntry, FinalizeReport } from '../lib/index.js';

interface Flags {
  readonly incomplete: 'delete' | 'keep';
  readonly dryRun?: true;
  readonly json?: true;
  readonly jobs?: number;
  readonly verbose?: true;
}

const HELP = `
For each state file in the directories (not below them):
  every file complete        all are given owner, mode, times and their final names; the state file goes
  not complete               temporary files and state file go, or stay with --incomplete keep
  in use                     left alone, as is whatever is not a state file
A destination is the complete file or what it was before, whatever happens. Run it again at any time, or several at
once. If a directory cannot be read, nothing is deleted in any.

Exit status, the first that applies:
  1  something failed; it is kept, and can be finalized again
  5  a state file is corrupt or of another version; it was left alone
  4  a transfer is busy: its job or another finalizer is at work
  3  a transfer was rolled back, or kept incomplete
  0  all published
  2  the command line is wrong

Examples:
  axl-finalize /p/job/state                         after the job: publish what is complete, clear away the rest
  axl-finalize --incomplete keep /p/job/state       leave what is not complete for a resume
  axl-finalize --dry-run -v /p/job/state            what would happen, a line for each state file
  axl-finalize --json /p/*/state >finalized.ndjson  a JSON object for each state file, and one with the summary
`;

function parseJobs(text: string): number {
  const jobs = Number(text);
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > 256) throw new InvalidArgumentError('Must be 1 to 256.');
  return jobs;
}

function makeCommand(): Command {
  return new Command('axl-finalize')
    .description('Publishes the complete transfers of a job that has ended, and clears away the others.')
    .argument('<state-dir...>', 'directories with state files')
    .addOption(
      new Option('--incomplete <what>', 'transfers that are not complete: delete or keep them')
        .choices(['delete', 'keep'])
        .default('delete'),
    )
    .option('--dry-run', 'change nothing, say what would be done')
    .option('--json', 'print JSON, an object on each line: the state files, then the summary')
    .addOption(new Option('--jobs <n>', 'threads, 1 to 256 (default: 8)').argParser(parseJobs))
    .option('-v, --verbose', 'print a line for each state file')
    .addHelpText('after', HELP)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
}

/** Neither a reader that went away (`| head`) nor a full disk ends the work; the latter is said, and is a failure. */
function surviveLostOutput(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code === 'EPIPE' || process.exitCode === 1) return;
      process.exitCode = 1;
      if (stream === process.stdout) process.stderr.write(`axl-finalize: standard output: ${message}\n`);
    });
}

function size(bytes: number): string {
  const power = Math.min(5, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  if (power === 0) return `${bytes} bytes`;
  return `${(bytes / 1024 ** power).toFixed(1)} ${['KiB', 'MiB', 'GiB', 'TiB', 'PiB'][power - 1]}`;
}

const plural = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;

function summary({ counts, files, bytes, unreadable }: FinalizeReport, dryRun: boolean): string {
  const { gone, 'not-state': others, ...ours } = counts;
  const done = Object.entries(ours).filter(([, n]) => n > 0);
  const total = done.reduce((sum, [, n]) => sum + n, 0);
  const parts = [
    [plural(total, 'state file'), done.map(([action, n]) => `${n} ${action}`).join(', ')].filter(Boolean).join(': '),
    ...(counts.published > 0 ? [`${plural(files, 'file')} published, ${size(bytes)}`] : []),
    ...(gone > 0 ? [`${gone} finalized by others meanwhile`] : []),
    ...(others > 0 ? [`${plural(others, 'other name')} left alone`] : []),
    ...(unreadable.length > 0 ? [`${plural(unreadable.length, 'directory').replace(/ys$/, 'ies')} not read`] : []),
    ...(dryRun ? ['dry run, nothing was changed'] : []),
  ];
  return `axl-finalize: ${parts.join('; ')}`;
}

function exitStatus({ counts, unreadable }: FinalizeReport): number {
  if (counts.failed > 0 || unreadable.length > 0) return 1;
  if (counts.corrupt > 0) return 5;
  if (counts.busy > 0) return 4;
  return counts['rolled-back'] > 0 || counts.kept > 0 ? 3 : 0;
}

async function run(dirs: string[], flags: Flags): Promise<void> {
  const { displayName, finalize } = await import('../lib/index.js');
  const print = (line: string) => process.stdout.write(`${line}\n`);
  const complain = (name: Buffer | string, message: string) => {
    const prefix = `${displayName(name)}: `;
    const sentence = message.startsWith(prefix) ? message.slice(prefix.length) : message;
    process.stderr.write(`axl-finalize: ${prefix}${sentence}\n`);
  };
  const onEntry = (entry: FinalizedEntry) => {
    const { stateFileBytes: file, action, error, name, rank } = entry;
    if (flags.json) print(JSON.stringify(entry));
    else if (flags.verbose) {
      const transfer = name === '' ? '' : ` (${displayName(name)}, rank ${rank}, ${plural(entry.files, 'file')})`;
      print(`${action} ${displayName(file)}${transfer}`);
    }
    if (error && (action === 'failed' || action === 'corrupt' || action === 'busy')) complain(file, error.message);
  };
  const { incomplete, dryRun = false, jobs } = flags;
  const report = await finalize(dirs, { incomplete, dryRun, onEntry, ...(jobs !== undefined && { jobs }) });
  for (const { path = '', message } of report.unreadable) complain(path, message);
  const { problems: _, ...totals } = report;
  print(flags.json ? JSON.stringify({ summary: { ...totals, dryRun } }) : summary(report, dryRun));
  process.exitCode ||= exitStatus(report);
}

surviveLostOutput();
const command = makeCommand();
command.action(run);
try {
  await command.parseAsync();
} catch (error) {
  process.stderr.write(`axl-finalize: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
