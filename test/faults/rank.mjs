// A rank as a program of its own, for faults at its system calls: lives a part of a transfer's life and says, a word a
// line, what it was told. The first failure ends it.
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { Transfer } from '../../dist/lib/index.js';

const say = (word) => writeSync(1, `${word}\n`);

async function dispatched(place, names = ['small', 'big', 'sub'], rank = 0, size = 1) {
  // A dataset has a name that no other trial's has: all are finalized by one axl-finalize.
  const name = size > 1 ? place : 'ckpt';
  const transfer = await Transfer.create({ name, stateFile: join(place, 'states', `rank${rank}`), rank, size });
  for (const name of names) await transfer.add(join(place, 'source', name), join(place, 'dest', name));
  await transfer.dispatch();
  return transfer;
}

async function publish(transfer) {
  await transfer.wait();
  say('published');
  await transfer.free();
  say('freed');
}

const lives = {
  async leave(place) {
    for await (const _ of (await dispatched(place)).progress());
    process.exit();
  },
  /** Those of two ranks, by one process. */
  async leaveBoth(place) {
    for await (const _ of (await dispatched(place, ['small', 'sub'], 0, 2)).progress());
    for await (const _ of (await dispatched(place, ['big'], 1, 2)).progress());
    process.exit();
  },
  transfer: async (place) => publish(await dispatched(place)),
  async resume(place) {
    const transfer = await Transfer.open(join(place, 'states', 'rank0'));
    await transfer.resume();
    await publish(transfer);
  },
  async cancel(place) {
    const transfer = await dispatched(place);
    await transfer.cancel();
    await transfer.free();
    say('freed');
  },
};

const [life, place] = process.argv.slice(2);
await lives[life](place);
