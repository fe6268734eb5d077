// The command line as data: every option, argument, command and example. --help and the man page are made from it.
// Imports nothing, so that the man page's generator and the tests can read it alone.

export interface OptionRow {
  /** With its dashes. */
  readonly name: string;
  readonly short?: string;
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

export type Group = 'What to do' | 'Which transfers' | 'How' | 'Output' | 'Help';

const RESUME =
  'delete removes their temporary files and state file. resume copies what is missing from the sources, verifying each ' +
  'chunk that is there, and publishes; see --fallback. keep leaves everything for a later resume.';

export const FINALIZE_OPTIONS: readonly OptionRow[] = [
  {
    name: '--incomplete',
    argument: 'WHAT',
    choices: ['delete', 'resume', 'keep'],
    default: 'delete',
    group: 'What to do',
    help: 'what to do with transfers that are not complete',
    man: RESUME,
  },
  {
    name: '--fallback',
    argument: 'WHAT',
    choices: ['delete', 'keep'],
    default: 'keep',
    group: 'What to do',
    help: 'and with what a resume could not complete',
    man: 'For transfers whose sources are gone, have changed or cannot be read. Needs --incomplete resume.',
  },
  {
    name: '--dataset',
    argument: 'NAME',
    optional: true,
    group: 'What to do',
    help: "publish a name's transfers only if all ranks have one",
    man:
      'Transfers that share a name form a dataset, with ranks 0 to size-1. Unless all of them are complete, none is ' +
      'published: they are deleted or kept, as --incomplete says. If a rank is alive, none is touched. With NAME only ' +
      'that dataset is looked at. Under --shard the verdict is still for the whole dataset. Give all its state ' +
      'directories: who is given only some sees ranks missing.',
  },
  {
    name: '--verify',
    argument: 'HOW',
    choices: ['none', 'size', 'checksum'],
    default: 'size',
    group: 'What to do',
    help: 'what to compare before publishing',
    man: 'checksum reads every file and compares the CRC-32C that was computed while it was copied.',
  },
  {
    name: '--overwrite',
    argument: 'WHAT',
    choices: ['replace', 'fail', 'keep'],
    default: 'replace',
    group: 'What to do',
    help: 'what to do where a destination exists',
    man: 'fail fails the transfer before anything of it is published. keep publishes the other files.',
  },
  {
    name: '--owner',
    argument: 'WHAT',
    choices: ['fail', 'warn', 'skip'],
    default: 'as created',
    group: 'What to do',
    help: 'what to do when an owner cannot be set',
    man: 'warn publishes with the owner of whoever runs this, without setuid and setgid.',
  },
  {
    name: '--keep-state',
    group: 'What to do',
    help: 'leave the state files; they say then that they are final',
  },
  {
    name: '--dry-run',
    group: 'What to do',
    help: 'change nothing, say what would be done',
    man: 'The exit status is the one that the real run would have.',
  },
  {
    name: '--recursive',
    group: 'Which transfers',
    help: 'search below the directories, too',
    man: 'Symbolic links to directories are not followed.',
  },
  {
    name: '--pattern',
    argument: 'GLOB',
    repeat: true,
    group: 'Which transfers',
    help: 'only state files with such names (repeatable)',
    man: "Relative to the state directory, as in '*.rank[0-9]*' or, with --recursive, 'job7/**'.",
  },
  {
    name: '--exclude',
    argument: 'GLOB',
    repeat: true,
    group: 'Which transfers',
    help: 'no state files with such names (repeatable)',
  },
  {
    name: '--shard',
    argument: 'I/N',
    group: 'Which transfers',
    help: 'only part I of N, from 0; auto: as srun or mpirun say',
    man:
      'Every transfer is in exactly one part, so N processes with the same inputs share the work. auto takes rank and ' +
      'size from Open MPI, PMI (MPICH), Flux or a Slurm step; a process that none of them started is part 0 of 1. The ' +
      'files of --report and --metrics are then those of the part: run7.json becomes run7.3-of-8.json. Open ' +
      'MPI ends all parts when one ends with another status than 0: under it, a part that has written its report ends ' +
      'with 0, and axl-finalize merge tells the status of the run.',
  },
  {
    name: '--root',
    argument: 'DIR',
    repeat: true,
    group: 'Which transfers',
    help: 'no destination may be outside of DIR (repeatable)',
    man: 'Such a transfer fails, and nothing of it is touched. Links that lead out of DIR are refused, too.',
  },
  {
    name: '--wait',
    argument: 'DURATION',
    optional: true,
    group: 'How',
    help: 'wait for live writers and other finalizers: 30s, 5m, 1h; no value: for ever',
    man: 'Then finalizes them. A writer is alive while it holds the lock of its state file.',
  },
  {
    name: '--job-ended',
    group: 'How',
    help: 'where locks do not work: writers on other hosts are dead',
    man: 'Say so only if it is true: a live writer would lose its files.',
  },
  {
    name: '--jobs',
    argument: 'N',
    default: '8',
    group: 'How',
    help: 'threads, 1 to 256',
    man: 'Most of them wait for the disk.',
  },
  {
    name: '--on-lock',
    argument: 'WHAT',
    choices: ['skip', 'fail'],
    default: 'skip',
    group: 'How',
    help: 'what to do when another finalizer has a state directory',
    man: 'The lock only saves double work. Any number of finalizers may run at once.',
  },
  { name: '--verbose', short: '-v', group: 'Output', help: 'print a line for each state file' },
  { name: '--quiet', group: 'Output', help: 'print errors only' },
  { name: '--no-progress', group: 'Output', help: 'no progress bar, no progress lines' },
  {
    name: '--json',
    group: 'Output',
    help: 'print one JSON document',
    man:
      'version, time, inputs, entries (one for each state file, on a line of its own), counts, files, bytes, resumed, ' +
      'unreadable, locked, datasets, timings in ms, dryRun, interrupted, status.',
  },
  {
    name: '--ndjson',
    group: 'Output',
    help: 'print a JSON object a line as things happen',
    man: 'Its event is start, scan, dataset, entry, problem, wait or, at last, end, which has the totals.',
  },
  {
    name: '--report',
    argument: 'FILE',
    group: 'Output',
    help: 'write the document of --json to FILE',
    man:
      'It appears under its name when it is whole. A file of that name is replaced, but no state file, link or device. ' +
      'If it cannot be written, the work is done all the same, and the exit status is 1. With --shard each part has its own, see there; one that is there is removed first.',
  },
  {
    name: '--metrics',
    argument: 'FILE',
    group: 'Output',
    help: "write metrics for Prometheus' node_exporter to FILE",
    man: "In the format of node_exporter's textfile collector; the name must end in .prom for it to be read.",
  },
  { name: '--version', group: 'Help', help: 'print the version' },
  { name: '--help', short: '-h', group: 'Help', help: 'print this help' },
];

const HELP: OptionRow = { name: '--help', short: '-h', group: 'Help', help: 'print this help' };
const WRITTEN: readonly string[] = ['--quiet', '--report', '--metrics'];
const JSON_OPTION: OptionRow = { name: '--json', group: 'Output', help: 'print one JSON document' };

export const SORT_KEYS = ['name', 'rank', 'state', 'files', 'bytes', 'age'] as const;

export interface CommandRow {
  readonly name: string;
  readonly synopsis: string;
  readonly help: string;
  readonly man: string;
  readonly argument: string;
  readonly argumentHelp: string;
  readonly options: readonly OptionRow[];
  /** For its --help; `man` says the same. */
  readonly statuses: string;
}

const STATUSES = '0; 1 something could not be read; 5 a state file is corrupt; 2 the command line is wrong';

export const MAIN = {
  name: 'axl-finalize',
  synopsis: 'axl-finalize [options] INPUT...',
  help: 'Publishes the complete transfers of a job that has ended, and clears away the others.',
  argument: 'INPUT...',
  argumentHelp: 'a state directory, a state file, or - for paths on standard input, each ended by a NUL',
  options: FINALIZE_OPTIONS,
} as const;

export const COMMANDS: readonly CommandRow[] = [
  {
    name: 'inspect',
    synopsis: 'axl-finalize inspect [--json] STATE_FILE',
    help: 'print what a state file says',
    man:
      'Changes nothing. Torn and corrupt state files are printed as far as they can be read. Ends with status 1 if it ' +
      'could not be read and with 5 if it is corrupt.',
    argument: 'STATE_FILE',
    argumentHelp: 'a state file',
    options: [JSON_OPTION, HELP],
    statuses: STATUSES,
  },
  {
    name: 'list',
    synopsis: 'axl-finalize list [--json] [--sort KEY] STATE_DIR...',
    help: 'print a line for each transfer, and totals',
    man:
      'Changes nothing. The totals are by dataset. Numbers are sorted from the largest, ages from the oldest. A writer ' +
      'that is alive is marked with *. Ends with status 1 if something could not be read and with 5 if a state file is ' +
      'corrupt.',
    argument: 'STATE_DIR...',
    argumentHelp: 'state directories',
    options: [
      JSON_OPTION,
      {
        name: '--sort',
        argument: 'KEY',
        choices: SORT_KEYS,
        default: 'name',
        group: 'Output',
        help: `by ${SORT_KEYS.slice(0, -1).join(', ')} or ${SORT_KEYS.at(-1)}`,
      },
      HELP,
    ],
    statuses: STATUSES,
  },
  {
    name: 'merge',
    synopsis: 'axl-finalize merge [--json] [--quiet] [--report FILE] [--metrics FILE] REPORT...',
    help: 'make one report of those of all shards',
    man:
      'REPORT is what a shard wrote with --report. Counts are added up, times are those of the slowest shard, and the ' +
      'exit status is that of the run: the first of 6, 1, 5, 4, 3, 0 that a shard had. Unless every shard of the run ' +
      'has exactly one report, it says which lack one or have two, ends with status 1 and writes nothing. A shard that ' +
      'was killed has none: run it again. What it had done before that is done, and in no report.',
    argument: 'REPORT...',
    argumentHelp: 'reports of the shards of one run',
    options: [JSON_OPTION, ...FINALIZE_OPTIONS.filter(({ name }) => WRITTEN.includes(name)), HELP],
    statuses:
      'that of the run, as axl-finalize --help has them; 1 also if a report is missing, is there twice or cannot be ' +
      'read; 2 the command line is wrong',
  },
];

/** What it does, for people: paragraphs. */
export const BEHAVIOUR: readonly (readonly [string, string])[] = [
  ['every file complete', 'all are given owner, mode, times and their final names; the state file goes'],
  ['not complete', 'temporary files and state file go, or see --incomplete'],
  ['in use', 'left alone, as is whatever is not a state file'],
];

export const PROMISE =
  'A destination is the complete file or what it was before, whatever happens. Run it again at any time, or several at ' +
  'once. If an input cannot be read, nothing is deleted in any. An INPUT named inspect, list or merge is given as ' +
  "./inspect and so on. As root it deals with each user's state files as that user.";

export const EXAMPLES: readonly (readonly [string, string])[] = [
  ['axl-finalize /p/job/state', 'publish what is complete, clear away the rest'],
  ['axl-finalize --incomplete resume /p/job/state', 'where the sources are: complete it first'],
  ['axl-finalize --dataset /p/job/state', 'a checkpoint only if all its ranks have it'],
  ['axl-finalize --dry-run -v /p/job/state', 'what would happen, a line for each state file'],
  ['axl-finalize --wait=10m --json /p/job/state', 'wait for ranks that still write'],
  ['srun -n 8 axl-finalize --shard auto --report run7.json /p/job/state', 'eight processes share the work'],
  ['axl-finalize merge --report run7.json run7.*-of-8.json', 'and have one report'],
  ["find /p -name '*.axl' -print0 | axl-finalize -", 'state files from anywhere'],
];
