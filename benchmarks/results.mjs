// Results files: NAME.json holds every measurement, NAME.md shows medians and ratios. Trials that are run again replace
// what was there; figures of another machine are never mixed in.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { median, ratio, table, wrap } from './format.mjs';
import { plot } from './plot.mjs';

/** What was stored under this name, or nothing yet. @throws {Error} it is of another machine */
export function load(directory, name, machine) {
  const path = join(directory, `${name}.json`);
  if (!existsSync(path)) return { machine, trials: {} };
  const stored = JSON.parse(readFileSync(path, 'utf8'));
  if (!isDeepStrictEqual(stored.machine, machine))
    throw new Error(`${name}.json was measured on another machine or kernel; take another name (--into NAME)`);
  return stored;
}

export function save(directory, name, results, trials) {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${name}.json`), `${JSON.stringify(results, null, 1)}\n`);
  writeFileSync(join(directory, `${name}.md`), `${markdown(name, results, trials).join('\n')}\n`);
  const panels = Object.entries(trials).flatMap(([key, trial]) => plotted(trial, results.trials[key]));
  if (panels.length > 0) writeFileSync(join(directory, `${name}.svg`), plot(panels));
}

const medians = (samples) => Object.fromEntries(Object.entries(samples).map(([key, values]) => [key, median(values)]));

/** What a trial makes of its results, if it plots them and there are some. */
function plotted(trial, stored) {
  return trial.panels && stored && Object.keys(stored.cases).length > 0 ? trial.panels(stored.cases) : [];
}

/** How many times as fast as the fastest of these programs, given by name or by a pattern. */
function compared(key, own, drivers, wanted) {
  const isWanted = (name) => (wanted instanceof RegExp ? wanted.test(name) : wanted.includes(name));
  const others = Object.keys(drivers)
    .filter(isWanted)
    .map((name) => medians(drivers[name])[key]);
  const best = Math.min(...others.filter((value) => value > 0));
  return Number.isFinite(best) && own > 0 ? ratio(best / own) : '';
}

/** Lines of the table of one trial. Columns without a value in any row are left out. */
export function trialTable(trial, cases) {
  const baselines = Object.entries(trial.compare?.baselines ?? {});
  const head = ['case', 'program', ...Object.values(trial.columns).map(([title]) => title)];
  head.push(...baselines.map(([title]) => `vs ${title}`));
  const rows = Object.entries(cases).flatMap(([name, drivers]) =>
    Object.entries(drivers).map(([driver, samples]) => {
      const values = medians(samples);
      const shown = Object.entries(trial.columns).map(([key, [, show]]) => (key in values ? show(values[key]) : ''));
      const { key } = trial.compare ?? {};
      const ratios = baselines.map(([, names]) => compared(key, values[key], drivers, names));
      return [name, driver, ...shown, ...ratios];
    }),
  );
  const used = head.map((_, i) => rows.some((row) => row[i] !== ''));
  const kept = (row) => row.filter((_, i) => used[i]);
  return table(kept(head), rows.map(kept));
}

function markdown(name, { machine, trials: stored }, trials) {
  const lines = [`# Results: ${name}`, '', 'How to read this: [../README.md](../README.md). All measurements: '];
  lines[2] += `\`${name}.json\` in the repository.`; // no link: packages leave it out
  lines.push(
    '',
    ...table(
      ['machine', ''],
      Object.entries(machine).map(([key, value]) => [key, String(value)]),
    ),
  );
  for (const [key, trial] of Object.entries(trials)) {
    if (!stored[key]) continue;
    const { date, commit, runs, load: busy, cases } = stored[key];
    lines.push('', `## ${trial.title}`, '', ...wrap(trial.text), '', ...trialTable(trial, cases), '');
    lines.push(`${runs === 1 ? '1 run' : `at most ${runs} runs`} · commit ${commit} · ${date} · load before: ${busy}`);
  }
  return lines;
}
