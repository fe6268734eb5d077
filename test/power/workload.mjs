// What runs when the power goes: the transfers of a scene, which are waited for, left to finalize(), or published by ranks that
// agree. Says at which point something is promised, by a mark among the writes of the disks.
//   node workload.mjs MARK JSON [RANK DIRECTORY]   the last of one rank of those that agree, which meet in DIRECTORY
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { finalize, openComm, Transfer } from '../../dist/lib/index.js';

const [mark, json, ownRank, directory] = process.argv.slice(2);
const { ends, states, adds, points, options, command } = JSON.parse(json);
const say = (text) => writeFileSync(mark, text);
const size = states.length;

/** One rank's part of the files, all of them if it is alone. */
async function dispatched(rank, comm) {
  const stateFile = join(states[rank], `rank${rank}`);
  const home = size > 1 ? { home: states[0] } : {};
  const who = comm ? { comm } : { rank, size };
  const transfer = await Transfer.create({ name: 'power', stateFile, ...who, ...home, ...options });
  for (const [source, dest] of adds[rank])
    if (source.endsWith('/')) await transfer.add(source.slice(0, -1), dest, { contents: true });
    else await transfer.add(source, dest);
  if (rank === 0 || comm) for (const [path, target] of points) await transfer.point(path, target);
  await transfer.dispatch();
  return transfer;
}

async function left(transfer) {
  for await (const _ of transfer.progress());
  await transfer[Symbol.asyncDispose]();
}

/** One process for each rank. The first says what is promised: its wait returns when all have published. */
async function agree() {
  const meeting = mkdtempSync(join(tmpdir(), 'axl-power-comm-'));
  const self = fileURLToPath(import.meta.url);
  const ranks = states.map((_, rank) =>
    spawn(process.execPath, [self, mark, json, `${rank}`, meeting], { stdio: 'inherit' }),
  );
  const ends = await Promise.all(ranks.map((rank) => once(rank, 'exit')));
  rmSync(meeting, { recursive: true });
  if (ends.some(([status]) => status !== 0)) throw new Error(`the ranks ended with ${ends}`);
  say('gone');
}

async function beRank(rank) {
  const comm = await openComm({ rank, size, directory, id: 'power' });
  const transfer = await dispatched(rank, comm);
  await transfer.wait();
  if (rank === 0) say('promised');
  await transfer.free();
  await comm.close();
}

async function waitFor() {
  const transfer = await dispatched(0);
  await transfer.wait();
  say('promised');
  await transfer.free();
  say('gone');
}

async function leave() {
  const transfers = [];
  for (const rank of states.keys()) transfers.push(await dispatched(rank));
  for (const transfer of transfers) await left(transfer);
  say('left');
  const { counts } = await finalize(states, { dataset: size > 1, ...(command && { onPublished: command }) });
  if (counts.published !== size) throw new Error(JSON.stringify(counts));
  say('promised');
  say('gone');
}

await (ownRank === undefined ? { wait: waitFor, finalize: leave, comm: agree }[ends]() : beRank(Number(ownRank)));
