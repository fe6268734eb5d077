// Ends threads and processes in the middle of copies, again and again: worker.terminate() and process.exit() after a
// random moment. After each, the destination is complete or as before and axl-finalize clears the rest away.
// `node scripts/stress.mjs [--rounds N]`: N of each (20). Runs what is in dist/, with the addon that AXL_NATIVE_BINARY says.
import { fork } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { root } from './toolchain.mjs';

const FILES = 64;
const axl = await import(join(root, 'dist', 'lib', 'index.js'));
const self = fileURLToPath(import.meta.url);

/** Copies until it is ended. */
async function copyForever(place) {
  for (let n = 0; ; n++) {
    const transfer = await axl.Transfer.create({ name: 'stress', stateFile: join(place, 'states', `rank.${n}`) });
    await transfer.add(join(place, 'source'), join(place, 'dest', `${n}`));
    await transfer.dispatch();
    await transfer.wait();
    await transfer.free();
  }
}

const within = (ms) => new Promise((resolve) => setTimeout(resolve, Math.random() * ms));

async function terminateWorker(place) {
  const worker = new Worker(self, { workerData: place });
  await new Promise((resolve) => worker.once('online', resolve));
  await within(60);
  await worker.terminate();
}

function exitProcess(place) {
  return new Promise((resolve, reject) => {
    const child = fork(self, ['--exit', place], { execArgv: [] });
    child.once('error', reject);
    child.once('exit', (status, signal) =>
      status === 7 ? resolve() : reject(new Error(`ended by ${status ?? signal}`)),
    );
  });
}

/** @throws if something is neither whole nor gone */
async function check(place) {
  const { problems, unreadable } = await axl.finalize(join(place, 'states'));
  const left = fs.readdirSync(join(place, 'states'));
  if (problems.length + unreadable.length + left.length > 0)
    throw new Error(`after finalize: ${JSON.stringify({ problems, unreadable, left })}`);
  for (const name of fs.readdirSync(join(place, 'dest'))) {
    const files = fs.readdirSync(join(place, 'dest', name));
    const sizes = files.map((file) => fs.statSync(join(place, 'dest', name, file)).size);
    if (files.length !== FILES || sizes.some((size) => size !== 1 << 18))
      throw new Error(`dest/${name} is neither whole nor gone: ${files}`);
  }
}

async function rounds(label, count, end) {
  const place = fs.mkdtempSync(join(tmpdir(), 'axl-stress-'));
  for (const name of ['source', 'dest', 'states']) fs.mkdirSync(join(place, name));
  fs.writeFileSync(join(place, 'source', '0'), Buffer.alloc(1 << 18, 'axl'));
  for (let i = 1; i < FILES; i++) fs.linkSync(join(place, 'source', '0'), join(place, 'source', `${i}`));
  let done = 0;
  try {
    for (; done < count; done++) {
      await end(place);
      await check(place);
      for (const name of fs.readdirSync(join(place, 'dest'))) fs.rmSync(join(place, 'dest', name), { recursive: true });
    }
  } catch (error) {
    console.log(error);
  }
  fs.rmSync(place, { recursive: true, force: true });
  console.log(`${label}: ${done} of ${count}`);
  return done === count ? 1 : 0;
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '20' }, exit: { type: 'string' } } });
axl.config({ durability: 'none' });
if (!isMainThread) {
  await copyForever(workerData);
} else if (values.exit) {
  setTimeout(() => process.exit(7), Math.random() * 60);
  await copyForever(values.exit);
} else {
  const count = Number(values.rounds);
  const passed =
    (await rounds('worker.terminate()', count, terminateWorker)) + (await rounds('process.exit()', count, exitProcess));
  process.exitCode = passed === 2 ? 0 : 1;
  console.log(`${passed} passed, ${2 - passed} failed`);
}
