// What runs with a fault in it: parts of a transfer's life, each as a command, after what prepares its world.
import * as fs from 'node:fs';
import { join } from 'node:path';
import { config, Transfer } from '../../lib/index.js';
import { cutBefore, quiet, TYPE } from '../journals.js';
import { NOBODY, program, root } from '../support.js';
import type { Outcome, World } from './world.js';

config({ chunkSize: 65536 });

export interface Life {
  readonly name: string;
  /** Without faults, in this process: what went before. */
  readonly prepare: (world: World) => Promise<void>;
  readonly command: (world: World) => readonly string[];
  /** Whose the world is, if not ours. */
  readonly user?: number;
  /** How the axl-finalize is called that ends each trial. */
  readonly finish: readonly string[];
  /** Does a state file stay when all is done? */
  readonly keeps?: true;
  /** May what ranks have agreed stay in their home, since nobody knows that all of it is done? */
  readonly leavesVerdict?: true;
  /** Does it see a part of the world only, and say nothing of the whole? */
  readonly partly?: true;
  /** Does it succeed, whoever comes and whatever takes long? */
  readonly undisturbed?: true;
  /** What has to become of it, wherever the fault is; undefined: either. */
  readonly must: Outcome | undefined;
}

const rank = (life: string) => (world: World) => [
  process.execPath,
  join(root, 'test/faults/rank.mjs'),
  life,
  world.place,
];

const finalizer = join(root, 'dist/bin/axl-finalize.js');
export const axlFinalize = (...args: readonly string[]): string[] => [process.execPath, finalizer, ...args];
const finalize =
  (...args: readonly string[]) =>
  (world: World) =>
    axlFinalize('--json', ...args, world.states);

/** A rank's transfer of some of the sources, copied and left for others. @returns its state file */
async function leave(
  world: World,
  names: readonly string[],
  rank = 0,
  size = 1,
  allRanks = false,
  states = world.states,
  home = states,
): Promise<string> {
  const stateFile = join(states, `rank${rank}`);
  const name = size > 1 ? world.place : 'ckpt';
  await using transfer = await Transfer.create({ name, stateFile, rank, size, allRanks, home });
  for (const name of names) await transfer.add(join(world.place, 'source', name), join(world.place, 'dest', name));
  await transfer.dispatch();
  await quiet(transfer);
  return stateFile;
}

const ALL = ['small', 'big', 'sub'];
const nothing = async () => {};

async function complete(world: World): Promise<void> {
  await leave(world, ALL);
}

/** Killed in the middle of the large file. */
async function incomplete(world: World): Promise<void> {
  cutBefore(await leave(world, ALL), TYPE.chunk, 2);
}

const twoRanks = (allRanks: boolean) => async (world: World) => {
  await leave(world, ['small', 'sub'], 0, 2, allRanks);
  await leave(world, ['big'], 1, 2, allRanks);
};

const oneOfTwoRanks = (allRanks: boolean) => async (world: World) => {
  await leave(world, ['small', 'sub'], 0, 2, allRanks);
  cutBefore(await leave(world, ['big'], 1, 2, allRanks), TYPE.done);
};

/** By a rank of another user, or two. */
const strangers = (role: 'leave' | 'leaveBoth') => async (world: World) => {
  const [command, ...args] = rank(role)(world) as [string, ...string[]];
  const { status, stderr } = await program(command, args, { uid: NOBODY });
  if (status !== 0) throw new Error(stderr);
};

/** In whose order it is that a finalizer goes through them. */
const STATES = ['a', 'b'] as const;
type Part = (typeof STATES)[number];

const statesOf = (world: World, part: Part): string => join(world.states, part);

/** Each rank with a state directory of its own, of which the first is their home. */
async function parted(world: World): Promise<void> {
  for (const part of STATES) fs.mkdirSync(statesOf(world, part));
}

/** Two complete ranks. */
async function apart(world: World): Promise<void> {
  await parted(world);
  const home = statesOf(world, 'a');
  await leave(world, ['small', 'sub'], 0, 2, false, home, home);
  await leave(world, ['big'], 1, 2, false, statesOf(world, 'b'), home);
}

async function apartIncomplete(world: World): Promise<void> {
  await apart(world);
  cutBefore(join(statesOf(world, 'b'), 'rank1'), TYPE.done);
}

