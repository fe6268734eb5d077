// The real programs get an error from a system call, once, or a short read or write. Afterwards nothing is torn, nothing
// lost, and nobody was told of a success that is none.
import t from 'tap';
import { type Fault, noInjector } from './injector.js';
import { type Life, lives } from './lives.js';
import { countCalls, isDeep, sample, sweep } from './sweep.js';
import { Template } from './world.js';

const skip = await noInjector();
const template = new Template();
t.teardown(() => template.remove());

const ERRNOS = ['EIO', 'ENOSPC', 'EDQUOT', 'EINTR', 'ESTALE', 'EACCES', 'EROFS', 'EMFILE', 'ENOMEM'];
const TRANSFERS = ['read', 'pread64', 'write', 'pwrite64'];

/** Each call fails once with each errno, or in a sample with one of them in turn. */
async function failing(life: Life, wanted: number) {
  await t.test(`${life.name}: no failure of a system call tears, loses or hides`, { skip }, async (t) => {
    const calls = await countCalls(template, life);
    const { at, step } = sample(calls, wanted);
    const faults = ERRNOS.map((name): Fault => `errno=${name}`);
    const chosen = (i: number) => (isDeep ? faults : [faults[i % faults.length] as Fault]);
    const title = `errors, ${life.name}: at ${step === 1 ? 'each' : `every ${step}th`} of ${calls} calls`;
    await sweep(
      t,
      template,
      title,
      at.flatMap((at, i) => chosen(i).map((fault) => [{ life, fault, at }])),
    );
  });
}

async function short(life: Life, wanted: number) {
  await t.test(`${life.name}: a short read or write is continued`, { skip }, async (t) => {
    const calls = await countCalls(template, life, TRANSFERS);
    const { at, step } = sample(calls, wanted);
    const title = `short, ${life.name}: at ${step === 1 ? 'each' : `every ${step}th`} of ${calls} reads and writes`;
    const must = { ...life, must: 'published' as const };
    await sweep(
      t,
      template,
      title,
      at.map((at) => [{ life: must, fault: 'short', at, only: TRANSFERS }]),
    );
  });
}

for (const life of Object.values(lives)) await failing(life, 18);
for (const life of [lives.transfer, lives.resume]) await short(life, 3);
