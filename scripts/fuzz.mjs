// Builds test/fuzz with clang's libFuzzer and runs every target for a while, from the inputs in test/fuzz/corpus.
// `node scripts/fuzz.mjs [--seconds N | --runs N] [TARGET ...]`: N for each target; new inputs stay in build-fuzz/corpus,
// and whatever breaks a property in build-fuzz/TARGET-*. Without libFuzzer it says so, and skips.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { dropForeignBuild, root } from './toolchain.mjs';

const MAX_LENGTH = 1024;
const build = join(root, 'build-fuzz');
const sources = join(root, 'test', 'fuzz');

/** Does this compiler link, and this machine run, what libFuzzer makes? */
function works(compiler) {
  const directory = mkdtempSync(join(tmpdir(), 'axl-fuzz-'));
  const program = join(directory, 'program');
  const input = '#include <string>\nextern "C" int LLVMFuzzerTestOneInput(const char*, size_t) { return 0; }';
  const args = ['-std=c++20', '-fsanitize=fuzzer,address,undefined', '-x', 'c++', '-', '-o', program];
  const compiled = spawnSync(compiler, args, { input }).status === 0;
  const ran = compiled && spawnSync(program, ['-runs=1'], { cwd: directory }).status === 0;
  rmSync(directory, { recursive: true });
  return ran;
}

function quietly(command, args, env = process.env) {
  const { status, stdout, stderr } = spawnSync(command, args, { env, encoding: 'utf8', maxBuffer: 64 << 20 });
  if (status === 0) return;
  console.log(`${stdout}${stderr}`);
  process.exit(1);
}

function compile(compiler) {
  dropForeignBuild(build);
  const env = { ...process.env, CXX: compiler };
  quietly('cmake', ['-S', root, '-B', build, '-DAXL_FUZZ=ON', '-DAXL_WERROR=ON', '-DCMAKE_BUILD_TYPE=None'], env);
  quietly('cmake', ['--build', build, '--parallel', String(availableParallelism())]);
}

/** Runs one target. @returns whether no property was broken */
async function fuzz(target, limit) {
  const corpus = join(build, 'corpus', target);
  mkdirSync(corpus, { recursive: true });
  const seeds = join(sources, 'corpus', target);
  const args = [corpus, seeds, ...limit, `-max_len=${MAX_LENGTH}`, `-artifact_prefix=${build}/${target}-`];
  const child = spawn(join(build, `${target}_fuzz`), [...args, '-print_final_stats=1'], { cwd: build });
  const last = [];
  let executions = '?';
  createInterface({ input: child.stderr }).on('line', (line) => {
    executions = /^stat::number_of_executed_units:\s*(\d+)/.exec(line)?.[1] ?? executions;
    last.push(line);
    if (last.length > 60) last.shift();
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  console.log(`${status === 0 ? 'ok' : 'NOT OK'} ${target}: ${executions} executions`);
  if (status !== 0) console.log(last.join('\n'));
  return status === 0;
}

const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string' }, runs: { type: 'string' } },
  allowPositionals: true,
});
const compiler = ['clang++', 'clang++-14'].find((name) => works(name));
if (!compiler) {
  console.log('SKIPPED: no clang with libFuzzer that works here (Debian 12: apt-get install clang libclang-rt-14-dev)');
  console.log('0 passed, 0 failed, 1 skipped');
  process.exit();
}
compile(compiler);
// A short run goes the same way each time: it is to find what somebody has just broken.
const limit = values.runs ? [`-runs=${values.runs}`] : ['-seed=1', `-max_total_time=${values.seconds ?? 7}`];
const targets = readdirSync(sources)
  .filter((name) => name.endsWith('_fuzz.cc'))
  .map((name) => name.slice(0, -'_fuzz.cc'.length))
  .filter((name) => positionals.length === 0 || positionals.includes(name));
if (targets.length === 0) throw new Error('no such target');
let failed = 0;
for (const target of targets) if (!(await fuzz(target, limit))) failed++;
process.exitCode = failed > 0 ? 1 : 0;
console.log(`${targets.length - failed} passed, ${failed} failed`);
