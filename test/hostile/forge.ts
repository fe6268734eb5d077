// State files that anybody could make: every record by docs/state-format.md, with right sums, saying what it pleases.
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { crc32c } from '../journals.js';

export interface Claims {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly xattrs?: readonly (readonly [string, string | Buffer])[];
}

export interface ForgedFile extends Claims {
  readonly source: string;
  readonly dest: string;
  readonly size: number;
  readonly kind?: 'regular' | 'symlink';
  /** Of the temporary file. */
  readonly inode?: bigint;
  readonly crc?: number;
}

export interface Forged {
  readonly uuid: Buffer;
  readonly files: readonly ForgedFile[];
  readonly dirs?: readonly { readonly path: string; readonly claims?: Claims }[];
  /** How far it came. Each of them has what the ones before it have. */
  readonly until: 'created' | 'sealed' | 'failed' | 'canceled' | 'done' | 'settled' | 'kept' | 'published' | 'given-up';
}

export const newUuid = (): Buffer => randomBytes(16);
export const temporaryOf = (uuid: Buffer, dest: string): string =>
  join(dirname(dest), `${basename(dest)}._AXL${uuid.subarray(0, 8).toString('hex')}`);

export const u8 = (n: number): Buffer => Buffer.of(n);
export function u32(n: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(n >>> 0);
  return out;
}
export function u64(n: bigint | number): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt(n));
  return out;
}
export const string = (text: string | Buffer): Buffer =>
  Buffer.concat([u32(Buffer.byteLength(text)), Buffer.from(text)]);
export const time = Buffer.concat([u64(1_600_000_000), u32(7)]);

function metadata({ mode, uid, gid, xattrs = [] }: Claims): Buffer {
  const pairs = xattrs.flatMap(([name, value]) => [string(name), string(value)]);
  return Buffer.concat([u32(mode), u32(uid), u32(gid), time, time, u32(xattrs.length), ...pairs]);
}

export function header(uuid: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from('8941584c0d0a1a0a', 'hex'), u32(1), u32(64), uuid, u32(1), Buffer.alloc(24)]);
  return Buffer.concat([body, u32(crc32c(body))]);
}

/** A record of any type with any payload, under the next sequence number. */
export class Records {
  readonly #uuid: Buffer;
  readonly #pieces: Buffer[];
  #sequence = 0;

  constructor(uuid: Buffer) {
    this.#uuid = uuid;
    this.#pieces = [header(uuid)];
  }

  add(type: number, ...payload: Buffer[]): this {
    const body = Buffer.concat(payload);
    const record = Buffer.concat([u32(body.length), u8(type), u32(this.#sequence++), body]);
    this.#pieces.push(record, u32(crc32c(Buffer.concat([this.#uuid, record]))));
    return this;
  }

  /** `more`: behind each of its words. */
  transfer(name = 'forged', rank = 0, size = 1, more = ''): this {
    const process = [string(`host${more}`), string(`boot${more}`), u32(1), u64(1), u64(1)];
    const policies = [2, 1, 1, 1, 1].map(u8);
    const dataset = [this.#uuid, u64(0), string('')];
    const unknown = [u8(0), u8(0), u8(0), u8(3), u32(0)];
    return this.add(
      1,
      string(name),
      string('native'),
      u32(rank),
      u32(size),
      ...process,
      u8(1),
      ...policies,
      u32(4096),
      string(more),
      u32(0xffff_ffff),
      u8(1),
      ...dataset,
      ...unknown,
    );
  }

  file(id: number, file: ForgedFile): this {
    const link = file.kind === 'symlink';
    const names = [string(file.source), string(file.dest)];
    const tail = [u8(3), ...(link ? [string('/etc/passwd')] : [])];
    const source = [u64(file.size), u64(1), time, metadata(file)];
    return this.add(2, u32(id), u8(link ? 2 : 1), u8(1), ...names, ...source, ...tail);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}

const REACHED = ['created', 'sealed', 'failed', 'canceled', 'done', 'settled', 'kept', 'published', 'given-up'];

export function forge({ uuid, files, dirs = [], until }: Forged): Buffer {
  const records = new Records(uuid).transfer();
  const stage = REACHED.indexOf(until);
  if (stage === 0) return records.bytes;
  for (const [id, file] of files.entries()) records.file(id, file);
  for (const [id, { path, claims }] of dirs.entries())
    records.add(3, u32(id), string(path), u8(claims ? 2 : 1), ...(claims ? [metadata(claims)] : []));
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  records.add(4, u32(files.length), u32(dirs.length), u32(0), u64(bytes), time);
  if (until === 'failed' && files.length > 0)
    records.add(7, u32(0), u8(1), u32(5), string('fsync'), string(''), string(''), string(''));
  if (until === 'canceled') records.add(8);
  if (stage < REACHED.indexOf('done')) return records.bytes;
  for (const [id, { inode = 0n, size, crc = 0, uid, gid, mode }] of files.entries()) {
    const known = inode === 0n ? [u8(0)] : [u8(1), u64(inode)];
    records.add(6, u32(id), ...known, u64(size), u32(crc), u32(uid), u32(gid), u32(mode), u8(0));
  }
  if (stage >= REACHED.indexOf('settled')) records.add(11);
  if (until === 'kept') for (const id of files.keys()) records.add(14, u32(id));
  if (until === 'published') records.add(13, u8(1));
  if (until === 'given-up') records.add(13, u8(2));
  return records.bytes;
}
