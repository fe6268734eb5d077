// One rank of the trial "ranks": gets ready, waits at the barrier, hands its file over, and says what it saw when. The
// barrier is the opening of a FIFO: a rank that waits there costs no processor time.
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { config, launched, Transfer } from '../dist/lib/index.js';

const [program, base, source] = process.argv.slice(2);
const { rank, size } = launched();
const dest = join(base, 'dest', `rank.${rank}`);
const stateDir = join(base, 'state');
const now = () => Number(process.hrtime.bigint()) / 1e9; // the same clock in all processes

async function synced(path, flags, use) {
  const file = await open(path, flags);
  await use(file);
  await file.sync();
  await file.close();
}

/** Each tells when it has handed the file over, then when it is published. */
const programs = {
  async axl(told) {
    const transfer = await Transfer.create({ name: 'ckpt', stateDir, rank, size });
    await transfer.add(source, dest);
    await transfer.dispatch();
    told();
    await transfer.wait();
    told();
    await transfer.free();
  },
  /** What anybody would do who writes a note of what is to be copied, then copies; without metadata or checksum. */
  async plain(told) {
    const note = join(stateDir, `ckpt.${rank}`);
    await synced(`${note}.new`, 'wx', (file) => file.writeFile(`${source}\n${dest}\n`.padEnd(360)));
    await rename(`${note}.new`, note);
    await synced(stateDir, 'r', () => {});
    told();
    const from = await open(source, 'r');
    await synced(`${dest}.new`, 'wx', (file) => file.writeFile(from.createReadStream({ highWaterMark: 1 << 18 })));
    await rename(`${dest}.new`, dest);
    await synced(join(base, 'dest'), 'r', () => {});
    told();
    await unlink(note);
    await synced(stateDir, 'r', () => {});
  },
};

config(); // has the addon loaded, as it is after the first step of a job
const delays = monitorEventLoopDelay({ resolution: 5 });
writeFileSync(join(base, 'ready', `${rank}`), '');
const barrier = openSync(join(base, 'barrier'), 'r');
delays.enable();
const times = [];
await programs[program](() => times.push(now()));
delays.disable();
closeSync(barrier);
writeFileSync(join(base, 'told', `${rank}`), JSON.stringify([...times, now(), delays.percentile(99) / 1e9]));
