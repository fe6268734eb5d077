// State files of the C library AXL, as it would have left them: KVTree files read, changed and written again. By
// docs/reference/kvtree.md, not by the library.
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { root } from './support.js';

export const FIXTURES = join(root, 'test/fixtures/kvtree');
const HEADER = 20;
const SUM = 4;

/** Keys as latin1 text, in their order, each with what is below it. */
export type Tree = [key: string, below: Tree][];

export function parse(bytes: Buffer): Tree {
  let at = HEADER;
  const read = (): Tree => {
    const count = bytes.readUInt32BE(at);
    at += 4;
    return Array.from({ length: count }, () => {
      const end = bytes.indexOf(0, at);
      const key = bytes.toString('latin1', at, end);
      at = end + 1;
      return [key, read()];
    });
  };
  return read();
}

/** A file around the bytes of a tree, with the right size and CRC. */
export function framed(tree: Buffer): Buffer {
  const header = Buffer.from('951fc3f500010001000000000000000000000001', 'hex');
  const bytes = Buffer.concat([header, tree, Buffer.alloc(SUM)]);
  bytes.writeBigUInt64BE(BigInt(bytes.length), 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, -SUM)), bytes.length - SUM);
  return bytes;
}

export function format(tree: Tree): Buffer {
  const write = (below: Tree): Buffer => {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(below.length);
    return Buffer.concat([count, ...below.flatMap(([key, tree]) => [Buffer.from(`${key}\0`, 'latin1'), write(tree)])]);
  };
  return framed(write(tree));
}

const leaf = (value: string | number): Tree => [[`${value}`, []]];
const values = (of: Readonly<Record<string, string | number>>): Tree =>
  Object.entries(of).map(([key, value]) => [key, leaf(value)]);

/** One value below a key. */
export const value = (tree: Tree, key: string): string | undefined => tree.find(([k]) => k === key)?.[1][0]?.[0];

export const TYPE = { sync: 2, dw: 4, bbapi: 5, pthread: 7 } as const;
export const STATE = { created: 1, dispatched: 2, waiting: 3, completed: 4, canceled: 5 } as const;
export const STATUS = { source: 1, inProgress: 2, dest: 3, error: 4 } as const;

export interface Left {
  readonly state?: number;
  readonly status?: number;
  readonly type?: number;
  readonly extension?: boolean;
  readonly metadata?: boolean;
  readonly suffix?: string;
  /** Of the whole transfer. */
  readonly more?: Readonly<Record<string, string | number>>;
}

/** Source and final path of each file. */
type Files = Readonly<Record<string, string>>;

function ofFile(source: string, dest: string, left: Left): [string, Tree] {
  const { extension = true, suffix = '._AXL', state = STATE.dispatched } = left;
  const known = { STATUS: state === STATE.completed ? STATUS.dest : STATUS.source };
  const named = { ...known, DEST: extension ? dest + suffix : dest };
  if (state === STATE.created) return [source, values(named)];
  const { mode, uid, gid, size, atimeNs, mtimeNs, ctimeNs } = fs.statSync(source, { bigint: true });
  const times = Object.entries({ ATIME: atimeNs, CTIME: ctimeNs, MTIME: mtimeNs }).flatMap(([key, ns]) => [
    [`${key}_SECS`, `${ns / 1_000_000_000n}`],
    [`${key}_NSECS`, `${ns % 1_000_000_000n}`],
  ]);
  const given = { MODE: `${mode}`, UID: `${uid}`, GID: `${gid}`, SIZE: `${size}` };
  return [source, values({ ...Object.fromEntries(times), ...given, ...named })];
}

/** The state file that AXL would have, of sources that are there. */
export function stateOf(files: Files, left: Left = {}): Tree {
  const { state = STATE.dispatched, type = TYPE.pthread, extension = true, metadata = true } = left;
  const status = left.status ?? (state === STATE.completed ? STATUS.dest : STATUS.inProgress);
  return [
    ['STATUS', leaf(status)],
    ['STATE', leaf(state)],
    ['FILE', Object.entries(files).map(([source, dest]) => ofFile(source, dest, left))],
    ...values({ COPY_METADATA: Number(metadata), USE_EXTENSION: Number(extension), MKDIR: 1, FILE_BUF_SIZE: 33554432 }),
    ...values({ NAME: 'ckpt.1', TYPE: type, STATE_FILE: '/p/state', ...left.more }),
  ];
}

/** What AXL leaves when it is killed after its last byte. @returns the state file */
export function leaveAxl(stateFile: string, files: Files, left: Left = {}): string {
  const { extension = true, suffix = '._AXL' } = left;
  fs.mkdirSync(dirname(stateFile), { recursive: true });
  fs.writeFileSync(stateFile, format(stateOf(files, left)), { mode: 0o600 });
  for (const [source, dest] of Object.entries(files)) {
    fs.mkdirSync(dirname(dest), { recursive: true });
    fs.copyFileSync(source, extension ? dest + suffix : dest);
  }
  return stateFile;
}

/** Every fixture that AXL, SCR or KVTree wrote. */
export const fixtures = (): string[] =>
  fs
    .readdirSync(FIXTURES, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.endsWith('malformed'))
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
