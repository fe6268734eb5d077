// openComm: which way the ranks of a launch reach each other, and what holds for each way: one call at a time, nothing
// after the first failure, nothing after close. The ways themselves are in lib/comm/.
import { isMainThread } from 'node:worker_threads';
import { AxlError } from './base/errors.js';
import { launched, type Place } from './base/launch.js';
import { absoluteDirectory, hash } from './base/names.js';
import { checkOptions, DEFAULT_OPEN_TIMEOUT_MS, shapes } from './base/options.js';
import type { OpenCommOptions, OpenedComm } from './base/types.js';
import { within } from './base/waiting.js';
import { Directory } from './comm/directory.js';
import { Pmi } from './comm/pmi.js';
import { Pmix } from './comm/pmix.js';
import type { Provider } from './comm/provider.js';

/** One rank, which agrees with itself. */
class Alone implements Provider {
  readonly name = 'alone';
  readonly rank = 0;
  readonly size = 1;
  async open(): Promise<void> {}
  allTrue = async (value: boolean): Promise<boolean> => value;
  async barrier(): Promise<void> {}
  share = async (text: string): Promise<string> => text;
  async close(): Promise<void> {}
}

/** 31 bits of it: a way between ranks carries an answer and its question as one number. */
const questionOf = (call: string): number => hash(call) >>> 1;

function lostRanks(cause: unknown, call = ''): AxlError {
  if (cause instanceof AxlError) return cause;
  return new AxlError('AXL_RANK_LOST', call + (cause as Error).message, { cause });
}

const notOpen = (): AxlError =>
  new AxlError('AXL_INVALID_STATE', 'allTrue, barrier or share: the comm is closed; open another');

class Opened implements OpenedComm {
  readonly provider: OpenedComm['provider'];
  readonly rank: number;
  readonly size: number;
  readonly #provider: Provider;
  /** The question asked last. Never rejects. */
  #last: Promise<unknown> = Promise.resolve();
  #broken: AxlError | undefined;
  #closing: Promise<void> | undefined;
  #end: (why: AxlError) => void = () => {};
  readonly #ended = new Promise<never>((_, reject) => {
    this.#end = reject;
  });

  constructor(provider: Provider) {
    this.#provider = provider;
    this.provider = provider.name;
    this.rank = provider.rank;
    this.size = provider.size;
    this.#ended.catch(() => {});
  }

  async allTrue(value: boolean, call = ''): Promise<boolean> {
    checkOptions('allTrue', { value, call }, shapes.allTrue, ['value']);
    return this.#ask(() => this.#provider.allTrue(value, questionOf(call)));
  }

  async barrier(): Promise<void> {
    return this.#ask(() => this.#provider.barrier());
  }

  async share(text: string | undefined, call = ''): Promise<string> {
    checkOptions('share', { text, call }, shapes.share, this.rank === 0 ? ['text'] : []);
    return this.#ask(() => this.#provider.share(text ?? '', questionOf(call)));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#broken ??= notOpen();
    this.#end(this.#broken);
    await this.#provider.close();
    if (open === this) open = undefined;
  }

  #ask<T>(question: () => Promise<T>): Promise<T> {
    const answer = this.#last.then(async () => {
      if (this.#broken) throw this.#broken;
      try {
        return await Promise.race([question(), this.#ended]);
      } catch (cause) {
        this.#broken ??= lostRanks(cause);
        throw this.#broken;
      }
    });
    this.#last = answer.catch(() => {});
    return answer;
  }
}

/** What goes between the ranks of a launch is one sequence: two users of it would cross. */
let open: Opened | 'opening' | undefined;
/** A launcher answers one client a process, once. */
let used = false;

/**
 * What no other launch that runs at this time is called, the same on all its ranks; undefined if nothing says so. A job
 * is none: it may start several. Under mpirun a step of Slurm is that of a daemon, and there is none on the first node.
 */
function launchId(env: NodeJS.ProcessEnv, { launcher }: Place): string | undefined {
  const { SLURM_JOB_ID, SLURM_STEP_ID, SLURM_RESTART_COUNT = '0', PMIX_NAMESPACE, FLUX_JOB_ID } = env;
  const step = SLURM_STEP_ID && [SLURM_JOB_ID, SLURM_STEP_ID, SLURM_RESTART_COUNT].join('.');
  const parts = {
    openmpi: PMIX_NAMESPACE && [PMIX_NAMESPACE, SLURM_JOB_ID, env.PBS_JOBID, env.LSB_JOBID].filter(Boolean).join('.'),
    pmi: step || PMIX_NAMESPACE,
    slurm: step,
    flux: FLUX_JOB_ID,
    none: undefined,
  };
  return parts[launcher]?.replace(/[^\w.-]/g, '_').slice(0, 128) || undefined;
}

/**
 * What the caller says of this process's place; undefined: it leaves that to the launcher.
 * @throws {TypeError} one of the two is missing; {RangeError} a rank that is not below the size
 */
function placeGiven({ rank, size }: OpenCommOptions): Pick<Place, 'rank' | 'size'> | undefined {
  if (rank === undefined && size === undefined) return undefined;
  if (rank === undefined || size === undefined)
    throw new TypeError('openComm needs both of the options rank and size, or neither');
  if (rank >= size) throw new RangeError(`rank must be below size, ${size}, not ${rank}`);
  return { rank, size };
}

