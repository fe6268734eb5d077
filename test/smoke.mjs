// One directory through create, add, dispatch, wait and free, in plain JavaScript on the compiled package: the least
// that must work on every Node version. Takes the module to import as its argument, our own build by default.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { Transfer } = await import(process.argv[2] ?? '../dist/lib/index.js');
const directory = mkdtempSync(join(tmpdir(), 'axl-smoke-'));
const [source, dest, stateFile] = ['source', 'dest', 'state'].map((name) => join(directory, name));

function writeSource() {
  mkdirSync(join(source, 'deep'), { recursive: true });
  writeFileSync(join(source, 'ranks.bin'), Buffer.alloc(3_000_001, 7));
  writeFileSync(join(source, 'deep', 'empty'), '');
  writeFileSync(join(source, 'deep', 'note.txt'), 'checkpoint 42\n');
}

async function transfer() {
  const t = await Transfer.create({ name: 'smoke', stateFile });
  await t.add(source, dest);
  await t.dispatch();
  await t.wait();
  await t.free();
}

function verify() {
  for (const name of ['ranks.bin', 'deep/empty', 'deep/note.txt']) {
    assert.ok(readFileSync(join(dest, name)).equals(readFileSync(join(source, name))), `${name} differs`);
  }
  assert.deepEqual(readdirSync(dest).sort(), ['deep', 'ranks.bin']);
  assert.ok(!existsSync(stateFile), 'free() removes the state file');
}

try {
  writeSource();
  await transfer();
  verify();
  console.log(`smoke: ok on Node ${process.version}`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
