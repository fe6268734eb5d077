#!/usr/bin/env node
// The command axl-transfer: what an install would do if every package manager ran the scripts of packages. Most machines
// need none of it. Ships in the package, so it imports nothing but node: modules and what is beside it.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { nodeTooOld } from '../dist/lib/base/node-version.js';

const HELP = `Usage: axl-transfer build|cache

build       compile the native addon with this machine's compiler, for a machine for which the package has none (or to
            have it compiled here); needs no network. It is used from then on. Removed by deleting the package's build/
cache       keep V8's code cache of axl-finalize, axl-cp and axl-verify in the package: for this Node, they start faster
--version   print the version
--help      print this help

Exit status: 0 done; 1 it failed, and the sentence on standard error says why; 2 the command line is wrong.
`;

function fail(sentence, status = 1) {
  console.error(`axl-transfer: ${sentence}`);
  process.exit(status);
}

/** Loads in a child process: a binary for another libc can kill the process that tries. */
function whyNotLoaded(file) {
  const { status, stderr } = spawnSync(process.execPath, ['-e', 'require(process.argv[1])', file], {
    encoding: 'utf8',
  });
  return status === 0 ? undefined : stderr;
}

/** What is compiled, and where the headers of Node-API are: a package has an archive of both, a clone has the files. */
function sources(root, directory) {
  const archive = join(root, 'prebuilds', 'source.tar.gz');
  const require = createRequire(import.meta.url);
  if (!existsSync(archive))
    return {
      source: root,
      include: `${require('node-api-headers').include_dir};${require('node-addon-api').include_dir}`,
    };
  const source = join(directory, 'source');
  mkdirSync(source);
  const { status, stderr, error } = spawnSync('tar', ['-xzf', archive, '-C', source], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${archive} cannot be unpacked: ${error?.message ?? stderr}`);
  return { source, include: join(source, 'include') };
}

/** Compiles in a directory of its own; what was there before is replaced by what loads, and by nothing else. */
async function build() {
  const { addonPath, cmakeBuild, missingTools, platformTag, root } = await import('./toolchain.mjs');
  const missing = missingTools();
  if (missing) fail(missing.replace(/^axl-transfer /, ''));
  const directory = mkdtempSync(join(tmpdir(), 'axl-build-'));
  try {
    console.log(`axl-transfer: compiling the addon for ${platformTag}, which takes a minute`);
    const { source, include } = sources(root, directory);
    const options = ['-DAXL_UNITY=ON', '-DCMAKE_MODULE_LINKER_FLAGS=-s', `-DCMAKE_JS_INC=${include}`];
    const tree = join(directory, 'build');
    const failure = await cmakeBuild(tree, options, 'axl_native', undefined, source);
    if (failure !== undefined) throw new Error(`compiling the addon failed:\n${failure}`);
    const built = join(tree, 'axl_native.node');
    const problem = whyNotLoaded(built);
    if (problem !== undefined) throw new Error(`the compiled addon does not load:\n${problem}`);
    mkdirSync(dirname(addonPath), { recursive: true });
    const draft = `${addonPath}.${process.pid}`;
    cpSync(built, draft);
    renameSync(draft, addonPath);
    console.log(`axl-transfer: made ${addonPath}`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function cache() {
  const { makeCodeCache } = await import('./code-cache.mjs');
  if (!makeCodeCache()) throw new Error('the code cache cannot be written: run this as the owner of the package');
}

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const COMMANDS = {
  build,
  cache,
  '--version': () => console.log(version),
  '--help': () => process.stdout.write(HELP),
};

const old = nodeTooOld();
if (old !== undefined) fail(old);
const [name = '', ...more] = process.argv.slice(2);
const command = more.length === 0 && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (!command) fail(`there is no command "${[name, ...more].join(' ')}": see axl-transfer --help`, 2);
try {
  await command();
} catch (error) {
  const denied = ['EACCES', 'EPERM', 'EROFS'].includes(error.code);
  fail(denied ? `${error.message}: run this as the owner of the package, where it can be written` : error.message);
}
