// A limit of bytes a second holds, is shared, and can be changed while copies run; what waits for it holds up nobody else.
import * as fs from 'node:fs';
import t from 'tap';
import { type CreateOptions, config, type Progress, Transfer } from '../../lib/index.js';
import { isRoot, library, Place, program, rejection, script } from '../support.js';

const SIZE = 1 << 20;
/** So slow that whatever waits for it is stuck. */
const STUCK = 1;

async function dispatched(place: Place, name: string, options: Partial<CreateOptions> = {}): Promise<Transfer> {
  const transfer = await Transfer.create({ name, stateDir: place.states, durability: 'none', ...options });
  await transfer.add(place.path('source', name), place.path('dest', name));
  await transfer.dispatch();
  return transfer;
}

async function progress(transfer: Transfer): Promise<Progress> {
  for await (const now of transfer.progress()) return now;
  throw new Error('it says nothing');
}

t.beforeEach(() => config({ bandwidth: 0 }));

t.test('a transfer takes at least as long as its limit says', async (t) => {
  const place = new Place(t);
  place.write('source/a', Buffer.alloc(SIZE));
  const began = performance.now();
  await (await dispatched(place, 'a', { bandwidth: 4 * SIZE })).wait();
  t.ok(performance.now() - began > 190, 'a quarter of a second, and it may begin 50 ms early');
  t.equal(fs.statSync(place.path('dest/a')).size, SIZE);
});

t.test('a limit is changed while copies run, and taken back', async (t) => {
  const place = new Place(t);
  place.write('source/a', Buffer.alloc(SIZE));
  const transfer = await dispatched(place, 'a', { bandwidth: STUCK });
  t.ok((await progress(transfer)).bytesCopied < SIZE);
  await transfer.setBandwidth(0).wait();
  config({ bandwidth: STUCK });
  place.write('source/b', Buffer.alloc(SIZE));
  const other = await dispatched(place, 'b');
  t.ok((await progress(other)).bytesCopied < SIZE);
  t.equal(config({ bandwidth: 0 }).bandwidth, 0);
  t.equal((await other.wait()).filesPublished, 1);
});

t.test('what waits for its limit is canceled at once, and resumed', async (t) => {
  const place = new Place(t);
  place.write('source/a', Buffer.alloc(SIZE));
  const transfer = await dispatched(place, 'a', { bandwidth: STUCK });
  t.equal(await transfer.cancel(), 'canceled');
  await transfer.setBandwidth(0).resume();
  t.equal((await transfer.wait()).filesPublished, 1);
});

t.test('transfers that wait for their own limits hold no other one up', async (t) => {
  const place = new Place(t);
  const names = Array.from({ length: 100 }, (_, i) => `slow${i}`);
  for (const name of [...names, 'fast']) place.write(`source/${name}`, Buffer.alloc(SIZE));
  const slow = await Promise.all(names.map((name) => dispatched(place, name, { bandwidth: STUCK })));
  t.equal((await (await dispatched(place, 'fast')).wait()).filesPublished, 1);
  for (const transfer of slow) t.equal(await transfer.cancel(), 'canceled');
});

t.test('a name that cannot be linked waits for its limit where no fsync of another transfer does', async (t) => {
  const place = new Place(t);
  const elsewhere = fs.mkdtempSync('/dev/shm/axl-');
  t.teardown(() => fs.rmSync(elsewhere, { recursive: true }));
  if (fs.statSync(elsewhere).dev === fs.statSync(place.states).dev)
    return t.plan(0, '/dev/shm is no other file system');
  for (const name of ['first', 'fast']) place.write(`source/${name}`, Buffer.alloc(4000));
  fs.linkSync(place.path('source/first'), place.path('source/second'));
  const slow: Transfer[] = [];
  for (let i = 0; i < 9; i++) {
    const options = { name: `slow${i}`, stateDir: place.states, bandwidth: STUCK, hardLinks: 'keep' } as const;
    const transfer = await Transfer.create(options);
    await transfer.addAll([
      [place.path('source/first'), place.path(`dest/${i}`)],
      [place.path('source/second'), `${elsewhere}/${i}`],
    ]);
    await transfer.dispatch();
    slow.push(transfer);
  }
  for (const transfer of slow) while ((await progress(transfer)).bytesCopied === 0);
  t.equal((await (await dispatched(place, 'fast', { durability: 'full' })).wait()).filesPublished, 1);
  for (const transfer of slow) t.equal(await transfer.cancel(), 'canceled');
});

