// Several finalizers at once over a dataset in phases, killed anywhere, then others, or shards: a reader that looks all the
// time finds data of another step under no commit file. AXL_TEST_ROUNDS says how often.
import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Transfer } from '../../lib/index.js';
import { quiet } from '../journals.js';
import { axlFinalize, Place } from '../support.js';
import { dcp, watch } from './watched.js';

const ROUNDS = Number(process.env.AXL_TEST_ROUNDS ?? 4);
const SIZE = 5;
const FINALIZERS = 3;
/** They are at work by the first, and done by the last. */
const [FIRST_MS, LAST_MS] = [60, 250];

async function leave(place: Place): Promise<void> {
  for (let rank = 0; rank < SIZE; rank++) {
    const dir = `source/${rank}`;
    place.write(`${dir}/__${rank}_0.distcp`, 'new');
    if (rank === 2) place.write(`${dir}/.metadata`, 'new');
    const stateFile = place.path('states', `ckpt.${rank}`);
    await using transfer: Transfer = await place.create({ name: 'ckpt', stateFile, rank, size: SIZE });
    await transfer.add(place.path(dir), place.path('dest/step'), { contents: true });
    if (rank === 0) await transfer.point(place.path('dest/latest'), 'step');
    await transfer.dispatch();
    await quiet(transfer);
  }
}

const run = (place: Place, ...more: string[]) =>
  axlFinalize(['--dataset', '--wait=1m', '--job-ended', ...more, place.states]);

async function killed(place: Place): Promise<void> {
  const patienceMs = FIRST_MS + Math.random() * (LAST_MS - FIRST_MS);
  await axlFinalize(['--dataset', '--job-ended', '--quiet', place.states], { patienceMs });
}

t.test('finalizers that are killed anywhere leave no commit file over other data', async (t) => {
  for (let round = 0; round < ROUNDS; round++) {
    const place = new Place(t);
    fs.mkdirSync(place.path('dest/step'), { recursive: true });
    if (round % 2 === 1)
      for (const name of ['.metadata', ...[0, 1, 2, 3, 4].map((rank) => `__${rank}_0.distcp`)])
        place.write(`dest/step/${name}`, 'old');
    await leave(place);
    const seen = await watch(place, dcp(SIZE));
    await sleep(FIRST_MS);
    await Promise.all(Array.from({ length: FINALIZERS }, () => killed(place)));
    const shards = Array.from({ length: FINALIZERS }, (_, i) => `--shard=${i}/${FINALIZERS}`);
    const ends = await Promise.all((round % 3 === 0 ? shards : ['--no-progress', '-v']).map((one) => run(place, one)));
    for (const { status, stderr } of ends) t.ok(status === 0 || status === 4, `${round}: ${status} ${stderr}`);
    t.equal((await run(place)).status, 0, `${round}`);
    t.same(await seen(), [], `${round}`);
    for (const name of ['.metadata', '__0_0.distcp', '__4_0.distcp'])
      t.equal(fs.readFileSync(place.path('dest/step', name), 'utf8'), 'new', `${round}, ${name}`);
    t.equal(fs.readlinkSync(place.path('dest/latest')), 'step');
    t.same(
      fs.readdirSync(place.states).filter((name) => !name.endsWith('.lock')),
      [],
    );
  }
});
