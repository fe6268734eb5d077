// Names are bytes. How callers' paths become absolute ones, how names are printed, and a reversible text form.
import { readlinkSync } from 'node:fs';
import type { PathLike } from './types.js';

const SLASH = 0x2f;
const LINE_FEED = 0x0a;
/** What a symbolic link takes, PATH_MAX. */
const TARGET_MAX = 4095;

/**
 * What a shell, a browser or another system reads otherwise than the kernel does, to which it is a relative name: a copy
 * would come to a place that nobody meant. The last is what scp and rsync take.
 */
const MISREAD: readonly (readonly [RegExp, string])[] = [
  [/^~[\w.-]*\/|^~$/, 'begins with ~, which only a shell replaces: use os.homedir()'],
  [/^file:/i, 'is a URL as text: give new URL(...), or its path'],
  [/^[a-z][a-z\d+.-]*:\/\//i, 'is a URL, and only mounted file systems can be reached: give a path'],
  [/^[a-z]:[\\/]|^\\\\[^\\]+\\/i, 'is a path of Windows: give the path that it has on this system'],
  [/^[^/]+:\//, 'names another host, and only mounted file systems can be reached: give a path'],
];

/** A TypeError with Node's own code for such: the command line takes it for a usage error. */
const invalid = (message: string): TypeError =>
  Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_VALUE' });

/** @throws {TypeError} */
export function refuseMisread(bytes: Buffer, what: string): void {
  const text = bytes.toString('latin1');
  const why = MISREAD.find(([pattern]) => pattern.test(text))?.[1];
  if (why !== undefined)
    throw invalid(`${what} ${displayName(bytes)} ${why} (./${displayName(bytes)} is the file of that name)`);
}

/** The bytes of a path as given. @throws {TypeError} if it is no path, is empty or holds a NUL, or means something else */
function toBytes(path: PathLike, what: string): Buffer {
  const bytes = asBuffer(path, what);
  if (bytes === undefined) throw notAPath(path, what);
  if (bytes.length === 0) throw invalid(`${what} must not be empty`);
  if (bytes.includes(0)) throw invalid(`${what} must not contain a NUL byte`);
  refuseMisread(bytes, what);
  return bytes;
}

function notAPath(value: unknown, what: string): TypeError {
  const isPromise = typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
  return invalid(
    `${what} must be a string, a Buffer or a file: URL${isPromise ? ', and is a promise: await it first' : ''}`,
  );
}

function asBuffer(path: PathLike, what: string): Buffer | undefined {
  if (typeof path === 'string') {
    // Half of a pair has no UTF-8, and would become another name.
    if (/\p{Cs}/u.test(path)) throw invalid(`${what} has half of a surrogate pair: give the bytes, as a Buffer`);
    return Buffer.from(path);
  }
  if (path instanceof Uint8Array) return Buffer.from(path);
  return path instanceof URL ? fileUrlBytes(path, what) : undefined;
}

/** Node's fileURLToPath gives text; a percent-encoded byte need not be UTF-8. */
function fileUrlBytes(url: URL, what: string): Buffer {
  if (url.protocol !== 'file:')
    throw invalid(`${what} ${url.href} is no file: URL, and only mounted file systems can be reached: give a path`);
  if (url.hostname !== '') throw invalid(`${what} ${url.href} must be a file: URL of this host`);
  if (/%2f/i.test(url.pathname))
    throw invalid(`${what}: the file: URL ${url.href} must not contain an encoded slash (%2F)`);
  if (url.search !== '' || url.hash !== '')
    throw invalid(`${what} ${url.href} has ? or #, which end the path of a URL: use url.pathToFileURL(path)`);
  const decode = (_: string, hex: string) => String.fromCharCode(Number.parseInt(hex, 16));
  return Buffer.from(url.pathname.replace(/%([0-9a-f]{2})/gi, decode), 'latin1');
}

/** process.cwd() is text; where the name is not UTF-8 the kernel has its bytes. @throws {TypeError} if it is deleted */
function currentDirectory(what: string): Buffer {
  let cwd: string;
  try {
    cwd = process.cwd();
  } catch {
    throw invalid(`${what} is a relative path, and the current directory is not there any more: give an absolute path`);
  }
  return cwd.includes('\uFFFD') ? readlinkSync('/proc/self/cwd', 'buffer') : Buffer.from(cwd);
}

/** Bytes as text of one character each, for names in great number. */
export function latin1(bytes: Buffer): string {
  return bytes.toString('latin1');
}

export function fromLatin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** Joins two names with a slash. */
export function join(dir: Buffer, name: Buffer): Buffer {
  const slash = dir.at(-1) === SLASH ? '' : '/';
  return Buffer.concat([dir, Buffer.from(slash), name]);
}

/**
 * The absolute path as it was given: relative ones start at the current directory.
 * @throws {TypeError} if it is no path, or means something else
 */
function asGiven(path: PathLike, what: string): Buffer {
  const bytes = toBytes(path, what);
  return bytes[0] === SLASH ? bytes : join(currentDirectory(what), bytes);
}

/**
 * The absolute path without `.` and empty components; relative ones start at the current directory. A slash at the end
 * stays, or comes instead of `/.`: it says that the name is a directory's, and the kernel sees to it. `..` stays: after
 * a link it leads elsewhere than the text says, so it is the kernel's to resolve.
 * @throws {TypeError} if it is no path, or means something else
 */
export function absolutePath(path: PathLike, what: string): Buffer {
  // In latin1 each byte is one character, so no byte is lost.
  const text = latin1(asGiven(path, what));
  const components = text.split('/').filter((name) => name !== '' && name !== '.');
  const slash = components.length > 0 && /\/\.?$/.test(text) ? '/' : '';
  return fromLatin1(`/${components.join('/')}${slash}`);
}

/** The same of what is to be a directory whichever way it is written: no slash at the end. */
export function absoluteDirectory(path: PathLike, what: string): Buffer {
  const absolute = absolutePath(path, what);
  return absolute.length > 1 && absolute.at(-1) === SLASH ? absolute.subarray(0, -1) : absolute;
}

/** As UTF-8; what is not becomes U+FFFD. For fields that people read: the bytes themselves are kept elsewhere. */
export function toText(name: Buffer): string {
  return name.toString('utf8');
}

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  const bytes = character.length === 1 && code >= 0xdc00 && code <= 0xdcff ? [code - 0xdc00] : Buffer.from(character);
  return Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}

/** What acts on a terminal, or ends a line: C0, DEL, C1, line separators, and what turns the direction of writing. */
export const ACTING = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/**
 * A sentence for a terminal or a log: what would act on it becomes `\xNN`. Names in it are escaped already, so backslashes
 * stay.
 */
export function displayText(text: string): string {
  return text.replace(ACTING, escapeCharacter);
}

/** Most names: they need no other look. */
const PLAIN = /^[ -[\]-~]*$/;

/**
 * A name for a terminal or a log: control characters, backslashes and bytes that are not UTF-8 become `\xNN`, so that
 * the name stays on one line and can be turned back.
 * @example
 * ```ts
 * console.log(displayName(Buffer.from([0x72, 0x31, 0xff, 0x0a]))); // r1\xff\x0a
 * ```
 */
export function displayName(name: Buffer | string): string {
  const asText = name.toString();
  if (PLAIN.test(asText)) return asText;
  const text = encodeLossless(Buffer.from(name));
  return text.replace(/[\uDC00-\uDCFF\p{Cc}\p{Bidi_Control}\\]/gu, escapeCharacter);
}

// What a pattern's wildcards do not match, and a name may hold all the same.
const LINE_BREAK = /[\n\r\u2028\u2029]/;
/** A byte that encodeLossless has put aside. With the u flag, halves of a pair do not match. */
const LONE_SURROGATE = /([\uDC00-\uDCFF])/u;

/**
 * Bytes as text that keeps them: UTF-8 where it is, and each other byte as a lone surrogate U+DC00 + byte, as Python
 * does. So patterns match characters, and a name that is not UTF-8 still comes back as it was.
 */
export function encodeLossless(name: Buffer): string {
  const text = name.toString('utf8');
  if (!text.includes('\uFFFD') && !LINE_BREAK.test(text)) return text;
  let out = '';
  for (let at = 0; at < name.length; ) {
    const length = sequenceLength(name, at);
    out += length > 0 ? name.toString('utf8', at, at + length) : String.fromCharCode(0xdc00 + (name[at] as number));
    at += Math.max(length, 1);
  }
  return out;
}

/** The length of the UTF-8 sequence at `at`, 0 if there is none to keep. */
function sequenceLength(name: Buffer, at: number): number {
  const first = name[at] as number;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const part = name.subarray(at, at + length);
  const text = part.toString('utf8');
  return Buffer.from(text).equals(part) && !LINE_BREAK.test(text) ? length : 0;
}

/** The bytes that encodeLossless was given. */
export function decodeLossless(text: string): Buffer {
  const parts = text.split(LONE_SURROGATE);
  if (parts.length === 1) return Buffer.from(text);
  return Buffer.concat(
    parts.map((part, i) => (i % 2 === 1 ? Buffer.from([part.charCodeAt(0) - 0xdc00]) : Buffer.from(part))),
  );
}

/** Names as the addon takes many of them: one after the other, each ended by a NUL. */
export function pack(names: readonly Buffer[]): Buffer {
  const end = Buffer.of(0);
  return Buffer.concat(names.flatMap((name) => [name, end]));
}

/** Sources and destinations, as the addon takes them: it reads what their spelling says. @throws {TypeError} */
export function packPairs(pairs: readonly (readonly [PathLike, PathLike])[]): Buffer {
  if (!Array.isArray(pairs) || !pairs.every((pair) => Array.isArray(pair) && pair.length === 2))
    throw invalid('pairs must be an array of [source, destination]');
  return pack(pairs.flatMap(([source, dest]) => [asGiven(source, 'source'), asGiven(dest, 'dest')]));
}

/** What a pointer says, as it was given. @throws {TypeError}, {RangeError} */
export function targetBytes(target: string | Uint8Array, isText: boolean): Buffer {
  const bytes = target instanceof URL ? undefined : asBuffer(target, 'target');
  if (bytes === undefined) throw invalid('target must be a string or a Buffer');
  if (bytes.length === 0 || bytes.length > TARGET_MAX)
    throw new RangeError(`target must have 1 to ${TARGET_MAX} bytes, not ${bytes.length}`);
  if (bytes.includes(0)) throw invalid('target must not contain a NUL byte');
  if (isText && bytes.includes(LINE_FEED)) throw invalid('target must be one line: the line break is added to it');
  return bytes;
}

/** FNV-1a: every process computes the same of a name, 0 to 2^32-1. */
export function hash(name: string): number {
  let sum = 0x811c_9dc5;
  for (let i = 0; i < name.length; i++) sum = Math.imul(sum ^ name.charCodeAt(i), 0x0100_0193);
  return sum >>> 0;
}
