// One rank of the sample job: computes, writes a checkpoint to the node's own disk after each step, and has it copied
// to the parallel file system while the next step computes. The last checkpoint is left to the post-stage, which
// publishes it if every rank has got as far. Arguments: the run's directory, how many steps.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { launched, Transfer } from '../../dist/lib/index.js'; // in a program of yours: from 'axl-transfer'

const [run, steps] = [process.argv[2], Number(process.argv[3])];
const { rank } = launched(); // as srun says
const local = mkdtempSync(join(tmpdir(), 'checkpoint-'));

function compute(state) {
  for (let i = 0; i < state.length; i++) state[i] = Math.sin(state[i] + rank + i);
}

/** Begins the copies. The directory that all ranks copy into is there: submit.sh has made it. */
async function save(step, state) {
  const name = `ckpt.${step}`;
  mkdirSync(join(local, name));
  writeFileSync(join(local, name, `rank${rank}`), state);
  const transfer = await Transfer.create({ name, stateDir: process.env.AXL_STATE_DIR });
  await transfer.add(join(local, name, `rank${rank}`), join(run, name, `rank${rank}`));
  await transfer.dispatch();
  return transfer;
}

const state = new Float64Array(128 << 10);
let last;
for (let step = 1; step <= steps; step++) {
  compute(state);
  await last?.wait(); // publishes this rank's part of the previous checkpoint
  await last?.free();
  last = await save(step, state);
}
while (!last.test()) await sleep(10);
rmSync(local, { recursive: true }); // what is copied needs its source no more
