// Makes a fresh clone usable: dependencies, addon, compiled TypeScript. Each step runs only when its inputs changed
// and prints one line; with nothing to do it is silent. Plain Node, no dependency, because it comes first.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCodeCache } from './code-cache.mjs';
import { addonIsCurrent, buildAddon, contentHash, missingTools, root, stamped } from './toolchain.mjs';

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

function step(title, run) {
  const started = performance.now();
  process.stdout.write(`setup: ${title} ... `);
  const failure = run();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(failure === undefined ? `${seconds} s\n` : 'failed\n');
  if (failure !== undefined) fail(failure);
}

/** Runs one program quietly. @returns {string | undefined} what it printed, if it failed */
function quietly(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  return status === 0 ? undefined : `${stdout ?? ''}${stderr ?? ''}${error ? error.message : ''}`;
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

const distStamp = join(root, 'dist', '.stamp');
const distInputs = () =>
  contentHash(
    [
      ...['lib', 'bin', 'tsconfig.json', 'scripts/bundle.mjs', 'scripts/code-cache.mjs'],
      ...['typescript', 'esbuild', 'commander'].map((name) => `node_modules/${name}/package.json`),
    ],
    process.version, // of which the code cache is
  );

function compileTypeScript() {
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  const failure = quietly(process.execPath, [
    join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
    '-p',
    'tsconfig.json',
  ]);
  return failure ?? quietly(process.execPath, [join(root, 'scripts', 'bundle.mjs')]);
}

/** The range of "engines" in package.json. */
function nodeIsSupported() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return (major === 20 && minor >= 17) || (major === 22 && minor >= 9) || major > 22;
}

if (!nodeIsSupported()) fail(`axl-transfer needs Node 20.17, 22.9 or newer; this is ${process.version}.`);
if (!addonIsCurrent()) {
  const missing = missingTools();
  if (missing) fail(missing);
}
if (!dependenciesAreCurrent()) step('installing dependencies', installDependencies);
if (!addonIsCurrent()) step('compiling the addon', buildAddon);
if (!stamped(distStamp, distInputs())) {
  step('compiling TypeScript', compileTypeScript);
  makeCodeCache();
  writeFileSync(distStamp, `${distInputs()}\n`);
}
