// Arguments as bytes. Node hands them out as text, in which bytes that are not UTF-8 are lost; the kernel still has them.
import { fstatSync, readFileSync } from 'node:fs';
import { displayName, fromLatin1, latin1 } from '../base/names.js';
import { UsageError } from './errors.js';

/** Marks an argument whose other characters are one byte each. No argument can hold it. */
const RAW = '\0';
const LINE_FEED = 0x0a;

const isText = (bytes: Buffer): boolean => Buffer.from(bytes.toString()).equals(bytes);

/** Any bytes as toBytes gives them back. */
export const fromBytes = (bytes: Buffer): string =>
  isText(bytes) ? bytes.toString() : `${RAW}${bytes.toString('latin1')}`;

/** `\xff` becomes RAW + latin1, and `--root=\xff` keeps its beginning. */
function encode(bytes: Buffer): string {
  if (isText(bytes)) return bytes.toString();
  const value = /^--[a-z-]+=/.exec(bytes.toString('latin1'))?.[0] ?? '';
  return `${value}${RAW}${bytes.toString('latin1', value.length)}`;
}

/** The last `args.length` arguments of this process, those that are not UTF-8 marked. */
export function losslessArguments(args: readonly string[]): readonly string[] {
  if (!args.some((arg) => arg.includes('\uFFFD'))) return args;
  const all = readFileSync('/proc/self/cmdline', 'latin1').split('\0').slice(0, -1);
  return all.slice(-args.length).map((arg) => encode(Buffer.from(arg, 'latin1')));
}

/** The bytes of an argument. */
export function toBytes(arg: string): Buffer {
  return arg.startsWith(RAW) ? Buffer.from(arg.slice(1), 'latin1') : Buffer.from(arg);
}

/** @throws {UsageError} if it is a terminal or a directory */
async function readStdin(what: string): Promise<Buffer> {
  if (process.stdin.isTTY) throw new UsageError(`standard input is a terminal: ${what}`);
  if (fstatSync(0).isDirectory()) throw new UsageError(`standard input is a directory: ${what}`);
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Without empty ones. */
const split = (all: Buffer, end: string): Buffer[] =>
  latin1(all)
    .split(end)
    .filter((name) => name !== '')
    .map(fromLatin1);

function endedByNul(all: Buffer, where: string): Buffer[] {
  if (all.length > 0 && !all.includes(0) && all.at(-1) === LINE_FEED)
    throw new UsageError(`the paths ${where} are separated by newlines, not by NUL: use find -print0`);
  return split(all, '\0');
}

/**
 * The paths on standard input, each ended by a NUL.
 * @throws {UsageError} if they are separated by newlines, or standard input is a terminal or a directory
 */
export const readList = async (): Promise<Buffer[]> =>
  endedByNul(await readStdin('- reads paths, each ended by a NUL'), 'on standard input');

/**
 * The paths in a file, or with `-` on standard input, each ended by a NUL, or each a line.
 * @throws {UsageError} if they are separated otherwise
 */
export async function readPaths(file: string, byNul: boolean): Promise<Buffer[]> {
  const where = file === '-' ? 'on standard input' : `in ${displayName(toBytes(file))}`;
  const all =
    file === '-'
      ? await readStdin(`- reads paths, ${byNul ? 'each ended by a NUL' : 'one a line'}`)
      : readFileSync(toBytes(file));
  if (byNul) return endedByNul(all, where);
  if (all.includes(0)) throw new UsageError(`the paths ${where} are ended by NULs: give -0, too`);
  return split(all, '\n');
}
