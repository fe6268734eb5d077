// A live rank, seen through another mount of the same file system, from another host name, or from another pid namespace.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { type Ended, isRoot, Place, program, root, script, temporaries } from '../support.js';

/** How a directory is mounted twice; none of these daemons forwards flock. */
const DAEMONS = {
  mergerfs: (from: string, to: string) => ['mergerfs', `${from}:${from}.more`, to],
  bindfs: (from: string, to: string) => ['bindfs', from, to],
  'unionfs-fuse': (from: string, to: string) => ['unionfs-fuse', '-o', 'cow,allow_other', `${from}=RW`, to],
} as const;

const RANK = `
const [stateFile, source, dest] = args;
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
function start(dir: string): Promise<Rank> {
  return new Promise((resolve, reject) => {
    const ended = script(RANK, [join(dir, 'states/live'), join(dir, 'source'), join(dir, 'dest')], {
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

/** Mounts one directory twice. @returns the mounts; or why it cannot be done here */
function mountTwice(t: Test, place: Place, daemon: keyof typeof DAEMONS): readonly string[] | string {
  if (!isRoot) return 'only root can mount';
  if (spawnSync('sh', ['-c', `command -v ${daemon}`]).status !== 0) return `${daemon} is not installed`;
  const from = place.mkdir('below');
  place.mkdir('below.more');
  const mounts = [place.mkdir('one'), place.mkdir('two')];
  for (const mount of mounts) {
    const [command, ...args] = DAEMONS[daemon](from, mount) as [string, ...string[]];
    const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    if (status !== 0) return `${daemon} cannot be mounted here: ${stderr.trim()}`;
    t.teardown(() => spawnSync('umount', ['-l', mount]));
  }
  return mounts;
}

function furnish(dir: string): void {
  fs.mkdirSync(join(dir, 'states'), { recursive: true, mode: 0o700 });
  fs.writeFileSync(join(dir, 'source'), 'checkpoint');
}

for (const daemon of Object.keys(DAEMONS) as (keyof typeof DAEMONS)[])
  t.test(`a live rank on ${daemon} is busy for a finalizer on another mount, and is finalized once dead`, async (t) => {
    const place = new Place(t);
    const mounts = mountTwice(t, place, daemon);
    if (typeof mounts === 'string') return t.comment(`SKIPPED ${mounts}`);
    const [one, two] = mounts as [string, string];
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
