// How the command line writes quantities, times and words. Nothing here knows a transfer.
import { ACTING } from '../../base/names.js';

/** `1.2 GiB`; below 1 KiB `17 bytes`. */
export function size(bytes: number): string {
  const power = Math.min(5, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  if (power === 0) return plural(bytes, 'byte');
  return `${(bytes / 1024 ** power).toFixed(1)} ${['KiB', 'MiB', 'GiB', 'TiB', 'PiB'][power - 1]}`;
}

/** How much of it is done: `37%`; what has no bytes goes by its files. Never 100% before all is. */
export function percent(of: { bytes: number; bytesDone: number; files: number; filesDone: number }): string {
  const [done, all] = of.bytes > 0 ? [of.bytesDone, of.bytes] : [of.filesDone, of.files];
  return `${all === 0 ? 100 : Math.floor((100 * Math.min(done, all)) / all)}%`;
}

/** `1 directory`, `2 directories`. */
export function plural(n: number, word: string): string {
  if (n === 1) return `1 ${word}`;
  return `${n} ${/[^aeo]y$/.test(word) ? word.replace(/y$/, 'ies') : `${word}s`}`;
}

/** How many files; and of those that have their names last, and of what is deleted then, if there are any. */
export function filesText(of: {
  readonly files: number;
  readonly commitFiles?: number;
  readonly pointers?: number;
  readonly retires?: number;
}): string {
  const { files, commitFiles = 0, pointers = 0, retires = 0 } = of;
  const last = [commitFiles && plural(commitFiles, 'commit file'), pointers && plural(pointers, 'pointer')];
  const those = last.filter((text) => text !== 0).join(', ');
  const deletes = retires > 0 ? `, then deletes ${plural(retires, 'older path')}` : '';
  return `${plural(files, 'file')}${those && ` with ${those}`}${deletes}`;
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** The two largest units: `3d 4h`, `5m 10s`, `0.3s`. */
export function duration(ms: number): string {
  if (ms === Number.POSITIVE_INFINITY) return 'for ever';
  if (ms < 9950) return `${(Math.max(0, ms) / 1000).toFixed(1)}s`;
  const at = UNITS.findIndex(([, length]) => ms >= length);
  const [unit, length] = UNITS[at] as (typeof UNITS)[number];
  const smaller = UNITS[at + 1];
  if (!smaller) return `${Math.floor(ms / length)}${unit}`;
  const rest = Math.floor((ms % length) / smaller[1]);
  return `${Math.floor(ms / length)}${unit}${rest > 0 ? ` ${rest}${smaller[0]}` : ''}`;
}

/** The milliseconds of `90`, `30s`, `5m`, `1.5h`, `2d`; undefined if it is none of these. */
export function parseDuration(text: string): number | undefined {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  if (number === undefined) return undefined;
  return Number(number) * (unit === 'ms' ? 1 : (UNITS.find(([name]) => name === unit)?.[1] ?? 0));
}

const PLAIN = /^[\w@%+=:,./-]+$/;

/** An argument as a shell reads it back; what cannot be printed as `$'...'`, which bash, zsh and ksh know. */
export function shellWord(bytes: Buffer): string {
  const text = bytes.toString();
  if (PLAIN.test(text)) return text;
  if (!text.includes('\uFFFD') && text.search(ACTING) < 0) return `'${text.replaceAll("'", "'\\''")}'`;
  const escaped = Array.from(bytes, (byte) =>
    byte < 0x20 || byte > 0x7e || byte === 0x27 || byte === 0x5c
      ? `\\x${byte.toString(16).padStart(2, '0')}`
      : String.fromCharCode(byte),
  );
  return `$'${escaped.join('')}'`;
}

/** Rows as columns that line up; numbers (`right`) to the right. The last column is as wide as it is. */
export function* columns(rows: readonly (readonly string[])[], right: readonly number[] = []): Generator<string> {
  const last = (rows[0]?.length ?? 0) - 1;
  const widths = (rows[0] ?? []).map((_, i) => rows.reduce((width, row) => Math.max(width, row[i]?.length ?? 0), 0));
  const pad = (cell: string, i: number) =>
    right.includes(i) ? cell.padStart(widths[i] as number) : i === last ? cell : cell.padEnd(widths[i] as number);
  for (const row of rows) yield row.map(pad).join('  ').trimEnd();
}

/** `2 without all of their metadata (owner, acls)`; nothing if there is none. */
export function lackingText(lacking: number, lacks: readonly string[]): string[] {
  return lacking > 0 ? [`${lacking} without all of its source's metadata (${lacks.join(', ')})`] : [];
}
