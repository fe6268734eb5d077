// What this example's checkpoints look like: shards of all ranks, and `.metadata`, which says of which step they are.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const SIZE = 4;

/** Empty if there is none: it may be renamed at any moment. */
function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    return '';
  }
}

/** Has a rank's shard of this step its final name? */
export const hasShard = (place, step, rank) => read(join(place, `__${rank}_0.distcp`)).startsWith(`step ${step},`);

/** Have those of all ranks? */
export const hasShards = (place, step, size) =>
  Array.from({ length: size }, (_, rank) => rank).every((rank) => hasShard(place, step, rank));

/** What `.metadata` says; undefined if there is none. */
export function metadata(place) {
  const text = read(join(place, '.metadata'));
  return text === '' ? undefined : JSON.parse(text);
}

/** Steps of which there is a whole checkpoint, each in a directory of its own; the oldest first. */
export const steps = (run) =>
  readdirSync(run)
    .map((name) => /^step-(\d+)$/.exec(name)?.[1])
    .filter((step) => step !== undefined && hasMetadata(join(run, `step-${step}`), step))
    .sort((a, b) => a - b);

export const hasMetadata = (place, step) => metadata(place)?.step === step;
