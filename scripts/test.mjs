// What `npm test` runs: setup, then every check and test suite. All steps run even when one fails; a failed check counts
// as one failure. The last line, alone on its line, is the total `N passed, N failed[, N skipped]`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, close, environment, step, suite } from './steps.mjs';
import { dropForeignBuild, root } from './toolchain.mjs';

const script = (label, path, ...args) => suite(label, process.execPath, [join(root, path), ...args]);
const node = (path, ...args) => check(process.execPath, [join(root, path), ...args]);

/** Compiles and runs a sanitized program: the libraries can be missing, and some sandboxes forbid what they do. */
function sanitizersWork() {
  const directory = mkdtempSync(join(tmpdir(), 'axl-sanitizers-'));
  const program = join(directory, 'program');
  const args = ['-fsanitize=address,undefined', '-x', 'c++', '-', '-o', program];
  const works =
    spawnSync(environment.CXX, args, { input: 'int main() {}' }).status === 0 && spawnSync(program).status === 0;
  rmSync(directory, { recursive: true });
  return works;
}

async function cppTests() {
  const sanitize = sanitizersWork();
  if (!sanitize) console.log('  cpp: SKIPPED sanitizers: no libasan and libubsan that work here; testing without them');
  const build = sanitize ? 'build-asan' : 'build-plain';
  dropForeignBuild(join(root, build));
  const options = ['-DAXL_ADDON=OFF', '-DAXL_TESTS=ON', '-DAXL_WERROR=ON', '-DCMAKE_BUILD_TYPE=Debug'];
  options.push(`-DAXL_SANITIZE=${sanitize ? 'address;undefined' : ''}`);
  const configured = await check('cmake', ['-S', root, '-B', join(root, build), ...options]);
  if (configured.failed) return configured;
  const built = await check('cmake', ['--build', build, '--parallel', String(availableParallelism())]);
  if (built.failed) return built;
  const binary = join(root, build, 'axl_tests');
  if (!existsSync(binary)) return { skipped: 1, reason: 'there are no sources in test/native' };
  return suite('cpp', binary, []);
}

const setup = spawnSync(process.execPath, [join(root, 'scripts', 'setup.mjs')], {
  stdio: ['ignore', 'inherit', 'inherit'],
});
if (setup.status === 0) {
  await step('TypeScript lint and format', () => node('node_modules/.bin/biome', 'check', '--error-on-warnings'));
  await step('C++ format', () => node('scripts/clang-format.mjs', '--check'));
  await step('TypeScript types', () => node('node_modules/.bin/tsc', '-p', 'tsconfig.test.json'));
  await step('docs/reference/api.md is current', () => node('scripts/docs.mjs', '--check'));
  await step('man page and tables of options are current', () => node('scripts/man.mjs', '--check'));
  await step('C++ tests', cppTests);
  await step('fault injector', () => node('scripts/build-faults.mjs'));
  await step('fuzzing, 7 s a target', () => script('fuzz', 'scripts/fuzz.mjs', '--seconds', '7'));
  await step('threads and processes that end mid-copy', () => script('ends', 'scripts/stress.mjs', '--rounds', '20'));
  await step('TypeScript tests', () => suite('tap', process.execPath, [join(root, 'node_modules/.bin/tap')]));
} else {
  await step('setup', () => ({ failed: 1 }));
}
close();
