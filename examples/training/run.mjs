// Four ranks write checkpoints while a reader looks. In the second step a rank is killed between its shards and `.metadata`,
// and axl-finalize goes on from there. Usage: node run.mjs [DIRECTORY]
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasMetadata, hasShards, SIZE, steps } from './checkpoint.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const given = process.argv[2];
const dir = given ?? mkdtempSync(join(tmpdir(), 'axl-training-'));
const finalizer = fileURLToPath(new URL('../../dist/bin/axl-finalize.js', import.meta.url));

const ended = (child) => new Promise((resolve) => child.on('close', (status, signal) => resolve(signal ?? status)));
const node = (file, ...args) =>
  spawn(process.execPath, [join(here, file), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });

function check(is, what) {
  console.log(`${is ? 'ok    ' : 'NOT OK'} ${what}`);
  if (!is) process.exitCode = 1;
}

/** @param dies a rank that is killed on the way, if any */
async function save(place, step, target, dies) {
  const ranks = Array.from({ length: SIZE }, (_, rank) => {
    const args = [place, `${rank}`, `${SIZE}`, `${step}`, target, ...(rank === dies ? ['dies'] : [])];
    const child = spawn(process.execPath, [join(here, 'rank.mjs'), ...args], { stdio: ['ignore', 'inherit', 'pipe'] });
    child.stderr.resume(); // what the survivors of a killed rank say
    return ended(child);
  });
  return Promise.all(ranks);
}

/** Five steps, each to its own directory, or all to one. */
async function train(kind, targetOf) {
  const place = join(dir, kind);
  for (const name of ['run', 'state', 'comm']) mkdirSync(join(place, name), { recursive: true });
  const run = join(place, 'run');
  const reader = node('reader.mjs', run);
  let said = '';
  reader.stdout.on('data', (piece) => (said += piece));

  check(
    (await save(place, 1, targetOf(1))).every((end) => end === 0),
    `${kind}: step 1 is published by its ranks`,
  );
  const ends = await save(place, 2, targetOf(2), 2);
  check(ends[2] === 'SIGKILL', `${kind}: in step 2 rank 2 is killed between the shards and .metadata`);
  const two = join(run, targetOf(2));
  check(hasShards(two, '2', SIZE) && !hasMetadata(two, '2'), `${kind}: all shards are there, and .metadata is not`);
  const { status } = spawnSync(process.execPath, [finalizer, '--job-ended', join(place, 'state')], {
    stdio: 'inherit',
  });
  check(status === 0 && hasMetadata(two, '2'), `${kind}: axl-finalize publishes .metadata`);
  check(
    (await save(place, 3, targetOf(3))).every((end) => end === 0),
    `${kind}: step 3 is published by its ranks`,
  );
  for (const step of [4, 5]) await save(place, step, targetOf(step));
  check(readlinkSync(join(run, 'latest')) === targetOf(5), `${kind}: latest leads to step 5`);
  check(
    kind === 'in-place' || steps(run).join() === '3,4,5',
    `${kind}: of checkpoints in directories of their own the last three stay`,
  );

  reader.stdin.end();
  await ended(reader);
  const { looks, wrong } = JSON.parse(said);
  check(
    looks > 10 && wrong.length === 0,
    `${kind}: a reader who looked all the time saw whole checkpoints only ${wrong.join(', ')}`,
  );
  if (spawnSync('python3', ['--version']).status !== 0) return console.log('SKIPPED check.py: there is no python3');
  const python = spawnSync('python3', [join(here, 'check.py'), join(run, 'latest')], { stdio: 'inherit' });
  check(python.status === 0, `${kind}: check.py, which needs nothing of ours, reads and checks it`);
}

await train('new', (step) => `step-${step}`);
await train('in-place', () => 'model');
if (given === undefined && existsSync(dir)) rmSync(dir, { recursive: true });
