// Two of the real programs meet: one is stopped at a system call, the other lives from beginning to end, and the first goes
// on. What is left to chance where many run at once, each call of the one has here.
import t from 'tap';
import { noInjector } from './injector.js';
import { finalizePart, type Life, lives } from './lives.js';
import { countCalls, sample, sweep, which } from './sweep.js';
import { Template } from './world.js';

const skip = await noInjector();
const template = new Template();
t.teardown(() => template.remove());

async function meet(life: Life, meanwhile: Life, wanted: number) {
  await t.test(`${life.name} waits, ${meanwhile.name} runs: both keep the promise`, { skip }, async (t) => {
    const calls = await countCalls(template, life);
    const { at, step } = sample(calls, wanted);
    const title = `pause, ${life.name} at ${which(step, calls)}, meanwhile ${meanwhile.name}`;
    await sweep(
      t,
      template,
      title,
      at.map((at) => [{ life, fault: 'pause', at, meanwhile }]),
    );
  });
}

const { publish, rollBack, finalizeResume, keepState, resume, ...others } = lives;
const transfer: Life = { ...lives.transfer, must: 'published', undisturbed: true };
const cancel: Life = { ...lives.cancel, must: 'as before', undisturbed: true };
const ranks: Life = { ...others.ranks, must: 'published', undisturbed: true };
await meet(transfer, publish, 4);
await meet(ranks, publish, 4);
await meet(cancel, publish, 4);
await meet(resume, finalizeResume, 4);
await meet(resume, resume, 4);
await meet(publish, resume, 4);
for (const life of [publish, rollBack, finalizeResume, keepState]) await meet(life, life, 4);
for (const life of [others.dataset, others.datasetIncomplete, others.allRanks, others.allRanksIncomplete])
  await meet(life, life, 4);
for (const part of ['a', 'b'] as const) await meet({ ...others.apart, must: undefined }, finalizePart(part), 4);
