// What runs when the power goes: a transfer of four files that is waited for, or that is left to finalize(); or two ranks'
// transfers, left to finalize() as a dataset. Says at which point something is promised, by a mark among the writes of
// the disks.
//   node workload.mjs wait|finalize|dataset SOURCE DEST MARK STATE_DIR...
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { finalize, Transfer } from '../../dist/lib/index.js';

const [kind, source, dest, mark, ...states] = process.argv.slice(2);
const say = (text) => writeFileSync(mark, text);

/** One rank's part of the files, all of them if it is alone. */
async function dispatched(dir, rank) {
  const size = states.length;
  const home = size > 1 ? { home: states[0] } : {};
  const transfer = await Transfer.create({ name: 'power', stateFile: join(dir, `rank${rank}`), rank, size, ...home });
  const names = readdirSync(source).filter((_, i) => i % size === rank);
  for (const name of names) await transfer.add(join(source, name), dest);
  await transfer.dispatch();
  return transfer;
}

async function left(transfer) {
  for await (const _ of transfer.progress());
  await transfer[Symbol.asyncDispose]();
}

const transfers = [];
for (const [rank, dir] of states.entries()) transfers.push(await dispatched(dir, rank));
if (kind === 'wait') {
  await transfers[0].wait();
  say('promised');
  await transfers[0].free();
  say('gone');
} else {
  for (const transfer of transfers) await left(transfer);
  say('left');
  const { counts } = await finalize(states, { dataset: kind === 'dataset' });
  if (counts.published !== states.length) throw new Error(JSON.stringify(counts));
  say('promised');
  say('gone');
}
