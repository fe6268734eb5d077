// `npm run test:one -- NAME...`: compiles what has changed, then runs what is called NAME: a test file (`transfer/add`, or
// a folder of such), a C++ test file (`plan/walk_test.cc`), or the C++ tests whose names contain NAME. C++ is compiled
// without sanitizers, one file after a change; `npm test` has them.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCurrent } from './setup.mjs';
import { cmakeBuild, root } from './toolchain.mjs';

const BUILD = join(root, 'build-one');
const OPTIONS = [
  '-DAXL_TESTS=ON',
  '-DAXL_PCH=ON',
  '-DAXL_WERROR=ON',
  '-DCMAKE_BUILD_TYPE=None',
  '-DCMAKE_CXX_FLAGS=-g1',
];

/** The tests of C++: the file and the name of each. */
function cppTests() {
  const files = readdirSync(join(root, 'test/native'), { recursive: true }).filter((path) => path.endsWith('_test.cc'));
  return files.flatMap((file) =>
    [...readFileSync(join(root, 'test/native', file), 'utf8').matchAll(/^TEST\((\w+)\)/gm)].map(([, test]) => [
      file,
      test,
    ]),
  );
}

/** The C++ tests that a name means: of its file, or by a part of their own. */
function cppNamed(name) {
  const all = cppTests();
  const path = name.replace(/^(\.\/)?(test\/)?(native\/)?/, '').replace(/\.cc$/, '');
  const ofFile = all.filter(([file]) => `/${file}`.endsWith(`/${path}.cc`) || `/${file}`.endsWith(`/${path}_test.cc`));
  return (ofFile.length > 0 ? ofFile : all.filter(([, test]) => test.includes(name))).map(([, test]) => test);
}

function run(command, args) {
  const { status, signal } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (signal) console.error(`${command} ended by ${signal}`);
  process.exitCode = status || process.exitCode || (signal ? 1 : 0);
}

async function runCpp(names) {
  const failure = await cmakeBuild(BUILD, OPTIONS, 'axl_tests');
  if (failure === undefined) return run(join(BUILD, 'axl_tests'), names);
  console.error(failure);
  process.exitCode = 1;
}

const names = process.argv.slice(2);
if (names.length === 0) {
  console.error('usage: npm run test:one -- NAME...: a test file, or a C++ test (or its file)');
  process.exit(2);
}
const cpp = new Map(names.map((name) => [name, existsSync(join(root, 'test', name)) ? [] : cppNamed(name)]));
const other = names.filter((name) => cpp.get(name).length === 0);
if (other.length > 0) {
  await makeCurrent();
  const { testFiles } = await import('./tap.mjs');
  const unknown = other.filter((name) => testFiles(name).length === 0);
  if (unknown.length > 0) {
    console.error(`no test is called ${unknown.join(' or ')}, in TypeScript or C++`);
    process.exit(2);
  }
  run(process.execPath, [join(root, 'scripts/tap.mjs'), ...other]);
}
const tests = [...cpp.values()].flat();
if (tests.length > 0) await runCpp(tests);