function directoryProvider(options: OpenCommOptions): Provider {
  const { directory, id } = options;
  if (directory === undefined) throw new TypeError("openComm needs the option directory for the provider 'directory'");
  const given = placeGiven(options);
  const place = { ...launched(), ...given };
  if (place.launcher === 'none' && !given)
    throw new AxlError(
      'AXL_BACKEND_UNAVAILABLE',
      'openComm: no launcher has set rank and size; start the ranks with mpirun, mpiexec, srun or flux, or give rank and size',
    );
  const own = id ?? launchId(process.env, place);
  if (own !== undefined) return new Directory(absoluteDirectory(directory, 'directory'), own, place);
  const why = 'nothing in the environment tells this launch from others; give the option id, the same on all ranks';
  throw new AxlError('AXL_INVALID_STATE', `openComm: ${why}`);
}

const speaksPmix = (): boolean =>
  Object.keys(process.env).some((name) => name === 'PMIX_NAMESPACE' || name.startsWith('PMIX_SERVER_URI'));

/** Ranks under mpirun may have inherited a PMI_FD that is somebody else's. */
function auto(options: OpenCommOptions): Provider {
  const given = placeGiven(options);
  const { size, launcher } = { ...launched(), ...given };
  const tried: AxlError[] = [];
  if (given?.size === 1) return new Alone();
  if (given && options.directory !== undefined) return directoryProvider(options);
  if (process.env.PMI_FD !== undefined && launcher !== 'openmpi') return new Pmi(process.env);
  if (speaksPmix())
    try {
      return Pmix.load();
    } catch (error) {
      if (!(error instanceof AxlError)) throw error;
      tried.push(error);
    }
  if (size === 1 && (launcher !== 'none' || tried.length === 0)) return new Alone();
  if (options.directory !== undefined) return directoryProvider(options);
  const [cause] = tried;
  const ways =
    cause?.message.replace('openComm: ', '') ?? 'neither PMI (PMI_FD) nor PMIx (PMIX_NAMESPACE) is in the environment';
  const whose = given ? 'are given' : `were launched (${launcher})`;
  const why = `${size} ranks ${whose}, but ${ways}; give the option directory`;
  throw new AxlError('AXL_BACKEND_UNAVAILABLE', `openComm: ${why}`, { cause });
}

function choose(options: OpenCommOptions): Provider {
  placeGiven(options);
  const ways = { auto, pmi: () => new Pmi(process.env), pmix: () => Pmix.load(), directory: directoryProvider };
  return ways[options.provider ?? 'auto'](options);
}

/** A client that has not found its launcher believes that it is alone. What the caller says goes before the launcher. */
function expectLaunched({ name, rank, size }: Provider, options: OpenCommOptions): void {
  const given = placeGiven(options);
  const place = { ...launched(), ...given };
  const unknown = place.launcher === 'none' && !given;
  if (unknown || (place.rank === rank && place.size === size)) return;
  const who = given ? 'the option' : `the launcher (${place.launcher})`;
  const launchers = `${who} says ${place.rank} of ${place.size}`;
  const why = `${name} says rank ${rank} of ${size}, but ${launchers}`;
  throw new AxlError('AXL_CONFLICT', `openComm: ${why}`);
}

const isLaunchers = ({ name }: Provider): boolean => name === 'pmi' || name === 'pmix';

function expectUnused(provider: Provider): void {
  if (!isLaunchers(provider)) return;
  const why = used ? 'can be opened once in a process, and was opened before' : 'can be opened by the main thread only';
  if (used || !isMainThread)
    throw new AxlError('AXL_INVALID_STATE', `openComm: the launcher's ${provider.name} ${why}`);
}

async function handshake(provider: Provider, options: OpenCommOptions): Promise<void> {
  await provider.open();
  expectLaunched(provider, options);
  if (!(await provider.allTrue(true, questionOf('openComm')))) throw new Error('another rank could not open it');
}

async function begin(options: OpenCommOptions): Promise<Opened> {
  const provider = choose(options);
  expectUnused(provider);
  try {
    await within(options.timeoutMs ?? DEFAULT_OPEN_TIMEOUT_MS, handshake(provider, options));
    used ||= isLaunchers(provider);
    return new Opened(provider);
  } catch (cause) {
    const error = lostRanks(cause, 'openComm: ');
    used ||= isLaunchers(provider) && error.code !== 'AXL_BACKEND_UNAVAILABLE';
    await provider.close();
    throw error;
  }
}

/**
 * Opens the way to the other ranks of this launch, for collective transfers without an MPI binding. Every rank calls
 * it.
 *
 * It resolves on each rank when all ranks have called it. A process has at most one open comm at a time. The launcher's
 * own (`pmi`, `pmix`) can be opened once, by the main thread. Close the comm before the process ends.
 * @returns the comm; its `provider` names the way that was found
 * @throws {AxlError} AXL_BACKEND_UNAVAILABLE when there is no such way; AXL_CONFLICT when it names other ranks than the
 *   launcher; AXL_RANK_LOST when a rank did not call it in time; AXL_INVALID_STATE when a comm is open, or `id` is
 *   needed; AXL_IO or AXL_UNSAFE_PATH when `directory` cannot be used
 * @example
 * ```ts
 * await using comm = await openComm();
 * await using transfer = await Transfer.create({ name: 'ckpt.42', stateDir: '/p/job/state', comm });
 * ```
 * @see the MPI_Comm of AXL_Create_comm
 */
export async function openComm(options: OpenCommOptions = {}): Promise<OpenedComm> {
  checkOptions('openComm', options, shapes.openComm);
  if (open !== undefined)
    throw new AxlError('AXL_INVALID_STATE', 'openComm: this process has an open comm already; close it first');
  open = 'opening';
  try {
    open = await begin(options);
    return open;
  } catch (error) {
    open = undefined;
    throw error;
  }
}
