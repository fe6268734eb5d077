// A writer of manifests for tests, which shares nothing with that of native/: the grammar of docs/reference/manifest.md.
import * as fs from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '../journals.js';

const SIMPLE: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r' };
const hex = (c: string): string => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`;

function escaped(c: string, i: number, all: readonly string[]): string {
  const isLast = i === all.length - 1;
  return SIMPLE[c] ?? ((c < ' ' && c !== '\t') || (isLast && (c === ' ' || c === '\t')) ? hex(c) : c);
}

/** The line of a file, whose name is latin1 text. */
function line(name: string, sum: string): string {
  const text = [...name].map(escaped).join('');
  return `${text === name ? '' : '\\'}CRC32C (${/^[ \t*]/.test(name) ? './' : ''}${text}) = ${sum}\n`;
}

export interface Head {
  readonly rank?: number;
  readonly ranks?: number;
  readonly dataset?: string;
}

/** The text of a manifest, in latin1, of files that are there. */
export function manifestOf(dir: string, names: readonly string[], { rank = 0, ranks = 1, dataset }: Head = {}): string {
  const head = `# axl-manifest 1\n# rank ${rank} of ${ranks}\n${dataset ? `# dataset ${dataset}\n` : ''}`;
  const lines = names.map((name) => {
    const bytes = fs.readFileSync(at(dir, name));
    return `# ${bytes.length} 1764504000.000000000\n${line(name, crc32c(bytes).toString(16).padStart(8, '0'))}`;
  });
  return `${head}# files ${names.length}\n${lines.join('')}`;
}

/** The path of a name of latin1 text. */
export const at = (dir: string, name: string): Buffer =>
  Buffer.concat([Buffer.from(`${dir}/`), Buffer.from(name, 'latin1')]);

/** A checkpoint: each rank has the files of its row, and a manifest. */
export function checkpoint(dir: string, ranks: readonly (readonly string[])[], head: Head = {}): void {
  for (const [rank, names] of ranks.entries()) {
    for (const name of names) {
      const path = at(dir, name);
      fs.mkdirSync(path.subarray(0, path.lastIndexOf('/')), { recursive: true });
      fs.writeFileSync(path, `contents of ${name}`);
    }
    const text = manifestOf(dir, names, { rank, ranks: ranks.length, ...head });
    fs.writeFileSync(join(dir, `.axl-manifest.${rank}`), text, 'latin1');
  }
}
