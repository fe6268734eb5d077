// PMI-1's wire protocol, spoken on the descriptor PMI_FD that mpiexec (MPICH's hydra), srun --mpi=pmi2 and Flux leave to
// each rank: a line is asked, a line answers. What is put becomes readable for all at the next barrier, and stays.
import { Socket } from 'node:net';
import { AxlError } from '../base/errors.js';
import { isElsewhere, type Provider } from './provider.js';

/** Longer than any line of the protocol, whose values have 1024 characters at most. */
const LONGEST_LINE = 65_536;
/** Of `axl.CALL.RANK`. */
const KEY_LENGTH = 32;
const PATIENCE_MS = 5000;
/** Of a value; the protocol has room for more. */
const PIECE = 512;

type Reply = Readonly<Record<string, string>>;

interface Question {
  readonly reply: string;
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

/** `cmd=put_result rc=0 msg=success` */
function parse(line: string): Reply {
  const pairs = line.split(' ').map((part): [string, string] => {
    const at = part.indexOf('=');
    return at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
  });
  return Object.fromEntries(pairs);
}

/** Names of programs are printed as they are; what is none is not repeated at length. */
const quoted = (line: string): string => JSON.stringify(line.length > 80 ? `${line.slice(0, 80)}...` : line);

/** The connection. The first thing that goes wrong with it ends it. */
class Wire {
  readonly #socket: Socket;
  #text = '';
  #asked: Question | undefined;
  #broken: Error | undefined;

  constructor(fd: number) {
    this.#socket = new Socket({ fd, readable: true, writable: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text) => this.#receive(String(text)));
    this.#socket.on('error', (error) => this.#break(error.message));
    this.#socket.on('close', () => this.#break('the launcher has closed the connection'));
    this.#socket.unref();
  }

  get idle(): boolean {
    return this.#asked === undefined;
  }

  /** Sends a line; resolves to the answer, which must be a `reply` that reports no failure. */
  ask(line: string, reply: string): Promise<Reply> {
    if (this.#broken) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      this.#asked = { reply, resolve, reject };
      this.#socket.ref();
      this.#socket.write(`${line}\n`);
    });
  }

  destroy(): void {
    this.#break('the connection to the launcher is closed');
  }

  /** What is asked no more no longer keeps the process alive. The connection ends with the process. */
  leave(): void {
    this.#socket.unref();
  }

  #receive(text: string): void {
    this.#text += text;
    for (let end = this.#text.indexOf('\n'); end >= 0; end = this.#text.indexOf('\n')) {
      const line = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 1);
      this.#answer(line);
    }
    if (this.#text.length > LONGEST_LINE) this.#break(`the launcher's answer is not PMI-1: ${quoted(this.#text)}`);
  }

  #answer(line: string): void {
    const asked = this.#asked;
    const reply = parse(line);
    if (!asked || reply.cmd !== asked.reply) {
      this.#break(`the launcher sent an answer to no question: ${quoted(line)}`);
      return;
    }
    this.#asked = undefined;
    this.#socket.unref();
    if ((reply.rc ?? '0') === '0') asked.resolve(reply);
    else asked.reject(new Error(`the launcher answered ${quoted(line)}`));
  }

  #break(why: string): void {
    this.#broken ??= new Error(why);
    this.#socket.destroy();
    this.#asked?.reject(this.#broken);
    this.#asked = undefined;
  }
}

const unavailable = (why: string, cause?: unknown): AxlError =>
  new AxlError('AXL_BACKEND_UNAVAILABLE', `openComm: ${why}`, { cause });

/** @throws {AxlError} AXL_BACKEND_UNAVAILABLE where the descriptor is not there, or is something else */
function connect(text: string | undefined): Wire {
  // The first three are everybody's: taking one over would be seen.
  if (!/^\d{1,7}$/.test(text ?? '') || Number(text) < 3)
    throw unavailable(
      text === undefined ? 'no launcher has set PMI_FD' : `PMI_FD must be a descriptor, not ${JSON.stringify(text)}`,
    );
  try {
    return new Wire(Number(text));
  } catch (cause) {
    const hint = 'a program between the launcher and this one may have closed it';
    throw unavailable(`PMI_FD=${text} is not an open socket: ${(cause as Error).message}; ${hint}`, cause);
  }
}

/**
 * Each answer is put under a key of its own, since a key can be put once; rank 0 gets them all and puts the result. So
 * every rank has three messages and two barriers a call, and rank 0 one more for each rank.
 */
