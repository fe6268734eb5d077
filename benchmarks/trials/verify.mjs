// How fast files are verified: verify() and axl-verify beside a C loop that reads the same files with as many threads, and sums
// them with the same function. From the cache: where a disk is the limit all three are as fast as it.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { duration, rate } from '../format.mjs';
import { command, inNode, library, verifier, verifyFloor, verifyManifest } from '../programs.mjs';
import { makeFile, makeTree, smallSize } from '../scratch.mjs';

export const title = 'Verify';
export const text =
  'Wall time of `verify()`, called twice in one process, of which the second counts; of `axl-verify DIR` from its start to its ' +
  'end, with the start of Node; and of a C loop without its start. All with 8 threads, all read from the cache. ' +
  'verify() reads the manifest, too, and looks at each file before it opens it.';
export const columns = { seconds: ['time', duration], speed: ['speed', rate] };
export const compare = { key: 'seconds', baselines: { C: ['C loop'] } };

const MIB = 1 << 20;

export function cases({ quick }) {
  const large = quick ? 256 : 2048;
  const files = quick ? 1000 : 10_000;
  return ['memory', 'disk'].flatMap((place) => [
    { name: `${large} MiB in one file on ${place}`, parts: 1, size: large * MIB, place },
    { name: `${large} MiB in 16 files on ${place}`, parts: 16, size: (large / 16) * MIB, place },
    { name: `${files} small files on ${place}`, files, place },
  ]);
}

/** Runs in a process of its own. */
export async function run({ dir }) {
  const { verify } = await library();
  let seconds = 0;
  for (let i = 0; i < 2; i++) {
    const start = performance.now();
    const { intact, bytes } = await verify(dir);
    seconds = (performance.now() - start) / 1000;
    if (!intact) throw new Error('it is not intact');
    if (i === 1) return { seconds, bytes };
  }
}

export async function open({ parts = 0, size, files, place }, places) {
  const dir = join(places[place], 'checkpoint');
  if (files) makeTree(dir, files, smallSize);
  else mkdirSync(dir);
  for (let i = 0; i < parts; i++) makeFile(join(dir, `part${i}`), size);
  writeFileSync(join(dir, '.axl-manifest.0'), verifyManifest(dir));
  execFileSync('sync');
  let bytes = 0;
  const speed = ({ seconds }) => ({ seconds, speed: bytes / seconds });
  const measured = await inNode('verify', 'run', { dir });
  bytes = measured.bytes;
  return {
    'verify()': async () => speed(await inNode('verify', 'run', { dir })),
    'axl-verify': async () => speed(await command(process.execPath, verifier, '--quiet', dir)),
    'C loop': async () => speed(await verifyFloor(dir)),
  };
}
