// What an ELF file asks of the machine that loads it, and what it gives: read by readelf, which comes with every compiler and
// knows the files of other machines, too.
import { execFileSync } from 'node:child_process';

const readelf = (...args) => execFileSync('readelf', ['--wide', ...args], { encoding: 'utf8', maxBuffer: 64 << 20 });
const all = (text, pattern) => [...new Set([...text.matchAll(pattern)].map((match) => match[1]))];

/** @returns {{ machine: string, needed: string[], versions: string[], exports: string[] }} versions: GLIBC_2.17, ... */
export function requirements(file) {
  const symbols = readelf('--dyn-syms', file);
  return {
    machine: /^ *Machine: +(.*)$/m.exec(readelf('--file-header', file))?.[1],
    needed: all(readelf('--dynamic', file), /\(NEEDED\).*\[(.*)\]/g),
    versions: all(readelf('--version-info', file), /Name: (\w+_[\w.]+)/g),
    exports: all(symbols, /(?:GLOBAL|WEAK|UNIQUE) +DEFAULT +\d+ (\w+)/g),
  };
}

/** The newest glibc that a list of versions names, as [major, minor]. */
export function newestGlibc(versions) {
  const numbers = versions.filter((version) => version.startsWith('GLIBC_')).map((version) => version.slice(6));
  if (numbers.includes('PRIVATE')) return [Number.POSITIVE_INFINITY, 0];
  return numbers
    .map((text) => text.split('.').map(Number))
    .sort(([a, b], [c, d]) => a - c || b - d)
    .at(-1);
}
