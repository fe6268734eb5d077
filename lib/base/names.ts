// Names are bytes. How callers' paths become absolute ones, how names are printed, and a reversible text form.
import { readlinkSync } from 'node:fs';
import type { PathLike } from './types.js';

const SLASH = 0x2f;

/** The bytes of a path as given. @throws {TypeError} if it is no path, is empty or holds a NUL */
function toBytes(path: PathLike, what: string): Buffer {
  const bytes = asBuffer(path);
  if (bytes === undefined) throw new TypeError(`${what} must be a string, a Buffer or a file: URL`);
  if (bytes.length === 0) throw new TypeError(`${what} must not be empty`);
  if (bytes.includes(0)) throw new TypeError(`${what} must not contain a NUL byte`);
  return bytes;
}

function asBuffer(path: PathLike): Buffer | undefined {
  if (typeof path === 'string') return Buffer.from(path);
  if (path instanceof Uint8Array) return Buffer.from(path);
  return path instanceof URL ? fileUrlBytes(path) : undefined;
}

/** Node's fileURLToPath gives text; a percent-encoded byte need not be UTF-8. */
function fileUrlBytes(url: URL): Buffer {
  if (url.protocol !== 'file:' || url.hostname !== '')
    throw new TypeError(`${url.href} must be a file: URL of this host`);
  if (/%2f/i.test(url.pathname))
    throw new TypeError(`the file: URL ${url.href} must not contain an encoded slash (%2F)`);
  const decode = (_: string, hex: string) => String.fromCharCode(Number.parseInt(hex, 16));
  return Buffer.from(url.pathname.replace(/%([0-9a-f]{2})/gi, decode), 'latin1');
}

/** process.cwd() is text; where the name is not UTF-8 the kernel has its bytes. */
function currentDirectory(): Buffer {
  const cwd = process.cwd();
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
 * The absolute path without `.`, empty components and trailing slashes; relative ones start at the current directory.
 * `..` stays: after a link it leads elsewhere than the text says, so it is the kernel's to resolve.
 * @throws {TypeError} if it is no path
 */
export function absolutePath(path: PathLike, what: string): Buffer {
  const bytes = toBytes(path, what);
  const absolute = bytes[0] === SLASH ? bytes : join(currentDirectory(), bytes);
  // In latin1 each byte is one character, so no byte is lost.
  const components = absolute.toString('latin1').split('/');
  return Buffer.from(`/${components.filter((name) => name !== '' && name !== '.').join('/')}`, 'latin1');
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

/** Sources and destinations, as the addon takes them. @throws {TypeError} */
export function packPairs(pairs: readonly (readonly [PathLike, PathLike])[]): Buffer {
  if (!Array.isArray(pairs) || !pairs.every((pair) => Array.isArray(pair) && pair.length === 2))
    throw new TypeError('pairs must be an array of [source, destination]');
  return pack(pairs.flatMap(([source, dest]) => [absolutePath(source, 'source'), absolutePath(dest, 'dest')]));
}

/** FNV-1a: every process computes the same of a name, 0 to 2^32-1. */
export function hash(name: string): number {
  let sum = 0x811c_9dc5;
  for (let i = 0; i < name.length; i++) sum = Math.imul(sum ^ name.charCodeAt(i), 0x0100_0193);
  return sum >>> 0;
}
