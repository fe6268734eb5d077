// From arguments to a checked Request: commander, built from the tables of options.ts. Prints help and usage errors.
import { Command, InvalidArgumentError, Option } from 'commander';
import { parseMetadata } from '../base/keep.js';
import { displayName, displayText } from '../base/names.js';
import { JOBS, OWNER } from '../base/words.js';
import type { ForgetOptions } from '../forget.js';
import type { FinalizeOptions } from '../index.js';
import type { OrphansOptions } from '../orphans.js';
import { COMMANDS, type CommandRow, type SORT_KEYS } from './commands.js';
import * as help from './help.js';
import { toBytes } from './names.js';
import { MAIN, type OptionRow } from './options.js';
import { toStderr, toStdout } from './output/descriptor.js';
import { parseDuration } from './output/text.js';
import { programName } from './program.js';
import { beforeOperands, isOptional, notBefore, slipIn } from './slips.js';

/** What the options say, under commander's names. */
export interface Flags extends Omit<FinalizeOptions, 'roots' | 'signal' | 'entries' | 'onEvent'> {
  readonly root?: readonly string[];
  readonly verbose?: true;
  readonly quiet?: true;
  readonly progress: boolean;
  readonly json?: true;
  readonly ndjson?: true;
  readonly report?: string;
  readonly metrics?: string;
}

export type Request =
  | { readonly command: 'finalize'; readonly inputs: readonly string[]; readonly flags: Flags }
  | { readonly command: 'inspect'; readonly file: string; readonly json: boolean }
  | ({ readonly command: 'list'; readonly dirs: readonly string[] } & ListFlags)
  | ({ readonly command: 'merge'; readonly files: readonly string[] } & MergeFlags)
  | ({ readonly command: 'orphans'; readonly dirs: readonly string[] } & OrphansFlags)
  | ({ readonly command: 'forget'; readonly files: readonly string[] } & ForgetFlags)
  | ({ readonly command: 'probe'; readonly dir: string } & ProbeFlags)
  | { readonly command: 'version' };

export interface ListFlags {
  readonly sort?: (typeof SORT_KEYS)[number];
  readonly recursive?: true;
  readonly summary?: true;
  readonly state?: readonly string[];
  readonly failIfNone?: true;
  readonly json?: true;
}

export interface ProbeFlags {
  readonly hold?: true;
  readonly from?: string;
  readonly json?: true;
}

export interface ForgetFlags extends ForgetOptions {
  readonly json?: true;
}

export interface OrphansFlags extends Pick<OrphansOptions, 'statesGone' | 'recursive' | 'delete' | 'olderThan'> {
  readonly states?: readonly string[];
  readonly json?: true;
}

export interface MergeFlags extends Pick<Flags, 'report' | 'metrics'> {
  readonly json: boolean;
  readonly quiet: boolean;
}

export function parseJobs(text: string): number {
  const jobs = Number(text);
  if (!/^\d+$/.test(text) || jobs < JOBS.least || jobs > JOBS.most)
    throw new InvalidArgumentError(`Must be ${JOBS.least} to ${JOBS.most}.`);
  return jobs;
}

function parseExpect(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Must be a number from 1.');
  return Number(text);
}

function parseTime(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('Must be a number with s, m, h or d, as in 30s.');
  return ms;
}

const parseWait = (text: string): number => (text === '' ? Number.POSITIVE_INFINITY : parseTime(text));

export function parsePart(text: string, also = ''): { readonly index: number; readonly count: number } {
  const [, index, count] = /^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? [];
  if (index === undefined || Number(index) >= Number(count))
    throw new InvalidArgumentError(`Must be ${also}I/N with I from 0 to N-1, as in 0/8.`);
  return { index: Number(index), count: Number(count) };
}

const parseShard = (text: string): FinalizeOptions['shard'] => (text === 'auto' ? text : parsePart(text, 'auto or '));

export function parseText(text: string): string {
  if (text === '') throw new InvalidArgumentError('Must not be empty.');
  return text;
}