const finalizeParts =
  (...parts: readonly Part[]) =>
  (world: World) =>
    axlFinalize('--json', '--dataset', ...parts.map((part) => statesOf(world, part)));

const resume = ['--incomplete', 'resume'];

type Ranks = 'transfer' | 'cancel' | 'resume';
type Finalizers = 'publish' | 'rollBack' | 'finalizeResume' | 'keepState';
type OfRanks = 'ranks' | 'ranksApart' | 'dataset' | 'datasetIncomplete' | 'allRanks' | 'allRanksIncomplete' | Apart;
type Apart = 'apart' | 'apartIncomplete';

export const lives: Record<Ranks | Finalizers | OfRanks, Life> = {
  transfer: { name: 'transfer', prepare: nothing, command: rank('transfer'), finish: [], must: undefined },
  cancel: { name: 'cancel and free', prepare: nothing, command: rank('cancel'), finish: [], must: undefined },
  resume: { name: 'resume', prepare: incomplete, command: rank('resume'), finish: resume, must: 'published' },
  publish: { name: 'axl-finalize', prepare: complete, command: finalize(), finish: [], must: 'published' },
  rollBack: {
    name: 'axl-finalize, incomplete',
    prepare: incomplete,
    command: finalize(),
    finish: [],
    must: 'as before',
  },
  finalizeResume: {
    name: 'axl-finalize --incomplete resume',
    prepare: incomplete,
    command: finalize(...resume),
    finish: resume,
    must: 'published',
  },
  keepState: {
    name: 'axl-finalize --keep-state',
    prepare: complete,
    command: finalize('--keep-state'),
    keeps: true,
    finish: [],
    must: 'published',
  },
  ranks: {
    name: 'two ranks together',
    prepare: nothing,
    command: (world) => [process.execPath, join(root, 'test/faults/ranks.mjs'), world.place],
    finish: [],
    must: undefined,
  },
  ranksApart: {
    name: 'two ranks together, two state directories',
    prepare: parted,
    command: (world) => [process.execPath, join(root, 'test/faults/ranks.mjs'), world.place, 'apart'],
    leavesVerdict: true,
    finish: [],
    must: undefined,
  },
  allRanks: {
    name: 'axl-finalize, ranks that go together',
    prepare: twoRanks(true),
    command: finalize(),
    finish: [],
    must: 'published',
  },
  allRanksIncomplete: {
    name: 'axl-finalize, ranks that go together, one incomplete',
    prepare: oneOfTwoRanks(true),
    command: finalize(),
    finish: [],
    must: 'as before',
  },
  dataset: {
    name: 'axl-finalize --dataset',
    prepare: twoRanks(false),
    command: finalize('--dataset'),
    finish: ['--dataset'],
    must: 'published',
  },
  datasetIncomplete: {
    name: 'axl-finalize --dataset, a rank missing',
    prepare: oneOfTwoRanks(false),
    command: finalize('--dataset'),
    finish: ['--dataset'],
    must: 'as before',
  },
  apart: {
    name: 'axl-finalize --dataset, two state directories',
    prepare: apart,
    command: finalizeParts(...STATES),
    finish: ['--dataset'],
    must: 'published',
  },
  apartIncomplete: {
    name: 'axl-finalize --dataset, two state directories, a rank missing',
    prepare: apartIncomplete,
    command: finalizeParts(...STATES),
    finish: ['--dataset'],
    must: 'as before',
  },
};

/** One of the two ranks is all that it is given: alone, it finds a dataset that is incomplete. */
export const finalizePart = (part: Part): Life => ({
  ...lives.apart,
  name: `axl-finalize --dataset, state directory ${part}`,
  command: finalizeParts(part),
  partly: true,
  leavesVerdict: true,
  must: undefined,
});

/** As root: a process of the other user does it. */
export const onBehalf: Life = {
  name: 'axl-finalize for another user',
  prepare: strangers('leave'),
  command: finalize(),
  user: NOBODY,
  finish: [],
  must: 'published',
};

export const datasetOnBehalf: Life = {
  ...onBehalf,
  name: 'axl-finalize --dataset for another user',
  prepare: strangers('leaveBoth'),
  command: finalize('--dataset'),
  finish: ['--dataset'],
};
