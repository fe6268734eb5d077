// A live rank, seen through another mount of the same file system, from another host name, or from another pid namespace.
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import {
  axlFinalize,
  type Ended,
  isRoot,
  NOBODY,
  noStrangers,
  Place,
  program,
  root,
  script,
  temporaries,
} from '../support.js';
import { type Daemon, mount } from './daemons.js';
import { TestNode } from './nodes.js';

const TWICE: readonly Daemon[] = ['mergerfs', 'bindfs', 'unionfs-fuse'];

/** `user`: whom the rank becomes first; after that even this user may not look at its descriptors. */
const RANK = `
const [stateFile, source, dest, user] = args;
if (user) process.setgid(+user), process.setuid(+user);
const t = await axl.Transfer.create({ name: 'live', stateFile });
await t.add(source, dest);
await t.dispatch();
await t.settle();
console.log('complete');
setInterval(() => t.state, 1 << 30); // a transfer that nobody can reach lets go of its state file`;

interface Rank {
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<Ended>;
}

/** Starts a rank that has copied all, and lives on. */
function start(dir: string, user?: number): Promise<Rank> {
  const paths = ['states/live', 'source', 'dest'].map((name) => join(dir, name));
  return new Promise((resolve, reject) => {
    const ended = script(RANK, [...paths, ...(user === undefined ? [] : [`${user}`])], {
      onStdout: (text, kill) => text.includes('complete') && resolve({ kill, ended }),
    });
    ended.then(({ stderr }) => reject(new Error(`the rank ended early: ${stderr}`)), reject);
  });
}

const cli = join(root, 'dist', 'bin', 'axl-finalize.js');
const elsewhere = (namespaces: readonly string[], setup: string, args: readonly string[]) =>
  program('unshare', [...namespaces, 'sh', '-c', `${setup}; exec "$0" "$@"`, process.execPath, cli, ...args]);
const onAnotherHost = (...args: string[]) => elsewhere(['-u'], 'hostname elsewhere', args);
const inAContainer = (...args: string[]) => elsewhere(['-p', '-f', '--mount-proc'], 'true', args);

function furnish(dir: string): void {
  fs.mkdirSync(join(dir, 'states'), { recursive: true, mode: 0o700 });
  fs.writeFileSync(join(dir, 'source'), 'checkpoint');
}

for (const daemon of TWICE)
  t.test(`a live rank on ${daemon} is busy for a finalizer on another mount, and is finalized once dead`, async (t) => {
    const place = new Place(t);
    const skip = mount(t, place, daemon, 'one') || mount(t, place, daemon, 'two');
    if (skip) return t.comment(`SKIPPED ${skip}`);
    const [one, two] = [place.path('one'), place.path('two')];
    furnish(one);
    const rank = await start(one);
    const states = join(two, 'states');
    while (!fs.existsSync(join(states, 'live'))) await sleep(20); // names come late here
    for (const given of [[], ['--dataset'], ['--incomplete=keep']]) {
      const { status, stderr } = await onAnotherHost(...given, states);
      t.equal(status, 4, stderr);
    }
    const unknown = await inAContainer(states);
    t.equal(unknown.status, 4);
    t.match(unknown.stderr, /may be alive.*do not tell: when the job is over, use --job-ended/);
    t.equal(temporaries(one).length, 1);
    rank.kill('SIGKILL');
    await rank.ended;
    t.equal((await inAContainer(states)).status, 4, 'in a container nobody can tell');
    t.equal((await onAnotherHost('--dry-run', states)).status, 0);
    t.equal((await inAContainer('--dry-run', '--job-ended', states)).status, 0);
  });

/** What is wanted of a silence: a minute at least. */
const SILENT_S = 70;

