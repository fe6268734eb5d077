// One axl-finalize with more threads, where each metadata call takes its time: what can be had without shards.
import { bytes, duration, median } from '../format.mjs';
import { finalizer, shell, withLatency } from '../programs.mjs';
import { realJob } from './finalize.mjs';

export const title = 'Jobs';
export const text =
  'One process with `--jobs N`, as in the trial "Shards", where metadata calls of the addon wait for half a millisecond ' +
  'first. 8 is the default.';
export const columns = {
  seconds: ['total', duration],
  perState: ['a state file', duration],
  cpu: ['CPU', duration],
  rss: ['peak memory', bytes],
};
export const compare = { key: 'seconds', baselines: { '--jobs 8': ['--jobs 8'] } };

const JOBS = [8, 16, 32, 64, 128];
const LATENCY = 500;

export function cases({ quick }) {
  const states = quick ? 512 : 16_384;
  return [false, true].map((allRanks) => {
    const name = `${states} on memory, none${allRanks ? ', all ranks' : ''}, ${LATENCY / 1000} ms a call`;
    return { name, states, files: 1, place: 'memory', durability: 'none', allRanks, runs: 3 };
  });
}

const SCRIPT = 'LD_PRELOAD=$1 AXL_BENCH_LATENCY=$2 exec "$3" "$4" --quiet --jobs $5 "$6"';

export async function open(c, places) {
  const job = realJob(places, c);
  const driver = (jobs) => async () => {
    const state = await job.next();
    const measured = await shell(SCRIPT, withLatency, LATENCY, process.execPath, finalizer, jobs, state);
    job.check();
    return { ...measured, perState: measured.seconds / c.states };
  };
  return Object.fromEntries(JOBS.map((jobs) => [`--jobs ${jobs}`, driver(jobs)]));
}

export function panels(cases) {
  const series = Object.entries(cases).map(([name, programs]) => ({
    name,
    points: Object.entries(programs).map(([jobs, { seconds }]) => [Number(jobs.split(' ')[1]), median(seconds)]),
  }));
  return [{ title: 'One axl-finalize with more threads', x: '--jobs', y: 'seconds', series }];
}
