// Trials: a life with a fault in it, perhaps another life with another, an axl-finalize without, and then the promise is
// checked. A sweep puts the fault at each system call in turn, or at a sample of them.
import type { Test } from 'tap';
import { type Ended, expireLocks, loseLocks, program } from '../support.js';
import { type Fault, type Injected, inject, patienceMs, plain } from './injector.js';
import { axlFinalize, type Life } from './lives.js';
import type { Outcome, Template, World } from './world.js';

/** All calls and all faults (hours), or a sample (seconds). */
export const isDeep = process.env.AXL_TEST_DEEP === '1';

/** Trials between two runs of the axl-finalize that ends them, all in one. */
const BATCH = 16;
const LANES = 2;

export interface Run {
  readonly life: Life;
  readonly fault: Fault;
  readonly at: number;
  readonly only?: readonly string[] | undefined;
  /** Lived from beginning to end while the call waits, if the fault is a pause. */
  readonly meanwhile?: Life;
}

interface Trial {
  readonly world: World;
  /** What was done, and what was said of it. */
  readonly seen: string[];
  readonly wrong: string[];
  hits: number;
  /** Has what ran while a call waited? */
  succeeded: boolean;
  must: Outcome | undefined;
  readonly leavesVerdict: boolean;
}

const FINALIZE_DONE = ['published', 'rolled-back', 'removed'];

/** What a program has told whoever runs it: what became of the transfer; that its state file is gone. */
function told({ status, stdout }: Ended, { finish, keeps, partly }: Life): { outcome?: Outcome; cleared: boolean } {
  if (partly) return { cleared: false };
  if (!stdout.startsWith('{')) {
    const cleared = stdout.includes('freed');
    if (stdout.includes('published')) return { outcome: 'published', cleared };
    return cleared ? { outcome: 'as before', cleared } : { cleared };
  }
  if (status === 0 && JSON.parse(stdout).counts.published > 0) return { outcome: 'published', cleared: !keeps };
  if (status === 3 && !finish.includes('resume')) return { outcome: 'as before', cleared: true };
  return { cleared: status === 0 && !keeps };
}

/**
 * A failure that must not be forgiven: the bytes may not be there, whatever the next call says. (A record of the state file
 * may be a mere hint.) Only where a resume asks whether the disk has what a killed run has written, a no makes it copy the
 * file anew.
 */
function mustFail({ hit }: Injected, { life, fault }: Run): boolean {
  if (!hit || !fault.startsWith('errno=')) return false;
  const isOf = (name: string) => hit.paths.some((path) => path.includes(`${name}._AXL`));
  const isInterrupted = fault === 'errno=EINTR';
  // Node itself asks again where an fsync, of a verdict file or its directory, was interrupted; that loses nothing.
  const isOfVerdicts = hit.paths.some((path) => VERDICT.test(path) || STATES.test(path));
  if (hit.call === 'fsync' && isInterrupted && isOfVerdicts) return false;
  // Ranks that have freed everything remove their verdict last. Its id never comes again: nobody minds if it stays.
  if (hit.call === 'fsync' && life.leavesVerdict && hit.paths.some((path) => STATES.test(path))) return false;
  if (hit.call === 'fsync') return !(life.finish.includes('resume') && isOf('/big'));
  if (hit.call === 'close') return isOf('') && !isOf('/link'); // a link has no bytes: what is closed is a path to it
  return isOf('') && hit.call.includes('write') && !isInterrupted;
}

/** What clearing away may leave, or not remove durably, if it says so: all is done, and the next run removes it. */
const VERDICT = /\.axl-verdict\./;
const STATES = /\/states(\/[ab])?$/;
const isVerdict = (name: string): boolean => VERDICT.test(name);

function checkTold({ world, wrong }: Trial, run: Run, ended: Injected): void {
  const { outcome, cleared } = told(ended, run.life);
  const left = cleared ? world.stateFiles().filter((name) => !(run.life.leavesVerdict && isVerdict(name))) : [];
  const complained = VERDICT.test(ended.stderr) && left.every(isVerdict);
  // Another process has it locked: that one removes it, or the next run if it is killed.
  const isOthers = left.some((name) => name.endsWith('.flock')) && left.every(isVerdict);
  if (outcome) wrong.push(...world.differs(outcome).map((name) => `told ${outcome}, but ${name}`));
  if (left.length > 0 && !complained && !isOthers) wrong.push(`told that all is done, but there is ${left}`);
  const noFailure = outcome === 'published' && ended.status === 0 && !complained;
  if (noFailure && mustFail(ended, run)) wrong.push('told of no failure');
}

function checkRun(trial: Trial, run: Run, ended: Injected): void {
  checkTold(trial, run, ended);
  if (ended.status === null && !ended.hit) trial.wrong.push('did not end by itself');
  if (ended.status === 1 && ended.stderr === '') trial.wrong.push('failed without a word');
  trial.wrong.push(...trial.world.wrongNow());
  trial.must ??= trial.world.promised();
}

const show = ({ life, fault, at }: Run, hit: Injected['hit']): string =>
  `${life.name}, ${fault} at ${at}: ${hit ? `${hit.call} ${hit.paths.join(' ')}` : 'not reached'}`;

const isSuccess = ({ status }: Ended): boolean => status === 0 || status === 3;

/** What lives while a call waits. The locks on the directory are lost to it: those on the state files have to do. */
function meeting(trial: Trial, run: Run): (() => Promise<void>) | undefined {
  const { meanwhile: life } = run;
  if (!life) return undefined;
  return async () => {
    loseLocks(trial.world.states);
    const ended = { ...(await plain(life.command(trial.world))), calls: 0, hit: null };
    trial.seen.push(`meanwhile ${life.name}: status ${ended.status} ${ended.stderr.trim()}`);
    trial.succeeded = isSuccess(ended);
    checkRun(trial, { ...run, life }, ended);
  };
}

