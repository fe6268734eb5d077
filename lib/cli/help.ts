// The text of --help, from the tables.
import { COMMANDS, type CommandRow } from './commands.js';
import { CP, CP_EXAMPLES, CP_STATUSES } from './cp/options.js';
import { BEHAVIOUR, EXAMPLES, type Group, MAIN, type OptionRow, PROMISE } from './options.js';
import { STATUSES, type StatusRow } from './statuses.js';
import { VERIFY, VERIFY_EXAMPLES, VERIFY_STATUSES } from './verify/options.js';

const WIDTH = 100;
/** A term that is wider has its meaning below it. */
const WIDEST_TERM = 40;

/** `-v, --verbose`, `--wait[=DURATION]`, `--jobs N`. */
export function term({ name, short, also, argument, optional, choices }: OptionRow): string {
  const value = choices && choices.length <= 3 ? choices.join('|') : argument;
  const suffix = value === undefined ? '' : optional ? `[=${value}]` : ` ${value}`;
  const letters = [short, also].filter((letter) => letter !== undefined);
  return `${[...letters, name].join(', ')}${suffix}`;
}

function wrap(text: string, indent: number): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) as string;
    if (line !== '' && indent + line.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join(`\n${' '.repeat(indent)}`);
}

/** Terms to the left, what they mean to the right. */
function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  if (width > WIDEST_TERM) return rows.map(([left, right]) => `  ${left}\n      ${wrap(right, 6)}\n`).join('');
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${wrap(right, width + 4)}\n`).join('');
}

const meaning = (row: OptionRow): string => `${row.help}${row.default ? ` (default: ${row.default})` : ''}`;

/** Options under the headings of their groups. */
function options(rows: readonly OptionRow[]): string {
  const width = Math.max(...rows.map((row) => term(row).length));
  const section = (group: Group) => {
    const own = rows.filter((row) => row.group === group);
    return own.length === 0
      ? ''
      : `\n${group}:\n${table(own.map((row) => [term(row).padEnd(width), meaning(row)] as const))}`;
  };
  return [...new Set(rows.map(({ group }) => group))].map(section).join('');
}

const ending = (statuses: readonly StatusRow[], examples: readonly (readonly [string, string])[]): string =>
  `Exit status, the first that applies:
${table(statuses.map(({ status, when }) => [`${status}`, when]))}
Examples:
${table(examples)}`;

export function ofMain(): string {
  const commands = COMMANDS.map(({ synopsis, help }) => [synopsis, help] as const);
  return `Usage: ${MAIN.synopsis}
${COMMANDS.map(({ synopsis }) => `       ${synopsis}\n`).join('')}
${MAIN.help}

${wrap(`INPUT: ${MAIN.argumentHelp}. For each state file:`, 0)}
${table(BEHAVIOUR)}${wrap(PROMISE, 0)}
${options(MAIN.options)}
Commands:
${table(commands)}
${ending(STATUSES, EXAMPLES)}`;
}

export function ofVerify(): string {
  return `Usage: ${VERIFY.synopsis}

${wrap(`${VERIFY.help} ${VERIFY.man}`, 0)}

Arguments:
${table([[VERIFY.argument.replace('...', ''), VERIFY.argumentHelp]])}${options(VERIFY.options)}
${ending(VERIFY_STATUSES, VERIFY_EXAMPLES)}`;
}

export function ofCp(): string {
  return `Usage: ${CP.synopses.join('\n       ')}

${wrap(`${CP.help} ${CP.man}`, 0)}
${options(CP.options)}
${ending(CP_STATUSES, CP_EXAMPLES)}`;
}

export function ofCommand({
  synopsis,
  help,
  man,
  argument,
  argumentHelp,
  options: rows,
  statuses,
}: CommandRow): string {
  return `Usage: ${synopsis}

${wrap(`${help[0]?.toUpperCase()}${help.slice(1)}. ${man}`, 0)}

Arguments:
${table([[argument.replace('...', ''), argumentHelp]])}${options(rows)}
${wrap(`Exit status: ${statuses}`, 0)}
`;
}
