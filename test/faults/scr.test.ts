// axl-finalize --scr is killed before a system call, or that call fails, and another one ends it: each dataset of SCR is published
// whole or as it was, in the right order, and what was published is never forgotten.
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { DATASETS, Prefix, RANKS } from '../axl/prefix.js';
import { expireLocks } from '../support.js';
import { type Fault, inject, noInjector, plain } from './injector.js';
import { axlFinalize } from './lives.js';
import { isDeep } from './sweep.js';

const skip = await noInjector();
const place = fs.mkdtempSync(fs.existsSync('/dev/shm') ? '/dev/shm/axl-scr-' : '/tmp/axl-scr-');
t.teardown(() => fs.rmSync(place, { recursive: true, force: true }));

const COMPLETE = [5, 7];
let made = 0;

/** A prefix of which one checkpoint is not whole. */
function prepare(): Prefix {
  const root = join(place, `trial-${++made}`);
  fs.mkdirSync(root);
  const scr = new Prefix(root);
  scr.cut(6);
  return scr;
}

/** Notes each dataset for which it is run. */
const noteOf = ({ root }: Prefix): string => `${root}.note`;
const command = (scr: Prefix): string[] =>
  axlFinalize(
    '--scr',
    '--job-ended',
    '--json',
    '--on-published',
    `echo $AXL_SCR_DATASET >> '${noteOf(scr)}'`,
    scr.prefix,
  );

const isWhole = (scr: Prefix, dataset: number): boolean => scr.wrong(dataset).length === 0;
const isAsBefore = (scr: Prefix, dataset: number, rank: number): boolean =>
  !fs.existsSync(scr.final(dataset, rank)) && fs.readFileSync(scr.temporary(dataset, rank)).equals(scr.bytesOf(rank));
const isDecided = (scr: Prefix, dataset: number): boolean =>
  fs.readdirSync(scr.of(dataset)).some((name) => /^\.axl-verdict\.[0-9a-f]{32}-\d+$/.test(name));
const noted = (scr: Prefix): number[] =>
  fs.existsSync(noteOf(scr)) ? fs.readFileSync(noteOf(scr), 'utf8').trim().split('\n').map(Number) : [];

/** What is wrong at any moment. */
function wrongNow(scr: Prefix): string[] {
  const wrong: string[] = [];
  for (const dataset of COMPLETE)
    for (const rank of RANKS) {
      const isPublished = scr.wrong(dataset, [rank]).length === 0;
      if (!isPublished && !isAsBefore(scr, dataset, rank)) wrong.push(`${dataset}.${rank} is neither`);
      if (isPublished && !isDecided(scr, dataset))
        wrong.push(`${dataset}.${rank} is published, and no verdict says so`);
    }
  const any7 = RANKS.some((rank) => fs.existsSync(scr.final(7, rank)));
  if (any7 && !isWhole(scr, 5)) wrong.push('7 is published before 5');
  for (const dataset of noted(scr)) if (!isWhole(scr, dataset)) wrong.push(`told of ${dataset} too early`);
  if (RANKS.some((rank) => fs.existsSync(scr.final(6, rank)))) wrong.push('a file of 6 is published');
  return wrong;
}

async function trial(fault: Fault, at: number): Promise<{ readonly hit: boolean; readonly wrong: string[] }> {
  const scr = prepare();
  const ended = await inject(command(scr), { place: scr.root, fault, at });
  const wrong = wrongNow(scr);
  if (ended.status === 0) wrong.push('status 0, though a checkpoint is incomplete');
  if (ended.status === 1 && ended.stderr === '') wrong.push('failed without a word');
  expireLocks(scr.dot);
  const last = await plain(command(scr));
  wrong.push(...wrongNow(scr).map((what) => `at the end ${what}`));
  if (last.status !== 3) wrong.push(`at the end status ${last.status}: ${last.stderr}`);
  for (const dataset of COMPLETE) if (!isWhole(scr, dataset)) wrong.push(`at the end ${dataset} is not published`);
  for (const dataset of COMPLETE) if (!noted(scr).includes(dataset)) wrong.push(`nobody was told of ${dataset}`);
  const left = DATASETS.flatMap((dataset) => scr.names(dataset).states);
  if (left.length !== RANKS.length) wrong.push(`at the end there is ${left}`);
  for (const path of [scr.root, noteOf(scr)]) fs.rmSync(path, { recursive: true, force: true });
  const where = ended.hit ? `${ended.hit.call} ${ended.hit.paths.join(' ')}` : 'not reached';
  return { hit: ended.hit !== null, wrong: wrong.map((what) => `${fault} at ${at}, ${where}: ${what}`) };
}

const SAMPLE = { kill: 30, 'errno=EIO': 12, 'errno=ENOSPC': 8 } as const;

for (const [fault, few] of Object.entries(SAMPLE) as [Fault, number][])
  t.test(`axl-finalize --scr, ${fault}: datasets of SCR are published whole, in their order`, { skip }, async (t) => {
    const scr = prepare();
    const { calls } = await inject(command(scr), { place: scr.root });
    fs.rmSync(scr.root, { recursive: true });
    t.ok(calls > 200, `${calls} calls`);
    const step = isDeep ? 1 : calls / few;
    let hits = 0;
    for (let at = 1 + Math.random() * step; at <= calls; at += step) {
      const { hit, wrong } = await trial(fault, Math.floor(at));
      if (hit) hits++;
      t.same(wrong, []);
    }
    t.ok(hits > 0.8 * (isDeep ? calls : few), `${hits} of them were met`);
  });
