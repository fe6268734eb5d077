// Every file system x what may happen to a rank on one host and a finalizer on another x where the state file is x
// durability: nothing is lost or torn, nothing of a live rank is deleted, and nothing is refused for ever.
// The quick ones are a part of `npm test`; all of them are `npm run test:deep -- file-systems`.
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { bytes, type Ended, Place, temporaries } from '../support.js';
import { TestNode } from './nodes.js';
import { noWorld, type World, worlds } from './worlds.js';

const deep = process.env.AXL_TEST_DEEP === '1';
const LARGE = 48 << 20;
/** Names and listings come late on some: for 21 s on sshfs. */
const PATIENCE_MS = 30_000;
const OLD_S = 1_577_836_800;

const RANK = `
const [mode, source, dest, stateFile, durability] = args;
axl.config({ threads: 1, chunkSize: 1 << 20 });
const t = await axl.Transfer.create({ name: 'ckpt', stateFile, durability, owner: 'warn' });
await t.add(source, dest);
await t.dispatch();
const said = (what, then = '') => new Promise((resolve) => process.stdout.write(what + ' ' + process.pid + then + '\\n', resolve));
const stop = () => process.kill(process.pid, 'SIGSTOP');
if (mode === 'mid') {
  for await (const { bytesCopied, bytesTotal } of t.progress({ intervalMs: 1 })) if (bytesCopied * 5 > bytesTotal) break;
  await said('mid'); stop();
}
if (mode === 'hold' || mode === 'exit') {
  await t.settle();
  await said('held');
  if (mode === 'exit') process.exit(0);
  stop();
}
if (mode === 'free') { await t.settle(); await t.free(); await said('ended'); process.exit(0); }
const { state } = await t.wait();
await t.free();
await said('ended', ' ' + state);`;

interface Setting {
  readonly t: Test;
  readonly world: World;
  readonly place: Place;
  readonly near: TestNode;
  readonly far: TestNode;
  readonly states: string;
  /** Of the trial's source and destination. */
  readonly name: string;
  readonly durability: string;
  /** Can a finalizer on the far node tell that a rank of the near one is dead? */
  readonly tells: boolean;
  readonly remount: () => void;
}

const sumOf = (path: string): string => createHash('md5').update(fs.readFileSync(path)).digest('hex');

