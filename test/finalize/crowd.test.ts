// Crowds: many finalizers of which half are killed, thieves of the courtesy lock, ranks that go for one destination, and
// many ranks in one state directory. AXL_TEST_DEEP=1 makes them large.
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { newUuid, Records } from '../hostile/forge.js';
import { leave, temporaryName } from '../journals.js';
import {
  axlFinalize,
  type ChildOptions,
  type Ended,
  expireLocks,
  Place,
  said,
  script,
  temporaries,
  tree,
} from '../support.js';

const deep = process.env.AXL_TEST_DEEP === '1';
const CROWD = deep ? { finalizers: 64, transfers: 1000, ranks: 200 } : { finalizers: 8, transfers: 120, ranks: 12 };

/** Of a child: the last of many starts late. */
const patienceMs = deep ? 1200_000 : 600_000;

/** All finalizers are at work by then. */
const FEWER_MS = 10_000;

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Leaves complete transfers, some at a time. @returns the inode of each one's temporary file, by name */
async function leaveComplete(place: Place, count: number): Promise<Record<string, number>> {
  const inodes: Record<string, number> = {};
  const rest = range(count).values();
  const lane = async () => {
    for (const i of rest) {
      const stateFile = await leave.complete(place, `rank${i}`);
      inodes[`rank${i}`] = fs.statSync(temporaryName(stateFile, place.path('dest', `rank${i}`))).ino;
    }
  };
  await Promise.all(range(8).map(lane));
  return inodes;
}

/** The names of the transfers that finalizers said they had published. A line that a kill cut says nothing. */
function published(all: readonly Ended[]): string[] {
  return all.flatMap(({ stdout }) =>
    stdout
      .split('\n')
      .filter((line) => line.endsWith('}') && line.includes('"action":"published"'))
      .map((line) => JSON.parse(line).entry.name as string),
  );
}

/** Finalizers at work at once: every second one is given the state files, which nobody locks, not their directory. */
function finalizers(place: Place, count: number, options: (i: number) => ChildOptions): Promise<Ended[]> {
  const files = fs.readdirSync(place.states).map((name) => join(place.states, name));
  const turned = (i: number) => [...files.slice(i % files.length), ...files.slice(0, i % files.length)];
  const run = (i: number) => axlFinalize(['--ndjson', ...(i % 2 ? turned(i * 37) : [place.states])], options(i));
  return Promise.all(range(count).map(run));
}

const inodesIn = (dir: string): Record<string, number> =>
  Object.fromEntries(fs.readdirSync(dir).map((name) => [name, fs.statSync(join(dir, name)).ino]));

t.test('of many finalizers half are killed, and each transfer is published exactly once', async (t) => {
  const place = new Place(t);
  const inodes = await leaveComplete(place, CROWD.transfers);
  let left = CROWD.transfers;
  const counting = setInterval(() => {
    left = fs.readdirSync(place.states).length;
  }, 5);
  // At the start, when some are done, when most are: whatever it is doing then.
  const killWhen = (i: number) => () => left <= CROWD.transfers * (1 - i / (CROWD.finalizers + 1));
  const ended = await finalizers(place, CROWD.finalizers, (i) => (i % 4 < 2 ? { killWhen: killWhen(i) } : {}));
  clearInterval(counting);
  t.ok(ended.filter(({ signal }) => signal === 'SIGKILL').length > 0, 'some were killed before they had ended');
  t.notMatch(ended.map(({ stdout }) => stdout).join(''), /"action":"(failed|corrupt|rolled-back)"/);
  expireLocks(place.states); // whether or not there is anything left to do
  const last = await axlFinalize(['--ndjson', place.states]);
  t.equal(last.status, 0, last.stderr);
  const said = published([...ended, last]);
  t.equal(new Set(said).size, said.length, 'none is said to be published by two');
  t.same(inodesIn(place.dest), inodes, 'every final name is the file that was copied, and nothing else is there');
  t.same(fs.readdirSync(place.states), []);
});