export class Pmi implements Provider {
  readonly name = 'pmi';
  readonly rank: number;
  readonly size: number;
  readonly #env: NodeJS.ProcessEnv;
  #wire: Wire | undefined;
  #kvs = '';
  #calls = 0;

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
    this.rank = Number(env.PMI_RANK);
    this.size = Number(env.PMI_SIZE);
  }

  async open(): Promise<void> {
    const { rank, size } = this;
    this.#wire = connect(this.#env.PMI_FD);
    if (!Number.isInteger(rank) || !Number.isInteger(size) || rank < 0 || rank >= size)
      throw unavailable(`PMI_RANK=${this.#env.PMI_RANK} and PMI_SIZE=${this.#env.PMI_SIZE} are not a rank and a size`);
    try {
      await this.#introduce();
    } catch (cause) {
      this.#wire.destroy();
      throw unavailable(`PMI_FD=${this.#env.PMI_FD}: ${(cause as Error).message}`, cause);
    }
  }

  async #introduce(): Promise<void> {
    const { pmi_version: version } = await this.#ask('cmd=init pmi_version=1 pmi_subversion=1', 'response_to_init');
    if (version !== '1') throw new Error(`the launcher speaks version ${version} of PMI, not 1`);
    const { keylen_max: longest } = await this.#ask('cmd=get_maxes', 'maxes');
    if (!(Number(longest) >= KEY_LENGTH))
      throw new Error(`the launcher allows keys of ${longest} characters; ${KEY_LENGTH} are needed`);
    const { kvsname = '' } = await this.#ask('cmd=get_my_kvsname', 'my_kvsname');
    if (kvsname === '') throw new Error('the launcher has not named its key space');
    this.#kvs = kvsname;
  }

  async allTrue(value: boolean, question: number): Promise<boolean> {
    const call = this.#calls++;
    await this.#put(`axl.${call}.${this.rank}`, `${value}.${question}`);
    await this.barrier();
    if (this.rank === 0) await this.#put(`axl.${call}`, await this.#gather(call, question));
    await this.barrier();
    return this.#result(`axl.${call}`);
  }

  /** Rank 0 puts it in pieces, after how many they are. */
  async share(text: string, question: number): Promise<string> {
    const key = `axl.${this.#calls++}`;
    if (this.rank === 0) {
      const pieces = text.match(new RegExp(`.{1,${PIECE}}`, 'g')) ?? [];
      for (const [i, piece] of pieces.entries()) await this.#put(`${key}.${i}`, piece);
      await this.#put(key, `${pieces.length}.${question}`);
    }
    await this.barrier();
    const [count, asked] = (await this.#get(key)).split('.');
    if (asked !== `${question}`) throw new Error(isElsewhere(this.rank));
    let shared = '';
    for (let i = 0; i < Number(count); i++) shared += await this.#get(`${key}.${i}`);
    return shared;
  }

  async barrier(): Promise<void> {
    await this.#ask('cmd=barrier_in', 'barrier_out');
  }

  /** `true`, `false`, or the number of a rank that has answered another question. */
  async #gather(call: number, question: number): Promise<string> {
    let all = true;
    for (let rank = 0; rank < this.size; rank++) {
      const answer = await this.#get(`axl.${call}.${rank}`);
      if (answer !== `true.${question}` && answer !== `false.${question}`) return `${rank}`;
      all &&= answer.startsWith('true');
    }
    return `${all}`;
  }

  async #put(key: string, value: string): Promise<void> {
    await this.#ask(`cmd=put kvsname=${this.#kvs} key=${key} value=${value}`, 'put_result');
  }

  async #get(key: string): Promise<string> {
    const { value = '' } = await this.#ask(`cmd=get kvsname=${this.#kvs} key=${key}`, 'get_result');
    return value;
  }

  /** True has to be said: what is lost on the way must not count as an answer. */
  async #result(key: string): Promise<boolean> {
    const value = await this.#get(key);
    if (/^\d+$/.test(value)) throw new Error(isElsewhere(Number(value)));
    if (value !== 'true' && value !== 'false') throw new Error(`the launcher answered ${quoted(value)} for ${key}`);
    return value === 'true';
  }

  #ask(line: string, reply: string): Promise<Reply> {
    return (this.#wire as Wire).ask(line, reply);
  }

  /**
   * Says goodbye, unless an answer is owed: then the connection ends with the process, which tells the launcher that
   * this rank is lost.
   */
  async close(): Promise<void> {
    if (!this.#wire?.idle) {
      this.#wire?.leave();
      return;
    }
    const late = setTimeout(() => this.#wire?.destroy(), PATIENCE_MS);
    await this.#ask('cmd=finalize', 'finalize_ack').catch(() => {});
    clearTimeout(late);
    this.#wire.destroy();
  }
}