/** The tree is as a reader sees it: contents, mode, time as fine as the file system has it. */
function looks(dir: string, unit: number): Record<string, string> {
  const out: Record<string, string> = {};
  for (const entry of fs.readdirSync(dir, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const st = fs.lstatSync(path, { bigint: true });
    const mode = (Number(st.mode) & 0o7777).toString(8);
    const what = entry.isSymbolicLink()
      ? fs.readlinkSync(path)
      : entry.isFile()
        ? `${mode} ${st.mtimeNs / BigInt(unit)} ${st.size} ${sumOf(path)}`
        : mode;
    out[path.slice(dir.length + 1)] = what;
  }
  return out;
}

/** Until it is, for as long as a listing may be old; then it is asserted. */
async function becomes(t: Test, what: () => unknown, want: unknown, message: string): Promise<void> {
  const told = () => {
    try {
      return what();
    } catch (error) {
      return `${error}`; // a name that has just been taken away
    }
  };
  const until = Date.now() + PATIENCE_MS;
  while (JSON.stringify(told()) !== JSON.stringify(want) && Date.now() < until) await sleep(100);
  t.same(told(), want, message);
}

/** What all nodes know by one path, as one of them sees it from here. */
const seenFrom = (place: Place, side: string, path: string): string =>
  path.startsWith(place.path('p/')) ? place.path(side, path.slice(place.path('p/').length)) : path;

const leftIn = (dir: string): string[] => temporaries(dir).filter((name) => !name.startsWith('.fuse_hidden'));

class Trial {
  readonly #s: Setting;
  readonly #source: string;
  readonly #dest: string;
  readonly #stateFile: string;
  constructor(s: Setting) {
    this.#s = s;
    const { name, place } = s;
    this.#source = place.path(name, 'step');
    for (let i = 1; i <= 5; i++) place.write(`${name}/step/f${i}`, bytes(i * 5000, i));
    place.write(`${name}/step/below/large`, bytes(LARGE, 9));
    fs.symlinkSync('large', join(this.#source, 'below/link')); // sshfs shows none that leads upwards
    for (const file of fs.readdirSync(this.#source)) fs.utimesSync(join(this.#source, file), OLD_S, OLD_S + 0.5);
    this.#dest = place.path('p', name, 'step');
    this.#stateFile = join(s.states, 'rank0');
    fs.mkdirSync(this.#on('one', place.path('p', name)));
  }

  #on(side: string, path: string): string {
    return seenFrom(this.#s.place, side, path);
  }

  start(mode: string, until: string, stopped = false) {
    const args = [mode, this.#source, join(this.#dest, '..'), this.#stateFile, this.#s.durability];
    return this.#s.near.start(RANK, args, until, stopped);
  }

  /** What stood there before: as large as what comes, so that only an inode number or contents tell. */
  stand(): void {
    const on = this.#on('one', this.#dest);
    fs.mkdirSync(on, { recursive: true });
    for (let i = 1; i <= 5; i++) fs.writeFileSync(join(on, `f${i}`), bytes(i * 5000, 77));
  }

  /** Finalizes on the far node; where it cannot tell it must say so, and go by the operator's word. */
  async finalize(want: number, ...args: string[]): Promise<void> {
    const { t, far, states, tells, world } = this.#s;
    const all = [...args, '--incomplete', want === 3 ? 'delete' : 'resume', states];
    await this.isListed();
    const first = await far.finalize(...all);
    if (tells && !(world.keepsLocks && first.status === 4)) {
      t.equal(first.status, want, `${first.stdout}${first.stderr}`);
      return;
    }
    t.equal(first.status, 4, `cannot tell: ${first.stdout}${first.stderr}`);
    t.ok(fs.existsSync(this.#on('one', this.#stateFile)), 'nothing is touched');
    const second = await far.finalize('--job-ended', ...all);
    t.equal(second.status, want, `${second.stdout}${second.stderr}`);
  }

  /** And has its bytes: with durability none they may come a second after the name. */
  async isListed(): Promise<void> {
    const on = this.#on(this.#s.world.twice ? 'two' : 'one', this.#s.states);
    const until = Date.now() + PATIENCE_MS;
    const isThere = () =>
      fs.readdirSync(on).some((name) => !name.startsWith('.') && fs.readFileSync(join(on, name)).length > 0);
    while (!isThere() && Date.now() < until) await sleep(50);
  }

  far(...args: string[]): Promise<Ended> {
    return this.#s.far.finalize(...args, this.#s.states);
  }

  async published(): Promise<void> {
    const { t, world } = this.#s;
    for (const side of sides(world)) {
      const dir = this.#on(side, this.#dest);
      await becomes(t, () => looks(dir, world.unit), looks(this.#source, world.unit), `whole, seen from ${side}`);
    }
    await this.clean();
  }

  async asBefore(stood: unknown): Promise<void> {
    await becomes(this.#s.t, () => this.seen(), stood, 'as it was before');
    await this.clean();
  }

  seen(): unknown {
    const dir = this.#on('one', this.#dest);
    return fs.existsSync(dir) ? looks(dir, this.#s.world.unit) : 'nothing';
  }

  async clean(): Promise<void> {
    const { t, place, states } = this.#s;
    await becomes(t, () => leftIn(place.path('one')), [], 'no temporary file is left');
    const names = () => fs.readdirSync(this.#on('one', states)).filter((name) => !name.startsWith('.'));
    await becomes(t, names, [], 'no state file is left');
  }
}

const sides = ({ twice }: World): readonly string[] => (twice ? ['one', 'two'] : ['one']);

const SCENARIOS: Record<string, (s: Setting) => Promise<void>> = {
  'is published by its rank': async (s) => {
    const trial = new Trial(s);
    trial.stand();
    await (await trial.start('wait', 'ended')).ended;
    await trial.published();
  },
  'is rolled back by its rank': async (s) => {
    const trial = new Trial(s);
    trial.stand();
    const stood = trial.seen();
    await (await trial.start('free', 'ended')).ended;
    await trial.asBefore(stood);
  },
  'of a rank that was killed is rolled back': async (s) => {
    const trial = new Trial(s);
    trial.stand();
    const stood = trial.seen();
    const rank = await trial.start('mid', 'mid', true);
    rank.kill('SIGKILL');
    await rank.ended;
    await trial.finalize(3);
    await trial.asBefore(stood);
  },
  'of a rank that was killed is copied to its end': async (s) => {
    const trial = new Trial(s);
    const rank = await trial.start('mid', 'mid', true);
    rank.kill('SIGKILL');
    await rank.ended;
    await trial.finalize(0);
    await sleep(1000); // what the dead client still writes comes now
    await trial.published();
  },
  'of a rank that ended before it published is published': async (s) => {
    const trial = new Trial(s);
    trial.stand();
    await (await trial.start('exit', 'held')).ended;
    await trial.finalize(0);
    await trial.published();
  },
  'is published after the file system was mounted again': async (s) => {
    const trial = new Trial(s);
    trial.stand();
    await (await trial.start('exit', 'held')).ended;
    s.remount();
    if (s.world.changesTimes) {
      const { status, stderr } = await trial.far();
      s.t.equal(status, 1);
      s.t.match(stderr, /something else has come to this destination.*--overwrite replace/);
    }
    await trial.finalize(0, ...(s.world.changesTimes ? ['--overwrite', 'replace'] : []));
    await trial.published();
  },
  'of a live rank is busy, and is published by it': async (s) => {
    const trial = new Trial(s);
    trial.stand();
    const rank = await trial.start('hold', 'held', true);
    await trial.isListed();
    for (const more of [[], ['--dataset'], ['--incomplete', 'delete']]) {
      const { status, stdout, stderr } = await trial.far(...more);
      s.t.equal(status, 4, stdout + stderr);
    }
    rank.kill('SIGCONT');
    const { stdout, stderr } = await rank.ended;
    s.t.match(stdout, /ended \d+ completed/, stderr);
    await trial.published();
  },
  'is published once by two finalizers': async (s) => {
    const trial = new Trial(s);
    await (await trial.start('exit', 'held')).ended;
    const word = s.tells && !s.world.keepsLocks ? [] : ['--job-ended'];
    const both = [s.near, s.far].map((node) => node.finalize('--wait=60', ...word, s.states));
    for (const { status, stdout, stderr } of await Promise.all(both))
      s.t.match(status, /^[0146]$/, `status ${status}: ${stdout}${stderr}`);
    await s.far.finalize('--job-ended', s.states);
    await trial.published();
  },
};

/** In `npm test`: one of each kind. */
const QUICK = ['of a rank that was killed is rolled back', 'of a live rank is busy, and is published by it'];

/** Mounts the file system for each node. @returns why it could not */
function mountAll(place: Place, world: World): string {
  return (
    sides(world)
      .map((side) => world.mount(place, place.mkdir(side)))
      .find((why) => why !== '') ?? ''
  );
}

/** Where the state file is, durability, scenario. */
const trials = (deep ? [true, false] : [true]).flatMap((there) =>
  (deep ? ['full', 'none'] : ['full']).flatMap((durability) =>
    Object.entries(SCENARIOS)
      .filter(([title]) => deep || QUICK.includes(title))
      .map(([title, run]) => ({ there, durability, title, run })),
  ),
);

/** AXL_TEST_WORLD names one. */
const only = process.env.AXL_TEST_WORLD;
for (const world of worlds.filter(({ quick, name }) => (only ? name === only : quick || deep)))
  t.test(`a transfer on ${world.name}`, async (t) => {
    const place = new Place(t);
    const unmount = () => {
      for (const side of sides(world)) world.unmount(place.path(side));
    };
    const skip = noWorld(world) || world.start(t, place);
    t.teardown(unmount);
    const why = skip || mountAll(place, world);
    if (why) return t.comment(`SKIPPED ${world.name}: ${why}`);
    const remount = () => {
      unmount();
      const failed = mountAll(place, world);
      if (failed) throw new Error(failed);
    };
    const near = new TestNode(place, 'near', place.path('one'), place.mkdir('p'));
    const far = world.twice ? new TestNode(place, 'far', place.path('two'), place.path('p')) : near;
    for (const [i, { there, durability, title, run }] of trials.entries())
      await t.test(`${title} (state file ${there ? 'there' : 'elsewhere'}, ${durability})`, async (t) => {
        const [name, dir] = [`trial${i}`, `states${i}`];
        fs.mkdirSync(there ? place.path('one', dir) : place.path(dir), { mode: 0o700 });
        const states = place.path(...(there ? ['p', dir] : [dir]));
        const tells = !world.twice || (there && world.tells);
        await run({ t, world, place, near, far, states, name, durability, tells, remount });
        for (const used of [place.path(name), place.path('one', name)])
          fs.rmSync(used, { recursive: true, force: true, maxRetries: 3 });
      });
  });
