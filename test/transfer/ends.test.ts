// However a process or a thread ends while transfers run: it ends, nothing is torn, and axl-finalize clears away.
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import { finalize } from '../../lib/index.js';
import { records, TYPE } from '../journals.js';
import { axlFinalize, bytes, type Ended, library, Place, said, script, temporaries, tree } from '../support.js';

/** A tree that takes long to copy, and a destination. */
function muchToCopy(t: Test): Place {
  const place = new Place(t);
  place.writeMuch();
  place.write('dest/0', 'of before');
  return place;
}

/** Puts every file of the source where the one of before is, and comes back in the middle of the copies. */
const MID_COPY = `
  const [stateFile, source, dest] = args;
  const transfer = await axl.Transfer.create({ hardLinks: 'copy', name: 'ckpt', stateFile });
  for (const name of (await import('node:fs')).readdirSync(source)) await transfer.add(source + '/' + name, dest);
  await transfer.dispatch();
  for await (const { bytesCopied } of transfer.progress({ intervalMs: 1 })) if (bytesCopied > 0) break;
`;

const ending = (place: Place, code: string): Promise<Ended> =>
  script(MID_COPY + code, [place.stateFile, place.source, place.dest], { env: { AXL_DURABILITY: 'none' } });

/** An end that JavaScript hears of cancels the copies and waits for their threads. */
function canceled(t: Test, place: Place): void {
  t.ok(
    records(place.stateFile).some(({ type }) => type === TYPE.canceled),
    'it was canceled',
  );
}

/** The destination is what it was, but for temporary files, and axl-finalize clears them away. */
async function clearedAway(t: Test, place: Place): Promise<void> {
  t.ok(temporaries(place.dest).length > 0, 'it had begun');
  t.equal((await axlFinalize([place.states])).status, 3, 'it was incomplete');
  t.same(tree(place.dest), { 0: 'of before' });
  t.same(tree(place.states), {});
}

t.test('process.exit() in the middle of the copies ends the process with its status', async (t) => {
  const place = muchToCopy(t);
  const { status, stderr } = await ending(place, 'process.exit(7)');
  t.equal(status, 7, stderr);
  canceled(t, place);
  await clearedAway(t, place);
});

t.test('an uncaught exception in the middle of the copies ends the process as ever', async (t) => {
  const place = muchToCopy(t);
  const { status, stderr } = await ending(place, `setImmediate(() => { throw new Error('not caught') });`);
  t.equal(status, 1);
  t.match(stderr, 'Error: not caught');
  canceled(t, place);
  await clearedAway(t, place);
});

t.test('SIGTERM, SIGINT and SIGKILL in the middle of the copies end the process at once', async (t) => {
  for (const wanted of ['SIGTERM', 'SIGINT', 'SIGKILL']) {
    const place = muchToCopy(t);
    const { signal } = await ending(place, `process.kill(process.pid, '${wanted}'); for (;;);`);
    t.equal(signal, wanted);
    await clearedAway(t, place);
  }
});

t.test('process.exit() in the middle of any call ends the process with its status', async (t) => {
  const calls: Record<string, string> = {
    create: `axl.Transfer.create({ hardLinks: 'copy', name: 'ckpt', stateFile: args[0] })`,
    add: `(await made()).add(args[1], args[2])`,
    addGlob: `(await made()).addGlob('**', { cwd: args[1], dest: args[2] })`,
    dispatch: '(await added()).dispatch()',
    wait: '(await dispatched()).wait()',
    cancel: '(await dispatched()).cancel()',
    free: '(await made()).free()',
    dispose: '(await dispatched())[Symbol.asyncDispose]()',
    finalize: 'await dispatched(); axl.finalize(args[3])',
  };
  const steps = `
    const made = () => axl.Transfer.create({ hardLinks: 'copy', name: 'ckpt', stateFile: args[0] });
    const added = async () => { const transfer = await made(); await transfer.add(args[1], args[2]); return transfer };
    const dispatched = async () => { const transfer = await added(); await transfer.dispatch(); return transfer };`;
  const run = async ([name, call]: [string, string]) => {
    const place = new Place(t);
    for (let i = 0; i < 20; i++) place.write(`source/${i}`);
    const code = `${steps} ${call}; process.exit(7);`;
    const ended = await script(code, [place.stateFile, place.source, place.dest, place.states]);
    t.equal(ended.status, 7, `${name}: ${ended.stderr}`);
    const { problems } = await finalize(place.states);
    t.same(problems, [], name);
    t.same(tree(place.states), {}, name);
    t.same(temporaries(place.root), [], name);
    const published = fs.existsSync(place.dest) ? Object.keys(tree(place.dest)).length : 0;
    t.ok(published === 0 || published === 20, `${name}: all or none`);
  };
  for (const entry of Object.entries(calls)) await run(entry);
});

