// The native build as setup.mjs, test.mjs, prebuilds.mjs and axl-transfer.mjs start it: which tools it needs, whether the
// addon is current, and the calls of cmake-js and CMake. Ships in the package, so it imports nothing but node: modules.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
export const addonPath = join(root, 'build', 'Release', 'axl_native.node');

const libc = process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl';
/** The folder name under prebuilds/ for this machine; lib/base/addon.ts uses the same one. */
export const platformTag = `${process.platform}-${process.arch}-${libc}`;

const CXX20 = '#include <concepts>\n#include <span>\nint main() { return std::span<int>{}.empty() ? 0 : 1; }\n';
const stampPath = join(root, 'build', 'addon.stamp');

function runs(command, args, input) {
  const result = spawnSync(command, args, { input, encoding: 'utf8' });
  return result.status === 0 ? result.stdout : undefined;
}

function findCompiler() {
  const candidates = process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++'];
  return candidates.find((cxx) => {
    const [command, ...flags] = cxx.split(' ');
    return runs(command, [...flags, '-std=c++20', '-x', 'c++', '-fsyntax-only', '-'], CXX20) !== undefined;
  });
}

/** The environment for CMake, which would otherwise take the first compiler on PATH, however old. */
export function buildEnvironment() {
  const cxx = findCompiler();
  return cxx ? { ...process.env, CXX: cxx } : process.env;
}

function hasCMake() {
  const [, major, minor] = /version (\d+)\.(\d+)/.exec(runs('cmake', ['--version']) ?? '') ?? [];
  return Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 18);
}

/** @returns {string | undefined} one sentence that names what is missing and how to install it */
export function missingTools() {
  const missing = [];
  if (!findCompiler()) missing.push('a C++20 compiler (g++ 10 or clang 12, or newer)');
  if (!hasCMake()) missing.push('CMake 3.18 or newer');
  if (!runs('make', ['--version']) && !runs('ninja', ['--version'])) missing.push('make');
  if (missing.length === 0) return undefined;
  const last = missing.pop();
  const list = missing.length === 0 ? last : `${missing.join(', ')} and ${last}`;
  return (
    `axl-transfer compiles a native addon and needs ${list}: install with "apt-get install g++ cmake make" ` +
    '(Debian, Ubuntu), "dnf install gcc-c++ cmake make" (RHEL, Fedora) or "apk add g++ cmake make" (Alpine).'
  );
}

/** Hash of the named files and folders by name and content; what is missing counts as empty. */
export function contentHash(paths, salt = '') {
  const hash = createHash('sha256').update(salt);
  const visit = (path) => {
    if (!existsSync(join(root, path))) return;
    const entries = listDirectory(path);
    if (entries) for (const name of entries) visit(join(path, name));
    else hash.update(`\0${path}\0`).update(readFileSync(join(root, path)));
  };
  for (const path of paths) visit(path);
  return hash.digest('hex');
}

/** @returns {string[] | undefined} sorted names, or undefined for a file */
function listDirectory(path) {
  try {
    return readdirSync(join(root, path)).sort();
  } catch (error) {
    if (error.code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Whether a stamp file holds this hash. */
export function stamped(path, hash) {
  return existsSync(path) && readFileSync(path, 'utf8').trim() === hash;
}

/** Removes a CMake tree that was configured in another directory (a copied checkout): CMake refuses to reuse it. */
export function dropForeignBuild(directory) {
  const cache = join(directory, 'CMakeCache.txt');
  if (!existsSync(cache)) return;
  const home = /^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$/m.exec(readFileSync(cache, 'utf8'))?.[1] ?? '';
  const isOurs = existsSync(home) && realpathSync(home) === realpathSync(root);
  if (!isOurs) rmSync(directory, { recursive: true, force: true });
}

function addonHash() {
  return contentHash(['CMakeLists.txt', 'native', 'node_modules/node-addon-api/package.json'], platformTag);
}

export function addonIsCurrent() {
  dropForeignBuild(join(root, 'build'));
  return existsSync(addonPath) && stamped(stampPath, addonHash());
}

function cmakeJs() {
  const require = createRequire(import.meta.url);
  return join(dirname(require.resolve('cmake-js/package.json')), 'bin', 'cmake-js');
}

/** Compiles the addon into build/Release. @returns {string | undefined} what the compiler printed, if it failed */
export function buildAddon() {
  dropForeignBuild(join(root, 'build'));
  rmSync(stampPath, { force: true });
  const args = [cmakeJs(), 'build', '-d', root, '--log-level', 'warn', '--parallel', String(availableParallelism())];
  const env = buildEnvironment();
  // cmake-js looks for g++ and clang++ by name unless it is told both compilers; we have no C sources.
  if (env.CXX && !env.CXX.includes(' ')) args.push('--cxx', env.CXX, '--cc', 'cc');
  const options = { cwd: root, env, encoding: 'utf8', maxBuffer: 64 << 20 };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, options);
  if (status !== 0 || !existsSync(addonPath)) return `${stdout ?? ''}${stderr ?? ''}`;
  writeFileSync(stampPath, `${addonHash()}\n`);
  return undefined;
}

/** Runs one program, not waiting for it. @returns {Promise<string | undefined>} what it printed, if it failed */
export function quietly(command, args, env = process.env) {
  const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const printed = [];
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => printed.push(text));
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (status) => resolve(status === 0 ? undefined : printed.join('')));
  });
}

/**
 * Configures a CMake tree, unless it has been configured so already, and builds one target of it.
 * @returns {Promise<string | undefined>} what failed, as the tools say it
 */
export async function cmakeBuild(directory, options, target, jobs = availableParallelism(), source = root) {
  dropForeignBuild(directory);
  const env = buildEnvironment();
  const configured = join(directory, 'configured');
  const wanted = JSON.stringify([options, env.CXX, contentHash(['CMakeLists.txt'])]);
  if (!stamped(configured, wanted)) {
    const failure = await quietly('cmake', ['-S', source, '-B', directory, ...options], env);
    if (failure !== undefined) return failure;
    writeFileSync(configured, wanted);
  }
  const failure = await quietly('cmake', ['--build', directory, '--parallel', `${jobs}`, '--target', target], env);
  return failure?.replace(/^\[ *\d+%\].*\n/gm, ''); // what went well
}
