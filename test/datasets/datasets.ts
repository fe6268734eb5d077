// What tests of finalize() leave and look at: ranks of a dataset, destinations, events.
import * as fs from 'node:fs';
import { type CreateOptions, type FinalizeEvent, type FinalizeOptions, finalize } from '../../lib/index.js';
import { quiet } from '../journals.js';
import type { Place } from '../support.js';

/** Leaves the complete transfers of ranks of a dataset. */
export async function leaveRanks(
  place: Place,
  ranks: readonly number[],
  size: number,
  name = 'ckpt',
  more: Partial<CreateOptions> = {},
): Promise<void> {
  for (const rank of ranks) {
    const stateFile = place.path('states', `${name}.${rank}`);
    await using transfer = await place.create({ name, stateFile, rank, size, ...more });
    await transfer.add(place.write(`source/${name}.${rank}`), place.path(`dest/${name}.${rank}`));
    await transfer.dispatch();
    await quiet(transfer);
  }
}

export const published = (place: Place): string[] =>
  fs.existsSync(place.dest)
    ? fs
        .readdirSync(place.dest)
        .filter((name) => !name.includes('._AXL'))
        .sort()
    : [];

export async function events(place: Place, options: FinalizeOptions): Promise<FinalizeEvent[]> {
  const all: FinalizeEvent[] = [];
  await finalize(place.states, { ...options, onEvent: (event) => all.push(event) });
  return all;
}
