// The command line as data: the options of axl-finalize itself, and examples; commands.ts has the commands. --help and the man
// page are made of both.
// Imports only words, so that the man page's generator and the tests can read it alone.
import { FALLBACKS, INCOMPLETE, JOBS, KEPT, ON_LOCK, OVERWRITE, OWNER, VERIFY } from '../base/words.js';

export interface OptionRow {
  /** With its dashes. */
  readonly name: string;
  readonly short?: string;
  /** Another letter for the same. */
  readonly also?: string;
  readonly argument?: string;
  /** The argument may be left out; it is given after `=` only. */
  readonly optional?: true;
  readonly choices?: readonly string[];
  /** As people read it; the library's default is what applies. */
  readonly default?: string;
  readonly repeat?: true;
  readonly group: Group;
  /** One phrase, for --help. */
  readonly help: string;
  /** What the man page says beyond that. */
  readonly man?: string;
}

export type Group = 'What to do' | 'Which transfers' | 'Which files' | 'How' | 'Output' | 'Help';

const RESUME =
  'delete deletes their temporary files and their state files. resume copies what is missing from the sources, verifies ' +
  'each chunk that was copied before, and publishes; see --fallback. keep leaves everything for a later resume.';

const GROUPS: Readonly<Record<Exclude<Group, 'Which files'>, readonly Omit<OptionRow, 'group'>[]>> = {
  'What to do': [
    {
      name: '--incomplete',
      argument: 'WHAT',
      choices: Object.keys(INCOMPLETE),
      default: 'delete, with --scr keep',
      help: 'what to do with transfers that are not complete',
      man: RESUME,
    },
    {
      name: '--fallback',
      argument: 'WHAT',
      choices: FALLBACKS,
      default: 'keep',
      help: 'what to do with transfers that --incomplete resume could not complete',
      man: 'Applies to transfers whose sources are gone, have changed or cannot be read. Needs --incomplete resume.',
    },
    {
      name: '--dataset',
      argument: 'NAME',
      optional: true,
      help: 'publish transfers that share a name only if every rank has a complete one',
      man:
        'Transfers that share a name form a dataset, with ranks 0 to size-1. Unless all of them are complete, none is ' +
        'published: they are deleted or kept, as --incomplete says. While a rank is alive, none is touched. With NAME only ' +
        'that dataset is looked at. With --shard the verdict is still for the whole dataset. Give all state directories of ' +
        'the dataset: ranks whose state files are elsewhere count as missing.',
    },
    {
      name: '--scr',
      help: 'INPUT is the prefix of SCR: finalize the datasets that SCR was flushing, each only as a whole',
      man:
        'Without INPUT the prefix is that of SCR_PREFIX, of the file that SCR_CONF_FILE names, or the working directory. Reads ' +
        '.scr/flush.scr. Outputs come first, in their order, up to one that cannot be published; then checkpoints before that ' +
        'one, the newest first. A dataset is published only if every rank has its state file (rank_N.state_file) and all files ' +
        'are complete; otherwise it is left as it is, for --incomplete is keep, and can be resume. Needs --job-ended. ' +
        "SCR's own files are not written: without --on-published, SCR's programs scr_flush_file and scr_index are run for each " +
        'dataset, if they are on the PATH, and otherwise the commands are printed. --on-published has AXL_SCR_PREFIX and ' +
        'AXL_SCR_DATASET, too.',
    },
    {
      name: '--expect',
      argument: 'N',
      help: 'do nothing unless at least N state files are seen',
      man:
        'Counts those of all INPUTs, with --dataset=NAME those of that dataset. On a network file system a listing may be ' +
        'older than what another host has made: if fewer are seen, it is looked at again, for 20 seconds at most, then ' +
        'nothing is done (status 7). Give it in the first run after the job; once state files were finalized there are ' +
        'fewer. Not with --shard.',
    },
    {
      name: '--fail-if-none',
      help: 'end with status 7 if no state file is found, and do nothing',
      man:
        'The same as --expect 1: for runs that are to find something, in which a wrong directory, or one that is not ' +
        'mounted, must not pass for success. With --dataset=NAME, no state file of that dataset. Not with --shard.',
    },
    {
      name: '--verify',
      argument: 'HOW',
      choices: Object.keys(VERIFY),
      default: 'size',
      help: 'what to compare before publishing',
      man: 'checksum reads every file and compares the CRC-32C that was computed while it was copied.',
    },
    {
      name: '--overwrite',
      argument: 'WHAT',
      choices: Object.keys(OVERWRITE),
      default: 'newer',
      help: 'what to do where a destination exists',
      man:
        'newer replaces the file that stood there when the transfer was dispatched, and what an older transfer among the ' +
        'inputs has put there. If something else has come since, the transfer fails, for that may be newer. replace ' +
        'replaces every existing file. fail fails the transfer before any file of it is published. keep leaves the existing ' +
        'file and publishes the other files.',
    },
    {
      name: '--metadata',
      argument: 'WHAT',
      default: 'as created',
      help: `what to do with metadata that a file system refuses: ${Object.keys(OWNER).join(', ')}; or PART=WHAT,...`,
      man:
        `PART is ${KEPT.join(', ')}. fail fails the transfer. warn publishes the file without that part, and the output says ` +
        'so. skip does not try to set it. What was refused before is tried again, unless skip is given for it.',
    },
    {
      name: '--owner',
      argument: 'WHAT',
      choices: Object.keys(OWNER),
      default: 'as created',
      help: 'short for --metadata owner=WHAT',
      man:
        'warn publishes the file with the user of axl-finalize as its owner, without setuid, setgid and capabilities, and ' +
        'with no more for group and others than both had.',
    },
    {
      name: '--on-published',
      argument: 'COMMAND',
      help: 'run COMMAND for each transfer or dataset that was published',
      man:
        'COMMAND is given to /bin/sh when the transfer or dataset is on the disk, before its state files are deleted, as the ' +
        'user of these. Its environment has AXL_NAME, AXL_DESTINATIONS (the directories of its files, one a line) and ' +
        'AXL_STATE_DIR. If it fails, the status is 1 and the state files stay; the next run runs it again, as it does after a ' +
        'kill: COMMAND must be safe to run twice. Not with --shard.',
    },
    {
      name: '--keep-state',
      help: 'keep the state files and mark them final',
      man: 'Without it a state file is deleted when its transfer is published or rolled back.',
    },
    {
      name: '--axl-in-place',
      help: 'with --incomplete delete: delete what the C library AXL has copied in part to final names',
      man:
        'Without USE_EXTENSION the C library AXL copies to the final names, so that an incomplete transfer leaves a part of ' +
        'a file there. Such a file is reported and left as it is; with this option it is deleted.',
    },
    {
      name: '--dry-run',
      help: 'change nothing, print what would be done',
      man:
        'The exit status is the one that the real run would have, as far as looking tells: a run that is to copy, or to give ' +
        'metadata that could not be given before (--metadata, --owner), may still fail.',
    },
  ],
  'Which transfers': [
    {
      name: '--recursive',
      help: 'search the subdirectories, too',
      man: 'Symbolic links to directories are not followed.',
    },
    {
      name: '--pattern',
      argument: 'GLOB',
      repeat: true,
      help: 'only state files whose names match GLOB (repeatable)',
      man: "GLOB is relative to the state directory: '*.rank[0-9]*' or, with --recursive, 'job7/**'.",
    },
    {
      name: '--exclude',
      argument: 'GLOB',
      repeat: true,
      help: 'no state files whose names match GLOB (repeatable)',
    },
    {
      name: '--shard',
      argument: 'I/N',
      help: 'only part I of N, counted from 0; auto: rank and size of srun or mpirun',
      man:
        'Every transfer is in exactly one part, so N processes with the same inputs share the work. auto takes rank and ' +
        'size from Open MPI, PMI (MPICH), Flux or a Slurm step; a process that none of them started is part 0 of 1. Each ' +
        'part writes its own --report and --metrics files: run7.json becomes run7.3-of-8.json. Open MPI ends all parts ' +
        'when one part ends with a status other than 0; so under Open MPI a part that has written its report ends with 0, ' +
        'and axl-finalize merge prints the status of the run.',
    },
    {
      name: '--root',
      argument: 'DIR',
      repeat: true,
      help: 'refuse transfers with a destination outside DIR (repeatable)',
      man: 'Such a transfer fails, and its files are not touched. Symbolic links that lead out of DIR are refused, too.',
    },
  ],
  How: [
    {
      name: '--wait',
      argument: 'DURATION',
      optional: true,
      help: 'wait for live writers and other finalizers: 30s, 5m, 1h; without a value, for ever',
      man: 'Their transfers are finalized when they have ended.',
    },
    {
      name: '--job-ended',
      help: 'the job is over: treat writers of which nothing can be told as dead',
      man:
        'Of a writer on another host or in another container nothing can be told where the file system has no locks, or ' +
        'locks that do not reach other hosts. Use it only when all processes of the job have ended: a live writer would ' +
        'lose its files.',
    },
    {
      name: '--writer-dead',
      argument: 'HOST',
      repeat: true,
      help: 'HOST is down: treat writers on it of which nothing can be told as dead (repeatable)',
      man: 'HOST as axl-finalize list prints it. Writers on other hosts are treated as without this option.',
    },
    {
      name: '--adopt',
      help: 'state files were moved or restored: take over copies whose originals are gone',
      man:
        'A state file knows which file it is. A copy of it, by a backup, an editor or cp, is left alone (status 5). With ' +
        '--adopt a copy counts as the state file of its transfer, unless another one of that transfer is among the inputs. ' +
        'After a restore of the temporary files, too, use it with --verify checksum.',
    },
    {
      name: '--jobs',
      argument: 'N',
      default: `${JOBS.default}`,
      help: `threads, ${JOBS.least} to ${JOBS.most}`,
      man: 'Most threads wait for the file system, so more threads than processors can help.',
    },
    {
      name: '--on-lock',
      argument: 'WHAT',
      choices: ON_LOCK,
      default: 'skip',
      help: 'what to do when another finalizer has locked a state directory',
      man: 'skip leaves the directory to the other finalizer (status 4). fail ends with status 1. The lock only saves double work: any number of finalizers may run at once.',
    },
  ],
  Output: [
    { name: '--verbose', short: '-v', help: 'print a line for each state file' },
    { name: '--quiet', help: 'print errors only' },
    {
      name: '--no-progress',
      help: 'no progress bar, no progress lines',
      man: 'Without a terminal, or on a dumb one, progress is a line on standard error every ten seconds.',
    },
    {
      name: '--json',
      help: 'print one JSON document',
      man:
        'version, time, inputs, entries (one for each state file, on a line of its own), counts, files, bytes, resumed, ' +
        'unreadable, locked, absent, datasets, with --scr scr, timings in ms, dryRun, interrupted, status.',
    },
    {
      name: '--ndjson',
      help: 'print one JSON object a line for each event',
      man:
        'The field event is start, scan, dataset, scr, entry, absent, problem, wait, progress (bytes that a resume copies and a ' +
        'verification reads) or, at last, end, which has the totals.',
    },
    {
      name: '--report',
      argument: 'FILE',
      help: 'write the document of --json to FILE',
      man:
        'The file appears when it is complete. It replaces an existing file, but never a state file, a link or a device. If ' +
        'it cannot be written, the transfers are finalized all the same, and the exit status is 1. With --shard each part ' +
        'has a file of its own (see --shard), and an older one is deleted first.',
    },
    {
      name: '--metrics',
      argument: 'FILE',
      help: "write metrics for Prometheus' node_exporter to FILE",
      man: "The format is that of node_exporter's textfile collector, which reads only names that end in .prom.",
    },
  ],
  Help: [
    { name: '--version', help: 'print the version' },
    { name: '--help', short: '-h', help: 'print this help' },
  ],
};

