// axl-finalize over the state files of a large job, in one process and in several side by side.
import { bytes, duration, median } from '../format.mjs';
import { finalizer, shell, withLatency } from '../programs.mjs';
import { realJob } from './finalize.mjs';

export const title = 'Shards';
export const text =
  'Wall time from the start of the first shard to the end of the last, start of Node included, for state files as in ' +
  'the trial "Finalize": one file each, all in one directory. "all ranks": transfers that are published only together, ' +
  'so that every shard looks at every state file. "0.5 ms a call": metadata calls of the addon wait for half a ' +
  'millisecond first, as on a file system whose metadata are on another machine, which never tires; that shows what ' +
  'shards do where latency is the limit. Where the cores of one machine are the limit, they do nothing.';
export const columns = {
  seconds: ['total', duration],
  perState: ['a state file', duration],
  cpu: ['CPU', duration],
  rss: ['peak memory of a shard', bytes],
};
export const compare = { key: 'seconds', baselines: { '1 shard': ['1 shard'] } };

const COUNTS = [1, 2, 4, 8];

export function cases({ quick }) {
  const kinds = [
    { states: 16_384, place: 'memory', durability: 'none' },
    { states: 75_264, place: 'memory', durability: 'none', runs: 2 },
    { states: 16_384, place: 'disk', durability: 'full', runs: 3 },
    { states: 16_384, place: 'memory', durability: 'none', allRanks: true, runs: 3 },
    { states: 16_384, place: 'memory', durability: 'none', latency: 500, runs: 3 },
    { states: 16_384, place: 'memory', durability: 'none', latency: 500, allRanks: true, runs: 2 },
  ];
  return kinds.map((kind) => {
    const states = quick ? kind.states / 32 : kind.states;
    const more = [kind.allRanks && 'all ranks', kind.latency && `${kind.latency / 1000} ms a call`].filter(Boolean);
    const name = [`${states} on ${kind.place}, ${kind.durability}`, ...more].join(', ');
    return { ...kind, states, files: 1, name };
  });
}

const SCRIPT = `
i=0
while [ $i -lt $1 ]; do
  LD_PRELOAD=$2 AXL_BENCH_LATENCY=$3 "$4" "$5" --quiet --shard $i/$1 "$6" &
  i=$((i + 1))
done
wait`;

export async function open(c, places) {
  const job = realJob(places, c);
  const driver = (count) => async () => {
    const state = await job.next();
    const preload = c.latency ? withLatency : '';
    const measured = await shell(SCRIPT, count, preload, c.latency ?? 0, process.execPath, finalizer, state);
    job.check();
    return { ...measured, perState: measured.seconds / c.states };
  };
  return Object.fromEntries(COUNTS.map((count) => [`${count} shard${count > 1 ? 's' : ''}`, driver(count)]));
}

export function panels(cases) {
  const series = Object.entries(cases).map(([name, programs]) => ({
    name,
    points: Object.entries(programs).map(([shards, { seconds }]) => [Number.parseInt(shards, 10), median(seconds)]),
  }));
  return [{ title: 'axl-finalize: state files, place, durability', x: 'shards', y: 'seconds', series }];
}
