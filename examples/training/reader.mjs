// Looks all the time, as an evaluation job does: what has `.metadata` has to have its shards, and `latest` has to lead to
// what has `.metadata`. Arguments: RUN. Ends when its input does; prints how often it looked, and what was wrong.
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { hasShards, metadata } from './checkpoint.mjs';

const [run] = process.argv.slice(2);
const wrong = [];
let looks = 0;

function isThere(path) {
  try {
    return lstatSync(path) !== undefined;
  } catch {
    return false;
  }
}

function look() {
  looks++;
  for (const name of readdirSync(run)) {
    const place = join(run, name);
    const before = metadata(place);
    const whole = before === undefined || hasShards(place, before.step, before.shards);
    // In place, the old `.metadata` is gone before the first of its shards is: who was in the middle of it looks again.
    if (!whole && metadata(place)?.step === before.step) wrong.push(`${name}: step ${before.step} lacks shards`);
  }
  // In place, `latest` leads to a directory whose `.metadata` is being replaced: only in a new one it has to be there.
  const latest = join(run, 'latest');
  if (isThere(latest) && readdirSync(`${latest}/`).length === 0) wrong.push('latest leads to nothing');
}

process.stdin.resume();
let ended = false;
process.stdin.on('end', () => {
  ended = true;
});
while (!ended) {
  look();
  await new Promise((resolve) => setImmediate(resolve));
}
look();
console.log(JSON.stringify({ looks, wrong }));