t.test('a process whose copies have just begun, and wait for their limits, ends', async (t) => {
  const code = `
    for (let i = 0; i < 30; i++) {
      const options = { name: 'a' + i, stateDir: args[0], bandwidth: ${STUCK}, durability: 'none' };
      const transfer = await axl.Transfer.create(options);
      await transfer.add(args[1], args[2] + i);
      void transfer.dispatch().catch(() => {});
    }
    setTimeout(() => process.exit(0), Number(args[3]));`;
  for (let i = 0; i < 5; i++) {
    const place = new Place(t);
    place.write('source/a', Buffer.alloc(SIZE));
    const { status } = await script(code, [place.states, place.path('source/a'), place.path('dest/a'), `${i}`]);
    t.equal(status, 0);
  }
});

t.test('transfers get the same share of the limit of the process, however many files they have', async (t) => {
  const place = new Place(t);
  const size = 8 * SIZE;
  for (let i = 0; i < 8; i++) place.write(`source/many/${i}`, Buffer.alloc(size));
  place.write('source/one', Buffer.alloc(size));
  config({ bandwidth: 4 * SIZE });
  const [many, one] = await Promise.all([dispatched(place, 'many'), dispatched(place, 'one')]);
  while ((await progress(one)).bytesCopied < SIZE);
  const [a, b] = await Promise.all([progress(many), progress(one)]);
  t.ok(a.bytesCopied < 2 * b.bytesCopied && b.bytesCopied < 2 * a.bytesCopied, `${a.bytesCopied}, ${b.bytesCopied}`);
  await Promise.all([many.cancel(), one.cancel()]);
});

t.test('AXL_BANDWIDTH is bytes a second, also with K, M or G; a limit that is none is refused', async (t) => {
  const place = new Place(t);
  const code = `console.log(axl.config().bandwidth)`;
  for (const [AXL_BANDWIDTH, bytes] of [
    ['500', 500],
    ['2K', 2048],
    ['3M', 3 << 20],
    ['1G', 1 << 30],
    ['0', 0],
    ['', 0],
  ] as const)
    t.equal((await script(code, [], { env: { AXL_BANDWIDTH } })).stdout, `${bytes}\n`, AXL_BANDWIDTH);
  for (const AXL_BANDWIDTH of ['-1', '1.5', 'M', '10MB', 'fast'])
    t.match((await script(code, [], { env: { AXL_BANDWIDTH } })).stderr, /AXL_BANDWIDTH/, AXL_BANDWIDTH);
  place.write('source/a', 'a');
  const transfer = await dispatched(place, 'a');
  for (const wrong of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => transfer.setBandwidth(wrong), { name: 'RangeError' });
    t.throws(() => config({ bandwidth: wrong }), { name: 'RangeError' });
    t.match(await rejection(Transfer.create({ name: 'b', stateDir: place.states, bandwidth: wrong })), {
      name: 'RangeError',
    });
  }
  await transfer.wait();
});

const noHost = isRoot ? '' : 'needs root, for a host name';
if (noHost) console.error(`SKIPPED the limit of a resume on another host: ${noHost}`);

t.test('what a writer on another host has left is copied within the limit, too', { skip: noHost }, async (t) => {
  const place = new Place(t);
  place.write('source/a', Buffer.alloc(24 * SIZE, 'a'));
  const args = [place.stateFile, place.source, place.dest];
  const half = `
    const [stateFile, source, dest] = args;
    const transfer = await axl.Transfer.create({ name: 'a', stateFile, bandwidth: ${64 * SIZE}, durability: 'none' });
    await transfer.add(source, dest);
    await transfer.dispatch();
    for await (const { bytesCopied } of transfer.progress({ intervalMs: 1 })) if (bytesCopied > ${17 * SIZE}) break;
    process.kill(process.pid, 'SIGKILL');`;
  t.equal((await script(half, args)).signal, 'SIGKILL');
  const rest = `
    const axl = await import(${JSON.stringify(library)});
    const transfer = await axl.Transfer.open(process.argv[1], { jobEnded: true });
    const began = performance.now();
    await transfer.setBandwidth(${16 * SIZE}).resume();
    await transfer.wait();
    console.log(performance.now() - began);`;
  const node = [process.execPath, '--input-type=module', '-e', rest, '--', place.stateFile];
  const ended = await program('unshare', ['-u', 'sh', '-c', 'hostname other && exec "$@"', 'sh', ...node]);
  t.ok(Number(ended.stdout) > 1300, `${ended.stdout}${ended.stderr}: a second and a half`);
});
