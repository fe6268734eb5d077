// From arguments to what axl-cp is asked for. Ends the process after --help (0) and after a wrong command line (2).
import { displayName } from '../../base/names.js';
import type { CreateOptions } from '../../index.js';
import { ofCp } from '../help.js';
import { toBytes } from '../names.js';
import { newProgram, type Parsers, parseJobs, parseKept, parsePart, parseText } from '../parse.js';
import { ABSENT, CP, type TYPES } from './options.js';

/** What the options say, under commander's names. */
export interface CpFlags extends Pick<CreateOptions, 'metadata' | 'verify'> {
  readonly recursive?: true;
  readonly preserve?: true;
  readonly archive?: true;
  readonly stateFile?: string;
  readonly resume?: true;
  readonly background?: true;
  readonly allRanks?: true;
  readonly wait?: string;
  readonly dryRun?: true;
  readonly glob?: readonly string[];
  readonly filesFrom?: string;
  readonly null?: true;
  readonly links?: 'follow' | 'copy' | 'skip';
  readonly type?: (typeof TYPES)[number] | keyof typeof ABSENT;
  readonly threads?: number;
  readonly name?: string;
  readonly rank?: { readonly index: number; readonly count: number };
  readonly config?: readonly string[];
  readonly jobEnded?: true;
  readonly verbose?: true;
  readonly progress?: true;
  readonly json?: true;
}

export interface CpRequest {
  readonly does: 'copy' | 'resume' | 'wait';
  readonly sources: readonly string[];
  /** '' where none is needed. */
  readonly dest: string;
  /** Of --files-from, once it is read; undefined without it. */
  readonly listed?: readonly string[];
  readonly flags: CpFlags;
}

const PARSERS: Parsers = {
  '--state-file': parseText,
  '--wait': parseText,
  '--files-from': parseText,
  '--name': parseText,
  '--threads': parseJobs,
  '--rank': (text) => parsePart(text),
  '--metadata': parseKept,
};

const NEEDS: readonly (readonly [keyof CpFlags, readonly (keyof CpFlags)[], string])[] = [
  ['resume', ['stateFile'], '-U needs -S STATE_FILE'],
  ['background', ['stateFile'], '--background needs -S STATE_FILE, in which you find later how the copy ended'],
  ['allRanks', ['stateFile'], '--all-ranks needs -S STATE_FILE, which axl-finalize publishes'],
  ['null', ['filesFrom'], '-0 needs --files-from'],
  ['jobEnded', ['resume', 'wait'], '--job-ended needs -U or --wait'],
];

const EXCLUDE: readonly (readonly [keyof CpFlags, keyof CpFlags, string])[] = [
  ['wait', 'stateFile', '--wait and -S exclude each other: --wait takes the state file itself'],
  ['wait', 'resume', '--wait and -U exclude each other'],
  ['wait', 'background', '--wait and --background exclude each other'],
  ['dryRun', 'wait', '--dry-run and --wait exclude each other'],
  ['dryRun', 'background', '--dry-run and --background exclude each other'],
];

function conflict(flags: CpFlags): string | undefined {
  const { type } = flags;
  if (type === 'dw' || type === 'bbapi')
    return `-X ${type} needs ${ABSENT[type]}, which axl-cp does not drive: give -X native`;
  if (type === 'state_file' && !flags.resume)
    return '-X state_file is the type that a state file says, and needs -S STATE_FILE -U';
  const lacking = NEEDS.find(([flag, others]) => flags[flag] && !others.some((other) => flags[other] !== undefined));
  if (lacking) return lacking[2];
  return EXCLUDE.find(([one, other]) => flags[one] !== undefined && flags[other] !== undefined)?.[2];
}

/** How many operands there are to be. */
function missing({ does, sources, dest, flags }: CpRequest): string | undefined {
  const [first] = [...sources, dest];
  const elsewhere = flags.glob !== undefined || flags.filesFrom !== undefined;
  if (does === 'wait') return dest === '' ? undefined : '--wait takes one STATE_FILE, and no SOURCE and DEST';
  if (does === 'resume' && dest === '') return undefined;
  if (dest === '') return elsewhere ? 'missing DEST; see axl-cp --help' : 'missing SOURCE and DEST; see axl-cp --help';
  if (sources.length > 0 || elsewhere) return undefined;
  return `missing DEST after ${displayName(toBytes(first as string))}; see axl-cp --help`;
}

function toRequest(program: ReturnType<typeof newProgram>, operands: readonly string[], flags: CpFlags): CpRequest {
  const does = flags.wait !== undefined ? 'wait' : flags.resume ? 'resume' : 'copy';
  if (operands.includes('')) program.error('error: a SOURCE or DEST is empty');
  const request = { does, sources: operands.slice(0, -1), dest: operands.at(-1) ?? '', flags } as const;
  const wrong = conflict(flags) ?? missing(request);
  if (wrong !== undefined) program.error(`error: ${wrong}`);
  return request;
}

export function parseCp(args: readonly string[]): CpRequest | 'version' {
  let request: CpRequest | 'version' | undefined;
  const program = newProgram(CP.name, CP.options, ofCp, PARSERS).argument('[OPERAND...]');
  program.action((operands: string[], { version, ...flags }: CpFlags & { version?: true }) => {
    request = version ? 'version' : toRequest(program, operands, flags);
  });
  program.parse([...args], { from: 'user' });
  return request as CpRequest | 'version';
}
