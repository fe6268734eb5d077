// How numbers are shown, and what is made of several measurements of one thing.

/** The middle one, or the mean of the two in the middle. */
export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** The smallest of the numbers that at least `share` of them do not exceed. */
export function quantile(numbers, share) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}

const digits = (number) => (number >= 100 ? number.toFixed(0) : number.toPrecision(3));

/** Seconds. */
export function duration(s) {
  if (s >= 1) return `${digits(s)} s`;
  if (s >= 1e-3) return `${digits(s * 1e3)} ms`;
  return `${digits(s * 1e6)} µs`;
}

export function bytes(n) {
  if (Math.abs(n) < 1024) return `${digits(n)} B`;
  if (Math.abs(n) < 1 << 20) return `${digits(n / 1024)} KiB`;
  return Math.abs(n) < 1 << 30 ? `${digits(n / (1 << 20))} MiB` : `${digits(n / (1 << 30))} GiB`;
}

export const rate = (bytesPerSecond) => `${digits(bytesPerSecond / 1e9)} GB/s`;
export const number = (n) => (Number.isInteger(n) ? String(n) : digits(n));
export const ratio = (r) => `${digits(r)} x`;

/** Lines of at most 120 characters. */
export const wrap = (text) => text.match(/\S.{0,119}(?=\s|$)/g);

/** Lines of a Markdown table, padded so that it can be read as text too. */
export function table(head, rows) {
  const width = head.map((_, i) => Math.max(3, ...[head, ...rows].map((row) => row[i].length)));
  const pad = (cell, i) => (i < 2 ? cell.padEnd(width[i]) : cell.padStart(width[i]));
  const line = (cells) => `| ${cells.map(pad).join(' | ')} |`;
  const rule = `|${width.map((w, i) => (i < 2 ? '-'.repeat(w + 2) : `${'-'.repeat(w + 1)}:`)).join('|')}|`;
  return [line(head), rule, ...rows.map(line)];
}
