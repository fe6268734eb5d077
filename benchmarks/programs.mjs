// Starts what is measured, each time in a process of its own: this library in Node, C floors, and other programs under
// a stop watch that is itself written in C, since an event loop is a poor one.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const here = fileURLToPath(new URL('.', import.meta.url));
const worker = join(here, 'worker.mjs');
const execute = promisify(execFile);

/** As many as the library copies with, and as axl-finalize has by default. */
const threads = { copy: 0, finalize: 8, verify: 8 };
const checkout = fileURLToPath(new URL('..', import.meta.url));

/** The builds that are measured: by the name of the row, the checkout. The first is this one. */
export const builds = new Map([['axl-transfer', checkout]]);

/** Measures another checkout beside this one, as the row `before COMMIT`. @throws {Error} it is not built */
export function measureBefore(directory) {
  if (!existsSync(join(directory, 'dist', 'lib', 'index.js')))
    throw new Error(`--before ${directory} is no built checkout: run "npm run build" there`);
  const commit = execFileSync('git', ['-C', directory, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' });
  builds.set(`before ${commit.trim()}`, directory);
}

export const finalizerOf = (build) => join(build, 'dist', 'bin', 'axl-finalize.js');
export const finalizer = finalizerOf(checkout);
export const verifier = join(checkout, 'dist', 'bin', 'axl-verify.js');

/** In a process that measures: the library of the build that it was started for. */
export const library = () => import(join(process.env.BENCH_BUILD ?? checkout, 'dist', 'lib', 'index.js'));

let floor = '';
let verifying = '';
/** For LD_PRELOAD: makes every fsync succeed at once. */
export let withoutSync = '';

/** For LD_PRELOAD: metadata calls take longer, see latency.c. */
export let withLatency = '';

/** Compiles the C programs into a directory, and asks the library for its number of threads. */
export async function prepare(directory) {
  threads.copy = (await library()).config().threads;
  const cc = process.env.CC ?? 'cc';
  floor = join(directory, 'floor');
  withoutSync = join(directory, 'nosync.so');
  execFileSync(cc, ['-O2', '-pthread', '-o', floor, join(here, 'floor.c')], { stdio: 'inherit' });
  verifying = join(directory, 'verify');
  const native = join(checkout, 'native');
  const sources = [join(here, 'verify.cc'), join(native, 'base/crc32c.cc')];
  const options = ['-std=c++20', '-O2', '-pthread', `-I${native}`];
  execFileSync(process.env.CXX ?? 'c++', [...options, '-o', verifying, ...sources], { stdio: 'inherit' });
  withLatency = join(directory, 'latency.so');
  for (const [library, source] of [
    [withoutSync, 'nosync.c'],
    [withLatency, 'latency.c'],
  ])
    execFileSync(cc, ['-O2', '-shared', '-fPIC', '-o', library, join(here, source), '-ldl'], { stdio: 'inherit' });
}

/** Without what makes every start of Node slower on this machine only. */
const { NODE_EXTRA_CA_CERTS: _, NODE_OPTIONS: __, ...plain } = process.env;

async function output(program, args, environment = {}, input = '') {
  const options = { env: { ...plain, ...environment }, maxBuffer: 64 << 20 };
  const running = execute(program, args.map(String), options);
  running.child.stdin.end(input);
  const { stdout, stderr } = await running;
  if (stderr !== '') process.stderr.write(stderr);
  return JSON.parse(stdout);
}

/** @returns {{seconds: number, cpu: number, rss: number}} of any program, from its start to its end */
export async function command(...args) {
  const { status, ...measured } = await output(floor, ['run', ...args]);
  if (status !== 0) throw new Error(`${args.slice(0, 2).join(' ')} ended with status ${status}`);
  return measured;
}

/** The C copy. @param how its letters, see floor.c @returns {{seconds: number, cpu: number}} */
export const copyFloor = (from, to, how) => output(floor, ['copy', from, to, threads.copy, how]);

/** The C finalizer, from its start to its end. @param how its letters, see floor.c */
export const finalizeFloor = (directory, how) => command(floor, 'finalize', directory, threads.finalize, how);

/** The C loop that checks a directory by its manifest. @param how `check` or `open`, see verify.cc @returns {{seconds: number}} */
export const verifyFloor = (directory, how) => output(verifying, [how, directory, threads.verify]);

/** A manifest of a directory. */
export const verifyManifest = (directory) =>
  execFileSync(verifying, ['manifest', directory], { encoding: 'utf8', maxBuffer: 64 << 20 });

/** How many system calls any program makes, its start included; undefined without strace. */
export function systemCalls(...args) {
  const counts = join(mkdtempSync(join(tmpdir(), 'axl-strace-')), 'counts');
  const { error } = spawnSync('strace', ['-f', '-c', '-o', counts, ...args.map(String)], {
    stdio: 'ignore',
    env: plain,
  });
  if (error) return undefined;
  const total = /^ *100\.00 .* total$/m.exec(readFileSync(counts, 'utf8'));
  return Number(total?.[0].trim().split(/ +/)[3]); // of: % time, seconds, usecs/call, calls
}

/** The system calls of the C finalizer. */
export const floorCalls = (directory, how) => systemCalls(floor, 'finalize', directory, threads.finalize, how);

/** A shell command, from its start to its end. */
export const shell = (line, ...args) => command('sh', '-ec', line, 'sh', ...args);

/** A function of a trial, in a new Node, with the library of a build. @returns what it returns */
export const inNode = (trial, name, given, environment = {}, build = checkout) =>
  output(process.execPath, [worker, trial, name], { ...environment, BENCH_BUILD: build }, JSON.stringify(given));
