// All ranks of a job hand over their files at once, into one state directory and one destination.
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { duration, median } from '../format.mjs';
import { launch, launcher } from '../launchers.mjs';
import { makeFile, remove, settle } from '../scratch.mjs';

export const title = 'Ranks';
export const text =
  `Processes of Node, started by ${launcher}, wait at a barrier; then each creates a transfer of one file of 256 KiB, ` +
  'dispatches it and waits. "dispatched": from the barrier until the last rank has dispatched; "published": until the ' +
  'last file is; "freed": until the last state file is gone. Every fsync is made. Beside it, in the same kind of rank: ' +
  'JavaScript that notes durably what it will copy, copies it, and renames it; without metadata and checksum. All of ' +
  'them share the cores: what one rank would take on a node of its own is less.';
export const columns = {
  dispatched: ['dispatched', duration],
  published: ['published', duration],
  freed: ['freed', duration],
  p99: ['event loop, p99, median rank', duration],
  worst: ['worst rank', duration],
};
export const compare = { key: 'published', baselines: { plain: ['plain JavaScript'] } };

export function cases({ quick }) {
  const sizes = quick ? [4] : [16, 64, 256];
  return ['memory', 'disk'].flatMap((place) =>
    sizes.map((ranks) => ({
      name: `${ranks} ranks on ${place}`,
      ranks,
      place,
      ...(ranks > 20 && { runs: ranks > 100 ? 2 : 3 }),
    })),
  );
}

const rank = fileURLToPath(new URL('../rank.mjs', import.meta.url));
const DIRECTORIES = ['state', 'dest', 'ready', 'told'];

async function allReady(base, ranks, ended) {
  let over = false;
  const end = ended.finally(() => {
    over = true;
  });
  end.catch(() => {}); // whoever waits for the job is told
  while (readdirSync(join(base, 'ready')).length < ranks && !over) await delay(20);
  await delay(200); // the last is on its way from there to the barrier
}

/** One job. @returns what its ranks saw, in seconds after the barrier */
async function job(program, { ranks }, base, source) {
  for (const name of DIRECTORIES) mkdirSync(join(base, name), { recursive: true });
  execFileSync('mkfifo', [join(base, 'barrier')]);
  await settle(base);
  const ended = launch(ranks, process.execPath, [rank, program, base, source]);
  await allReady(base, ranks, ended);
  const start = Number(process.hrtime.bigint()) / 1e9;
  const barrier = openSync(join(base, 'barrier'), 'w');
  await ended;
  closeSync(barrier);
  const told = readdirSync(join(base, 'told')).map((name) =>
    JSON.parse(readFileSync(join(base, 'told', name), 'utf8')),
  );
  const left = readdirSync(join(base, 'state')).length;
  const arrived = readdirSync(join(base, 'dest')).length;
  if (told.length + arrived !== 2 * ranks || left > 0)
    throw new Error(`${told.length} ranks, ${arrived} files, ${left} left`);
  const last = (i) => Math.max(...told.map((one) => one[i])) - start;
  const p99 = told.map((one) => one[3]);
  return { dispatched: last(0), published: last(1), freed: last(2), p99: median(p99), worst: Math.max(...p99) };
}

export async function open(c, places) {
  const source = makeFile(join(places.memory, 'source'), 256 << 10);
  let runs = 0;
  const driver = (program) => async () => {
    const base = join(places[c.place], `job.${runs++}`);
    const measured = await job(program, c, base, source);
    if (c.place === 'memory') await remove(base);
    return measured;
  };
  return { 'axl-transfer': driver('axl'), 'plain JavaScript': driver('plain') };
}

/** How many ranks a case has. */
const ranksOf = (name) => Number.parseInt(name, 10);

export function panels(cases) {
  const series = ['memory', 'disk'].flatMap((place) =>
    ['dispatched', 'published'].map((metric) => ({
      name: `${metric}, ${place}`,
      points: Object.entries(cases)
        .filter(([name]) => name.endsWith(place))
        .map(([name, programs]) => [ranksOf(name), median(programs['axl-transfer'][metric])]),
    })),
  );
  return [{ title: 'All ranks at once, after the barrier', x: 'ranks', y: 'seconds', series }];
}
