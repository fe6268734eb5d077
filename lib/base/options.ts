// All defaults, all AXL_* environment variables (each read once), and the checks of what callers pass.
// Misuse is a TypeError or RangeError that says what to write instead.
import { ownCpus } from './cpus.js';
import { distance } from './nearest.js';
import type { ConfigOptions, Durability } from './types.js';
import {
  ACLS,
  DURABILITY,
  FALLBACKS,
  HARD_LINKS,
  INCOMPLETE,
  JOBS,
  KEPT,
  LINKS,
  ON_LOCK,
  OVERWRITE,
  OWNER,
  POINTERS,
  PUBLISH,
  VERIFY,
} from './words.js';

const MIB = 1 << 20;

type Check = (value: unknown, name: string) => void;
type Shape = Readonly<Record<string, Check>>;

const kind = (value: unknown): string => (value === null ? 'null' : typeof value);

function fail(name: string, wanted: string, value: unknown): never {
  const shown = typeof value === 'string' || typeof value === 'number' ? JSON.stringify(value) : kind(value);
  throw new TypeError(`${name} must be ${wanted}, not ${shown}`);
}

const text: Check = (value, name) => {
  if (typeof value !== 'string') fail(name, 'a string', value);
  if (value === '' || value.length > 1024) throw new RangeError(`${name} must have 1 to 1024 characters`);
};
const command: Check = (value, name) => {
  if (typeof value !== 'string') fail(name, 'a string', value);
  if (value.trim() === '' || value.includes('\0')) throw new RangeError(`${name} must be a command for /bin/sh`);
};
const flag: Check = (value, name) => typeof value === 'boolean' || fail(name, 'true or false', value);
const callback: Check = (value, name) => typeof value === 'function' || fail(name, 'a function', value);
const path: Check = (value, name) =>
  typeof value === 'string' ||
  value instanceof Uint8Array ||
  value instanceof URL ||
  fail(name, 'a string, a Buffer or a file: URL', value);
const texts: Check = (value, name) => {
  const strings = Array.isArray(value) && value.every((item) => typeof item === 'string');
  if (!strings) fail(name, 'an array of strings', value);
  if (value.includes('')) throw new RangeError(`${name} must not contain an empty string`);
};
const patterns: Check = (value, name) => {
  const strings = Array.isArray(value) && value.every((item) => typeof item === 'string');
  if (!strings) fail(name, 'an array of patterns', value);
  const bad = (value as string[]).find((pattern) => pattern === '' || /[/\0]/.test(pattern));
  if (bad !== undefined)
    throw new RangeError(
      `${name} must have patterns of names, without a slash and not empty, and ${JSON.stringify(bad)} is none`,
    );
};
const list = (item: Check, wanted: string): Check => {
  return (value, name) => {
    if (!Array.isArray(value)) fail(name, wanted, value);
    value.forEach((one, i) => {
      item(one, `${name}[${i}]`);
    });
  };
};
const paths: Check = (value, name) => {
  if (Array.isArray(value)) list(path, 'an array of paths')(value, name);
  else path(value, name);
};
const pathOrFlag: Check = (value, name) => typeof value === 'boolean' || path(value, name);
const datasetName: Check = (value, name) => typeof value === 'boolean' || text(value, name);
const duration: Check = (value, name) => {
  if (typeof value !== 'number') fail(name, 'a number of milliseconds', value);
  if (!(value >= 0)) throw new RangeError(`${name} must be 0 or more milliseconds, or Infinity, not ${value}`);
};
const shard: Check = (value, name) => {
  if (value === 'auto') return;
  if (typeof value !== 'object' || value === null) fail(name, "'auto' or {index, count}", value);
  const { index, count } = value as Record<string, unknown>;
  integer(1, UINT32)(count, `${name}.count`);
  integer(0, (count as number) - 1)(index, `${name}.index`);
};
const comm: Check = (value, name) => {
  const { rank, size, allTrue, barrier } = (value ?? {}) as Record<string, unknown>;
  if (typeof allTrue !== 'function' || typeof barrier !== 'function')
    fail(name, 'an object with rank, size, allTrue and barrier', value);
  integer(1, UINT32)(size, `${name}.size`);
  integer(0, (size as number) - 1)(rank, `${name}.rank`);
};
const commId: Check = (value, name) => {
  text(value, name);
  if (!/^[\w.-]{1,128}$/.test(value as string))
    throw new RangeError(`${name} must have 1 to 128 letters, digits and . _ -, not ${JSON.stringify(value)}`);
};
const mover: Check = (value, name) => {
  const given = (value ?? {}) as Record<string, unknown>;
  const calls = ['submit', 'attach', 'progress', 'cancel', 'close'].every((call) => typeof given[call] === 'function');
  if (!calls || kind(given.capabilities) !== 'object')
    fail(name, 'an object with name, capabilities, submit, attach, progress, cancel and close', value);
  text(given.name, `${name}.name`);
  if (given.name === 'threads') throw new RangeError(`${name}.name must not be threads, which are the library's own`);
};
const callName: Check = (value, name) => typeof value === 'string' || fail(name, 'a string', value);
const sharedText: Check = (value, name) => {
  if (typeof value !== 'string') fail(name, 'a string', value);
  if (!/^[\w.-]{1,6000}$/.test(value as string))
    throw new RangeError(`${name} must have 1 to 6,000 letters, digits and . _ -`);
};
const signal: Check = (value, name) => value instanceof AbortSignal || fail(name, 'an AbortSignal', value);

