// State files as no transfer would write them: cut where a kill would have cut them, damaged, of another version, of
// every kind that axl-finalize tells apart. By docs/state-format.md, not by the library.
import * as fs from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Transfer } from '../lib/index.js';
import type { Place } from './support.js';

const HEADER = 64;
/** The types of records, as the page numbers them. */
export const TYPE = {
  file: 2,
  sealed: 4,
  chunk: 5,
  done: 6,
  failed: 7,
  canceled: 8,
  settled: 11,
  final: 13,
  submitted: 17,
  direction: 19,
} as const;

interface StateRecord {
  readonly type: number;
  readonly at: number;
  readonly end: number;
}

/** The records of a state file, without a torn one at the end. */
export function records(stateFile: string): StateRecord[] {
  const bytes = fs.readFileSync(stateFile);
  const out: StateRecord[] = [];
  for (let at = HEADER; at + 13 <= bytes.length; ) {
    const end = at + 13 + bytes.readUInt32LE(at);
    if (end > bytes.length) break;
    out.push({ type: bytes[at + 4] as number, at, end });
    at = end;
  }
  return out;
}

/** Cuts a state file before the `nth` record of a type: so it is after a kill that came just before that append. */
export function cutBefore(stateFile: string, type: number, nth = 0): void {
  const found = records(stateFile).filter((record) => record.type === type)[nth];
  if (!found) throw new Error(`no record ${nth} of type ${type} in ${stateFile}`);
  fs.truncateSync(stateFile, found.at);
}

/** Appends a record. */
export function append(stateFile: string, type: number, payload: Uint8Array): void {
  const head = Buffer.alloc(9);
  head.writeUInt32LE(payload.length, 0);
  head.writeUInt8(type, 4);
  head.writeUInt32LE(records(stateFile).length, 5);
  const uuid = fs.readFileSync(stateFile).subarray(16, 32);
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32c(Buffer.concat([uuid, head, payload])), 0);
  fs.appendFileSync(stateFile, Buffer.concat([head, payload, sum]));
}

/** Damages a payload in the middle of a state file. */
export function corrupt(stateFile: string): void {
  const bytes = fs.readFileSync(stateFile);
  bytes[HEADER + 20] = (bytes[HEADER + 20] as number) ^ 1;
  fs.writeFileSync(stateFile, bytes);
}

/** CRC-32C, bit by bit. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}

/** Makes a state file one of version 99. */
export function makeNewer(stateFile: string): void {
  const bytes = fs.readFileSync(stateFile);
  bytes.writeUInt32LE(99, 8);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 60)), 60);
  fs.writeFileSync(stateFile, bytes);
}

/** Makes a state file that of a process on another host, whose name has the same length. */
export function moveToHost(stateFile: string): void {
  const bytes = fs.readFileSync(stateFile);
  const [{ at, end }] = records(stateFile) as [StateRecord];
  const host = bytes.indexOf(hostname(), at);
  if (host < 0 || host > end) throw new Error(`${stateFile} is not of this host`);
  bytes[host] = (bytes[host] as number) ^ 1;
  bytes.writeUInt32LE(crc32c(Buffer.concat([bytes.subarray(16, 32), bytes.subarray(at, end - 4)])), end - 4);
  fs.writeFileSync(stateFile, bytes);
}

/** The temporary name of a file whose name is not too long. */
export function temporaryName(stateFile: string, dest: string): string {
  const uuid = fs.readFileSync(stateFile).subarray(16, 24).toString('hex');
  return join(dirname(dest), `${basename(dest)}._AXL${uuid}`);
}

/** Waits until no copy runs. */
export async function quiet(transfer: Transfer): Promise<void> {
  for await (const _ of transfer.progress());
}

/** What axl-finalize finds after a job. Each has one file, `NAME`, to go to `dest/NAME`. */
export const leave = {
  /** Created, not dispatched. */
  async created(place: Place, name: string): Promise<string> {
    await using transfer = await begin(place, name);
    return transfer.stateFile;
  },
  /** All copied, nobody waited. */
  async complete(place: Place, name: string): Promise<string> {
    await using transfer = await begin(place, name);
    await transfer.dispatch();
    await quiet(transfer);
    return transfer.stateFile;
  },
  async published(place: Place, name: string): Promise<string> {
    await using transfer = await begin(place, name);
    await transfer.dispatch();
    await transfer.wait();
    return transfer.stateFile;
  },
  /** Killed between the bytes and their record. */
  async incomplete(place: Place, name: string): Promise<string> {
    const stateFile = await leave.complete(place, name);
    cutBefore(stateFile, TYPE.done);
    return stateFile;
  },
  /** Its one file failed: another has its temporary name. */
  async failed(place: Place, name: string): Promise<string> {
    await using transfer = await begin(place, name);
    obstruct(transfer, place.path('dest', name));
    await transfer.dispatch();
    await quiet(transfer);
    return transfer.stateFile;
  },
  async corrupt(place: Place, name: string): Promise<string> {
    const stateFile = await leave.complete(place, name);
    corrupt(stateFile);
    return stateFile;
  },
  async newer(place: Place, name: string): Promise<string> {
    const stateFile = await leave.complete(place, name);
    makeNewer(stateFile);
    return stateFile;
  },
};

export async function begin(place: Place, name: string): Promise<Transfer> {
  place.mkdir('dest');
  const transfer = await place.create({ name, stateFile: place.path('states', name) });
  await transfer.add(place.write(`source/${name}`), place.dest);
  return transfer;
}

/** Puts a file where the transfer would make a temporary one, so that copying that file fails with EEXIST. */
export function obstruct(transfer: { readonly stateFile: string }, dest: string): string {
  const path = temporaryName(transfer.stateFile, dest);
  fs.mkdirSync(dirname(path), { recursive: true });
  fs.writeFileSync(path, 'in the way');
  return path;
}
