// What `npm test` runs: setup, then every check and test suite, as many programs at a time as there are CPUs. All steps
// run even when one fails; a failed check counts as one failure. The last line, alone on its line, is the total
// `N passed, N failed[, N skipped]`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, close, environment, inTurn, step, suite, sum } from './steps.mjs';
import { cmakeBuild, root } from './toolchain.mjs';

const CPUS = Math.max(2, availableParallelism());
/** What takes longest comes first, so that no CPU waits for it at the end. */
const LONG = [
  'faults/errors',
  'faults/kill',
  'faults/meetings',
  'cli/cli-finalize',
  'faults/turns',
  'faults/races',
  'faults/phases',
];

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

/** The tests of the engine, a part of them on each CPU. */
async function cppTests() {
  const sanitize = sanitizersWork();
  if (!sanitize) console.log('  cpp: SKIPPED sanitizers: no libasan and libubsan that work here; testing without them');
  const build = sanitize ? 'build-asan' : 'build-plain';
  const options = ['-DAXL_ADDON=OFF', '-DAXL_TESTS=ON', '-DAXL_UNITY=ON', '-DAXL_WERROR=ON'];
  options.push('-DCMAKE_BUILD_TYPE=Debug', `-DAXL_SANITIZE=${sanitize ? 'address;undefined' : ''}`);
  const failure = await inTurn(() => cmakeBuild(join(root, build), options, 'axl_tests'));
  if (failure !== undefined) {
    console.log(failure);
    return { failed: 1 };
  }
  const binary = join(root, build, 'axl_tests');
  const part = (_, i) => suite('cpp', binary, ['--part', `${i + 1}/${CPUS}`]);
  return sum(await Promise.all(Array.from({ length: CPUS }, part)));
}

async function typeScriptTests() {
  const { testFile, testFiles } = await import('./tap.mjs');
  const files = testFiles();
  const first = LONG.map((name) => `test/${name}.test.ts`).filter((path) => files.includes(path));
  const print = (line) => console.log(`  ${line}`);
  const one = (path) => inTurn(() => testFile(path, { env: environment, print }));
  return sum(await Promise.all([...new Set([...first, ...files])].map(one)));
}

const setup = spawnSync(process.execPath, [join(root, 'scripts', 'setup.mjs')], {
  stdio: ['ignore', 'inherit', 'inherit'],
});
if (setup.status === 0) {
  const injector = step('fault injector', () => node('scripts/build-faults.mjs'));
  const cpp = step('C++ tests', cppTests);
  const fuzz = step('fuzzing, 7 s a target', () => script('fuzz', 'scripts/fuzz.mjs', '--seconds', '7'));
  const checks = [
    step('TypeScript lint and format', () => node('node_modules/.bin/biome', 'check', '--error-on-warnings')),
    step('C++ format', () => node('scripts/clang-format.mjs', '--check')),
    step('TypeScript types', () => node('node_modules/.bin/tsc', '-p', 'tsconfig.test.json')),
    step('docs/api.md is current', () => node('scripts/docs.mjs', '--check')),
    step('man page and tables of options are current', () => node('scripts/man.mjs', '--check')),
  ];
  await injector; // which the tests use
  const tests = step('TypeScript tests', typeScriptTests);
  const ends = step('threads and processes that end mid-copy', () =>
    script('ends', 'scripts/stress.mjs', '--rounds', '20'),
  );
  await Promise.all([cpp, fuzz, ...checks, tests, ends]);
} else {
  await step('setup', () => ({ failed: 1 }));
}
close();
