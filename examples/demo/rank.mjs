// One rank of the job: a process of its own that hands its part of the checkpoint to the library and goes on computing.
// run.mjs starts it with what to do as JSON and reads what happened, one JSON object a line.
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { config, Transfer } from '../../dist/lib/index.js';

const STEP_MS = 300;
/** Only so that what hangs ends. */
const MOST_STEPS = 1000;

/** At once and whole, since the process may be stopped in the next line. */
const say = (facts) => writeSync(1, `${JSON.stringify(facts)}\n`);

async function snapshot(transfer) {
  for await (const progress of transfer.progress({ intervalMs: 1 })) return progress;
}

/** Heat spreading over a plate. Nothing else runs on this thread until it returns. */
function compute(ms) {
  const n = 128;
  const plate = new Float64Array(n * n).fill(1, 0, n);
  const end = performance.now() + ms;
  while (performance.now() < end)
    for (let i = n; i < n * (n - 1); i++) plate[i] = (plate[i - 1] + plate[i + 1] + plate[i - n] + plate[i + n]) / 4;
}

/** Steps of computing until one has seen bytes arrive; more than one is needed where a disk is slow to start. */
async function computeWhileCopying(transfer) {
  const before = await snapshot(transfer);
  let after = before;
  const none = ({ bytesCopied, bytesTotal }) => bytesCopied === before.bytesCopied && bytesCopied < bytesTotal;
  for (let step = 0; step < MOST_STEPS && none(after); step++) {
    compute(STEP_MS);
    after = await snapshot(transfer);
  }
  say({ before: before.bytesCopied, after: after.bytesCopied });
}

/** Interrupts when the data is on its way: more is copied than the small files, and less than half. */
async function midCopy(transfer, interrupt) {
  for await (const { bytesCopied, bytesTotal } of transfer.progress({ intervalMs: 1 })) {
    if (bytesCopied <= bytesTotal / 8 || bytesCopied >= bytesTotal / 2) continue;
    const interrupted = interrupt(); // first of all: the copies go on
    say({ midCopy: bytesCopied });
    return interrupted;
  }
  throw new Error('the copies ended before they were seen half-way');
}

const roles = {
  async waits(transfer) {
    await computeWhileCopying(transfer);
    say({ published: (await transfer.wait()).filesPublished });
  },
  async frees(transfer) {
    await roles.waits(transfer);
    await transfer.free();
  },
  async exits(transfer) {
    await computeWhileCopying(transfer);
    while (!transfer.test()) await sleep(5);
    process.exit(0);
  },
  async canceled(transfer) {
    await midCopy(transfer, () => transfer.cancel());
    await transfer.wait().then(
      () => say({ published: true }),
      (error) => say({ waitThrew: error.name }),
    );
  },
  /** Stands still mid-copy, with all its threads, so that the SIGKILL that run.mjs sends comes in time. */
  async killed(transfer) {
    await midCopy(transfer, () => {});
    process.kill(process.pid, 'SIGSTOP');
    await sleep(60_000);
  },
};

const { role, rank, size, names, source, dest, stateFile } = JSON.parse(process.argv[2]);
// One copying thread, so that the two that are interrupted are not done before anybody looks.
if (role === 'killed' || role === 'canceled') config({ threads: 1 });

const transfer = await Transfer.create({ name: 'ckpt.42', stateFile, rank, size });
for (const name of names) await transfer.add(`${source}/${name}`, dest);
await transfer.dispatch();
const { bytesTotal, filesTotal } = await snapshot(transfer);
say({ bytes: bytesTotal, files: filesTotal });
await roles[role](transfer);
say({ done: true });
