// What the test programs share: steps that run beside each other, as many programs at a time as there are CPUs, and print
// a verdict each; and the closing line, alone on its line and the last: `N passed, N failed[, N skipped]`. A step is a
// check, which counts as one, or a suite, which counts for itself.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { buildEnvironment, root } from './toolchain.mjs';

/** Only so that what hangs ends: a busy machine takes ten times as long as an idle one. */
const STEP_TIMEOUT_MS = 3600_000;
const SKIPPED = 77;
const CLOSING = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/;
const total = { passed: 0, failed: 0, skipped: 0 };

/** What the tests see: none of our settings (they would change the outcome), no colours (they would hide it). */
export const environment = Object.fromEntries(
  Object.entries({ ...buildEnvironment(), NO_COLOR: '1', UBSAN_OPTIONS: 'print_stacktrace=1' }).filter(
    ([name]) => name !== 'FORCE_COLOR' && (!name.startsWith('AXL_') || name.startsWith('AXL_TEST_')),
  ),
);

let free = Math.max(2, availableParallelism());
const waiting = [];

/** Runs one program's worth of work when a CPU is free, in the order of the calls. */
export async function inTurn(work) {
  if (free > 0) free--;
  else await new Promise((resolve) => waiting.push(resolve));
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else free++;
  }
}

/**
 * Runs a program to its end and hands on each line of its output as it comes, with whether it came on stdout.
 * @returns its exit status (1 for a signal or a timeout)
 */
function run(command, args, onLine, timeout = STEP_TIMEOUT_MS) {
  return inTurn(() => {
    const options = { cwd: root, env: environment, stdio: ['ignore', 'pipe', 'pipe'], timeout, killSignal: 'SIGKILL' };
    const child = spawn(command, args, options);
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
  });
}

/** A check: silent when it passes. */
export async function check(command, args) {
  const lines = [];
  const status = await run(command, args, (line) => lines.push(line));
  if (status === SKIPPED) return { skipped: 1, reason: lines.join(' ') };
  if (status === 0) return { passed: 1 };
  for (const line of lines) console.log(`  ${line}`);
  return { failed: 1 };
}

/** A suite: its lines are shown as they come, and its closing line (after `N skipped`, if any) gives the counts. */
export async function suite(label, command, args, timeout) {
  let counts;
  let skipped = 0;
  const onLine = (line, isStdout) => {
    const text = line.trim();
    skipped = Number(/^(\d+) skipped$/.exec(text)?.[1] ?? skipped);
    const match = isStdout && CLOSING.exec(text);
    if (match) counts = { passed: Number(match[1]), failed: Number(match[2]), skipped: Number(match[3] ?? skipped) };
    console.log(match ? `  ${label}: ${text}` : `  ${line}`);
  };
  const status = await run(command, args, onLine, timeout);
  if (status !== 0 && !counts?.failed) {
    console.log(`  ${label}: ended with status ${status}${counts ? '' : ' and without its closing line'}`);
    return { ...counts, failed: 1 };
  }
  return counts ?? { failed: 1 };
}

/** What several parts of a step counted, together. */
export function sum(parts) {
  const of = (key) => parts.reduce((before, part) => before + (part[key] ?? 0), 0);
  return { passed: of('passed'), failed: of('failed'), skipped: of('skipped') };
}

/** Runs a step, adds up what it counted, and says how long after the start it was done. */
export async function step(name, body) {
  const started = performance.now();
  const { passed = 0, failed = 0, skipped = 0, reason } = await body();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const verdict = failed > 0 ? 'NOT OK' : reason ? 'SKIPPED' : 'ok';
  console.log(`${verdict} ${name} (${seconds} s)${reason ? `: ${reason}` : ''}`);
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}

/** The last of all. */
export function close() {
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
  process.exitCode = total.failed > 0 ? 1 : 0;
  console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
}
