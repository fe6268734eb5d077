// axl-finalize is killed at a call while it publishes a checkpoint of four ranks in phases, then another one finishes it: a
// reader that looks all the time finds data of another checkpoint under no commit file.
import * as fs from 'node:fs';
import t, { type Test } from 'tap';
import { dcp, type Layout, orbax, watch } from '../datasets/watched.js';
import { quiet } from '../journals.js';
import { axlFinalize, Place } from '../support.js';
import { inject, noInjector } from './injector.js';
import { axlFinalize as command } from './lives.js';
import { sample, which } from './sweep.js';

const skip = await noInjector();
const SIZE = 4;
/** Of the quick tests; the deep ones have a kill at each call. */
const KILLS = 4;
const TRIALS: readonly (readonly [string, Layout, 'new' | 'in place'])[] = [
  ['DCP', dcp(SIZE), 'new'],
  ['DCP', dcp(SIZE), 'in place'],
  ['Orbax', orbax(SIZE), 'new'],
  ['Orbax', orbax(SIZE), 'in place'],
];

/** Complete ranks, of which the last has the commit file, and the first the pointer. */
async function leave(place: Place, { commit, data }: Layout, where: 'new' | 'in place'): Promise<void> {
  const all = [...data, commit];
  if (where === 'in place') for (const name of all) place.write(`dest/${name}`, 'old');
  for (let rank = 0; rank < SIZE; rank++) {
    const own = all.filter((_, i) => i === rank || (i === SIZE && rank === SIZE - 1));
    for (const name of own) place.write(`source/${rank}/${name}`, 'new');
    const stateFile = place.path('states', `ckpt.${rank}`);
    await using transfer = await place.create({ name: 'ckpt', stateFile, rank, size: SIZE, home: place.states });
    await transfer.add(place.path(`source/${rank}`), place.dest, { contents: true });
    if (rank === 0) await transfer.point(place.path('dest/latest'), 'step');
    await transfer.dispatch();
    await quiet(transfer);
  }
}

const finalize = (place: Place) => command('--json', '--dataset', place.states);

async function countCalls(t: Test, layout: Layout, where: 'new' | 'in place'): Promise<number> {
  const place = new Place(t);
  await leave(place, layout, where);
  const { calls, status, stderr } = await inject(finalize(place), { place: place.root });
  t.equal(status, 0, stderr);
  return calls;
}

async function killedAt(t: Test, at: number, layout: Layout, where: 'new' | 'in place'): Promise<void> {
  const place = new Place(t);
  await leave(place, layout, where);
  const seen = await watch(place, layout);
  const { hit } = await inject(finalize(place), { place: place.root, fault: 'kill', at });
  const said = `killed at ${at}: ${hit?.call} ${hit?.paths.join(' ')}`;
  const { status, stderr } = await axlFinalize(['--dataset', '--no-progress', place.states]);
  t.same([status, await seen()], [0, []], `${said}; ${stderr}`);
  for (const name of [...layout.data, layout.commit])
    t.equal(fs.readFileSync(place.path('dest', name), 'utf8'), 'new', said);
  t.equal(fs.readlinkSync(place.path('dest/latest')), 'step', said);
  t.same(
    fs.readdirSync(place.states).filter((name) => !name.endsWith('.lock')),
    [],
    said,
  );
}

for (const [name, layout, where] of TRIALS)
  t.test(`${name}, ${where}: a reader who sees the commit file has all data of all ranks`, { skip }, async (t) => {
    const { at, step } = sample(await countCalls(t, layout, where), KILLS);
    for (const one of at) await killedAt(t, one, layout, where);
    console.error(`sweep: ${name} in phases, ${where}, kill at ${which(step, at.length * step)}`);
  });
