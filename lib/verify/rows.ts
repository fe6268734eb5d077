// The files that manifests name, as columns; and slices of them, each enough work for all threads.
import { fromLatin1, latin1, toText } from '../base/names.js';
import type { NativeManifest, NativePart } from '../base/native-manifest.js';
import type { Failure } from '../base/types.js';
import type { FileVerdict, VerifiedFile } from './types.js';

/** So much that the threads wait for the last one hardly ever. */
const FILES = 16_384;
const BYTES = 2 ** 36;

const known = (size: number | undefined): number => (size !== undefined && size >= 0 ? size : 0);

/** A part of one manifest's rows. */
interface Span {
  readonly of: NativeManifest;
  readonly from: number;
  readonly to: number;
}

export interface Slice {
  readonly spans: readonly Span[];
  readonly files: number;
  readonly bytes: number;
}

const endOf = ({ ends }: NativeManifest, row: number): number => (row < 0 ? 0 : (ends[row] as number) + 1);

const nameOf = (of: NativeManifest, row: number): Buffer =>
  of.names.subarray(endOf(of, row - 1), of.ends[row] as number);

export const toPart = ({ of, from, to }: Span): NativePart => ({
  names: of.names.subarray(endOf(of, from - 1), endOf(of, to - 1)),
  sizes: of.sizes.subarray(from, to),
  crcs: of.crcs.subarray(from, to),
});

export function totalsOf(manifests: readonly NativeManifest[]): { readonly files: number; readonly bytes: number } {
  let [files, bytes] = [0, 0];
  for (const { sizes } of manifests) {
    files += sizes.length;
    for (const size of sizes) bytes += known(size);
  }
  return { files, bytes };
}

/** All rows, in their order. */
export function* slicesOf(manifests: readonly NativeManifest[]): Generator<Slice> {
  let spans: Span[] = [];
  let [files, bytes] = [0, 0];
  for (const of of manifests) {
    let from = 0;
    for (let row = 0; row < of.sizes.length; row++) {
      files++;
      bytes += known(of.sizes[row]);
      if (files < FILES && bytes < BYTES) continue;
      yield { spans: [...spans, { of, from, to: row + 1 }], files, bytes };
      [from, spans, files, bytes] = [row + 1, [], 0, 0];
    }
    if (from < of.sizes.length) spans.push({ of, from, to: of.sizes.length });
  }
  if (files > 0) yield { spans, files, bytes };
}

function shown(pathBytes: Buffer, verdict: FileVerdict, more: object): VerifiedFile {
  const file = { path: toText(pathBytes), verdict, ...more };
  return Object.defineProperty(file, 'pathBytes', { value: pathBytes }) as VerifiedFile;
}

/** A row of a manifest. */
export interface Row {
  readonly of: NativeManifest;
  readonly row: number;
}

/** The rows of a slice, one by one. */
export function* rowsOf({ spans }: Slice): Generator<Row> {
  for (const { of, from, to } of spans) for (let row = from; row < to; row++) yield { of, row };
}

/** In bytes; 0 if the manifest does not say it. */
export const sizeOf = ({ of, row }: Row): number => known(of.sizes[row]);

export function toFile({ of, row }: Row, verdict: FileVerdict, error: Failure | undefined): VerifiedFile {
  const size = of.sizes[row];
  return shown(nameOf(of, row), verdict, {
    ...(!Number.isNaN(size) && { size }),
    crc32c: of.crcs[row],
    ...(error && { error }),
  });
}

/** The paths of all rows, in latin1. */
export function* pathsOf(manifests: readonly NativeManifest[]): Generator<string> {
  for (const of of manifests) for (let row = 0; row < of.sizes.length; row++) yield latin1(nameOf(of, row));
}

export const extra = (path: string): VerifiedFile => shown(fromLatin1(path), 'extra', {});
