// What copying does to the event loop, and what a blocked event loop does to copying.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { duration } from '../format.mjs';
import { copyFloor, inNode } from '../programs.mjs';
import { makeFile, remove } from '../scratch.mjs';

export const title = 'Event loop';
export const text =
  'Delay of the event loop while one file is copied in memory at full speed, several times over ' +
  '(`monitorEventLoopDelay`, resolution 1 ms: an idle loop shows a little more than 1 ms). "Beside the C loop" is an ' +
  'idle process while a C loop copies in another one, with as many threads: what the processors alone explain. ' +
  '"Blocked": JavaScript sleeps in `Atomics.wait` until the copies have ended.';
export const columns = {
  p50: ['p50', duration],
  p99: ['p99', duration],
  max: ['max', duration],
  copy: ['time of a copy', duration],
};
export const compare = { key: 'copy', baselines: { 'a free loop': ['axl-transfer'] } };

const MIB = 1 << 20;

export function cases({ quick }) {
  const size = quick ? 128 : 1024;
  return [{ name: `${size} MiB in memory`, size: size * MIB, copies: quick ? 2 : 4 }];
}

const shared = new Int32Array(new SharedArrayBuffer(4));

/** Seconds from the moment that dispatch resolved until no copy runs. */
async function copyOnce({ Transfer }, { from, to, stateFile, blocked }) {
  const t = await Transfer.create({ name: 'bench', stateFile, durability: 'none' });
  await t.add(from, to);
  await t.dispatch();
  const start = performance.now();
  while (!t.test())
    if (blocked) Atomics.wait(shared, 0, 0, 1);
    else await delay(1);
  const seconds = (performance.now() - start) / 1000;
  await t.wait();
  await t.free();
  return seconds;
}

function delays(histogram) {
  const seconds = (nanoseconds) => nanoseconds / 1e9;
  return {
    p50: seconds(histogram.percentile(50)),
    p99: seconds(histogram.percentile(99)),
    max: seconds(histogram.max),
  };
}

/** Runs in a process of its own. */
export async function copying({ copies, ...given }) {
  const library = await import('../../dist/lib/index.js');
  await delay(50); // what starting costs is not what is measured
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  let copy = 0;
  for (let i = 0; i < copies; i++) {
    histogram.enable();
    copy += await copyOnce(library, given);
    histogram.disable();
    await rm(given.to);
  }
  return { ...(!given.blocked && delays(histogram)), copy: copy / copies };
}

/** Runs in a process of its own. */
export async function idle({ ms }) {
  await delay(50);
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  await delay(ms);
  histogram.disable();
  return delays(histogram);
}

/** Copies again and again until `other` has ended. */
async function beside(from, to, other) {
  let running = true;
  const ended = other.finally(() => {
    running = false;
  });
  while (running) {
    await copyFloor(from, to, '-');
    await remove(to);
  }
  return ended;
}

export async function open({ size, copies }, { memory }) {
  const from = makeFile(join(memory, 'source'), size);
  const to = join(memory, 'copy');
  const given = { from, to, stateFile: join(memory, 'state-file'), copies };
  const ms = 200 + (copies * size) / (2 * MIB); // about as long as the copies
  return {
    'axl-transfer': () => inNode('event-loop', 'copying', given),
    'axl-transfer, blocked': () => inNode('event-loop', 'copying', { ...given, blocked: true }),
    'idle process': () => inNode('event-loop', 'idle', { ms }),
    'idle, beside the C loop': () => beside(from, to, inNode('event-loop', 'idle', { ms })),
  };
}
