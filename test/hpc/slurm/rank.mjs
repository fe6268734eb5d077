// A rank of the test's jobs: copies what it made itself to `dest`, and ends, or does not, as its role says.
// Arguments: role, directory for sources, dest, and what the role needs. The state directory is $AXL_STATE_DIR.
import { existsSync, linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { config, Transfer } from '../../../dist/lib/index.js';

config({ threads: 1 }); // so that what is much takes its time
const [role, sources, dest, extra] = process.argv.slice(2);
const rank = Number(process.env.SLURM_PROCID);
const size = Number(process.env.SLURM_STEP_NUM_TASKS);
const FOREVER_MS = 600_000;
/** So many times 8 MiB are copied for longer than any test lasts. */
const MUCH = 1000;

function write(file, content) {
  mkdirSync(sources, { recursive: true });
  writeFileSync(join(sources, file), content);
}

/** A directory of one file under many names: much to copy, and hardly any room. */
function writeMuch(file) {
  mkdirSync(join(sources, file), { recursive: true });
  write(`${file}/0`, Buffer.alloc(8 << 20, 1));
  for (let i = 1; i < MUCH; i++) linkSync(join(sources, file, '0'), join(sources, file, `${i}`));
}

async function dispatched(file, number, of) {
  const made = await Transfer.create({
    name: 'ckpt',
    hardLinks: 'copy',
    stateDir: process.env.AXL_STATE_DIR,
    rank: number,
    size: of,
  });
  await made.add(join(sources, file), join(dest, file));
  await made.dispatch();
  return made;
}

async function transfer(file, content, number = rank, of = size) {
  write(file, content);
  return dispatched(file, number, of);
}

async function copied(made) {
  while (!made.test()) await sleep(5);
}

/** Returns when some bytes are copied and some are not. */
async function midCopy(number = rank, of = size) {
  writeMuch(`rank${number}`);
  const made = await dispatched(`rank${number}`, number, of);
  for await (const { bytesCopied, bytesTotal } of made.progress({ intervalMs: 1 }))
    if (bytesCopied > 0 && bytesCopied < bytesTotal) return;
  throw new Error('the copy ended before it was seen half-way');
}

const roles = {
  /** Copied, and left to the post-stage. */
  leaves: async () => copied(await transfer(`rank${rank}`, `rank ${rank}`)),
  /** Rank 1 is lost in the middle of its copy. */
  async lost() {
    if (rank !== 1) return roles.leaves();
    await midCopy();
    process.kill(process.pid, 'SIGKILL');
    await sleep(FOREVER_MS);
  },
  /** Rank 1 stands still in the middle of its copy, the others are done and compute on; all until they are killed. */
  async computes() {
    if (rank === 1) await midCopy();
    else await roles.leaves();
    console.log('computing');
    if (rank === 1) process.kill(process.pid, 'SIGSTOP');
    await sleep(FOREVER_MS);
  },
  /** As many transfers as `extra` says, each of another rank, as far as this program is concerned. */
  async many() {
    for (let i = 0; i < Number(extra); i++) await copied(await transfer(`part${i}`, `part ${i}`, i, Number(extra)));
  },
  /** Told to end, it waits for the file `extra`, and makes another transfer before it does. */
  async stubborn() {
    process.on('SIGTERM', async () => {
      console.log('told to end');
      while (!existsSync(extra)) await sleep(20);
      await copied(await transfer('rank1', 'rank 1', 1, 2));
      process.kill(process.pid, 'SIGKILL');
    });
    await copied(await transfer('rank0', 'rank 0', 0, 2));
    console.log('computing');
    await sleep(FOREVER_MS);
  },
  /** The first of the two transfers that `extra` names cannot be published, the second is not complete. */
  async 'fails and rolls'() {
    const [fails, rolls] = extra.split(',').map(Number);
    await copied(await transfer('fails', 'fails', fails, 100));
    mkdirSync(join(dest, 'fails'));
    await midCopy(rolls, 100);
    process.kill(process.pid, 'SIGKILL');
  },
  /** Holds its lock until the file `extra` is there, without regard to any job. */
  async holds() {
    const made = await transfer(`rank${rank}`, `rank ${rank}`);
    while (!existsSync(extra)) await sleep(20);
    await copied(made); // a transfer that nobody can reach any more has no lock
    process.kill(process.pid, 'SIGKILL');
  },
};
await roles[role]();
