// What the tests share: a directory for each test, trees to copy, children to kill. Knows the public API only.
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Test } from 'tap';
import { type AxlError, type CreateOptions, Transfer } from '../lib/index.js';

/** The repository. The tests run from dist/test. */
export const root = dirname(dirname(fileURLToPath(import.meta.url))).replace(/\/dist$/, '');
export const isRoot = process.geteuid?.() === 0;
export const NOBODY = 65534;
/** Only so that what hangs ends: longer than anything takes on a busy machine. */
const CHILD_TIMEOUT_MS = 600_000;

/** So many times 8 MiB are more than is copied before a test goes on. */
const MUCH = 1000;

function definedOnly<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

/** A directory of its own for one test, which others may enter; gone when the test has ended. */
export class Place {
  readonly root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'axl-test-')));
  readonly source = this.path('source');
  readonly dest = this.path('dest');
  readonly states = this.path('states');
  readonly stateFile = this.path('states', 'rank0');

  constructor(t: Test) {
    fs.chmodSync(this.root, 0o755);
    fs.mkdirSync(this.states);
    t.teardown(() => {
      // Who is not root cannot empty a directory that forbids writing.
      if (!isRoot) spawnSync('chmod', ['-R', 'u+rwX', this.root]);
      fs.rmSync(this.root, { recursive: true, force: true });
    });
  }

  path(...names: string[]): string {
    return join(this.root, ...names);
  }

  /** Writes a file, with the directories above it. */
  write(name: string, content: string | Uint8Array = name): string {
    const path = this.path(name);
    fs.mkdirSync(dirname(path), { recursive: true });
    fs.writeFileSync(path, content);
    return path;
  }

  /**
   * Fills a directory with far more than is copied before a test goes on, however long it is kept from that: one file
   * under many names, so that it takes hardly any room.
   */
  writeMuch(name = 'source'): string {
    const first = this.write(`${name}/0`, bytes(8 << 20));
    for (let i = 1; i < MUCH; i++) fs.linkSync(first, this.path(name, `${i}`));
    return this.path(name);
  }

  mkdir(name: string, mode = 0o755): string {
    fs.mkdirSync(this.path(name), { recursive: true, mode });
    fs.chmodSync(this.path(name), mode);
    return this.path(name);
  }

  create(options: Partial<CreateOptions> = {}): Promise<Transfer> {
    const { stateDir, stateFile = stateDir === undefined ? this.stateFile : undefined, ...rest } = options;
    const usual = { name: 'ckpt.1', rank: 0, size: 1, hardLinks: 'copy' } as const; // writeMuch is to be much to copy
    return Transfer.create({ ...usual, ...definedOnly({ stateDir, stateFile }), ...rest });
  }

  /** Gives everything here to another user. */
  give(uid: number): void {
    spawnSync('chown', ['-R', `${uid}:${uid}`, this.root]);
  }
}

/** `size` bytes that differ from place to place and with `seed`. */
export function bytes(size: number, seed = 1): Buffer {
  const block = createHash('sha512').update(`${seed}`).digest();
  const out = Buffer.alloc(size, block);
  for (let at = 0; at < size; at += 4096) out[at] = (at / 4096 + seed) & 0xff;
  return out;
}

/** Tries to mount a small file system. @returns why it could not */
export function mountSmall(t: Test, path: string, size: string): string {
  if (!isRoot) return 'only root can mount a small file system';
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path]);
  if (status !== 0) return `a tmpfs cannot be mounted here: ${String(stderr ?? 'no mount').trim()}`;
  t.teardown(() => spawnSync('umount', ['-l', path]));
  return '';
}

/** What a tree holds, by name: directories end with a slash, links show where they lead, files what is in them. */
export function tree(dir: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const entry of fs.readdirSync(dir, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(dir.length + 1);
    if (entry.isDirectory()) out[`${name}/`] = '';
    else if (entry.isSymbolicLink()) out[name] = `-> ${fs.readlinkSync(path)}`;
    else if (entry.isFile()) out[name] = contents(path);
    else out[name] = 'special';
  }
  return out;
}

/** A short file's text, a longer file's sum. */
function contents(path: string): string {
  const data = fs.readFileSync(path);
  return data.length <= 64 ? data.toString('latin1') : createHash('sha256').update(data).digest('hex');
}

const locksIn = (dir: string): string[] =>
  fs
    .readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.lock'))
    .map((name) => join(dir, name));

/** The locks on a state directory are a courtesy: they are stolen, and nobody waits for them. */
export function loseLocks(dir: string): void {
  for (const lock of locksIn(dir)) fs.rmSync(lock, { recursive: true });
}

/** Some seconds pass: the lock on a state directory, which a killed finalizer left, is stale. */
export function expireLocks(dir: string): void {
  for (const lock of locksIn(dir)) fs.utimesSync(lock, 1, 1);
}

/** Makes the lock of a finalizer that is at work and goes on renewing it: a time to come is never stale. */
export function takeLock(lock: string): void {
  fs.mkdirSync(lock);
  fs.utimesSync(lock, 2 ** 31, 2 ** 31);
}

