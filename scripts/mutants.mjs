// Builds native/ with one deliberate fault after the other (test/mutants) and says which test notices each: a suite that
// never fails proves nothing. `node scripts/mutants.mjs [--known] [WORD ...]` takes only mutants whose name holds a WORD;
// --known runs only the test that killers.mjs names, which is quicker.
// Works on a copy in build-mutants/, without sanitizers and in memory; the table of results is in
// build-mutants/results.md.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { killers } from '../test/mutants/killers.mjs';
import * as tables from '../test/mutants/mutants.mjs';
import { buildEnvironment, root } from './toolchain.mjs';

const work = join(root, 'build-mutants');
const tree = join(work, 'tree');
const build = join(work, 'build');
const MEMORY = '/dev/shm';
const TIMEOUT_MS = 20 * 60_000;
const COPIED = ['CMakeLists.txt', 'native', 'test/native', 'test/faults', 'test/fixtures', 'docs/state-format.md'];

/** Writes a file only if it has changed, so that make compiles no more than it must. */
function put(path, content) {
  if (existsSync(path) && readFileSync(path).equals(content)) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

function copy(name) {
  const path = join(root, name);
  if (statSync(path).isDirectory()) for (const child of readdirSync(path)) copy(join(name, child));
  else put(join(tree, name), readFileSync(path));
}

function run(command, args, timeout = 0) {
  const options = { cwd: work, encoding: 'utf8', timeout, killSignal: 'SIGKILL', maxBuffer: 1 << 28 };
  const env = { ...buildEnvironment(), ...(existsSync(MEMORY) && { TMPDIR: MEMORY }) };
  const { status, signal, stdout, stderr } = spawnSync(command, args, { ...options, env });
  return { ok: status === 0, signal, output: `${stdout}${stderr}` };
}

function compile() {
  const { ok, output } = run('cmake', ['--build', build, '--parallel', '2', '--target', 'axl_tests']);
  if (!ok) throw new Error(`does not compile:\n${output}`);
}

/** The first test that fails, or a word on how the tests ended; undefined if all pass. */
function whatFails(filters) {
  const { ok, signal, output } = run(join(build, 'axl_tests'), filters, TIMEOUT_MS);
  if (ok) return undefined;
  if (/^0 passed, 0 failed$/m.test(output)) throw new Error(`killers.mjs: no test is called ${filters}`);
  if (signal === 'SIGKILL') return 'a test that does not end';
  return /^FAILED (\w+)$/m.exec(output)?.[1] ?? `a crash (${signal})`;
}

/** @returns the sources with the fault in it. @throws if the table has gone stale */
function mutate(source, { file, from, to }) {
  const found = source.split(from).length - 1;
  if (found !== 1)
    throw new Error(`its text is ${found} times in native/${file}, not once: bring the table up to date`);
  return source.replace(from, () => to);
}

function attempt(mutant) {
  const path = join(tree, 'native', mutant.file);
  const source = readFileSync(path, 'utf8');
  let mutated = mutate(source, mutant);
  if (mutant.and) mutated = mutate(mutated, { ...mutant.and, file: mutant.file });
  writeFileSync(path, mutated);
  try {
    compile();
    const test = killers[mutant.name];
    return (test && whatFails([test])) ?? (known ? undefined : whatFails([]));
  } finally {
    writeFileSync(path, source);
  }
}

function prepare() {
  for (const name of COPIED) copy(name);
  const options = ['-DAXL_ADDON=OFF', '-DAXL_TESTS=ON', '-DCMAKE_BUILD_TYPE=None', '-DCMAKE_CXX_FLAGS=-O1'];
  const { ok, output } = run('cmake', ['-S', tree, '-B', build, ...options]);
  if (!ok) throw new Error(output);
  compile();
  const failed = whatFails(known ? [...new Set(Object.values(killers))] : []);
  if (failed) throw new Error(`${failed} fails without any mutant`);
}

const { values, positionals: words } = parseArgs({ options: { known: { type: 'boolean' } }, allowPositionals: true });
const { known = false } = values;
const mutants = Object.values(tables)
  .flat()
  .filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)))
  .sort((a, b) => a.file.localeCompare(b.file)); // one after the other, a file is compiled once for each
mkdirSync(work, { recursive: true });
prepare();
const rows = [];
const count = { killed: 0, needless: 0, survived: 0, broken: 0 };
for (const mutant of mutants) {
  const started = performance.now();
  let result;
  try {
    const killer = attempt(mutant);
    count[killer ? 'killed' : mutant.needless ? 'needless' : 'survived']++;
    result = killer ?? (mutant.needless ? `nobody: ${mutant.needless}` : 'SURVIVED');
  } catch (error) {
    count.broken++;
    result = `BROKEN: ${error.message}`;
  }
  console.log(`${mutant.name}: ${result} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  rows.push(`| ${mutant.name} | ${mutant.breaks} | ${result} |`);
}
writeFileSync(join(work, 'results.md'), `| fault | breaks | noticed by |\n|---|---|---|\n${rows.join('\n')}\n`);
const failed = count.survived + count.broken;
process.exitCode = failed > 0 ? 1 : 0;
console.log(
  `${count.killed} noticed, ${count.needless} of needless lines, ${count.survived} survived, ${count.broken} broken`,
);
console.log(`${mutants.length - failed} passed, ${failed} failed`);
