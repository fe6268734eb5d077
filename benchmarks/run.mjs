// npm run bench [-- [--into NAME] [--runs N] [--quick] [--cases REGEXP] [--memory DIR] [--disk DIR] [--before DIR]
//               [TRIAL...]]
// Trials x cases x programs: each measurement in a process of its own, the programs of a case taking turns, so that
// whatever else the machine does meets all of them. Writes results/NAME.{json,md}; with --quick only if NAME is given.
import { existsSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { duration } from './format.mjs';
import { fileSystemType, machine, occasion } from './machine.mjs';
import { measureBefore, prepare } from './programs.mjs';
import { load, save, trialTable } from './results.mjs';
import { inScratch, openScratch } from './scratch.mjs';

const NAMES = ['small-files', 'throughput', 'finalize', 'event-loop', 'cancel', 'memory', 'throttle'];
/** Those that are run only by name: most start hundreds of processes. */
const LARGE = ['operations', 'ranks', 'shards', 'jobs', 'verify', 'kvtree'];
const results = fileURLToPath(new URL('./results', import.meta.url));
const build = fileURLToPath(new URL('../build/bench', import.meta.url));

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      into: { type: 'string' },
      runs: { type: 'string' },
      quick: { type: 'boolean', default: false },
      cases: { type: 'string', default: '' },
      memory: { type: 'string', default: existsSync('/dev/shm') ? '/dev/shm' : build },
      disk: { type: 'string', default: build },
      before: { type: 'string' },
    },
  });
  const all = [...NAMES, ...LARGE];
  const unknown = positionals.find((name) => !all.includes(name));
  if (unknown) throw new Error(`there is no trial ${unknown}; there are ${all.join(', ')}`);
  const runs = Number(values.runs ?? (values.quick ? 1 : 5));
  if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs takes a number from 1');
  const name = values.into ?? (values.quick ? undefined : 'latest');
  const [memory, disk] = [resolve(values.memory), resolve(values.disk)];
  return { ...values, memory, disk, name, runs, chosen: positionals.length > 0 ? positionals : NAMES };
}

/**
 * Every program of a case, `runs` times, in turns; a slow case may say that fewer will do.
 * @returns {object} program -> metric -> measurements
 */
async function runCase(trial, c, places, runs) {
  const most = Math.min(runs, c.runs ?? runs);
  const drivers = await trial.open({ ...c, runs: most }, places);
  const samples = Object.fromEntries(Object.keys(drivers).map((name) => [name, {}]));
  for (let i = 0; i < most; i++)
    for (const [name, run] of Object.entries(drivers))
      for (const [metric, value] of Object.entries(await run())) {
        samples[name][metric] ??= [];
        samples[name][metric].push(value);
      }
  return samples;
}

/** A case that fails is told of, and leaves the others alone. @returns {object} case -> program -> ... */
async function runTrial(trial, places, { quick, runs, wanted }, keep) {
  const done = {};
  for (const c of trial.cases({ quick, places }).filter(({ name }) => wanted.test(name))) {
    const start = performance.now();
    process.stdout.write(`  ${c.name} ... `);
    try {
      done[c.name] = await inScratch(places, (own) => runCase(trial, c, own, runs));
      console.log(duration((performance.now() - start) / 1000));
      keep(done); // a trial may take half an hour
    } catch (error) {
      process.exitCode = 1;
      console.log(`failed\n${error.stderr || error.message}`);
    }
  }
  return done;
}

async function main() {
  const { name, runs, quick, cases: wanted, memory, disk, before, chosen } = options();
  if (before !== undefined) measureBefore(resolve(before));
  mkdirSync(build, { recursive: true });
  await prepare(build);
  const places = openScratch(memory, disk);
  for (const [place, directory] of Object.entries(places)) console.log(`${place}: ${fileSystemType(directory)}`);
  const here = machine(places);
  const stored = name ? load(results, name, here) : { machine: here, trials: {} };
  const trials = {};
  for (const key of [...NAMES, ...LARGE]) trials[key] = await import(`./trials/${key}.mjs`);
  for (const key of chosen) {
    console.log(`${key}:`);
    const when = occasion(runs);
    const keep = (cases) => {
      stored.trials[key] = { ...when, cases };
      if (name) save(results, name, stored, trials);
    };
    const cases = await runTrial(trials[key], places, { quick, runs, wanted: new RegExp(wanted) }, keep);
    keep(cases);
    console.log(trialTable(trials[key], cases).join('\n'));
  }
}

await main().catch((error) => {
  console.error(error.message);
  process.exit(2);
});
