// A rank under a real launcher. Arguments: a directory, options of openComm, a role, and what the role needs. What it comes to
// is written to said/WHAT.RANK there: launchers mix what ranks print.
import * as fs from 'node:fs';
import { join } from 'node:path';
import { config, inspect, launched, openComm, Transfer } from '../../dist/lib/index.js';

config({ threads: 1, durability: 'none' });
const [place, options, role, ...args] = process.argv.slice(2);
const LARGE = 48 << 20;
/** The rank that fails, or dies. */
const UNLUCKY = 1;
const OPEN_MS = 200_000;
/** Longer than the tests wait: that a rank is lost has to be known sooner. */
const LIMIT_MS = 900_000;

const { rank } = launched();

function write(name, content) {
  const path = join(place, name);
  fs.mkdirSync(join(path, '..'), { recursive: true });
  fs.writeFileSync(path, content);
  return path;
}

function say(what, value) {
  const path = write(`said/.${what}.${rank}`, JSON.stringify(value));
  fs.renameSync(path, join(place, 'said', `${what}.${rank}`));
}

const outcome = (promise) =>
  promise.then(
    (value) => value ?? 'ok',
    (error) => ({ code: error.code ?? error.name, message: error.message, cause: error.cause?.code }),
  );

const open = () => openComm({ timeoutMs: OPEN_MS, ...JSON.parse(options) });

/** The steps of a transfer, in which `hook(step)` comes just before each. */
async function transfer(comm, name, hook) {
  const [states, dest] = ['states', 'dest'].map((dir) => join(place, dir, name));
  for (const dir of [states, dest]) fs.mkdirSync(dir, { recursive: true });
  const source = write(`source/${name}.${rank}`, Buffer.alloc(LARGE / (rank === UNLUCKY ? 1 : 1024), rank));
  const final = join(dest, `rank${rank}`);
  const at = { states, source, final };
  await hook('create', at);
  const made = await Transfer.create({ name: 'ckpt', stateDir: states, comm, commTimeoutMs: LIMIT_MS });
  try {
    await hook('add', at);
    await made.add(source, final);
    await hook('dispatch', at);
    await made.dispatch();
    await hook('copy', at);
    await hook('publish', at);
    await made.wait();
    await hook('free', at);
    await made.free();
  } finally {
    await made[Symbol.asyncDispose]();
  }
}

/** Has the name that the copy is to be made under. Before dispatch: after it, the copy may have been made. */
async function takeTemporary({ states, final }) {
  const { uuid } = await inspect(join(states, `ckpt.${rank}`));
  fs.writeFileSync(`${final}._AXL${uuid.slice(0, 16)}`, '');
}

/** What makes a step fail, by the hook at which it comes. */
const misfortunes = {
  create: { create: ({ states }) => fs.writeFileSync(join(states, `ckpt.${rank}`), 'in the way') },
  add: { add: ({ source }) => fs.renameSync(source, `${source}.elsewhere`) },
  dispatch: { dispatch: ({ source }) => fs.rmSync(source) },
  copy: { dispatch: takeTemporary },
  publish: { publish: ({ final }) => fs.mkdirSync(final) },
};

const die = () => process.kill(process.pid, 'SIGKILL');

const roles = {
  /** All goes well; then each step fails in turn, on one rank. */
  async fail() {
    const comm = await open();
    say('place', { ...launched(), comm: { rank: comm.rank, size: comm.size, provider: comm.provider } });
    say('well', await outcome(transfer(comm, 'well', async () => {})));
    for (const [step, misfortune] of Object.entries(misfortunes)) {
      const hook = async (now, at) => rank === UNLUCKY && misfortune[now]?.(at);
      say(step, await outcome(transfer(comm, step, hook)));
    }
    say('second', await outcome(open()));
    await comm.close();
    say('closed', await outcome(comm.allTrue(true)));
    say('again', await outcome(open().then((again) => again.close())));
  },
  /** One rank dies just before a step; at `publish`, when another has published. */
  async die(step) {
    const comm = await open();
    const hook = async (now, { final }) => {
      if (now !== step || rank !== UNLUCKY) return;
      if (now !== 'publish') die();
      const other = join(final, '..', 'rank0');
      const look = () => (fs.existsSync(other) ? die() : setImmediate(look));
      look();
    };
    say('died', await outcome(transfer(comm, 'death', hook)));
    await comm.close();
  },
  /** One rank is at another call than the others. */
  async stray() {
    const comm = await open();
    say('stray', await outcome(comm.allTrue(true, rank === UNLUCKY ? 'wait' : 'add')));
    await comm.close();
  },
  /** Only opens, and says what came of it. */
  async open() {
    const opened = open();
    say('open', await outcome(opened.then(({ provider }) => provider)));
    await opened.then((comm) => comm.close()).catch(() => {});
  },
  /** Only looks where it is. */
  async place() {
    say('alone', launched());
  },
  /** Opens, and has nothing more to do. */
  async idle() {
    const comm = await open();
    await comm.barrier();
    say('idle', comm.provider);
  },
};
await roles[role](...args);
