// The command line of axl-cp as data, with its exit statuses and examples: the parser, --help, the man page, the completions and
// docs/reference/axl-cp.md are made of it.

import { LINKS, VERIFY } from '../../base/words.js';
import { FINALIZE_OPTIONS, type OptionRow } from '../options.js';
import type { StatusRow } from '../statuses.js';

/** AXL's types that this library stands for; and those that need hardware which it does not drive. */
export const TYPES = ['default', 'native', 'sync', 'pthread', 'state_file'] as const;
export const ABSENT = {
  dw: "Cray's DataWarp and its library",
  bbapi: "IBM's burst buffer and its BBAPI daemon",
} as const;

/** Of axl-finalize, with the same meaning. */
const shared = (...names: readonly string[]): OptionRow[] =>
  FINALIZE_OPTIONS.filter(({ name }) => names.includes(name));

const OPTIONS: readonly OptionRow[] = [
  {
    name: '--recursive',
    short: '-r',
    also: '-R',
    group: 'What to do',
    help: 'copy directories, with everything in them',
    man: 'Without it a directory is omitted, standard error says so, and the other sources are copied.',
  },
  {
    name: '--preserve',
    short: '-p',
    group: 'What to do',
    help: 'keep owner, mode, times, xattrs and access control lists, as is done without it, too',
    man: 'AXL copies no metadata without it. axl-cp always does: see --metadata.',
  },
  { name: '--archive', short: '-a', group: 'What to do', help: 'the same as -r -p' },
  {
    name: '--state-file',
    short: '-S',
    argument: 'STATE_FILE',
    group: 'What to do',
    help: 'where the state of the copy is recorded, so that -U can go on with it',
    man:
      'It must not exist, and is deleted when everything is published. A copy that fails or is interrupted leaves it. Without ' +
      '-S the state file is beside the destination, and such a copy is rolled back: its temporary files and its state file are deleted. ' +
      'If axl-cp is killed, both stay: `axl-finalize DIR` clears them away.',
  },
  {
    name: '--resume',
    short: '-U',
    group: 'What to do',
    help: 'go on with the copy that -S names, or publish it if it is complete',
    man:
      'Every chunk that was copied before is verified. SOURCE and DEST are not needed. As with AXL they are not read if they are given, but for a ' +
      'copy that was killed before its dispatch, which is begun anew. A KVTree state file, of AXL itself, is left to axl-finalize.',
  },
  {
    name: '--background',
    group: 'What to do',
    help: 'return as soon as the copy is dispatched; it goes on in a process of its own',
    man:
      'Needs -S. The plan is on the disk then, and the process outlives the shell, though not its batch step. The state file stays ' +
      'until --wait, -U or axl-finalize has read how it ended. SIGTERM to that process cancels the copy.',
  },
  {
    name: '--all-ranks',
    group: 'What to do',
    help: 'copy, and leave the publishing to axl-finalize, once every rank is complete',
    man:
      'Needs -S, and a launcher or --rank. The ranks of a checkpoint have the same --name and the same directory of state files. Each ends with ' +
      'status 0 when its files are complete; `axl-finalize DIR` then publishes all ranks or none. -U and --wait obey it, too.',
  },
  {
    name: '--wait',
    argument: 'STATE_FILE',
    group: 'What to do',
    help: 'wait for a copy in the background, and say how it ended',
    man:
      'Deletes the state file of a copy that is published. A copy that was killed when every file was complete is published. One that is not ' +
      'complete is left as it is, for -U.',
  },
  {
    name: '--verify',
    argument: 'HOW',
    choices: Object.keys(VERIFY),
    default: 'size',
    group: 'What to do',
    help: 'what to compare before publishing',
    man: 'checksum reads every file again and compares the CRC-32C that was computed while it was copied.',
  },
  {
    name: '--dry-run',
    group: 'What to do',
    help: 'copy nothing, print what would be copied',
    man: 'Reads the sources and looks at the destinations; the plan is made in a directory for temporary files.',
  },
  {
    name: '--glob',
    argument: 'PATTERN',
    repeat: true,
    group: 'Which files',
    help: 'copy what matches PATTERN into the directory DEST (repeatable)',
    man:
      '`*`, `?`, `[...]`, `{a,b}` and `**`, relative to the current directory or absolute; ! at the start excludes. Each file keeps its path below ' +
      'the directories before the first wildcard. Quote it, or the shell expands it. If no file matches, nothing is copied, and the status is 1.',
  },
  {
    name: '--files-from',
    argument: 'FILE',
    group: 'Which files',
    help: 'copy the sources that FILE names, too, one a line; -: standard input',
    man: 'Each is taken as a SOURCE on the command line is.',
  },
  {
    name: '--null',
    short: '-0',
    group: 'Which files',
    help: 'names in --files-from are ended by NULs, as of find -print0',
  },
  {
    name: '--links',
    argument: 'WHAT',
    choices: Object.keys(LINKS).filter((word) => word !== 'default'),
    default: 'follow',
    group: 'Which files',
    help: 'what to do with symbolic links in directories',
    man: 'follow copies what they lead to, and one that leads nowhere fails. A link that is a SOURCE itself is followed unless this is given.',
  },
  {
    name: '--type',
    short: '-X',
    argument: 'TYPE',
    choices: [...TYPES, ...Object.keys(ABSENT)],
    default: 'sync',
    group: 'How',
    help: "AXL's transfer type",
    man:
      'default, native, sync and pthread are all threads of this library. state_file is the type that the state file says, for -S STATE_FILE -U. ' +
      'dw and bbapi are refused: they need hardware that is not here.',
  },
  {
    name: '--threads',
    argument: 'N',
    default: 'AXL_THREADS, or the CPUs of this process, 2 to 8',
    group: 'How',
    help: 'threads that copy, 1 to 256',
  },
  {
    name: '--name',
    argument: 'NAME',
    default: 'axl-cp',
    group: 'How',
    help: "the transfer's name in reports",
    man: 'Transfers that share a name are a dataset of axl-finalize --dataset.',
  },
  {
    name: '--rank',
    argument: 'I/N',
    default: "the launcher's, or 0/1",
    group: 'How',
    help: 'this is rank I of N, counted from 0',
  },
  ...shared('--metadata').map(
    (row): OptionRow => ({
      ...row,
      default: 'times=warn; as root all others fail, otherwise owner=warn and mode=warn, too',
      man: `${row.man?.replace(' What was refused before is tried again, unless skip is given for it.', '')}`,
    }),
  ),
  {
    name: '--config',
    argument: 'KEY=VALUE',
    repeat: true,
    group: 'How',
    help: 'a setting of AXL_Config: FILE_BUF_SIZE, MKDIR, DEBUG, RANK, ... (repeatable)',
    man:
      'FILE_BUF_SIZE: bytes of a chunk, a multiple of 4096, also with K, M or G. MKDIR=0: fail if a directory would have to be made. DEBUG=1: as -v. ' +
      'RANK=I: as --rank. USE_EXTENSION and COPY_METADATA may be 0 or 1, and count as 1: files always have temporary names until they are ' +
      'complete, and metadata are always kept.',
  },
  ...shared('--job-ended'),
  { name: '--verbose', short: '-v', group: 'Output', help: 'print a line for each file, and a summary' },
  {
    name: '--progress',
    group: 'Output',
    help: 'show how far the copy is, with --wait, too',
    man: 'Without a terminal, or on a dumb one, progress is a line on standard error every ten seconds.',
  },
  {
    name: '--json',
    group: 'Output',
    help: 'print one JSON document',
    man:
      'version, action (published, copied, dispatched, planned, kept, rolled-back, removed, busy, gone, corrupt, not-state, failed), stateFile, name, files, filesDone, bytes, ' +
      'lacking, lacks, omitted, warnings, pid, error, fileList (of a copy: each on a line of its own), status.',
  },
  ...FINALIZE_OPTIONS.filter(({ group }) => group === 'Help'),
];

