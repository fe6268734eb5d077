// A hostile process swaps what root is about to touch, in a tight loop: a directory for a link, a temporary file for a
// link or for somebody's file, a directory that root made for somebody's. AXL_TEST_ROUNDS rounds (2000 by
// `npm run test:deep`).
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { finalize, Transfer } from '../../lib/index.js';
import { cutBefore, quiet, TYPE, temporaryName } from '../journals.js';
import { isRoot, root } from '../support.js';
import { as, BOB, differences, fingerprint, MALLORY, World } from './world.js';

const ROUNDS = Number(process.env.AXL_TEST_ROUNDS ?? 40);
const compiler = process.env.CC ?? 'cc';
const skip = !isRoot
  ? 'needs root: only root can be attacked by another user'
  : spawnSync(compiler, ['--version']).status !== 0
    ? 'needs a C compiler'
    : '';
if (skip) console.error(`SKIPPED swaps while root finalizes: ${skip}`);

/** What mallory has in his directory that is not his, and must stay as it is wherever he puts it. */
interface Planted {
  readonly secret: string;
  readonly bobs: string;
}

interface Round {
  readonly dest: string;
  readonly stateFile: string;
  /** The temporary files, which are root's. */
  readonly program: string;
  readonly link: string;
  readonly planted: Planted;
}

type Swap = (round: Round, world: World) => readonly [string, string];

const SWAPS: Record<string, Swap> = {
  'the directory for a link': ({ dest }, { etc }) => {
    fs.symlinkSync(etc, `${dest}.decoy`);
    return [dest, `${dest}.decoy`];
  },
  'the temporary file for a link': ({ dest, program }, { etc }) => {
    fs.symlinkSync(join(etc, 'victim'), join(dest, 'decoy'));
    return [program, join(dest, 'decoy')];
  },
  "the temporary file for another's file": ({ program, planted }) => [program, planted.secret],
  "the temporary link for another's file": ({ link, planted }) => {
    fs.lutimesSync(link, 1, 1); // it is his: now it needs mending
    return [link, planted.secret];
  },
  "a directory that root made for another's": ({ dest, planted }) => [join(dest, 'empty'), planted.bobs],
};

function makeSource(world: World): string {
  const source = world.place.mkdir('source');
  world.victim(join(source, 'program'), 0, 0o4755);
  fs.symlinkSync('/nowhere', join(source, 'link'));
  fs.lchownSync(join(source, 'link'), MALLORY, MALLORY);
  fs.mkdirSync(join(source, 'empty'));
  fs.chownSync(join(source, 'empty'), MALLORY, MALLORY);
  return source;
}

/** Root copies into a directory of mallory's, and its process ends. */
async function prepare(world: World, source: string, i: number): Promise<Round> {
  const dest = join(world.home, `dest${i}`);
  as(MALLORY, () => fs.mkdirSync(dest));
  const secret = world.victim(join(dest, 'secret'), 0, 0o600);
  const bobs = join(dest, 'bobs');
  fs.mkdirSync(bobs, { mode: 0o700 });
  fs.chownSync(bobs, BOB, BOB);
  const stateFile = join(world.rootStates, `roots${i}`);
  await using transfer = await Transfer.create({ name: 'roots', stateFile });
  for (const name of fs.readdirSync(source)) await transfer.add(join(source, name), dest, { links: 'copy' });
  await transfer.dispatch();
  await quiet(transfer);
  const temporary = (name: string) => temporaryName(stateFile, join(dest, name));
  const [program, link] = [temporary('program'), temporary('link')];
  return { dest, stateFile, program, link, planted: { secret, bobs } };
}

async function start(swap: string, names: readonly [string, string]): Promise<ChildProcess> {
  const child = spawn(swap, names, { uid: MALLORY, gid: MALLORY, stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout?.once('data', resolve).once('end', resolve));
  return child;
}

/** Which file it is: an inode number alone may be used again. */
const identity = ({ ino, birthtimeNs }: fs.BigIntStats): string => `${ino} ${birthtimeNs}`;

/** Owner, mode and size of some files, wherever in the directory they are by now. */
function facts(dir: string, wanted: ReadonlySet<string>): Map<string, string> {
  const names = fs.readdirSync(dir, { recursive: true, encoding: 'utf8' });
  const all = names.map((name) => fs.lstatSync(join(dir, name), { bigint: true }));
  const found = all.filter((stats) => wanted.has(identity(stats)));
  return new Map(
    found.map((stats) => [identity(stats), `${stats.uid} ${stats.gid} ${stats.mode.toString(8)} ${stats.size}`]),
  );
}

function clear(world: World): void {
  for (const dir of [world.home, world.rootStates])
    for (const name of fs.readdirSync(dir)) fs.rmSync(join(dir, name), { recursive: true });
}

/** One round. @returns what changed that must not, and whether root got through */
async function play(world: World, source: string, swap: string, i: number) {
  const [what, choose] = Object.entries(SWAPS)[i % 5] as [string, Swap];
  const incomplete = Math.floor(i / 5) % 2 === 0 ? 'delete' : 'resume';
  const round = await prepare(world, source, i);
  if (Math.floor(i / 10) % 2 === 1) cutBefore(round.stateFile, TYPE.done);
  const planted = new Set(Object.values(round.planted).map((path) => identity(fs.statSync(path, { bigint: true }))));
  const [etc, before] = [fingerprint(world.etc), facts(world.home, planted)];
  const names = as(MALLORY, () => choose(round, world));
  const child = await start(swap, names);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const { counts } = await finalize(world.rootStates, { incomplete });
  child.kill('SIGKILL');
  await ended;
  const after = facts(world.home, planted);
  const wrong = [...before].filter(([id, was]) => (after.get(id) ?? was) !== was);
  const changed = [
    ...differences(etc, fingerprint(world.etc)),
    ...wrong.map(([id, was]) => `${was} became ${after.get(id)}`),
  ];
  clear(world);
  return { changed: changed.map((text) => `round ${i}, ${what}, ${incomplete}: ${text}`), won: counts.published > 0 };
}

t.test(`${ROUNDS} rounds of swaps while root finalizes give a user nothing`, { skip, timeout: 3600_000 }, async (t) => {
  const world = new World(t);
  const swap = world.place.path('swap');
  t.equal(spawnSync(compiler, ['-O1', '-o', swap, join(root, 'test/hostile/swap.c')]).status, 0);
  const source = makeSource(world);
  for (const name of ['victim', 'program', 'link', 'secret']) world.victim(join(world.etc, name));
  fs.mkdirSync(join(world.etc, 'empty'));
  const met = { won: 0, lost: 0 };
  const changed: string[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const round = await play(world, source, swap, i);
    changed.push(...round.changed);
    met[round.won ? 'won' : 'lost']++;
  }
  t.same(changed, []);
  t.ok(met.won > 0 && met.lost > 0, `root won and lost: ${JSON.stringify(met)}`);
});