t.test(
  'a writer that beats is alive while it is heard, and dead once it was quiet for long enough',
  { skip: process.env.AXL_TEST_DEEP === '1' ? '' : 'takes minutes: npm run test:deep -- file-systems' },
  async (t) => {
    const place = new Place(t);
    const skip = mount(t, place, 'mergerfs', 'one') || mount(t, place, 'mergerfs', 'two');
    if (skip) return t.comment(`SKIPPED ${skip}`);
    furnish(place.path('one'));
    const near = new TestNode(place, 'near', place.path('one'), place.mkdir('p'));
    const far = new TestNode(place, 'far', place.path('two'), place.path('p'));
    const code = `
      const t = await axl.Transfer.create({ name: 'live', stateFile: args[0], heartbeatMs: 5000 });
      await t.add(args[1], args[2]);
      await t.dispatch();
      await t.settle();
      console.log('complete ' + process.pid);
      setInterval(() => t.state, 1 << 30);`;
    const paths = ['states/live', 'source', 'dest'].map((name) => place.path('p', name));
    const rank = await near.start(code, paths, 'complete', false);
    while (!fs.existsSync(place.path('two/states/live'))) await sleep(20);
    const alive = await far.finalize(`--wait=${SILENT_S}`, place.path('p/states'));
    t.equal(alive.status, 4, alive.stderr);
    t.match(alive.stderr, /use --writer-dead near or --job-ended, or --wait 66/);
    rank.kill('SIGKILL');
    await rank.ended;
    t.equal((await far.finalize(place.path('p/states'))).status, 4, 'one look tells nothing');
    const dead = await far.finalize(`--wait=${SILENT_S + 20}`, place.path('p/states'));
    t.equal(dead.status, 0, dead.stderr);
    t.equal(fs.readFileSync(place.path('one/dest'), 'utf8'), 'checkpoint');
  },
);

t.test('a writer whose descriptors cannot be looked at is not taken for dead', async (t) => {
  const place = new Place(t);
  furnish(place.path('below'));
  place.mkdir('below.more');
  const strangers = await noStrangers();
  if (!strangers) place.give(NOBODY); // before a daemon remembers how it was
  const skip = strangers || mount(t, place, 'mergerfs', 'one') || mount(t, place, 'mergerfs', 'two');
  if (skip) return t.comment(`SKIPPED ${skip}`);
  const hidden = await start(place.path('one'), NOBODY);
  const ended = await axlFinalize([place.path('two/states')], { uid: NOBODY });
  t.equal(ended.status, 4, ended.stderr);
  t.equal(temporaries(place.path('two')).length, 1);
  hidden.kill('SIGKILL');
  await hidden.ended;
  const after = await axlFinalize([place.path('two/states')], { uid: NOBODY });
  t.equal(after.status, 0, after.stderr);
});

t.test('a live writer whose mount has died is alive', async (t) => {
  const place = new Place(t);
  const skip = mount(t, place, 'mergerfs', 'one') || mount(t, place, 'mergerfs', 'two');
  if (skip) return t.comment(`SKIPPED ${skip}`);
  furnish(place.path('below'));
  const rank = await start(place.path('one'));
  await program('umount', ['-f', place.path('one')]); // every look at its files is an error from now on
  const { status, stderr } = await axlFinalize([place.path('two/states')]);
  t.equal(status, 4, stderr);
  t.equal(temporaries(place.path('two')).length, 1);
  rank.kill('SIGKILL');
  await rank.ended;
});

t.test(
  'where locks work, a container is told who is alive',
  { skip: isRoot ? '' : 'only root can unshare' },
  async (t) => {
    const place = new Place(t);
    furnish(place.root);
    const rank = await start(place.root);
    t.equal((await inAContainer(place.states)).status, 4);
    t.equal(
      (await inAContainer('--job-ended', place.states)).status,
      4,
      'nobody’s word takes a lock away that is held here',
    );
    rank.kill('SIGKILL');
    await rank.ended;
    t.equal((await inAContainer(place.states)).status, 0);
    t.equal(fs.readFileSync(place.path('dest'), 'utf8'), 'checkpoint');
  },
);