export const CP = {
  name: 'axl-cp',
  synopsis: 'axl-cp [options] SOURCE... DEST',
  synopses: [
    'axl-cp [options] SOURCE... DEST',
    'axl-cp -S STATE_FILE -U [options]',
    'axl-cp --wait STATE_FILE [options]',
  ],
  help: 'Copies files and directories, published whole or not at all, and resumable.',
  man:
    'A file becomes DEST, or is copied into it if that is a directory. A directory becomes DEST, or is copied into it under its own name if DEST exists. ' +
    'With several SOURCEs DEST must be a directory that exists; DEST/ is a directory that is made if it is missing, and SRC/. is what is in SRC. ' +
    'Every file is copied to a temporary name beside its final one, with its metadata, and made durable; when all are complete they get their ' +
    'final names. At every instant each destination is the complete file or what it was before. FIFOs, sockets, devices and links that lead nowhere are refused.',
  argument: 'SOURCE... DEST',
  argumentHelp: 'files and directories to copy, and where to',
  options: OPTIONS,
} as const;

/** In the order in which they apply. */
export const CP_STATUSES: readonly StatusRow[] = [
  {
    status: 0,
    when: 'everything is published (with --background: dispatched; with --all-ranks: complete); directories without -r were omitted; or SIGTERM has canceled the copy, as with AXL',
    remedy: 'nothing. After a SIGTERM with -S: go on with -U',
  },
  {
    status: 6,
    when: 'interrupted by SIGINT, or the waiting of --wait by SIGTERM; with -S the state file stays, without -S the copy is rolled back',
    remedy: 'go on with -U, or run it again',
  },
  {
    status: 5,
    when: 'the state file is corrupt, of another version or of an unknown mover; it was left alone',
    remedy: 'look at it with `axl-finalize inspect`',
  },
  {
    status: 4,
    when: 'the copy is busy: its process or a finalizer is at work, or may be; or another finalizer was faster',
    remedy: 'wait with --wait; if nothing can be told of its process and the job is over, give --job-ended',
  },
  {
    status: 3,
    when: 'with --wait: the copy is not complete, because it was canceled or killed; with -U: it had never been dispatched, and nothing had been copied',
    remedy: 'go on with -U; or run the copy again',
  },
  {
    status: 1,
    when: 'the copy failed, or could not begin: no file is published, unless the publishing itself failed',
    remedy: 'remove the cause that standard error names, then go on with -U if -S was given, or run it again',
  },
  { status: 2, when: 'the command line is wrong; nothing was done', remedy: 'correct the command line' },
];

export const CP_EXAMPLES: readonly (readonly [string, string])[] = [
  ['axl-cp -r /l/ssd/ckpt.42 /p/run/', 'a checkpoint, published whole or not at all'],
  ['axl-cp -r -S /p/job/state/ckpt.42.7 /l/ssd/ckpt.42 /p/run/', 'the same, so that it can be resumed'],
  ['axl-cp -S /p/job/state/ckpt.42.7 -U', 'go on after a SIGTERM, a failure or a crash'],
  ['axl-cp -r --background -S /p/job/state/ckpt.42.7 /l/ssd/ckpt.42 /p/run/', 'return at once, and compute meanwhile'],
  ['axl-cp --wait /p/job/state/ckpt.42.7', 'wait for it; the status says how it ended'],
  ["find . -name '*.pt' -print0 | axl-cp -0 --files-from - /p/run/", 'files from a list'],
  ["axl-cp --glob 'out/**/*.h5' --glob '!**/tmp*' /p/run", 'files that match patterns'],
];
