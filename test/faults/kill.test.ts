// The real programs are killed before a system call, or in the middle of a write, and what they leave is finalized.
import t from 'tap';
import { noStrangers } from '../support.js';
import { noInjector } from './injector.js';
import { datasetOnBehalf, type Life, lives, onBehalf } from './lives.js';
import { countCalls, sample, sweep, which } from './sweep.js';
import { Template } from './world.js';

const skip = await noInjector();
const noOther = skip || (await noStrangers());
const template = new Template();
t.teardown(() => template.remove());

const WRITES = ['write', 'pwrite64'];

type Death = 'kill' | 'die' | 'torn';

/** Killed at each call, or torn at each write. */
async function everywhere(fault: Death, life: Life, wanted: number, skip: string) {
  const only = fault === 'torn' ? WRITES : undefined;
  await t.test(`${life.name}, ${fault}: destinations are complete or as before`, { skip }, async (t) => {
    const calls = await countCalls(template, life, only);
    const { at, step } = sample(calls, wanted);
    const title = `${fault}, ${life.name} at ${which(step, calls, only ? 'writes' : 'calls')}`;
    await sweep(
      t,
      template,
      title,
      at.map((at) => [{ life, fault, at, only }]),
    );
  });
}

const { publish: _, rollBack: __, ...writing } = lives; // those two write nothing
for (const life of Object.values(lives)) await everywhere('kill', life, 8, skip);
for (const life of Object.values(writing)) await everywhere('torn', life, 2, skip);
for (const life of [onBehalf, datasetOnBehalf]) await everywhere('kill', life, 6, noOther);
// The process that acts for the other user dies, and the one that started it has to say so.
for (const life of [onBehalf, datasetOnBehalf]) await everywhere('die', life, 6, noOther);
// One rank dies, and the other must not publish alone.
await everywhere('die', lives.ranks, 8, skip);
