// Two ranks as programs of their own, which agree through the process that started them: for faults at the system calls of
// a collective transfer. If one dies, the other hears that it is lost.
import { fork } from 'node:child_process';
import { writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Transfer } from '../../dist/lib/index.js';

const PARTS = [['small', 'sub'], ['big']];
const SIZE = PARTS.length;
/** Longer than a rank is stopped for another program, on a busy machine, too. */
const HANGS_MS = 600_000;
const [place, where, given] = process.argv.slice(2);
const isApart = where === 'apart';

/** What the ranks ask each other, here: an answer is sent when all have given theirs, or one has ended. */
function relay() {
  const ranks = PARTS.map((_, rank) => fork(fileURLToPath(import.meta.url), [place, where ?? 'here', `${rank}`]));
  let answers = [];
  let ended = 0;
  const tell = (answer) => {
    for (const rank of ranks) if (rank.connected) rank.send(answer, () => {});
    answers = [];
  };
  for (const rank of ranks) {
    rank.on('message', (mine) => {
      answers.push(mine);
      const said = answers.filter((answer) => typeof answer === 'string');
      if (answers.length === SIZE) tell(said[0] ?? answers.every((answer) => answer !== false));
      else if (ended > 0) tell('lost');
    });
    rank.on('exit', (status) => {
      ended++;
      process.exitCode ||= status ?? 1;
      if (status === null) writeSync(2, 'a rank has died\n');
      if (answers.length > 0) tell('lost');
    });
  }
}

function comm(rank) {
  const allTrue = (mine) =>
    new Promise((resolve, reject) => {
      process.once('message', (all) => (all === 'lost' ? reject(new Error('a rank has died')) : resolve(all)));
      process.once('disconnect', () => reject(new Error('the launcher has died')));
      process.send(mine ?? null, () => {});
    });
  return { rank, size: SIZE, allTrue, barrier: () => allTrue(true), share: allTrue };
}

async function live(rank) {
  const states = join(place, 'states', isApart ? 'ab'[rank] : '');
  const transfer = await Transfer.create({
    name: basename(place),
    stateDir: states,
    comm: comm(rank),
    commTimeoutMs: HANGS_MS,
  });
  await transfer.addAll(PARTS[rank].map((name) => [join(place, 'source', name), join(place, 'dest', name)]));
  await transfer.dispatch();
  await transfer.wait();
  writeSync(1, 'published\n');
  await transfer.free();
  process.disconnect();
}

if (given === undefined) relay();
else await live(Number(given));
