#!/usr/bin/env node
// The command axl-finalize: starts command.js, which is beside it, from V8's code cache if there is one. Compiling took a
// fifth of the time of a short run. Makes no such cache: scripts/code-cache.mjs does, at build and install time.
import { readFileSync } from 'node:fs';
import { Script } from 'node:vm';
import { nodeTooOld } from '../lib/base/node-version.js';

const path = `${__dirname}/command.js`;

/**
 * The file of a cache holds the program's source, too: V8 looks at its length only. Whether it is of this version of V8,
 * V8 finds out by itself; if it is not, the program is compiled as ever.
 */
function codeCache(source: Buffer): Buffer | undefined {
  try {
    const file = readFileSync(`${__dirname}/command.cache`);
    if (file.subarray(0, source.length).equals(source)) return file.subarray(source.length);
  } catch {} // none: it was installed without scripts
  return undefined;
}

function fail(why: string): never {
  process.stderr.write(`axl-finalize: ${why}\n`);
  process.exit(1);
}

function program(): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_ACCESS_DENIED') fail(message);
    return fail("Node's permission model forbids it its own program: start node with --allow-fs-read=* --allow-addons");
  }
}

const old = nodeTooOld();
if (old !== undefined) fail(old);
const source = program();
const cachedData = codeCache(source);
const script = new Script(source.toString(), { filename: path, ...(cachedData && { cachedData }) });
script.runInThisContext()(require, __dirname, path);
