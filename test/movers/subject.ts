// What the tests of movers share: how a mover is made and stood in the way of, ranks that die, and waiting for its bytes.
import * as fs from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Test } from 'tap';
import { finalize, type Mover, type Transfer } from '../../lib/index.js';
import { bytes, type Ended, type Place, root, script, temporaries, tree } from '../support.js';
import type { Step } from './dying.js';

/** The mover that is tested, and how a test stands in its way. */
export interface Subject {
  /** As any process makes it. None: the library's own. */
  readonly make?: (place: Place) => Mover;
  /** The module and the function of it that makes the mover of a directory, for a process of its own. */
  readonly from?: { readonly module: string; readonly call: string };
  /** The mover of a contract that is asked about tokens. */
  readonly contract: (place: Place) => Mover;
  readonly tokens: (place: Place) => readonly string[];
  /** Before that many files are copied it waits; until release. */
  readonly hold?: (place: Place, files: number) => void;
  readonly release?: (place: Place) => void;
  /** From now on it brings other bytes than those of the sources. */
  readonly spoil?: (place: Place) => void;
}

const module = (name: string) => pathToFileURL(join(root, 'dist', 'test', 'movers', `${name}.js`)).href;

/** A rank that dies at `step`; of the library's own threads, when something was copied. */
const RANK = `
  const [stateFile, source, dest, step, from, call, dir] = args;
  const { dyingAt } = await import(${JSON.stringify(module('dying'))});
  const mover = from ? dyingAt(step, (await import(from))[call](dir)) : undefined;
  const transfer = await axl.Transfer.create({ name: 'ckpt', stateFile, rank: 0, size: 1, ...(mover && { mover }) });
  await transfer.add(source, dest);
  await transfer.dispatch();
  if (!mover && step !== 'ended') process.kill(process.pid, 'SIGKILL');
  await transfer.settle();
  process.kill(process.pid, 'SIGKILL');`;

/** The directory in which the mover of a place records its jobs. */
export const jobsOf = (place: Place): string => place.path('jobs');

/** Three files, one of them old at the destination, a link and an empty directory. */
export function fill(place: Place): void {
  place.write('source/a', bytes(100_000, 1));
  fs.chmodSync(place.write('source/sub/b', bytes(5000, 2)), 0o640);
  place.write('source/c', bytes(70_000, 3));
  fs.symlinkSync('a', place.path('source/link'));
  place.mkdir('source/empty', 0o750);
  place.write('dest/c', 'what was there before');
  fs.utimesSync(place.path('source/a'), 1e9, 1e9);
}

export async function begun(place: Place, mover: Mover | undefined): Promise<Transfer> {
  const transfer = await place.create(mover && { mover });
  for (const name of fs.readdirSync(place.source))
    await transfer.add(join(place.source, name), place.path('dest', name), { links: 'copy' });
  await transfer.dispatch();
  return transfer;
}

/** The job of a dead rank runs: its transfer is busy, and stays as it is. */
export async function isLeftWhileItRuns(t: Test, place: Place, movers: readonly Mover[], was: Record<string, string>) {
  const there = await firstOf(place);
  const { counts, problems } = await finalize(place.states, { movers, incomplete: 'delete' });
  t.equal(counts.busy, 1);
  t.equal(problems[0]?.error?.code, 'AXL_STATE_LOCKED');
  t.same(await firstOf(place), there);
  t.match(tree(place.dest), was);
}

/** Waits for a temporary name. */
export async function firstOf(place: Place): Promise<string[]> {
  for (;;) {
    const names = temporaries(place.dest);
    if (names.length > 0) return names;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export async function isOver(place: Place, mover: Mover, tokens: readonly string[]): Promise<void> {
  for (const token of tokens)
    while ((await mover.attach(token)) !== 'ended') await new Promise((resolve) => setTimeout(resolve, 5));
  fs.statSync(place.stateFile);
}

/** A rank of a process of its own, which dies at `step`. */
export function rank(place: Place, step: Step, from: Subject['from']): Promise<Ended> {
  const mover = from ? [module(from.module), from.call] : ['', ''];
  return script(RANK, [place.stateFile, place.source, place.dest, step, ...mover, jobsOf(place)]);
}
