// Ranks of one process, with a Comm that answers when all have asked.
import * as fs from 'node:fs';
import type { Test } from 'tap';
import { type CollectiveOptions, type CollectiveTransfer, type Comm, Transfer } from '../../lib/index.js';
import { bytes, Place } from '../support.js';

/** A question that ranks answer one after the other, until all have. */
export class Board {
  readonly #size: number;
  #answers: boolean[] = [];
  #asked: ((all: boolean) => void)[] = [];
  #isLost = false;
  /** Called when all have answered, before they hear it. */
  whenAnswered = () => {};

  constructor(size: number) {
    this.#size = size;
  }

  /** A rank has died, and the others are told when they ask. */
  lose(): void {
    this.#isLost = true;
  }

  ask(value: boolean): Promise<boolean> {
    if (this.#isLost) return Promise.reject(new Error('a rank has died'));
    this.#answers.push(value);
    const answer = new Promise<boolean>((resolve) => this.#asked.push(resolve));
    if (this.#answers.length < this.#size) return answer;
    const [answers, asked] = [this.#answers, this.#asked];
    this.#answers = [];
    this.#asked = [];
    this.whenAnswered();
    for (const resolve of asked) resolve(answers.every(Boolean));
    return answer;
  }

  comm(rank: number): Comm {
    const allTrue = (value: boolean) => this.ask(value);
    return { rank, size: this.#size, allTrue, barrier: async () => void (await this.ask(true)) };
  }
}

export const SIZE = 3;
/** Without what was decided about them. */
export const stateFiles = (place: Place) =>
  fs.readdirSync(place.states).filter((name) => !name.startsWith('.axl-verdict.'));
/** No rank waits so long for another, unless it is lost. */
export const HANGS_MS = 600_000;

/** What each of the ranks comes to: a code, or `ok`. */
export const outcomes = (calls: readonly Promise<unknown>[]): Promise<string[]> =>
  Promise.all(
    calls.map((call) =>
      call.then(
        () => 'ok',
        (error) => error.code ?? error.name,
      ),
    ),
  );

export interface World {
  readonly place: Place;
  readonly ranks: CollectiveTransfer[];
  readonly board: Board;
}

export function options(place: Place, comm: Comm): CollectiveOptions {
  const usual = { durability: 'none', hardLinks: 'copy', commTimeoutMs: HANGS_MS } as const;
  return { name: 'ckpt', stateDir: place.states, comm, ...usual };
}

export async function createAll(t: Test, more: Partial<CollectiveOptions> = {}): Promise<World> {
  const place = new Place(t);
  const board = new Board(SIZE);
  const ranks = await Promise.all(
    Array.from({ length: SIZE }, (_, rank) => Transfer.create({ ...options(place, board.comm(rank)), ...more })),
  );
  t.teardown(() => Promise.all(ranks.map((transfer) => transfer[Symbol.asyncDispose]())));
  return { place, ranks, board };
}

export async function addAll({ place, ranks }: World): Promise<void> {
  await Promise.all(
    ranks.map((transfer, rank) =>
      transfer.add(place.write(`source/r${rank}`, bytes(10_000, rank)), place.path(`dest/r${rank}`)),
    ),
  );
}

/** A directory stands where a rank's file is to go, since dispatch. */
export const obstruct = (place: Place, rank: number): string => place.mkdir(`dest/r${rank}`);

/** The same, once it is decided that all publish. */
export function obstructLate({ place, board }: World, rank: number): void {
  board.whenAnswered = () => {
    if (fs.readdirSync(place.states).length === stateFiles(place).length) return;
    obstruct(place, rank);
    board.whenAnswered = () => {};
  };
}

/** All have begun to copy. */
export async function dispatchAll(t: Test): Promise<World> {
  const world = await createAll(t);
  await addAll(world);
  await Promise.all(world.ranks.map((transfer) => transfer.dispatch()));
  return world;
}
