// Arguments as bytes. Node hands them out as text, in which bytes that are not UTF-8 are lost; the kernel still has them.
import { fstatSync, readFileSync } from 'node:fs';
import { fromLatin1, latin1 } from '../base/names.js';
import { UsageError } from './errors.js';

/** Marks an argument whose other characters are one byte each. No argument can hold it. */
const RAW = '\0';

const isText = (bytes: Buffer): boolean => Buffer.from(bytes.toString()).equals(bytes);

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

/**
 * The paths on standard input, each ended by a NUL.
 * @throws {UsageError} if they are separated by newlines, or standard input is a terminal or a directory
 */
export async function readList(): Promise<Buffer[]> {
  if (process.stdin.isTTY) throw new UsageError('standard input is a terminal: - reads paths, each ended by a NUL');
  if (fstatSync(0).isDirectory())
    throw new UsageError('standard input is a directory: - reads paths, each ended by a NUL');
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const all = Buffer.concat(chunks);
  if (all.length > 0 && !all.includes(0) && all.at(-1) === 0x0a)
    throw new UsageError('the paths on standard input are separated by newlines, not by NUL: use find -print0');
  const names = latin1(all).split('\0');
  return names.filter((name) => name !== '').map(fromLatin1);
}
