// The commands of axl-finalize as data: see options.ts, whose options some of them share.
import { FINALIZE_OPTIONS, type OptionRow } from './options.js';

const optionsNamed = (...names: readonly string[]): OptionRow[] =>
  FINALIZE_OPTIONS.filter(({ name }) => names.includes(name));
const HELP = optionsNamed('--help');
const JSON_OPTION: OptionRow = { name: '--json', group: 'Output', help: 'print one JSON document' };

export const SORT_KEYS = ['name', 'rank', 'state', 'files', 'bytes', 'age'] as const;

export const LISTED_STATES = [
  'complete',
  'incomplete',
  'never-dispatched',
  'published',
  'rolled-back',
  'corrupt',
  'unreadable',
  'copy',
] as const;

export interface CommandRow {
  readonly name: string;
  readonly synopsis: string;
  readonly help: string;
  readonly man: string;
  readonly argument: string;
  readonly argumentHelp: string;
  readonly options: readonly OptionRow[];
  /** What people also call it: a command line that begins so is told its name. */
  readonly alsoCalled: readonly string[];
  /** For its --help; `man` says the same. */
  readonly statuses: string;
}

const STATUSES = '0; 1 an input could not be read; 5 a state file is corrupt; 2 the command line is wrong';

export const COMMANDS: readonly CommandRow[] = [
  {
    name: 'inspect',
    synopsis: 'axl-finalize inspect [--json] STATE_FILE',
    alsoCalled: ['show', 'cat', 'print', 'dump', 'info', 'describe', 'view'],
    help: 'print what a state file says',
    man:
      'Changes nothing. A torn or corrupt state file is printed as far as it can be read. Ends with status 1 if the state ' +
      'file could not be read and with 5 if it is corrupt.',
    argument: 'STATE_FILE',
    argumentHelp: 'a state file',
    options: [JSON_OPTION, ...HELP],
    statuses: STATUSES,
  },
  {
    name: 'list',
    synopsis: 'axl-finalize list [options] STATE_DIR...',
    alsoCalled: ['ls', 'status', 'stat', 'ps', 'state', 'states', 'summary', 'check', 'watch'],
    help: 'print a line for each transfer, and totals',
    man:
      'Changes nothing. DONE is the part of the bytes that is copied, OWNER the owner of the state file. The totals are by ' +
      'dataset and, where there are several, by user. Numbers are sorted with the largest first, ages with the oldest first. ' +
      'A * marks a writer that is alive, a ? one of which nothing can be told. Ends with ' +
      'status 1 if an input could not be read, with 5 if a state file is corrupt, and with 7 if --fail-if-none is given and ' +
      'there is none.',
    argument: 'STATE_DIR...',
    argumentHelp: 'state directories',
    options: [
      { name: '--recursive', group: 'Which files', help: 'search the subdirectories, too' },
      {
        name: '--state',
        argument: 'STATE',
        repeat: true,
        choices: LISTED_STATES,
        group: 'Which files',
        help: 'only transfers in this state (repeatable)',
        man: `${LISTED_STATES.slice(0, -1).join(', ')} or ${LISTED_STATES.at(-1)}.`,
      },
      {
        name: '--fail-if-none',
        group: 'Which files',
        help: 'end with status 7 if no state file is found',
      },
      { name: '--summary', group: 'Output', help: 'print the totals only: by dataset and by user' },
      JSON_OPTION,
      {
        name: '--sort',
        argument: 'KEY',
        choices: SORT_KEYS,
        default: 'name',
        group: 'Output',
        help: `by ${SORT_KEYS.slice(0, -1).join(', ')} or ${SORT_KEYS.at(-1)}`,
      },
      ...HELP,
    ],
    statuses:
      '0; 1 an input could not be read, or is no state file; 7 no state file was found, with --fail-if-none; 5 a state ' +
      'file is corrupt; 2 the command line is wrong',
  },
  {
    name: 'merge',
    synopsis: 'axl-finalize merge [--json] [--quiet] [--report FILE] [--metrics FILE] REPORT...',
    alsoCalled: ['join', 'combine', 'report'],
    help: 'make one report of the reports of all shards',
    man:
      'REPORT is the file that a shard wrote with --report. Counts are added up, times are those of the slowest shard, ' +
      'and the exit status is that of the run: the first of 6, 1, 7, 5, 4, 3, 0 that a shard ended with. If a shard has no ' +
      'report or two, merge names it, ends with status 1 and writes nothing. A shard that was killed has no report: run ' +
      'it again. Transfers that it finalized before it was killed stay finalized, but no report counts them.',
    argument: 'REPORT...',
    argumentHelp: 'reports of the shards of one run',
    options: [JSON_OPTION, ...optionsNamed('--quiet', '--report', '--metrics', '--help')],
    statuses:
      'that of the run, see axl-finalize --help; 1 also if a report is missing, given twice or unreadable; 2 the command ' +
      'line is wrong',
  },
  {
    name: 'orphans',
    synopsis: 'axl-finalize orphans [--states DIR]... [--recursive] [--delete] [--json] DIR...',
    alsoCalled: ['clean', 'cleanup', 'gc', 'prune', 'purge'],
    help: 'list, or delete, temporary files that no state file names',
    man:
      'Prints a line for each temporary file in DIR that is an orphan, and for each of which that cannot be told. A ' +
      'temporary file is none if the 16 digits at its end are the first of the UUID of a state file below --states, be ' +
      'that corrupt or of another version. What cannot be read there, or may have been a state file (empty, cut short, ' +
      'compressed, a dangling link), deletes nothing: it is named, and the status is 1. A file that a process of this ' +
      'host has open is left (status 4). Links are not followed, and snapshots are not entered. As root, it deletes each ' +
      'file as its owner, and those of root only in directories that no other user can write to.',
    argument: 'DIR...',
    argumentHelp: 'directories of destinations',
    options: [
      {
        name: '--states',
        argument: 'DIR',
        repeat: true,
        group: 'Which files',
        help: 'where the state files are (repeatable)',
        man: 'Its subdirectories are searched, too. --delete needs all directories that may hold one.',
      },
      {
        name: '--states-gone',
        group: 'Which files',
        help: 'believe that a directory of --states without a state file is empty',
        man: 'Without it such a directory may not be mounted, and nothing is an orphan.',
      },
      { name: '--recursive', group: 'Which files', help: 'search the subdirectories of DIR, too' },
      {
        name: '--delete',
        group: 'What to do',
        help: 'delete the orphans',
        man: 'Needs --states. Without it nothing is changed.',
      },
      {
        name: '--older-than',
        argument: 'AGE',
        default: '1d',
        group: 'What to do',
        help: 'delete only what was last changed so long ago: 12h, 7d',
        man: 'A transfer makes its state file before its temporary files, but perhaps in a directory that was not given.',
      },
      JSON_OPTION,
      ...HELP,
    ],
    statuses:
      '0; 1 something could not be read, so that nothing was deleted, or a file could not be deleted; 4 a file was left ' +
      'because a process has it open; 2 the command line is wrong',
  },
  {
    name: 'forget',
    synopsis: 'axl-finalize forget [--job-ended] [--writer-dead HOST]... [--force] [--json] STATE_FILE...',
    alsoCalled: ['rm', 'remove', 'delete', 'drop', 'unlink', 'free'],
    help: 'remove a state file on which nobody can act',
    man:
      'For one that is corrupt, of another version or of an unknown mover, a copy, or whose destinations are gone for good. ' +
      'Removes the state file, durably, and nothing else; prints the temporary files and destinations that it names and ' +
      'that exist (those of a copy are the files of the original). A verdict on its dataset stays. One that axl-finalize could finalize is refused. So is one whose ' +
      'writer is alive, or may be (status 4), also with --force.',
    argument: 'STATE_FILE...',
    argumentHelp: 'state files',
    options: [
      ...optionsNamed('--job-ended', '--writer-dead'),
      {
        name: '--force',
        group: 'What to do',
        help: 'remove also what axl-finalize could finalize',
        man: 'Its temporary files are orphans then: a checkpoint that is complete is lost.',
      },
      JSON_OPTION,
      ...HELP,
    ],
    statuses:
      '0; 1 a state file was not removed: it is not there, no state file, could be finalized, or see the error; 4 its ' +
      'writer is alive, or may be; 2 the command line is wrong',
  },
  {
    name: 'probe',
    synopsis: 'axl-finalize probe [--hold | --from HOST] [--json] DIR',
    alsoCalled: ['test', 'try'],
    help: 'say what the file system of a directory does, and what that means',
    man:
      'Tries locks, inode numbers, times, xattrs, names, renames, fsync and links in a directory .axl-probe-* that it makes in ' +
      'DIR and removes, also after SIGINT. Each item has a verdict: supported; limited, which the text below it explains; needs ' +
      '--job-ended; not supported. Whether locks reach other hosts, the tables tell by which axl-finalize acts. ' +
      'To try it, run it with --hold on one host, and with --from on another.',
    argument: 'DIR',
    argumentHelp: 'a directory of destinations or of state files',
    options: [
      {
        name: '--hold',
        group: 'What to do',
        help: 'keep a lock in DIR for an hour, and print the command for another host',
      },
      {
        name: '--from',
        argument: 'HOST',
        group: 'What to do',
        help: 'say whether the lock that HOST keeps with --hold is seen here',
        man: 'Takes 25 seconds if it is not.',
      },
      JSON_OPTION,
      ...HELP,
    ],
    statuses:
      '0; 1 nothing could be tried; 5 something is not supported; 4 an item needs --job-ended, or cannot be told; 2 the command line is wrong',
  },
];
