// One rank of a training job: writes its shard to a local directory, copies it in the background, and has it published
// with the shards of all ranks. Arguments: DIRECTORY RANK SIZE STEP TARGET [dies]
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openComm, Transfer } from '../../dist/lib/index.js'; // in a program of yours: from 'axl-transfer'
import { hasShard, steps } from './checkpoint.mjs';

const [dir, rank, size, step, target, dies] = process.argv.slice(2);
const run = join(dir, 'run');
const place = join(run, target);

/** What a framework's saver leaves: a shard from every rank, and from the first the file that makes it count. */
function save() {
  const local = join(dir, `local-${rank}`, step);
  mkdirSync(local, { recursive: true });
  writeFileSync(join(local, `__${rank}_0.distcp`), `step ${step}, weights of rank ${rank}\n`.repeat(2000));
  if (rank === '0') writeFileSync(join(local, '.metadata'), JSON.stringify({ step, shards: Number(size) }));
  return local;
}

/** A rank that dies when its shard has its final name, and before it tells the others so. */
function dying(comm) {
  const ask = comm.allTrue.bind(comm);
  comm.allTrue = (...question) => {
    if (hasShard(place, step, rank)) process.kill(process.pid, 'SIGKILL');
    return ask(...question);
  };
}

const comm = await openComm({
  ...{ rank: Number(rank), size: Number(size), directory: join(dir, 'comm'), id: step },
});
if (dies) dying(comm);
const transfer = await Transfer.create({
  ...{ name: `step-${step}`, stateDir: join(dir, 'state'), comm, commTimeoutMs: 5000, manifest: `${place}/` },
});
await transfer.add(`${save()}/.`, `${place}/`);
await transfer.point(join(run, 'latest'), target);
// With this one three checkpoints stay; the older ones are deleted when it is published, and not before.
const older = rank === '0' && target !== 'model' ? steps(run).slice(0, -2) : [];
await transfer.retire(older.map((one) => join(run, `step-${one}`)));
await transfer.dispatch();
// Here the next steps are computed: the copies go on.
await transfer.wait();
await transfer.free();
await comm.close();
