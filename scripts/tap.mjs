// Runs test files from dist/test, a process for each, and reads their TAP: one line for each file, the diagnostics of
// every failed assertion, and the closing line `N passed, N failed[, N skipped]`. Compiles what has changed first.
// `node scripts/tap.mjs [--jobs N] [--timeout SECONDS] FILE...`: paths below test/, a folder for all in it.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Parser } from 'tap-parser';
import { makeCurrent } from './setup.mjs';
import { root } from './toolchain.mjs';

/** Seconds a file may take: only so that what hangs ends. */
const TIMEOUT = 1800;
const NOISE = new Set(['stdio', 'cwd', 'externalID', 'command', 'args', 'source', 'tapError', 'jobId']);

function diagnostics(diag) {
  const entries = Object.entries(diag ?? {}).filter(([key]) => !NOISE.has(key));
  return entries.map(([key, value]) => {
    const text = typeof value === 'string' ? value.trimEnd() : JSON.stringify(value);
    return text.includes('\n') ? `    ${key}:\n${text.replace(/^/gm, '      ')}` : `    ${key}: ${text}`;
  });
}

/** Counts the leaves of one file's TAP; a parent counts only when it failed without a failed child. */
class Count {
  passed = 0;
  failed = 0;
  skipped = 0;
  lines = [];

  /** Follows one parser and its children. @returns a state that says whether an assertion below it failed */
  watch(parser, path) {
    const state = { failed: false };
    let child; // the subtest whose closing assertion comes next
    parser.on('child', (subtest) => {
      child = this.watch(subtest, [...path, subtest.name]);
    });
    parser.on('assert', (assertion) => {
      if (!this.#take(assertion, path, child)) state.failed = true;
      child = undefined;
    });
    parser.on('bailout', (reason) => {
      if (path.length === 1) this.fail(`${path[0]} > bail out: ${reason}`);
    });
    return state;
  }

  #take(assertion, path, child) {
    if (assertion.skip || assertion.todo) {
      const reason = [assertion.skip, assertion.todo, 'no reason given'].find((text) => typeof text === 'string');
      this.lines.push(`  skipped: ${[...path, assertion.name].join(' > ')}: ${reason}`);
      this.skipped++;
      return true;
    }
    if (assertion.ok) {
      if (!child) this.passed++;
      return true;
    }
    if (!child?.failed) this.fail([...path, assertion.name].join(' > '), assertion.diag);
    return false;
  }

  fail(title, diag) {
    this.failed++;
    this.lines.push(`  failed: ${title}`, ...diagnostics(diag));
  }
}

/** Its exit status; 1 for a signal. What it says on stderr is shown when something failed. */
function run(path, env, timeout, parser) {
  const args = ['--enable-source-maps', join(root, 'dist', path.replace(/\.ts$/, '.js'))];
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...env, TAP: '1', TAP_TIMEOUT: `${timeout}` },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: (timeout + 60) * 1000,
    killSignal: 'SIGKILL',
  });
  const errors = [];
  child.stdout.on('data', (chunk) => parser.write(chunk));
  child.stderr.setEncoding('utf8').on('data', (text) => errors.push(text));
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ status: 1, errors: error.message }));
    child.on('close', (status, signal) => {
      parser.end();
      resolve({ status: status ?? 1, signal, errors: errors.join('').trimEnd() });
    });
  });
}

/** Runs one file, and prints it when it has ended. @returns what it counted */
export async function testFile(path, { env = process.env, timeout = TIMEOUT, print = console.log } = {}) {
  const started = performance.now();
  const count = new Count();
  const parser = new Parser({ name: path });
  let whole;
  parser.on('complete', (results) => {
    whole = results;
  });
  count.watch(parser, [path]);
  const { status, signal, errors } = await run(path, env, timeout, parser);
  if (count.failed === 0 && (status !== 0 || !whole?.ok))
    count.fail(`${path} ended with ${signal ?? `status ${status}`}${whole?.plan ? '' : ' and without a plan'}`);
  const nothing = whole?.plan?.skipAll || (count.passed + count.failed === 0 && count.skipped > 0);
  const verdict = count.failed > 0 ? 'NOT OK' : nothing ? 'skip  ' : 'ok    ';
  const reason = whole?.plan?.skipReason ? `: ${whole.plan.skipReason}` : '';
  if (whole?.plan?.skipAll) count.skipped++;
  if (count.failed > 0 && errors) count.lines.push(errors.replace(/^/gm, '    stderr: '));
  for (const line of count.lines) print(line);
  print(`${verdict} ${path} (${((performance.now() - started) / 1000).toFixed(1)} s)${reason}`);
  return count;
}

/** The test files at or below a path, which may leave out `test/`, `.test.ts` and the folders above it. */
export function testFiles(name = '') {
  const all = readdirSync(join(root, 'test'), { recursive: true })
    .filter((path) => path.endsWith('.test.ts'))
    .map((path) => `test/${path}`)
    .sort();
  const wanted = name.replace(/^(\.\/)?test\//, '').replace(/(\.test)?\.[jt]s$|\/$/, '');
  if (wanted === '' || wanted === 'test') return all;
  const exactly = all.filter((path) => path === `test/${wanted}.test.ts` || path.startsWith(`test/${wanted}/`));
  return exactly.length > 0 ? exactly : all.filter((path) => path.endsWith(`/${wanted}.test.ts`));
}

export const noTest = (name) => new Error(`no test file at or below test/${name}`);

async function main() {
  const { values, positionals } = parseArgs({
    options: { jobs: { type: 'string' }, timeout: { type: 'string' } },
    allowPositionals: true,
  });
  await makeCurrent();
  const names = positionals.length > 0 ? positionals : [''];
  const waiting = names.flatMap((name) => {
    const files = testFiles(name);
    if (files.length === 0) throw noTest(name);
    return files;
  });
  const total = { passed: 0, failed: 0, skipped: 0 };
  const work = async () => {
    for (let path = waiting.shift(); path; path = waiting.shift()) {
      const counts = await testFile(path, { timeout: Number(values.timeout ?? TIMEOUT) });
      for (const key of Object.keys(total)) total[key] += counts[key];
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs ?? availableParallelism()) }, work));
  console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
  process.exitCode = total.failed > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
