// What runs when the power goes: a transfer of four files that is waited for, or that is left to finalize(). Says at
// which point something is promised, by a mark among the writes of the disks.
//   node workload.mjs wait|finalize SOURCE DEST STATES MARK
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { finalize, Transfer } from '../../dist/lib/index.js';

const [kind, source, dest, states, mark] = process.argv.slice(2);
const say = (text) => writeFileSync(mark, text);

const transfer = await Transfer.create({ name: 'power', stateFile: join(states, 'rank0') });
for (const name of readdirSync(source)) await transfer.add(join(source, name), dest);
await transfer.dispatch();
if (kind === 'wait') {
  await transfer.wait();
  say('promised');
  await transfer.free();
  say('gone');
} else {
  for await (const _ of transfer.progress());
  await transfer[Symbol.asyncDispose]();
  say('left');
  const { counts } = await finalize(states);
  if (counts.published !== 1) throw new Error(JSON.stringify(counts));
  say('promised');
  say('gone');
}