t.test('whoever steals the lock on a state directory does no harm', async (t) => {
  const place = new Place(t);
  const inodes = await leaveComplete(place, CROWD.transfers);
  const lock = join(place.states, `.axl-finalize.${process.geteuid?.()}.lock`);
  const live = await place.create({ name: 'live', stateFile: place.path('states/live') });
  let stolen = 0;
  const thief = setInterval(() => {
    try {
      fs.rmdirSync(lock);
    } catch {
      return; // nobody has it now
    }
    if (++stolen === 4) live[Symbol.asyncDispose](); // for which they wait: there is something to steal
  }, 1);
  // One whose lock is stolen while it is being made goes on without: then there are fewer to steal.
  const fewer = setTimeout(() => live[Symbol.asyncDispose](), FEWER_MS);
  const args = ['--ndjson', '--wait', '--jobs', '1', place.states];
  const ended = await Promise.all(range(4).map(() => axlFinalize(args)));
  clearInterval(thief);
  clearTimeout(fewer);
  t.ok(stolen > 0);
  for (const { status, stderr } of ended) t.equal(status, 0, stderr);
  const said = published([...ended, await axlFinalize(['--ndjson', place.states])]);
  t.same([...said].sort(), Object.keys(inodes).sort());
  t.same(inodesIn(place.dest), inodes);
});

/** A rank: waits until all are there, then transfers. Arguments: state file, source, destination, how many, where. */
const RANK = `
  const [stateFile, source, dest, count, meeting] = args;
  const { readdirSync, writeFileSync } = await import('node:fs');
  writeFileSync(meeting + '/' + process.pid, '');
  while (readdirSync(meeting).length < Number(count)) await new Promise((resolve) => setTimeout(resolve, 5));
  const transfer = await axl.Transfer.create({ name: 'ckpt', stateFile });
  await transfer.add(source, dest);
  await transfer.dispatch();
  if (process.pid % 2) await transfer.wait(), await transfer.free();`;

function ranks(place: Place, count: number, source: (i: number) => string, dest: string): Promise<Ended[]> {
  const meeting = place.mkdir('meeting');
  const args = (i: number) => [place.path('states', `rank${i}`), source(i), dest, `${count}`, meeting];
  return Promise.all(range(count).map((i) => script(RANK, args(i), { patienceMs })));
}

t.test('of ranks that go for one destination one gets it, whole, and none leaves anything else', async (t) => {
  const place = new Place(t);
  const source = (i: number) => place.write(`source/${i}`, `${i}`.repeat(100_000));
  const dest = place.path('dest', 'same');
  place.mkdir('dest');
  for (const { status, stderr } of await ranks(place, 4, source, dest))
    if (status !== 0) t.match(stderr, /AXL_CONFLICT/, 'it was told that another one was faster');
  await axlFinalize([place.states]);
  t.equal((await axlFinalize(['--overwrite', 'keep', place.states])).status, 0);
  t.same(fs.readdirSync(place.dest), ['same']);
  const content = fs.readFileSync(dest, 'latin1');
  t.ok(range(4).some((i) => content === `${i}`.repeat(100_000)));
  t.same(tree(place.states), {});
});

t.test('many ranks dispatch into one state directory, and none is lost', async (t) => {
  const place = new Place(t);
  place.mkdir('dest');
  const source = (i: number) => place.write(`source/${i}`);
  for (const { status, stderr } of await ranks(place, CROWD.ranks, source, place.dest)) t.equal(status, 0, stderr);
  const { status, stderr } = await axlFinalize(['--incomplete', 'resume', place.states]);
  t.equal(status, 0, stderr);
  t.same(tree(place.dest), Object.fromEntries(range(CROWD.ranks).map((i) => [`${i}`, `source/${i}`])));
  t.same(temporaries(place.dest), []);
  t.same(tree(place.states), {});
});

t.test('state files that seem large take no more memory than others', async (t) => {
  const place = new Place(t);
  for (const i of range(20)) {
    const records = new Records(newUuid()).transfer(`seems large ${i}`, i, 20);
    fs.writeFileSync(place.path('states', `${i}`), records.bytes, { mode: 0o600 });
    fs.truncateSync(place.path('states', `${i}`), 250 << 20);
  }
  const measure = `
const { counts } = await axl.finalize(args[0], { dryRun: true, jobEnded: true });
const { transfers } = await axl.list(args[0]);
console.log(JSON.stringify({ counts, listed: transfers.length, most: process.resourceUsage().maxRSS }));`;
  const { counts, listed, most } = said(await script(measure, [place.states]));
  t.match(counts, { removed: 20, failed: 0 });
  t.equal(listed, 20);
  t.ok(most < 400 << 10, `at most ${most} KiB`);
});
