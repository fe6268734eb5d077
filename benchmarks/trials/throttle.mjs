// How exactly limits of bytes a second hold over two seconds, alone and of several transfers, and just after a change.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { number } from '../format.mjs';
import { inNode } from '../programs.mjs';
import { makeFile } from '../scratch.mjs';

export const title = 'Throttle';
export const text =
  'Bytes a second over two seconds, as parts of what the limit says (1 is exact), of copies in memory. "At once" begins ' +
  'when the limit is changed, from 50 MB/s. "Least" and "most" are of the transfers that share a limit.';
export const columns = { share: ['of the limit', number], least: ['least', number], most: ['most', number] };

const MB = 1e6;
const SECONDS = 2;

export const cases = () => [
  ...[1, 20, 200].map((limit) => ({ name: `one transfer, ${limit} MB/s`, transfers: 1, limit, own: true })),
  ...[1, 20, 200].map((limit) => ({ name: `at once, ${limit} MB/s`, transfers: 1, limit, own: true, from: 50 })),
  ...[2, 5].map((transfers) => ({ name: `${transfers} transfers share 60 MB/s`, transfers, limit: 60, own: false })),
];

/** Runs in a process of its own. */
export async function measure({ source, place, transfers, limit, own, from }) {
  const { config, Transfer } = await import('../../dist/lib/index.js');
  const first = (from ?? limit) * MB;
  if (!own) config({ bandwidth: first });
  const all = [];
  for (let i = 0; i < transfers; i++) {
    const stateFile = join(place, `state.${i}`);
    const t = await Transfer.create({ name: 'bench', stateFile, durability: 'none', ...(own && { bandwidth: first }) });
    await t.add(source, join(place, `copy.${i}`));
    await t.dispatch();
    all.push(t);
  }
  const copied = async (t) => {
    for await (const { bytesCopied } of t.progress({ intervalMs: 1 })) return bytesCopied;
  };
  await delay(500);
  for (const t of all) if (from !== undefined) t.setBandwidth(limit * MB);
  const before = await Promise.all(all.map(copied));
  const start = performance.now();
  await delay(SECONDS * 1000);
  const after = await Promise.all(all.map(copied));
  const seconds = (performance.now() - start) / 1000;
  const shares = after.map((bytes, i) => (bytes - before[i]) / seconds / ((limit * MB) / (own ? 1 : transfers)));
  for (const t of all) await t.cancel().then(() => t.free());
  const share = shares.reduce((a, b) => a + b) / transfers;
  return { share, least: Math.min(...shares), most: Math.max(...shares) };
}

export async function open(c, places) {
  const place = join(places.memory, 'throttle');
  mkdirSync(place);
  const source = makeFile(join(places.memory, 'source'), 600 * MB);
  return { 'axl-transfer': () => inNode('throttle', 'measure', { ...c, source, place }) };
}
