// Builds the addon under sanitizers, and runs it in Node: the smoke test, threads and processes that end mid-copy, then
// the TypeScript tests. `node scripts/sanitize.mjs address|thread [TEST FILE ...]`; address is ASan with UBSan, thread TSan.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { testFiles } from './tap.mjs';
import { buildEnvironment, dropForeignBuild, root } from './toolchain.mjs';

const ENDS = ['scripts/stress.mjs', '--rounds', '20'];
/** Suites of their own, whose programs are traced, or started by others. */
const APART = /^test\/(faults|hostile|hpc|tidy)\//;
const TAP = ['scripts/tap.mjs'];

const SANITIZERS = {
  address: {
    flags: 'address;undefined',
    runtime: 'libasan.so',
    // Leaks are not reported, since Node itself never frees much of what it has.
    options: { ASAN_OPTIONS: 'detect_leaks=0', UBSAN_OPTIONS: 'print_stacktrace=1' },
    // These count the memory and the descriptors of a process, which a sanitizer needs more of.
    without: testFiles('transfer/resources'),
  },
  thread: {
    flags: 'thread',
    runtime: 'libtsan.so',
    // Node and V8 are not instrumented: what is told of their own accesses says nothing. Ours are told of, whoever calls.
    options: { TSAN_OPTIONS: 'ignore_noninstrumented_modules=1 halt_on_error=1 exitcode=66' },
    // All but the first start shells, which libtsan crashes when it is loaded into them.
    without: ['transfer/resources', 'bad-input', 'cli/cli-output', 'docs', 'cli/start-up'].flatMap(testFiles),
  },
};

function must(command, args, env) {
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status === 0) return;
  console.log(`NOT OK ${command} ${args.join(' ')}: ${error ?? status}`);
  console.log('0 passed, 1 failed');
  process.exit(1);
}

const [name, ...given] = process.argv.slice(2);
const sanitizer = SANITIZERS[name];
if (!sanitizer) {
  console.error('usage: node scripts/sanitize.mjs address|thread [TEST FILE ...]');
  process.exit(2);
}
const env = buildEnvironment();
const printed = spawnSync(env.CXX ?? 'c++', [`-print-file-name=${sanitizer.runtime}`], { encoding: 'utf8' }).stdout;
const runtime = printed?.trim() ?? '';
if (!isAbsolute(runtime) || !existsSync(runtime)) {
  console.log(`SKIPPED: this compiler has no ${sanitizer.runtime}`);
  console.log('0 passed, 0 failed, 1 skipped');
  process.exit();
}
const build = join(root, `build-${name}-addon`);
dropForeignBuild(build);
must('cmake', ['-S', root, '-B', build, `-DAXL_SANITIZE=${sanitizer.flags}`, '-DCMAKE_BUILD_TYPE=Debug'], env);
must('cmake', ['--build', build, '--parallel', String(availableParallelism()), '--target', 'axl_native'], env);
const sanitized = {
  ...env,
  ...sanitizer.options,
  LD_PRELOAD: runtime,
  AXL_NATIVE_BINARY: join(build, 'axl_native.node'),
};
const all = testFiles().filter((path) => !sanitizer.without.includes(path) && !APART.test(path));
for (const args of [['test/smoke.mjs'], ENDS, [...TAP, ...(given.length > 0 ? given : all)]])
  must(process.execPath, args, sanitized);
console.log('1 passed, 0 failed');