function oneOf(...words: readonly string[]): Check {
  const wanted = words.map((word) => `'${word}'`).join(' or ');
  return (value, name) => words.includes(value as string) || fail(name, wanted, value);
}

function integer(min: number, max: number, multipleOf = 1): Check {
  const suffix = multipleOf === 1 ? '' : `, a multiple of ${multipleOf}`;
  return (value, name) => {
    if (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)))
      throw new TypeError(
        `${name} must be a number, not ${JSON.stringify(value)}: write it without quotes, or Number(text)`,
      );
    if (typeof value !== 'number') fail(name, 'a number', value);
    if (!Number.isInteger(value) || value < min || value > max || value % multipleOf !== 0)
      throw new RangeError(`${name} must be an integer from ${min} to ${max}${suffix}, not ${value}`);
  };
}

const bandwidth = integer(0, Number.MAX_SAFE_INTEGER);
const durability = oneOf(...Object.keys(DURABILITY));
const ownerPolicy = oneOf(...Object.keys(OWNER));
const metadata: Check = (value, name) => {
  if (typeof value === 'string') return ownerPolicy(value, name);
  if (typeof value !== 'object' || value === null) fail(name, "'fail', 'warn', 'skip' or an object of these", value);
  checkOptions(name, value, Object.fromEntries(KEPT.map((part) => [part, ownerPolicy])));
};
const publish = oneOf(...Object.keys(PUBLISH).filter((word) => word !== 'default'));
const links = oneOf(...Object.keys(LINKS).filter((word) => word !== 'default'));
const jobs = integer(JOBS.least, JOBS.most);
const verified = oneOf(...Object.keys(VERIFY));
const atLeast = integer(0, Number.MAX_SAFE_INTEGER);
const UINT32 = 0xffff_ffff;