t.test('a process that has nothing else to do stays until the copies are complete', async (t) => {
  const place = new Place(t);
  for (let i = 0; i < 8; i++) place.write(`source/${i}`, bytes(1 << 20, i));
  const code = `
    const transfer = await axl.Transfer.create({ hardLinks: 'copy', name: 'ckpt', stateFile: args[0] });
    await transfer.add(args[1], args[2]);
    await transfer.dispatch();`;
  const ended = await script(code, [place.stateFile, place.source, place.dest]);
  t.equal(ended.status, 0, ended.stderr);
  t.match((await finalize(place.states)).counts, { published: 1 });
  t.same(tree(place.dest), tree(place.source));
});

t.test('a transfer that JavaScript has forgotten is copied all the same', async (t) => {
  const place = new Place(t);
  for (let i = 0; i < 8; i++) place.write(`source/${i}`, bytes(1 << 20, i));
  const code = `
    (await import('node:v8')).setFlagsFromString('--expose-gc');
    const gc = (await import('node:vm')).runInNewContext('gc');
    await (async () => {
      const transfer = await axl.Transfer.create({ hardLinks: 'copy', name: 'ckpt', stateFile: args[0] });
      await transfer.add(args[1], args[2]);
      await transfer.dispatch();
    })();
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(() => resolve(gc())));`;
  const ended = await script(code, [place.stateFile, place.source, place.dest]);
  t.equal(ended.status, 0, ended.stderr);
  t.match((await finalize(place.states)).counts, { published: 1 });
  t.same(tree(place.dest), tree(place.source));
});

t.test('after unref, a process that has nothing else to do ends', async (t) => {
  const place = muchToCopy(t);
  const ended = await ending(place, 'transfer.unref();');
  t.equal(ended.status, 0, ended.stderr);
  await clearedAway(t, place);
});

t.test('copies are made and committed while JavaScript computes, so a kill then loses nothing', async (t) => {
  const place = new Place(t);
  for (let i = 0; i < 8; i++) place.write(`source/${i}`, bytes(1 << 20, i));
  const code = `
    const transfer = await axl.Transfer.create({ hardLinks: 'copy', name: 'ckpt', stateFile: args[0] });
    await transfer.add(args[1], args[2]);
    await transfer.dispatch();
    while (!transfer.test());
    process.kill(process.pid, 'SIGKILL');
    for (;;);`;
  const { signal } = await script(code, [place.stateFile, place.source, place.dest]);
  t.equal(signal, 'SIGKILL');
  t.match((await finalize(place.states)).counts, { published: 1 });
  t.same(tree(place.dest), tree(place.source));
});

const WORKER = `
  const { Worker } = await import('node:worker_threads');
  const { once } = await import('node:events');
  const prelude = "const { workerData: args, parentPort: parent } = await import('node:worker_threads');"
    + "const axl = await import(args.at(-1));";
  const start = (code) => new Worker(prelude + code, { eval: true, workerData: args });`;

/** Runs code in a process that can `start` code in worker threads. */
const withWorkers = (place: Place, code: string) =>
  script(WORKER + code, [place.stateFile, place.source, place.dest, place.states, library]);

