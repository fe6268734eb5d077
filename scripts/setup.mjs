// Makes a fresh clone usable: dependencies, addon, compiled TypeScript. Each step runs only when its inputs changed
// and prints one line; with nothing to do it is silent. Plain Node, no dependency, because it comes first.
// `node scripts/setup.mjs [--package | --debug]`: what a package has, and no addon for this machine alone; an addon for a
// debugger, whose file it names.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  compileProgram,
  compileTests,
  programIsCurrent,
  testsAreCurrent,
  typesAreCurrent,
  writeTypes,
} from './compile.mjs';
import { addonIsCurrent, buildAddon, cmakeBuild, missingTools, quietly, root } from './toolchain.mjs';

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

async function step(title, run) {
  const started = performance.now();
  process.stdout.write(`setup: ${title} ... `);
  const failure = await run();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(failure === undefined ? `${seconds} s\n` : 'failed\n');
  if (failure !== undefined) fail(failure);
}

function lockedPackages(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : {};
}

/** npm writes the hidden lock file last, so it names exactly what is installed. */
function dependenciesAreCurrent() {
  const wanted = Object.entries(lockedPackages(join(root, 'package-lock.json')));
  const installed = lockedPackages(join(root, 'node_modules', '.package-lock.json'));
  return wanted.every(
    ([path, entry]) => path === '' || entry.optional || installed[path]?.integrity === entry.integrity,
  );
}

function installDependencies() {
  const args = ['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--no-progress'];
  const cli = process.env.npm_execpath;
  return cli?.endsWith('npm-cli.js') ? quietly(process.execPath, [cli, ...args]) : quietly('npm', args);
}

/** The range of "engines" in package.json. */
function nodeIsSupported() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return (major === 20 && minor >= 17) || (major === 22 && minor >= 9) || major > 22;
}

/** Like a program: nothing, or why it failed. */
const caught = (compile) =>
  compile().then(
    () => undefined,
    (error) => error.message,
  );

async function makeAddon() {
  if (addonIsCurrent()) return;
  await step('compiling the addon', buildAddon);
}

async function makePrebuilds() {
  const { prebuild, prebuildsAreCurrent } = await import('./prebuilds.mjs');
  if (!prebuildsAreCurrent()) await step('compiling the addons of the package', () => caught(prebuild));
}

/** Ends the process with a sentence where it cannot. `forPackage`: what a package has, which nobody else needs. */
export async function makeCurrent({ forPackage = false } = {}) {
  if (!nodeIsSupported()) fail(`axl-transfer needs Node 20.17, 22.9 or newer; this is ${process.version}.`);
  const missing = forPackage || !addonIsCurrent() ? missingTools() : undefined;
  if (missing) fail(missing);
  if (!dependenciesAreCurrent()) await step('installing dependencies', installDependencies);
  await (forPackage ? makePrebuilds() : makeAddon());
  if (!programIsCurrent()) await step('compiling TypeScript', () => caught(compileProgram));
  if (forPackage && !typesAreCurrent()) await step('writing declarations', () => caught(writeTypes));
  if (!forPackage && !testsAreCurrent()) await step('compiling the tests', () => caught(compileTests));
}

/** The addon with nothing optimised and all that a debugger asks for. @returns {string} its file */
export async function makeDebugAddon() {
  const build = join(root, 'build-debug');
  await step('compiling the addon for a debugger', () => cmakeBuild(build, ['-DCMAKE_BUILD_TYPE=Debug'], 'axl_native'));
  return join(build, 'axl_native.node');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { package: { type: 'boolean' }, debug: { type: 'boolean' } } });
  await makeCurrent({ forPackage: values.package });
  if (values.debug) console.log(`AXL_NATIVE_BINARY=${await makeDebugAddon()}`);
}
