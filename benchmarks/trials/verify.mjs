// How fast files are verified: verify() and axl-verify beside a C loop that reads the same manifest and files with as many
// threads, and sums them with the same function. From the cache: where a disk is the limit all are as fast as it.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { duration, rate } from '../format.mjs';
import { command, inNode, library, verifier, verifyFloor, verifyManifest } from '../programs.mjs';
import { makeFile, makeTree } from '../scratch.mjs';

export const title = 'Verify';
export const text =
  'Wall time of `verify()`, called twice in one process, of which the second counts; of `axl-verify --quiet DIR` from its start ' +
  'to its end, with the start of Node; and of a C loop without its start. All with 8 threads, all read from the cache. ' +
  'All read the manifest, look at each file (its kind and size), open it, read and sum it, and compare. ' +
  '"C, opens first" opens a file before it knows what that is, and then asks its descriptor, which is cheaper, and nothing ' +
  'that may be done to a FIFO or a device. What takes less time is more `vs C`.';
export const columns = { seconds: ['time', duration], speed: ['speed', rate] };
export const compare = { key: 'seconds', baselines: { C: ['C loop'] } };

const MIB = 1 << 20;

export function cases({ quick }) {
  const large = quick ? 128 : 1024;
  const counts = quick ? [1000] : [10_000, 100_000];
  return ['memory', 'disk'].flatMap((place) => [
    { name: `one file of ${large} MiB on ${place}`, parts: 1, size: large * MIB, place },
    { name: `2 files of ${large} MiB on ${place}`, parts: 2, size: large * MIB, place },
    { name: `32 files of ${large / 16} MiB on ${place}`, parts: 32, size: (large / 16) * MIB, place },
    ...counts.map((files) => ({ name: `${files} files of 4 KiB on ${place}`, files, place })),
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
  if (files) makeTree(dir, files, () => 4096);
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
    'C loop': async () => speed(await verifyFloor(dir, 'check')),
    'C, opens first': async () => speed(await verifyFloor(dir, 'open')),
  };
}
