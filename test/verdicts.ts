// Verdict files as docs/state-format.md has them, written a second time from that page: for tests that forge one, and that
// look for one.
import { crc32c } from './journals.js';

export interface ForgedVerdict {
  /** 1 publish, 2 roll back. */
  readonly decision?: number;
  /** 1 listed, 2 everyone, 3 everyone, and all are in the home. */
  readonly scope?: number;
  /** 32 hex digits. */
  readonly dataset: string;
  readonly name?: string;
  readonly size?: number;
  readonly transfers?: readonly (readonly [uuid: string, stateFile: string])[];
}

function u32(n: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(n >>> 0);
  return bytes;
}

const text = (value: string): Buffer =>
  Buffer.concat([u32(Buffer.byteLength(value, 'latin1')), Buffer.from(value, 'latin1')]);
const id = (digits: string): Buffer => Buffer.from(digits, 'hex');

/** With its sum behind it. */
export function summed(body: Buffer): Buffer {
  return Buffer.concat([body, u32(crc32c(body))]);
}

export function encodeVerdict({
  decision = 1,
  scope = 1,
  dataset,
  name = 'ckpt',
  size = 2,
  transfers = [],
}: ForgedVerdict): Buffer {
  const head = [Buffer.from('894158560d0a1a0a', 'hex'), u32(1), Buffer.of(decision, scope), id(dataset)];
  const listed = transfers.flatMap(([uuid, stateFile]) => [id(uuid), text(stateFile)]);
  return summed(Buffer.concat([...head, text(name), u32(size), u32(transfers.length), ...listed]));
}

export const verdictName = (dataset: string): string => `.axl-verdict.${dataset}-${process.geteuid?.() ?? 0}`;