/** Whoever meets another may have to leave the work to it, but not both to each other. */
function checkSuccess({ succeeded, wrong }: Trial, { life, meanwhile }: Run, ended: Ended): void {
  if (isSuccess(ended)) return;
  if (life.undisturbed || (meanwhile && !succeeded)) wrong.push(`status ${ended.status}: ${ended.stderr.trim()}`);
}

async function runTrial(template: Template, runs: readonly Run[]): Promise<Trial> {
  const [first] = runs as readonly [Run, ...Run[]];
  const world = await template.copy(first.life.user);
  await first.life.prepare(world);
  const leavesVerdict = runs.some(({ life }) => life.leavesVerdict);
  const trial: Trial = { world, seen: [], wrong: [], hits: 0, succeeded: false, must: first.life.must, leavesVerdict };
  for (const run of runs) {
    const ended = await inject(run.life.command(world), { ...run, place: world.place, meanwhile: meeting(trial, run) });
    if (ended.hit) trial.hits++;
    trial.seen.push(show(run, ended.hit), ended.stderr.trim());
    checkRun(trial, run, ended);
    checkSuccess(trial, run, ended);
    expireLocks(world.states);
  }
  return trial;
}

function checkEnd(
  { world, must, wrong, leavesVerdict }: Trial,
  entries: readonly { stateFile: string; action: string }[],
): void {
  const ours = entries.filter(({ stateFile }) => stateFile.startsWith(`${world.states}/`));
  const odd = ours.filter(({ action }) => !FINALIZE_DONE.includes(action));
  wrong.push(...odd.map((entry) => `axl-finalize: ${JSON.stringify(entry)}`));
  wrong.push(...(must ? world.differs(must).map((name) => `must be ${must}, but ${name}`) : world.differsFromBoth()));
  const left = world.left().filter((name) => !(leavesVerdict && isVerdict(name)));
  wrong.push(...left.map((name) => `left over: ${name}`));
}

/** Finalizes what the trials have left, and looks. @returns what is wrong, trial by trial */
async function finish(trials: readonly Trial[], args: readonly string[]): Promise<string[]> {
  const [command, ...rest] = axlFinalize('--json', ...args, ...trials.flatMap(({ world }) => world.stateDirs()));
  const ended = await program(command as string, rest, { patienceMs });
  const { entries } = JSON.parse(ended.stdout);
  for (const trial of trials) {
    checkEnd(trial, entries);
    if (ended.status !== 0 && ended.status !== 3 && trial.wrong.length > 0) trial.wrong.push(ended.stderr);
  }
  const wrong = trials.filter((trial) => trial.wrong.length > 0).map((trial) => describe(trial));
  if (wrong.length === 0 && ended.status !== 0 && ended.status !== 3) wrong.push(`axl-finalize: ${ended.stderr}`);
  for (const { world } of trials) world.remove();
  return wrong;
}

const describe = ({ seen, must, wrong }: Trial): string =>
  [...seen, `must be ${must ?? 'either'}`, ...wrong].filter((line) => line !== '').join('\n  ');

/** Runs all of them, some at a time. */
async function together<T, Result>(items: readonly T[], work: (item: T) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i] as T);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return results;
}

/** How many calls a life makes, of some kinds. */
export async function countCalls(template: Template, life: Life, only?: readonly string[]): Promise<number> {
  const world = await template.copy(life.user);
  await life.prepare(world);
  const { calls, status, stderr } = await inject(life.command(world), { place: world.place, only });
  if (status !== 0 && status !== 3) throw new Error(`${life.name}, without a fault: ${stderr}`);
  world.remove();
  return calls;
}

/** Numbers from 1 to `count`, evenly: about `wanted` of them, or `inDeep` when there is time. */
export function sample(
  count: number,
  wanted: number,
  inDeep = count,
): { readonly at: number[]; readonly step: number } {
  const step = Math.max(1, Math.floor(count / (isDeep ? inDeep : wanted)));
  const at = Array.from({ length: Math.ceil(count / step) }, (_, i) => i * step + 1);
  return { at, step };
}

/** In words: every `step`th of so many. */
export const which = (step: number, count: number, what = 'calls'): string =>
  `${step === 1 ? 'each' : step >= count ? 'one' : `1 in ${step}`} of ${count} ${what}`;

/** Makes trials of `planned`. @returns what is wrong, for each trial with which something is; and how many faults were reached */
export async function tryAll(template: Template, planned: readonly (readonly Run[])[]) {
  const wrong: string[] = [];
  const args = planned[0]?.at(-1)?.life.finish ?? [];
  let hits = 0;
  for (let i = 0; i < planned.length; i += BATCH) {
    const trials = await together(planned.slice(i, i + BATCH), (runs) => runTrial(template, runs));
    for (const trial of trials) hits += trial.hits;
    wrong.push(...(await finish(trials, args)));
  }
  return { wrong, hits };
}

/** Makes trials of `planned`, asserts that nothing is wrong with any, and prints a line at once: a sweep may take an hour. */
export async function sweep(t: Test, template: Template, title: string, planned: readonly (readonly Run[])[]) {
  const started = performance.now();
  const { wrong, hits } = await tryAll(template, planned);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  const good = planned.length - wrong.length;
  console.error(`sweep: ${title}: ${good} of ${planned.length}, ${hits} faults, ${seconds} s`);
  t.same(wrong.slice(0, 5), [], title);
}
