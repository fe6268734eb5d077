// The real programs get an error from a system call, once, or a short read or write. Afterwards nothing is torn, nothing
// lost, and nobody was told of a success that is none. Or a call takes long, and all goes well.
import t from 'tap';
import { noStrangers } from '../support.js';
import { type Fault, noInjector } from './injector.js';
import { datasetOnBehalf, type Life, lives, onBehalf } from './lives.js';
import { countCalls, isDeep, type Run, sample, sweep, which } from './sweep.js';
import { Template } from './world.js';

const skip = await noInjector();
const noOther = skip || (await noStrangers());
const template = new Template();
t.teardown(() => template.remove());

const ERRNOS = ['EIO', 'ENOSPC', 'EDQUOT', 'EINTR', 'ESTALE', 'EACCES', 'EROFS', 'EMFILE', 'ENOMEM'];
const TRANSFERS = ['read', 'pread64', 'write', 'pwrite64'];

/** How often each call fails: once with each errno, or, in a sample, with one. Each turn has all of them, shifted by one. */
const TURNS = isDeep ? ERRNOS.length : 1;

async function failing(life: Life, wanted: number, turn: number, skip: string) {
  await t.test(`${life.name}: no failure of a system call tears, loses or hides, ${turn}`, { skip }, async (t) => {
    const calls = await countCalls(template, life);
    const { at, step } = sample(calls, wanted);
    const fault = (i: number): Fault => `errno=${ERRNOS[(i + turn) % ERRNOS.length] as string}`;
    const title = `error, ${life.name} at ${which(step, calls)}, turn ${turn} of ${TURNS}`;
    await sweep(
      t,
      template,
      title,
      at.map((at, i) => [{ life, fault: fault(i), at }]),
    );
  });
}

async function short(life: Life, wanted: number) {
  await t.test(`${life.name}: a short read or write is continued`, { skip }, async (t) => {
    const calls = await countCalls(template, life, TRANSFERS);
    const { at, step } = sample(calls, wanted);
    const title = `short, ${life.name} at ${which(step, calls, 'reads and writes')}`;
    const must = { ...life, must: 'published' as const };
    await sweep(
      t,
      template,
      title,
      at.map((at) => [{ life: must, fault: 'short', at, only: TRANSFERS }]),
    );
  });
}

/** Each call in turn waits while all others go on; then all of them do, as on a slow disk. */
async function slow(life: Life, wanted: number) {
  await t.test(`${life.name}: what takes long changes nothing`, { skip }, async (t) => {
    const calls = await countCalls(template, life);
    const { at, step } = sample(calls, wanted);
    const title = `slow, ${life.name} at ${which(step, calls)}, and at all`;
    const one = at.map((at): Run[] => [{ life, fault: 'delay=100', at }]);
    await sweep(t, template, title, [...one, [{ life, fault: 'delay=10+', at: 1 }]]);
  });
}

const NEED_SPACE = ['write', 'pwrite64', 'mkdir', 'mkdirat', 'renameat', 'renameat2', 'link', 'linkat', 'fsync'];
const LASTING: readonly { name: string; fault: Fault; only?: string[] }[] = [
  { name: 'the disk is full', fault: 'errno=ENOSPC+', only: NEED_SPACE },
  { name: 'the quota is used up', fault: 'errno=EDQUOT+', only: NEED_SPACE },
  {
    name: 'the file system is read-only',
    fault: 'errno=EROFS+',
    only: [...NEED_SPACE, 'unlink', 'unlinkat', 'fchmod'],
  },
  { name: 'the server is gone', fault: 'errno=ESTALE+' },
];

/** From a call on it is so, until the program has ended. */
async function lasting(life: Life, wanted: number) {
  for (const { name, fault, only } of LASTING) {
    await t.test(`${life.name}: from one call on ${name}; afterwards all is well`, { skip }, async (t) => {
      const calls = await countCalls(template, life, only);
      const { at, step } = sample(calls, wanted, 12);
      const title = `${name}, ${life.name} from ${which(step, calls)}`;
      await sweep(
        t,
        template,
        title,
        at.map((at) => [{ life, fault, at, only }]),
      );
    });
  }
}

for (let turn = 1; turn <= TURNS; turn++) {
  for (const life of Object.values(lives)) await failing(life, 12, turn, skip);
  for (const life of [onBehalf, datasetOnBehalf]) await failing(life, 9, turn, noOther);
}
for (const life of isDeep ? Object.values(lives) : [lives.transfer, lives.publish]) await lasting(life, 2);
for (const life of [lives.transfer, lives.resume]) await short(life, 3);
for (const life of [lives.transfer, lives.ranks, lives.finalizeResume])
  await slow({ ...life, must: 'published', undisturbed: true }, 2);
