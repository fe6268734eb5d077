// Builds the addon under AddressSanitizer and UBSan, and runs it under Node: the smoke test, threads and processes that
// end mid-copy, then the TypeScript tests. `node scripts/asan.mjs [TEST FILE ...]`. Leaks are not reported, since Node
// itself never frees much of what it has.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { buildEnvironment, dropForeignBuild, root } from './toolchain.mjs';

const build = join(root, 'build-asan-addon');
/** These count the memory and the descriptors of a process, which a sanitizer needs more of. */
const NOT_HERE = ['test/resources.test.ts'];

function must(command, args, env) {
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status === 0) return;
  console.log(`NOT OK ${command} ${args.join(' ')}: ${error ?? status}`);
  process.exit(1);
}

const env = buildEnvironment();
dropForeignBuild(build);
must('cmake', ['-S', root, '-B', build, '-DAXL_SANITIZE=address;undefined', '-DCMAKE_BUILD_TYPE=Debug'], env);
must('cmake', ['--build', build, '--parallel', String(availableParallelism()), '--target', 'axl_native'], env);
const library = spawnSync(env.CXX ?? 'c++', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).stdout.trim();
const sanitized = {
  ...env,
  LD_PRELOAD: library,
  ASAN_OPTIONS: 'detect_leaks=0',
  UBSAN_OPTIONS: 'print_stacktrace=1',
  AXL_NATIVE_BINARY: join(build, 'axl_native.node'),
};
const all = readdirSync(join(root, 'test'))
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => `test/${name}`)
  .filter((path) => !NOT_HERE.includes(path));
const files = process.argv.length > 2 ? process.argv.slice(2) : all;
must(process.execPath, ['test/smoke.mjs'], sanitized);
must(process.execPath, ['scripts/stress.mjs', '--rounds', '20'], sanitized);
must(process.execPath, ['node_modules/.bin/tap', '--timeout=900', ...files], sanitized);
