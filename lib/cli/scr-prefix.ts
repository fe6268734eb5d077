// Where the prefix of SCR is, if the command line does not say: as SCR itself finds it.
import { readFileSync } from 'node:fs';
import { displayName } from '../base/names.js';
import { UsageError } from './errors.js';

const NAME = 'SCR_PREFIX';
/** Beyond what anybody writes by hand. */
const MOST_BYTES = 1 << 20;

/** `$NAME` and `${NAME}`; what is not set is empty, as for SCR. */
function expanded(text: string, environment: NodeJS.ProcessEnv): string {
  const of = (_: string, braced?: string, plain?: string) => environment[braced ?? plain ?? ''] ?? '';
  return text.replace(/\$(?:\{(\w+)\}|(\w+))/g, of);
}

/**
 * The value that a configuration file of SCR gives a name: `NAME=VALUE` at the beginning of a line, with blanks around `=` and a
 * comment behind `#`. The last line counts.
 */
export function settingIn(file: string, name: string): string | undefined {
  const values = file.split('\n').map((line) => /^[ \t]*(\w+)[ \t]*=[ \t]*([^\s=#]+)/.exec(line));
  return values.findLast((found) => found?.[1]?.toUpperCase() === name)?.[2];
}

function read(path: string): string {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length <= MOST_BYTES) return text;
  } catch (error) {
    throw new UsageError(`SCR_CONF_FILE: ${(error as Error).message}: give the prefix of SCR as PREFIX`);
  }
  throw new UsageError(
    `SCR_CONF_FILE: ${displayName(path)} is no configuration file: give the prefix of SCR as PREFIX`,
  );
}

/** SCR_PREFIX, what the file of SCR_CONF_FILE says, or the working directory. @throws {UsageError} that file cannot be read */
export function findPrefix(environment = process.env): string {
  const { SCR_PREFIX: prefix = '', SCR_CONF_FILE: file = '' } = environment;
  const set = prefix || (file && settingIn(read(file), NAME));
  return (set && expanded(set, environment)) || '.';
}