export const FINALIZE_OPTIONS: readonly OptionRow[] = Object.entries(GROUPS).flatMap(([group, rows]) =>
  rows.map((row) => ({ ...row, group: group as Group })),
);

export const MAIN = {
  name: 'axl-finalize',
  synopsis: 'axl-finalize [options] INPUT...',
  help: 'Publishes the complete transfers of a job that has ended, and rolls back the others.',
  argument: 'INPUT...',
  argumentHelp:
    'a state directory, a state file, or - for paths on standard input, each ended by a NUL; with --scr, the prefix of SCR',
  options: FINALIZE_OPTIONS,
} as const;

/** What happens to a transfer, by what its state file says. */
export const BEHAVIOUR: readonly (readonly [string, string])[] = [
  ['every file complete', 'files get owner, mode, times and their final names; the state file is deleted'],
  ['not complete', 'temporary files and state file are deleted, unless --incomplete says otherwise'],
  ['in use, or no state file', 'left alone'],
];

export const PROMISE =
  'At every instant a destination is either the complete file or what it was before. You may run axl-finalize again at ' +
  'any time, and several at once. If an input cannot be read, nothing is deleted in any input. Write ./list for an INPUT ' +
  'that has the name of a command. As root, axl-finalize acts on each state file as its owner; there, an input that cannot ' +
  'be read keeps the files of those users only whose state files may be in it.';

export const EXAMPLES: readonly (readonly [string, string])[] = [
  ['axl-finalize /p/job/state', 'publish what is complete, roll back the rest'],
  ['axl-finalize --incomplete resume /p/job/state', 'on the node that has the sources: complete the copies first'],
  ['axl-finalize --dataset /p/job/state', 'publish a checkpoint only if every rank has it'],
  ['axl-finalize --dry-run -v /p/job/state', 'print what would happen, a line for each state file'],
  ['axl-finalize --wait=10m --json /p/job/state', 'wait up to 10 minutes for ranks that still write'],
  ['srun -n 8 axl-finalize --shard auto --report run7.json /p/job/state', 'share the work among eight processes'],
  ['axl-finalize merge --report run7.json run7.*-of-8.json', 'make one report of the eight'],
  ["find /p -name '*.axl' -print0 | axl-finalize -", 'finalize state files from anywhere'],
  ['axl-finalize --scr --job-ended', "SCR's post-stage: publish what SCR was flushing when the job ended"],
];
