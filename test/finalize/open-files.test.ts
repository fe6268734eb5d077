// What a call opens is closed when it resolves, and not when memory is collected: a file system can be unmounted then.
import * as fs from 'node:fs';
import t from 'tap';
import { forget } from '../../lib/forget.js';
import { finalize, inspect, list, Transfer } from '../../lib/index.js';
import { orphans } from '../../lib/orphans.js';
import { probe } from '../../lib/probe.js';
import { leave } from '../journals.js';
import { Place } from '../support.js';

/** What this process has open below a directory. */
function openBelow(dir: string): string[] {
  const names = fs.readdirSync('/proc/self/fd').map((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // of the listing itself
    }
  });
  return names.filter((name) => name.startsWith(dir));
}

async function leaveRank(place: Place, rank: number, dir: string): Promise<void> {
  place.mkdir('dest');
  const home = place.mkdir('home', 0o700);
  const stateFile = `${place.mkdir(dir, 0o700)}/rank${rank}`;
  await using transfer = await place.create({ name: 'ckpt', stateFile, rank, size: 2, home });
  await transfer.add(place.write(`source/${rank}`), place.dest);
  await transfer.dispatch();
  for await (const _ of transfer.progress());
}

t.test('a finalizer that has ended has nothing open of what it has decided about', async (t) => {
  for (const options of [{ dryRun: true }, { incomplete: 'keep' }, {}] as const) {
    const place = new Place(t);
    await leaveRank(place, 0, 'home');
    await leaveRank(place, 1, 'away');
    const dirs = ['home', 'away'].map((name) => place.path(name));
    await finalize(dirs[0] as string, { dataset: true, incomplete: 'keep' });
    t.same(openBelow(place.root), [], 'of one directory');
    await finalize(dirs, { dataset: true, ...options });
    t.same(openBelow(place.root), [], JSON.stringify(options));
    await finalize([...dirs, place.path('none')], { dataset: true });
    t.same(openBelow(place.root), []);
  }
});

t.test('a call that has ended has nothing open', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  const stateFile = await leave.incomplete(place, 'b');
  await leave.corrupt(place, 'c');
  const calls = {
    list: () => list(place.states),
    inspect: () => inspect(stateFile),
    probe: () => probe(place.states),
    orphans: () => orphans([place.dest], { states: [place.states] }),
    open: async () => (await Transfer.open(stateFile))[Symbol.asyncDispose](),
    'a refused open': () => Transfer.open(place.path('states/c')).catch(() => {}),
    'a refused create': () => place.create({ stateFile }).catch(() => {}),
    finalize: () => finalize(place.states),
    forget: () => forget(place.path('states/c'), { jobEnded: true }).catch(() => {}),
  };
  for (const [name, call] of Object.entries(calls)) {
    await call();
    t.same(openBelow(place.root), [], name);
  }
});