export function parseKept(text: string): FinalizeOptions['metadata'] {
  const metadata = parseMetadata(text);
  if (metadata === undefined)
    throw new InvalidArgumentError(`Must be ${Object.keys(OWNER).join(', ')}, or as in owner=warn,acls=skip.`);
  return metadata;
}

export type Parsers = Readonly<Record<string, (text: string) => unknown>>;

/** Of values, by the option: of axl-finalize. */
const PARSERS: Parsers = {
  '--from': parseText,
  '--on-published': parseText,
  '--report': parseText,
  '--metrics': parseText,
  '--jobs': parseJobs,
  '--expect': parseExpect,
  '--wait': parseWait,
  '--older-than': parseTime,
  '--shard': parseShard,
  '--metadata': parseKept,
  '--dataset': (name) => name || true,
};

/** What may be given several times. */
const collectOf =
  ({ choices }: OptionRow) =>
  (value: string, before: readonly string[] = []): readonly string[] => {
    if (choices && !choices.includes(value))
      throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}.`);
    return [...before, parseText(value)];
  };

function toOption(row: OptionRow, parsers: Parsers): Option {
  const argument = row.argument && (row.optional ? ` [${row.argument}]` : ` <${row.argument}>`);
  const option = new Option(`${row.short ? `${row.short}, ` : ''}${row.name}${argument ?? ''}`, row.help);
  if (row.choices && !row.repeat) return option.choices(row.choices);
  const parser = row.repeat ? collectOf(row) : parsers[row.name];
  return parser ? option.argParser(parser as (text: string) => unknown) : option;
}

/** As commander calls it. */
const nameOf = ({ name }: OptionRow): string => new Option(name).attributeName();

function addOptions(command: Command, rows: readonly OptionRow[], parsers = PARSERS): Command {
  for (const row of rows) {
    if (row.name !== '--help') command.addOption(toOption(row, parsers));
    if (row.also) command.addOption(new Option(row.also).hideHelp().implies({ [nameOf(row)]: true }));
  }
  return command.helpOption('-h, --help');
}

/** In one line, with what commander suggests in a second one. */
const complaint = (text: string): string =>
  displayText(text.trimEnd().replace(/\n(?=\(Did you mean [^\n]*$)/, ' ')).replace(/^error: /, `${programName()}: `);

/** Help and usage errors end here: 0 or 2. */
function settle(command: Command, text: () => string): Command {
  return command
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? process.exitCode : 2))
    .configureHelp({ formatHelp: text })
    .configureOutput({
      writeOut: (text) => toStdout.write(text),
      writeErr: (text) => toStderr.write(text),
      outputError: (text, write) => write(`${complaint(text)}\n`),
    });
}

/** A program with these options, for its action to be said. */
export const newProgram = (name: string, rows: readonly OptionRow[], text: () => string, parsers = PARSERS): Command =>
  addOptions(settle(new Command(name), text).helpCommand(false), rows, parsers);

/** `job7/*` and `/p/state/*`, which no name in a state directory matches; a star before the slash may stand for none. */
const leadsBelow = (pattern: string): boolean => /^(?!\.\/|\*\*\/)[^{(]*\//.test(pattern);

/** What goes with a prefix of SCR. */
function withScr(command: Command, flags: Flags): void {
  const others = { '--dataset': flags.dataset, '--expect': flags.expect, '--fail-if-none': flags.failIfNone };
  const more = { '--shard': flags.shard, '--recursive': flags.recursive, '--pattern': flags.pattern };
  const rest = { '--exclude': flags.exclude, '--adopt': flags.adopt, '--keep-state': flags.keepState };
  const [other] = Object.entries({ ...others, ...more, ...rest }).find(([, given]) => given) ?? [];
  if (other) command.error(`error: --scr and ${other} exclude each other`);
  if (flags.incomplete === 'delete' || flags.fallback === 'delete' || flags.axlInPlace)
    command.error('error: --scr deletes nothing that is incomplete: --incomplete is keep, or resume');
}

function conflict(command: Command, flags: Flags): void {
  const both = (a: string, b: string) => command.error(`error: ${a} and ${b} exclude each other`);
  if (flags.json && flags.ndjson) both('--json', '--ndjson');
  if (flags.quiet && flags.verbose) both('--quiet', '--verbose');
  if (flags.expect && flags.shard) both('--expect', '--shard');
  if (flags.failIfNone && flags.shard) both('--fail-if-none', '--shard');
  if (flags.onPublished && flags.shard) both('--on-published', '--shard');
  if (flags.scr) withScr(command, flags);
  if (flags.fallback && flags.incomplete !== 'resume') command.error('error: --fallback needs --incomplete resume');
  const below = flags.recursive ? undefined : flags.pattern?.find(leadsBelow);
  if (below) command.error(`error: --pattern ${displayName(toBytes(below))} contains a slash and needs --recursive`);
}

function subcommand(row: CommandRow, action: (operands: readonly string[], command: Command) => void): Command {
  const command = settle(new Command(row.name), () => help.ofCommand(row));
  addOptions(command, row.options).argument(`<${row.argument}>`, row.argumentHelp);
  return command.action((operand: string | string[]) => action([operand].flat(), command));
}

/** Of each command, by its name. */
const REQUESTS: Readonly<Record<string, (operands: readonly string[], command: Command) => Request>> = {
  inspect: ([file = ''], command) => ({ command: 'inspect', file, json: command.opts().json === true }),
  list: (dirs, command) => ({ ...command.opts<ListFlags>(), command: 'list', dirs }),
  merge: (files, command) => {
    const { json = false, quiet = false, ...written } = command.opts();
    return { command: 'merge', files, json, quiet, ...written };
  },
  orphans: (dirs, command) => {
    const flags: OrphansFlags = command.opts();
    if (flags.delete && !flags.states) command.error('error: --delete needs --states DIR: where the state files are');
    return { ...flags, command: 'orphans', dirs };
  },
  probe: ([dir = ''], command) => {
    const flags: ProbeFlags = command.opts();
    if (flags.hold && flags.from) command.error('error: --hold and --from exclude each other');
    if (flags.hold && flags.json) command.error('error: --hold and --json exclude each other');
    return { ...flags, command: 'probe', dir };
  },
  forget: (files, command) => ({ ...command.opts<ForgetFlags>(), command: 'forget', files }),
};

/**
 * Reads the command line. Ends the process after --help (0) and after a wrong command line (2).
 */
export function parse(args: readonly string[]): Request {
  let request: Request | undefined;
  const program = newProgram(MAIN.name, MAIN.options, help.ofMain).enablePositionalOptions().argument('[INPUT...]');
  program.action((inputs: string[], flags: Flags & { version?: true }) => {
    if (!flags.version && !flags.scr && inputs.length === 0)
      program.error("error: missing required argument 'INPUT'; see axl-finalize --help");
    if (inputs.includes('')) program.error('error: an INPUT is empty');
    if (flags.scr && (inputs.length > 1 || inputs[0] === '-')) program.error('error: --scr takes one prefix of SCR');
    const slip = slipIn(args, inputs);
    if (slip !== undefined) program.error(`error: ${slip}`);
    conflict(program, flags);
    request = flags.version ? { command: 'version' } : { command: 'finalize', inputs, flags };
  });
  for (const row of COMMANDS)
    program.addCommand(
      subcommand(row, (operands, command) => {
        const slip = notBefore(row, program.opts());
        if (slip !== undefined) command.error(`error: ${slip}`);
        request = REQUESTS[row.name]?.(operands, command);
      }),
    );
  program.parse(unmistakable(args), { from: 'user' });
  return request as Request;
}

/** `--wait` takes a value after `=` only, so the next argument is none. And what follows `--` is an INPUT, not a command. */
function unmistakable(args: readonly string[]): string[] {
  const { length } = beforeOperands(args);
  const first = length + 1;
  const isCommand = (arg: string) => COMMANDS.some(({ name }) => name === arg);
  return args.map((arg, i) => {
    if (i < length && isOptional(arg)) return `${arg}=`;
    return i === first && isCommand(arg) ? `./${arg}` : arg;
  });
}