/** What each call accepts. */
export const shapes = {
  create: {
    name: text,
    stateFile: path,
    stateDir: path,
    durability,
    metadata,
    owner: ownerPolicy,
    acls: oneOf(...ACLS),
    hardLinks: oneOf(...HARD_LINKS),
    rank: integer(0, UINT32),
    size: integer(1, UINT32),
    localRank: integer(0, UINT32 - 1),
    job: text,
    attempt: integer(0, Number.MAX_SAFE_INTEGER),
    heartbeatMs: integer(5000, 3_600_000),
    bandwidth,
    verify: verified,
    allRanks: flag,
    home: path,
    commitFiles: patterns,
    manifest: pathOrFlag,
    mover,
  },
  collective: { comm, commTimeoutMs: integer(1, 0x7fff_ffff) },
  open: {
    comm,
    commTimeoutMs: integer(1, 0x7fff_ffff),
    mover,
    agreed: flag,
    jobEnded: flag,
    writerDead: texts,
    adopt: flag,
    verify: verified,
  },
  openComm: {
    provider: oneOf('auto', 'pmi', 'pmix', 'directory'),
    directory: path,
    id: commId,
    rank: integer(0, UINT32),
    size: integer(1, UINT32),
    timeoutMs: integer(1, 0x7fff_ffff),
  },
  allTrue: { value: flag, call: callName },
  share: { text: sharedText, call: callName },
  add: { links, contents: flag, syncSource: flag, atLeast, expect: paths, publish },
  addGlob: {
    links,
    syncSource: flag,
    atLeast,
    expect: paths,
    publish,
    cwd: path,
    dest: path,
    ignore: texts,
    dot: flag,
  },
  point: { as: oneOf(...POINTERS) },
  signal: { signal },
  dispatch: { signal, atLeast },
  progress: { signal, intervalMs: integer(1, 0x7fff_ffff) },
  config: { threads: integer(1, 256), chunkSize: integer(4096, 1024 * MIB, 4096), durability, bandwidth },
  setBandwidth: { bandwidth },
  finalize: {
    incomplete: oneOf(...Object.keys(INCOMPLETE)),
    fallback: oneOf(...FALLBACKS),
    dataset: datasetName,
    scr: flag,
    expect: integer(1, UINT32),
    failIfNone: flag,
    wait: duration,
    jobEnded: flag,
    movers: list(mover, 'an array of movers'),
    writerDead: texts,
    adopt: flag,
    jobs,
    shard,
    roots: list(path, 'an array of paths'),
    verify: verified,
    overwrite: oneOf(...Object.keys(OVERWRITE)),
    metadata,
    owner: ownerPolicy,
    keepState: flag,
    axlInPlace: flag,
    onPublished: command,
    onLock: oneOf(...ON_LOCK),
    recursive: flag,
    pattern: texts,
    exclude: texts,
    dryRun: flag,
    signal,
    entries: oneOf('all', 'problems'),
    onEvent: callback,
  },
  list: { recursive: flag, pattern: texts, exclude: texts, jobs },
  verify: { strict: flag, jobs, signal, onFile: callback, onProgress: callback },
} as const satisfies Record<string, Shape>;

function unknownOption(call: string, key: string, known: readonly string[]): TypeError {
  const far = (name: string) => distance(key.toLowerCase(), name.toLowerCase());
  const near = known.toSorted((a, b) => far(a) - far(b))[0] ?? '';
  const hint = far(near) <= Math.max(2, key.length / 2) ? `did you mean ${near}?` : `it has ${known.join(', ')}`;
  return new TypeError(`${call} has no option ${key}; ${hint}`);
}

/** What was given instead of options, of which nothing would be read; undefined: nothing that is known for a slip. */
function slipOf(options: unknown, shape: Shape): string | undefined {
  if (typeof options === 'function') return 'takes no callback: it returns a promise';
  if (typeof (options as PromiseLike<unknown> | null | undefined)?.then === 'function')
    return 'was given a promise for its options: await it first';
  if (!shape.signal) return undefined;
  if (options instanceof AbortSignal) return 'takes a signal as an option: { signal }';
  return options instanceof AbortController ? 'takes a signal as an option: { signal: controller.signal }' : undefined;
}

function refuseOthers(call: string, options: unknown, shape: Shape, example: string): never {
  const slip = slipOf(options, shape);
  if (slip !== undefined) throw new TypeError(`${call} ${slip}`);
  return fail(`the options of ${call}`, `an object${example && `, as in ${example}`}`, options);
}

