// The demo: a job of eight rank processes writes a checkpoint, hands it to axl-transfer and goes on computing; some ranks
// end as they should and some do not; a post-stage script finalizes; everything at the destination is checked.
// Here: the order of events and what is printed. Exit status 1: something differs, and the last lines say what.
// Options: --keep leaves the files. AXL_DEMO_DIR is where the destination goes, instead of the temporary directory.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { check, checkUntouched, describeRun, isTemporary } from './check.mjs';
import { makeCheckpoint, makeOldFiles } from './checkpoint.mjs';
import { findPlaces, removePlaces } from './places.mjs';
import { jsonLines, judge, ROLES, runRanks } from './ranks.mjs';
import { mebibytes, table } from './table.mjs';
import { describeTree, latin1, walk } from './tree.mjs';

const MiB = 2 ** 20;
const MOST_SHOWN = 40;
const postStage = fileURLToPath(new URL('post-stage.sh', import.meta.url));

const ranks = ['frees', 'exits', 'killed', 'canceled', 'waits', 'waits', 'waits', 'waits'].map((role, rank) => ({
  rank,
  role,
  complete: ROLES[role].complete,
  names: [...(rank === 0 ? ['ckpt.42.root', 'case'] : []), `odd.${rank}`, `rank.${rank}.data`],
  dataBytes: (ROLES[role].complete ? 64 : 192) * MiB, // more for those that are to be caught mid-copy
}));
const bytesNeeded = ranks.reduce((sum, { dataBytes }) => sum + dataBytes, 64 * MiB);

let phaseStart = performance.now();
function phase(text) {
  const now = performance.now();
  console.log(`${((now - phaseStart) / 1000).toFixed(1).padStart(4)} s  ${text}`);
  phaseStart = now;
}

/** Adds to `demo` what is there before the job; on the disk too, for check.mjs. */
function prepare(demo) {
  const lacking = makeOldFiles(latin1(demo.run), [0, 1, 2, 3, 5]);
  demo.missing = makeCheckpoint(latin1(demo.source), ranks, lacking);
  fs.mkdirSync(demo.state, { mode: 0o700 });
  demo.sourceBefore = describeTree(latin1(demo.source));
  demo.runBefore = describeRun(demo.run);
  const written = { ...demo, sourceBefore: [...demo.sourceBefore], runBefore: [...demo.runBefore] };
  fs.writeFileSync(`${demo.base}/demo.json`, JSON.stringify(written));
  phase(`made a checkpoint of ${demo.sourceBefore.size} entries in ${demo.source}`);
}

/** @returns {{decisions: Map<number, string>, wrong: string[]}} what axl-finalize did, by rank */
function finalize(demo) {
  const env = { ...process.env, NODE: process.execPath };
  const { status, stdout, stderr } = spawnSync('/bin/sh', [postStage, demo.state], { env, encoding: 'utf8' });
  const entries = jsonLines(stdout).flatMap(({ entry }) => entry ?? []);
  const decisions = new Map(entries.map(({ rank, action }) => [rank, action]));
  const wrong = status === 0 ? [] : [`post-stage.sh ended with ${status}: ${stderr.trim()}`];
  for (const { rank, role } of ranks)
    if (decisions.get(rank) !== ROLES[role].action)
      wrong.push(`axl-finalize: rank ${rank} is ${decisions.get(rank)}, not ${ROLES[role].action}`);
  return { decisions, wrong };
}

function whileBlocked({ before, after, midCopy, bytes }) {
  if (midCopy !== undefined) return `interrupted at ${mebibytes(midCopy)} of ${mebibytes(bytes)}`;
  if (after === undefined) return '-';
  return `${mebibytes(before)} -> ${mebibytes(after)} of ${mebibytes(bytes)}`;
}

function destinations({ copied, kept, bad }) {
  if (bad > 0) return `${bad} DIFFER`;
  return [copied > 0 && `${copied} like their sources`, kept > 0 && `${kept} as before`].filter(Boolean).join(', ');
}

function resultTable(results, decisions, tallies) {
  const heading = ['rank', 'the process', 'copied while it computed', 'ended', 'axl-finalize', 'destinations'];
  return table([
    heading,
    ...results.map((result, i) => [
      `${result.rank}`,
      ROLES[result.role].does,
      whileBlocked(result),
      result.ended,
      decisions.get(result.rank) ?? '(freed)',
      destinations(tallies[i]),
    ]),
  ]);
}

/** @returns {Promise<string[]>} what differs from what should be */
async function demonstrate(demo, signal) {
  prepare(demo);
  const results = await runRanks(demo, signal);
  signal.throwIfAborted();
  const wrong = results.flatMap(judge);
  const temporary = [...walk(latin1(demo.run))].filter(isTemporary).length;
  if (temporary === 0) wrong.push('no temporary file was there for axl-finalize');
  wrong.push(...checkUntouched(demo, (rank) => !rank || !['waits', 'frees'].includes(rank.role)));
  phase(`ran ${ranks.length} ranks into ${demo.run}`);

  const { decisions, wrong: alsoWrong } = finalize(demo);
  phase(`ran post-stage.sh ${demo.state}`);

  const report = check(demo);
  phase('compared contents, uid, gid, mode, mtime in ns, links, holes, xattrs with the sources');
  for (const feature of demo.missing) console.log(`        without ${feature}: they are not to be had here`);
  console.log(`\n${resultTable(results, decisions, report.ranks)}\n`);
  console.log(`Temporary files: ${temporary} when the ranks were gone, ${report.temporary} after axl-finalize.`);
  return [...wrong, ...alsoWrong, ...report.differences];
}

function conclude(demo, wrong, started) {
  if (wrong.length === 0 && !demo.keep) removePlaces(demo);
  else console.log(`The files are in ${[...new Set([demo.base, demo.burst])].join(' and ')}.`);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (wrong.length === 0) console.log(`Everything is as it should be (${seconds} s).`);
  else console.error(`FAILED, differences: ${wrong.length}\n  ${wrong.slice(0, MOST_SHOWN).join('\n  ')}`);
  if (wrong.length > MOST_SHOWN) console.error(`  ... all of them: node examples/demo/check.mjs ${demo.base}`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}

function startPlaces() {
  try {
    return findPlaces(bytesNeeded);
  } catch (error) {
    console.error(`The demo cannot run: ${error.message}`);
    return process.exit(1);
  }
}

const started = performance.now();
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => interrupted.abort());

const demo = { ...startPlaces(), ranks, keep: process.argv.includes('--keep') };
try {
  conclude(demo, await demonstrate(demo, interrupted.signal), started);
} catch (error) {
  if (!interrupted.signal.aborted) conclude(demo, [error.stack], started);
  else removePlaces(demo);
  process.exitCode = 1;
}
