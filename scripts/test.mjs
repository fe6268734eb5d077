// What `npm test` runs: setup, then every check and test suite. All steps run even when one fails; a failed check counts
// as one failure. The last line, alone on its line, is the total `N passed, N failed[, N skipped]`.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buildEnvironment, dropForeignBuild, root } from './toolchain.mjs';

const STEP_TIMEOUT_MS = 15 * 60_000;
const SKIPPED = 77;
const CLOSING = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/;
const total = { passed: 0, failed: 0, skipped: 0 };

/** What the tests see: none of our settings (they would change the outcome), no colours (they would hide it). */
const environment = Object.fromEntries(
  Object.entries({ ...buildEnvironment(), NO_COLOR: '1', UBSAN_OPTIONS: 'print_stacktrace=1' }).filter(
    ([name]) => name !== 'FORCE_COLOR' && (!name.startsWith('AXL_') || name.startsWith('AXL_TEST_')),
  ),
);

/**
 * Runs a program to its end and hands on each line of its output as it comes, with whether it came on stdout.
 * @returns its exit status (1 for a signal or a timeout)
 */
async function run(command, args, onLine) {
  const child = spawn(command, args, {
    cwd: root,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: STEP_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  createInterface({ input: child.stdout }).on('line', (line) => onLine(line, true));
  createInterface({ input: child.stderr }).on('line', (line) => onLine(line, false));
  return new Promise((resolve) => {
    child.on('error', (error) => {
      onLine(error.message);
      resolve(1);
    });
    child.on('close', (status, signal) => {
      if (signal) onLine(`${command} ended by ${signal}`);
      resolve(status ?? 1);
    });
  });
}

/** A check: silent when it passes. */
async function check(command, args) {
  const lines = [];
  const status = await run(command, args, (line) => lines.push(line));
  if (status === SKIPPED) return { skipped: 1, reason: lines.join(' ') };
  if (status === 0) return { passed: 1 };
  for (const line of lines) console.log(`  ${line}`);
  return { failed: 1 };
}

/** A suite: its lines are shown as they come, and its closing line (after `N skipped`, if any) gives the counts. */
async function suite(label, command, args) {
  let counts;
  let skipped = 0;
  const status = await run(command, args, (line, isStdout) => {
    const text = line.trim();
    skipped = Number(/^(\d+) skipped$/.exec(text)?.[1] ?? skipped);
    const match = isStdout && CLOSING.exec(text);
    if (match) counts = { passed: Number(match[1]), failed: Number(match[2]), skipped: Number(match[3] ?? skipped) };
    console.log(match ? `  ${label}: ${text}` : `  ${line}`);
  });
  if (status !== 0 && !counts?.failed) {
    console.log(`  ${label}: ended with status ${status}${counts ? '' : ' and without its closing line'}`);
    return { ...counts, failed: 1 };
  }
  return counts ?? { failed: 1 };
}

async function step(name, body) {
  const started = performance.now();
  const { passed = 0, failed = 0, skipped = 0, reason } = await body();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const verdict = failed > 0 ? 'NOT OK' : reason ? 'SKIPPED' : 'ok';
  console.log(`${verdict} ${name} (${seconds} s)${reason ? `: ${reason}` : ''}`);
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}

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
  await step('docs/api.md is current', () => node('scripts/docs.mjs', '--check'));
  await step('man page and tables of options are current', () => node('scripts/man.mjs', '--check'));
  await step('C++ tests', cppTests);
  await step('TypeScript tests', () => suite('tap', process.execPath, [join(root, 'node_modules/.bin/tap')]));
} else {
  total.failed = 1;
}
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
process.exitCode = total.failed > 0 ? 1 : 0;
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
