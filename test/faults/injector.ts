// axl_faults, as the tests use it: a command run with one fault at one of its system calls.
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Ended, root as packageRoot, program } from '../support.js';

const injector = join(packageRoot, 'build-faults', 'axl_faults');

/**
 * As axl_faults has it: `kill`, `die`, `torn`, `short`, `errno=EIO` and `delay=20` (milliseconds), with a `+` for that call
 * and all later ones; and `pause`, which waits for what is done meanwhile.
 */
export type Fault = 'kill' | 'die' | 'torn' | 'short' | 'pause' | `errno=${string}` | `delay=${string}`;

export interface Where {
  readonly place: string;
  /** Only calls that name this file, or one in this directory, count. @default the place */
  readonly root?: string;
  /** Only these calls count; all that change or read something, if none are given. */
  readonly only?: readonly string[] | undefined;
  /** Which of them, from 1; none: they are counted. */
  readonly at?: number;
  readonly fault?: Fault;
  /** Done while the call waits, if the fault is a pause. */
  readonly meanwhile?: (() => Promise<void>) | undefined;
}

export interface Injected extends Ended {
  readonly calls: number;
  /** The call that had the fault; null if the command ended before. */
  readonly hit: { readonly call: string; readonly paths: readonly string[] } | null;
}

/** A sweep of an hour meets a machine that stands still for minutes. */
export const patienceMs = 600_000;

/** '' if faults can be put into programs here, or why not. */
export async function noInjector(): Promise<string> {
  if (!fs.existsSync(injector)) return `there is no ${injector}: node scripts/build-faults.mjs`;
  const report = join(fs.mkdtempSync('/tmp/axl-injector-'), 'report');
  const { status, stderr } = await program(injector, ['--root', '/nowhere', '--report', report, '--', 'true']);
  fs.rmSync(join(report, '..'), { recursive: true });
  return status === 0 ? '' : stderr.trim();
}

/** Runs a command to its end, without a fault. */
export function plain([command, ...args]: readonly string[]): Promise<Ended> {
  const env = { AXL_CHUNK_SIZE: '65536', AXL_THREADS: '2' };
  return program(command as string, args, { env, patienceMs });
}

/** Does something once, as soon as the injector has made its file, and lets the call go on; until the program has ended. */
async function whilePaused(paused: string, meanwhile: () => Promise<void>, ended: Promise<unknown>): Promise<void> {
  let running = true;
  const stop = () => (running = false);
  ended.then(stop, stop);
  while (running && !fs.existsSync(paused)) await setTimeout(1);
  if (!fs.existsSync(paused)) return;
  await meanwhile().finally(() => fs.rmSync(paused));
}

/** Runs a command to its end, with the fault. */
export async function inject(command: readonly string[], where: Where): Promise<Injected> {
  const { place, root = place, only, at, fault, meanwhile } = where;
  const report = `${place}.report`;
  const paused = `${place}.paused`;
  const options = ['--root', root, '--report', report];
  if (only) options.push('--only', only.join(','));
  if (at && fault) options.push('--at', `${at}`, '--fault', fault === 'pause' ? `pause=${paused}` : fault);
  const running = plain([injector, ...options, '--', ...command]);
  if (meanwhile) await whilePaused(paused, meanwhile, running);
  const ended = await running;
  if (!fs.existsSync(report)) throw new Error(`axl_faults hung or failed: ${ended.stderr}`);
  const said = JSON.parse(fs.readFileSync(report, 'utf8'));
  fs.rmSync(report);
  return { ...ended, ...said };
}
