// V8's code cache of axl-finalize, for bin/start.ts: made by running it once, so that what a run calls is in it.
// For the Node that runs this; others compile as ever. Without it everything works, a little slower: so no failure here
// is an error. Ships in the package, for `axl-transfer cache`.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const bin = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist', 'bin');
const program = join(bin, 'command.js');

/** Which Node this is, at the end of the cache: bin/start.ts compares it with its own. */
const MAKER = JSON.stringify([process.arch, process.versions]);

/** In a process of its own: runs the program over an empty directory; at its end, the source and the cache. */
async function record(directory) {
  const { createRequire } = await import('node:module');
  const source = readFileSync(program);
  const script = new Script(source.toString(), { filename: program });
  process.argv = [process.execPath, program, directory];
  process.on('exit', () => {
    const draft = join(bin, `command.cache.${process.pid}`);
    writeFileSync(draft, Buffer.concat([source, script.createCachedData(), Buffer.from(MAKER)]), { flush: true });
    renameSync(draft, join(bin, 'command.cache'));
  });
  script.runInThisContext()(createRequire(program), bin, program, 'axl-finalize');
}

/** @returns {boolean} whether there is one now */
export function makeCodeCache() {
  const empty = mkdtempSync(join(tmpdir(), 'axl-code-cache-'));
  try {
    execFileSync(process.execPath, [fileURLToPath(import.meta.url), empty], { stdio: 'ignore' });
    return true;
  } catch {
    rmSync(join(bin, 'command.cache'), { force: true });
    return false;
  } finally {
    rmSync(empty, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await record(process.argv[2]);