/** The names below a directory that are temporary ones of a transfer. */
export function temporaries(dir: string): string[] {
  if (!fs.existsSync(dir)) return [];
  return fs.readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => /\._AXL[0-9a-f]{16}$/.test(name));
}

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ChildOptions {
  readonly env?: Record<string, string>;
  readonly uid?: number | undefined;
  readonly cwd?: string;
  /** Called with each piece of stdout, and how to send a signal. */
  readonly onStdout?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
  /** The largest file that it may write, in blocks of 512 or 1024 bytes, as the shell has it. */
  readonly fileBlocks?: number;
  /** After how many milliseconds it counts as hanging, if ten minutes are too few. */
  readonly patienceMs?: number;
  /** Asked again and again; SIGKILL once it is true. */
  readonly killWhen?: () => boolean;
}

/** Our own settings would change the outcome; but children run the addon that we run. */
function environment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('AXL_') || name === 'AXL_NATIVE_BINARY',
  );
  return { ...Object.fromEntries(inherited), ...extra };
}

/** tap has every child load its hooks, which handle signals; a program of its own must be plain. */
const PLAIN = ['-u', 'NODE_OPTIONS', '-u', 'NODE_V8_COVERAGE'];

function killOnce(child: ChildProcess, come: () => boolean): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  if (come()) child.kill('SIGKILL');
  else setImmediate(() => killOnce(child, come));
}

/** Runs a program to its end. One that hangs ends by SIGKILL, and its status is null. */
export function program(command: string, args: readonly string[], options: ChildOptions = {}): Promise<Ended> {
  const { uid, cwd = '/', patienceMs = CHILD_TIMEOUT_MS } = options;
  const spawnOptions: SpawnOptions = { cwd, env: environment(options.env), stdio: ['ignore', 'pipe', 'pipe'] };
  const child = spawn('env', [...PLAIN, command, ...args], {
    ...spawnOptions,
    ...(uid !== undefined && { uid, gid: uid }),
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  if (options.killWhen) killOnce(child, options.killWhen);
  const out = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out.stdout += text;
    options.onStdout?.(text, (signal) => child.kill(signal));
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    out.stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      resolve({ status, signal, ...out });
    });
  });
}

/** The compiled package, as a program imports it that has no TypeScript. */
export const library = pathToFileURL(join(root, 'dist', 'lib', 'index.js')).href;

/** Runs plain JavaScript in a process of its own, with `axl` (the package) and `args` at hand. */
export function script(code: string, args: readonly string[] = [], options: ChildOptions = {}): Promise<Ended> {
  const prelude = `const axl = await import(${JSON.stringify(library)}); const args = process.argv.slice(1);`;
  const node = [process.execPath, '--input-type=module', '-e', prelude + code, '--', ...args];
  if (options.fileBlocks === undefined) return program(node[0] as string, node.slice(1), options);
  const limited = `ulimit -f ${options.fileBlocks}; exec "$@"`;
  return program('sh', ['-c', limited, 'sh', ...node], options);
}

/** Runs the compiled axl-finalize. */
export function axlFinalize(args: readonly string[], options: ChildOptions = {}): Promise<Ended> {
  return program(process.execPath, [join(root, 'dist', 'bin', 'axl-finalize.js'), ...args], options);
}

export function axlVerify(args: readonly string[], options: ChildOptions = {}): Promise<Ended> {
  return program(process.execPath, [join(root, 'dist', 'bin', 'axl-verify.js'), ...args], options);
}

/** The compiled axl-cp, for tests that do more than run it to its end. */
export const CP_BINARY = join(root, 'dist', 'bin', 'axl-cp.js');

export function axlCp(args: readonly string[], options: ChildOptions = {}): Promise<Ended> {
  return program(process.execPath, [CP_BINARY, ...args], options);
}

let strangers: Promise<string> | undefined;

/** '' if tests can run children as another user, or why not. */
export function noStrangers(): Promise<string> {
  strangers ??= (async () => {
    if (!isRoot) return 'only root can become another user';
    const { status } = await script('', [], { uid: NOBODY }).catch(() => ({ status: 1 }));
    return status === 0 ? '' : `uid ${NOBODY} cannot read ${root}`;
  })();
  return strangers;
}

/** '' if root can finalize for another user here: that process gets no LD_PRELOAD, so no addon that needs a sanitizer's. */
export const noOwnerProcess = async (): Promise<string> =>
  process.env.LD_PRELOAD ? 'the process that finalizes for another user gets no LD_PRELOAD' : noStrangers();

/** '' if tests can run children that are not root, or why not. */
export const noUnprivileged = async (): Promise<string> => (isRoot ? noStrangers() : '');

/** What makes a child be nobody special: for root another user's id, for others nothing. */
export const unprivileged: { readonly uid?: number } = isRoot ? { uid: NOBODY } : {};

/** What a promise is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => Promise.reject(new Error(`resolved with ${JSON.stringify(value)}, but was to be rejected`)),
    (error: unknown) => error,
  );
}

export const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  ((await rejection(promise)) as AxlError).code;

/** The JSON that a child printed. */
// biome-ignore lint/suspicious/noExplicitAny: whatever it printed
export function said(ended: Ended): any {
  try {
    return JSON.parse(ended.stdout);
  } catch {
    throw new Error(
      `the child said no JSON; status ${ended.status}, signal ${ended.signal}: ${ended.stdout}${ended.stderr}`,
    );
  }
}