t.test('a worker thread makes transfers like the main thread', async (t) => {
  const place = new Place(t);
  place.write('source/a');
  const code = `
    const worker = start(\`
      const transfer = await axl.Transfer.create({ hardLinks: 'copy', name: 'ckpt', stateFile: args[0] });
      await transfer.add(args[1], args[2]);
      await transfer.dispatch();
      const { state } = await transfer.wait();
      await transfer.free();
      parent.postMessage(state);\`);
    const [state] = await once(worker, 'message');
    await once(worker, 'exit');
    console.log(JSON.stringify(state));`;
  t.equal(said(await withWorkers(place, code)), 'completed');
  t.same(tree(place.dest), tree(place.source));
});

t.test('worker.terminate() in the middle of the copies cancels them, and the process goes on', async (t) => {
  const place = muchToCopy(t);
  const code = `
    const worker = start(\`${MID_COPY}
      parent.postMessage('copying'); for (;;);\`);
    await once(worker, 'message');
    await worker.terminate();
    console.log(JSON.stringify((await axl.finalize(args[3])).counts));`;
  t.match(said(await withWorkers(place, code)), { 'rolled-back': 1, busy: 0 });
  t.same(tree(place.dest), { 0: 'of before' });
});

t.test('transfers of several threads do not disturb each other, nor does the end of one thread', async (t) => {
  const place = new Place(t);
  place.write('source/a', bytes(3 << 20));
  const code = `
    const copy = \`
      const transfer = await axl.Transfer.create({ hardLinks: 'copy', name: 'ckpt', stateFile: args[0] + N });
      await transfer.add(args[1], args[2] + N);
      await transfer.dispatch();
      if (N === 3) process.exit();
      await transfer.wait();
      await transfer.free();\`;
    const workers = [0, 1, 2, 3].map((n) => start(copy.replaceAll('N', n)));
    const ended = await Promise.all(workers.map((worker) => once(worker, 'exit')));
    console.log(JSON.stringify([ended.flat(), (await axl.finalize(args[3])).counts.busy]));`;
  t.same(said(await withWorkers(place, code)), [[0, 0, 0, 0], 0]);
  for (const n of [0, 1, 2]) t.same(tree(`${place.dest}${n}`), tree(place.source));
});

t.test('a thread that ends waits for nothing that is still to be summed', async (t) => {
  const place = new Place(t);
  const most = 1 << 30;
  place.write('source/a', 'x');
  fs.truncateSync(join(place.source, 'a'), 128 * most);
  const lines = Array.from({ length: 16 }, (_, i) => `CRC32C (a${i}) = 00000000\n`);
  place.write('source/.axl-manifest.0', lines.join(''));
  for (let i = 0; i < 16; i++) fs.linkSync(join(place.source, 'a'), join(place.source, `a${i}`));
  const commit = `
    const copy = await axl.Transfer.create({ name: 'ckpt', stateFile: args[0], durability: 'none' });
    await copy.add(args[1], args[2]);
    await copy.dispatch();
    console.log(await copy.settle());
    process.exit();`;
  t.equal(said(await script(commit, [place.stateFile, join(place.source, 'a'), place.dest])), true);
  const code = `
    const ends = async (code) => {
      const worker = start(code);
      await once(worker, 'online');
      await new Promise((resolve) => setTimeout(resolve, 500));
      const since = performance.now();
      await worker.terminate();
      return performance.now() - since;
    };
    const times = [await ends('await axl.verify(args[1])'), await ends('await axl.finalize(args[3], { verify: "checksum" })')];
    console.log(JSON.stringify([times, (await axl.finalize(args[3], { dryRun: true })).counts.published]));`;
  const [times, published] = said(await withWorkers(place, code)) as [number[], number];
  for (const time of times) t.ok(time < 2000, `${time} ms`);
  t.equal(published, 1, 'it can be published still');
});

t.test('what a thread has loaded stays when it ends: the thread of PMIx and its callbacks go on', async (t) => {
  const code = `
    const loaded = () => fs.readFileSync('/proc/self/maps', 'latin1').includes('axl_native');
    const fs = await import('node:fs');
    const before = loaded();
    const worker = start("await axl.verify(args[1])");
    await once(worker, 'exit');
    console.log(JSON.stringify([before, loaded()]));`;
  t.same(said(await withWorkers(new Place(t), code)), [false, true]);
});