/** As `{}` makes one, also in another realm. */
function isPlain(options: unknown): options is object {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return false;
  const prototype = Object.getPrototypeOf(options);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * Checks the options of a call. An option that is undefined counts as absent.
 * @param example what the call looks like, where an option is needed
 * @throws {TypeError} an option that is unknown, missing or of the wrong type; options that are no plain object
 * @throws {RangeError} a number out of its range
 */
export function checkOptions(
  call: string,
  options: unknown,
  shape: Shape,
  required: readonly string[] = [],
  example = '',
): void {
  if (!isPlain(options)) refuseOthers(call, options, shape, example);
  for (const [key, value] of Object.entries(options as object)) {
    const check = Object.hasOwn(shape, key) ? shape[key] : undefined;
    if (!check) throw unknownOption(call, key, Object.keys(shape));
    if (value !== undefined) check(value, key);
  }
  for (const key of required)
    if ((options as Record<string, unknown>)[key] === undefined)
      throw new TypeError(`${call} needs the option ${key}${example && `, as in ${example}`}`);
}

/** An environment variable, checked as the option of the same meaning; absent if it is unset or empty. */
function fromEnvironment<T>(variable: string, parse: (text: string) => T, check: Check): T | undefined {
  const value = process.env[variable];
  if (value === undefined || value === '') return undefined;
  const parsed = parse(value);
  check(parsed, `the environment variable ${variable}`);
  return parsed;
}

/** `500000`, or with one of K, M, G: 2^10, 2^20, 2^30. NaN if it is neither. */
function bytesIn(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,15})([KMG]?)$/.exec(text) ?? [];
  return digits === '' ? Number.NaN : Number(digits) * 1024 ** ' KMG'.indexOf(unit || ' ');
}

let current: Required<ConfigOptions> | undefined;

/** What config() and the environment say, or the defaults. Read when first needed, then fixed. */
export function settings(): Required<ConfigOptions> {
  current ??= {
    threads: fromEnvironment('AXL_THREADS', Number, shapes.config.threads) ?? Math.min(8, Math.max(2, ownCpus())),
    chunkSize: fromEnvironment('AXL_CHUNK_SIZE', Number, shapes.config.chunkSize) ?? 8 * MIB,
    bandwidth: fromEnvironment('AXL_BANDWIDTH', bytesIn, bandwidth) ?? 0,
    durability: fromEnvironment('AXL_DURABILITY', (word) => word as Durability, durability) ?? 'full',
  };
  return current;
}

/** Replaces what is given. */
export function configure(options: ConfigOptions): Required<ConfigOptions> {
  checkOptions('config', options, shapes.config);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  current = { ...settings(), ...given };
  return current;
}

/** AXL's own variables, as axl-cp obeys them; '' if one is not set. */
export const axlVariables = (): Readonly<Record<'mkdir' | 'debug' | 'extension' | 'metadata' | 'pause', string>> => ({
  mkdir: process.env.AXL_MKDIR ?? '',
  debug: process.env.AXL_DEBUG ?? '',
  extension: process.env.AXL_USE_EXTENSION ?? '',
  metadata: process.env.AXL_COPY_METADATA ?? '',
  pause: process.env.AXL_DEBUG_PAUSE_AFTER ?? '',
});

/** The file of the addon, for those who build it elsewhere; '' if not set. */
export const nativeBinary: string = process.env.AXL_NATIVE_BINARY ?? '';

/** PMIx's client library, for those who have it elsewhere than the loader looks. */
export const pmixLibrary: string = process.env.AXL_PMIX_LIBRARY || 'libpmix.so.2';

export const DEFAULT_JOBS = JOBS.default;
export const DEFAULT_INTERVAL_MS = 1000;
export const DEFAULT_COMM_TIMEOUT_MS = 30 * 60 * 1000;
export const DEFAULT_OPEN_TIMEOUT_MS = 5 * 60 * 1000;
