// axl-finalize is killed before a system call while it works on what the C library AXL has left, and what it leaves is
// finalized again. There is no journal of ours: each run finds out anew how far the one before came.
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { leaveAxl } from '../kvtree.js';
import { noInjector } from './injector.js';
import { axlFinalize, type Life } from './lives.js';
import { countCalls, sample, sweep, which } from './sweep.js';
import { Template, type World } from './world.js';

const skip = await noInjector();
const template = new Template(true);
t.teardown(() => template.remove());

const ENDED = ['--job-ended'];
const finalize =
  (...args: readonly string[]) =>
  (world: World) =>
    axlFinalize('--json', ...ENDED, ...args, world.states);

async function complete({ place, states }: World): Promise<void> {
  const names = fs.readdirSync(join(place, 'source'));
  const files = Object.fromEntries(names.map((name) => [join(place, 'source', name), join(place, 'dest', name)]));
  leaveAxl(join(states, 'rank_0.state_file'), files);
}

async function incomplete(world: World): Promise<void> {
  await complete(world);
  fs.chmodSync(join(world.place, 'dest', 'big._AXL'), 0o600);
  fs.truncateSync(join(world.place, 'dest', 'big._AXL'), 70_000);
}

const resume = [...ENDED, '--incomplete', 'resume'];
const LIVES: readonly Life[] = [
  { name: 'axl-finalize, of AXL', prepare: complete, command: finalize(), finish: ENDED, must: 'published' },
  {
    name: 'axl-finalize, of AXL, incomplete',
    prepare: incomplete,
    command: finalize(),
    finish: ENDED,
    must: 'as before',
  },
  {
    name: 'axl-finalize --incomplete resume, of AXL',
    prepare: incomplete,
    command: finalize(...resume.slice(1)),
    finish: resume,
    must: 'published',
  },
];

for (const life of LIVES)
  for (const fault of ['kill', 'errno=EIO'] as const)
    t.test(`${life.name}, ${fault}: destinations are complete or as before`, { skip }, async (t) => {
      const calls = await countCalls(template, life);
      const { at, step } = sample(calls, fault === 'kill' ? 30 : 16);
      const title = `${fault}, ${life.name} at ${which(step, calls)}`;
      await sweep(
        t,
        template,
        title,
        at.map((at) => [{ life, fault, at }]),
      );
    });
