// Command lines that are not meant as they would be taken: a command that is mistyped would be an INPUT, and publish. What is
// not there, and looks like no path, is never taken for one.
import { lstatSync } from 'node:fs';
import { displayName } from '../base/names.js';
import { nearest } from '../base/nearest.js';
import { COMMANDS, type CommandRow } from './commands.js';
import { toBytes } from './names.js';
import { MAIN } from './options.js';

export const isOptional = (arg: string): boolean => MAIN.options.some(({ name, optional }) => optional && name === arg);

/** The words that options may be, up to `--`. */
export function beforeOperands(args: readonly string[]): readonly string[] {
  const end = args.indexOf('--');
  return end < 0 ? args : args.slice(0, end);
}

const shown = (arg: string): string => displayName(toBytes(arg));

/** False also where that cannot be told: then it is an INPUT, and whoever reads it says why it cannot be read. */
function isMissing(arg: string): boolean {
  try {
    return lstatSync(toBytes(arg), { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

/** `--wait 5m` and `--wait=$UNSET` would wait for ever, which nobody has asked for. */
function optionalSlip(words: readonly string[]): string | undefined {
  for (const [i, word] of words.entries()) {
    if (word.endsWith('=') && isOptional(word.slice(0, -1))) return `${word} needs a value`;
    const next = words[i + 1];
    if (!isOptional(word) || next === undefined || next === '' || next.startsWith('-') || !isMissing(next)) continue;
    return `${word} takes its value after = (${word}=${shown(next)}); there is no INPUT ${shown(next)}`;
  }
  return undefined;
}

const COMMAND_NAMES = COMMANDS.map(({ name }) => name);
const OPTION_NAMES = MAIN.options.map(({ name }) => name.slice(2));

/** What may have been meant: a command by one of its names, or an option without its dashes. */
function meant(word: string): string | undefined {
  const lower = word.toLowerCase();
  const called = COMMANDS.find(({ alsoCalled }) => alsoCalled.includes(lower))?.name;
  if (OPTION_NAMES.includes(lower)) return `--${lower}`;
  const command = called ?? nearest(lower, COMMAND_NAMES, 2);
  if (command !== undefined) return command;
  const option = nearest(lower, OPTION_NAMES, 2);
  return option && `--${option}`;
}

/** A word that is no path: it has no slash, and was not said to be an INPUT by `--`. */
const isBare = (word: string): boolean => word !== '-' && !word.includes('/') && !word.startsWith('\0');

function wordSlip(words: readonly string[], inputs: readonly string[]): string | undefined {
  const [first] = inputs;
  const missing = inputs.find((input) => isBare(input) && words.includes(input) && isMissing(input));
  if (missing !== undefined) {
    const hint = meant(missing);
    const known = hint === undefined ? `the commands are ${COMMAND_NAMES.join(', ')}` : `did you mean ${hint}?`;
    return `there is no file, directory or command ${shown(missing)}; ${known} (An INPUT can be written ./${shown(missing)})`;
  }
  // It is there, but would be an INPUT of several: was the command meant that it resembles?
  if (first === undefined || inputs.length < 2 || !isBare(first) || !words.includes(first)) return undefined;
  const command = nearest(first.toLowerCase(), COMMAND_NAMES, 1);
  if (command === undefined) return undefined;
  return `${shown(first)} resembles the command ${command}; write ./${shown(first)} for the INPUT of that name`;
}

/** What is wrong with a command line that is to finalize `inputs`; undefined: nothing. */
export function slipIn(args: readonly string[], inputs: readonly string[]): string | undefined {
  const words = beforeOperands(args);
  return optionalSlip(words) ?? wordSlip(words, inputs);
}

/** Options before a command would be taken by nobody: `--dry-run forget` would forget. */
export function notBefore({ name }: CommandRow, given: Readonly<Record<string, unknown>>): string | undefined {
  const { progress, ...others } = given;
  const [first] = progress === false ? ['no-progress'] : Object.keys(others);
  if (first === undefined) return undefined;
  const option = first.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return `--${option} stands before the command ${name}: options of a command are written after it`;
}
