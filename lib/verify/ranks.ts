// Which ranks of a checkpoint have a manifest, and which have none.
import type { MissingRanks, VerifiedManifest } from './types.js';

const TOLD = 100;

/** Of one checkpoint. */
function missingOf(manifests: readonly VerifiedManifest[]): MissingRanks {
  const { ranks = 0, dataset } = manifests[0] ?? {};
  const seen = new Set(manifests.map(({ rank }) => rank));
  const missing: number[] = [];
  for (let rank = 0; rank < ranks && missing.length < TOLD; rank++) if (!seen.has(rank)) missing.push(rank);
  return { ...(dataset !== undefined && { dataset }), ranks, missing, missingCount: ranks - seen.size };
}

/** Manifests are of one checkpoint if they name one dataset and as many ranks. */
export function missingRanks(manifests: readonly VerifiedManifest[]): MissingRanks[] {
  const groups = new Map<string, VerifiedManifest[]>();
  for (const manifest of manifests) {
    if (manifest.ranks === undefined) continue;
    const key = `${manifest.dataset} ${manifest.ranks}`;
    groups.set(key, [...(groups.get(key) ?? []), manifest]);
  }
  return [...groups.values()].map(missingOf).filter(({ missingCount }) => missingCount > 0);
}
