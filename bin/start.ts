// Starts command.js, which is beside it, as one of its programs, from V8's code cache if there is one. Compiling took a fifth
// of the time of a short run. Makes no such cache: scripts/code-cache.mjs does, at build and install time.
import { readFileSync } from 'node:fs';
import { Script } from 'node:vm';

const path = `${__dirname}/command.js`;

/**
 * The file of a cache holds the program's source, too: V8 looks at its length only. At its end it says which Node has made it:
 * two that have the same V8 take each other's caches, and crash. Of another source or Node, the program is compiled as ever.
 */
function codeCache(source: Buffer): Buffer | undefined {
  try {
    const file = readFileSync(`${__dirname}/command.cache`);
    const maker = Buffer.from(JSON.stringify([process.arch, process.versions]));
    const isOurs = file.subarray(0, source.length).equals(source) && file.subarray(-maker.length).equals(maker);
    if (isOurs) return file.subarray(source.length, -maker.length);
  } catch {} // none: it was installed without scripts
  return undefined;
}

function read(name: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const remedy = 'start node with --allow-fs-read=* --allow-addons';
    const why =
      code === 'ERR_ACCESS_DENIED' ? `Node's permission model forbids it its own program: ${remedy}` : message;
    process.stderr.write(`${name}: ${why}\n`);
    process.exit(1);
  }
}

/** @param name of the program: what it calls itself, and what it does */
export function start(name: 'axl-finalize' | 'axl-verify' | 'axl-cp'): void {
  const source = read(name);
  const cachedData = codeCache(source);
  const script = new Script(source.toString(), { filename: path, ...(cachedData && { cachedData }) });
  script.runInThisContext()(require, __dirname, path, name);
}
