// The life of a transfer that goes well, and AXL's rules of what goes where.
import { existsSync, truncateSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { Transfer } from '../../lib/index.js';
import { bytes, codeOf, Place, temporaries, tree } from '../support.js';

t.test('a transfer copies a tree and publishes it whole', async (t) => {
  const place = new Place(t);
  place.write('source/ranks.bin', bytes(9_000_001));
  place.write('source/deep/er/note', 'checkpoint');
  place.mkdir('source/empty');
  const transfer = await place.create();
  t.same(await transfer.add(place.source, place.dest), { files: 2, directories: 4, bytes: 9_000_011 });
  t.equal(transfer.state, 'created');
  await transfer.dispatch();
  t.equal(transfer.state, 'dispatched');
  const report = await transfer.wait();
  t.equal(transfer.state, 'completed');
  t.same(tree(place.dest), tree(place.source));
  t.same(temporaries(place.dest), []);
  t.match(report, {
    name: 'ckpt.1',
    stateFile: place.stateFile,
    state: 'completed',
    bytes: 9_000_011,
    filesPublished: 2,
    filesFailed: 0,
    ownerWarnings: 0,
  });
  t.ok(existsSync(place.stateFile), 'the state file stays until free');
  await transfer.free();
  t.equal(transfer.state, 'freed');
  t.notOk(existsSync(place.stateFile));
});

t.test('nothing has its final name before wait', async (t) => {
  const place = new Place(t);
  place.write('source/a');
  await using transfer = await place.create();
  await transfer.add(place.source, place.dest);
  await transfer.dispatch();
  for await (const _ of transfer.progress()); // until no copy runs
  t.notOk(existsSync(place.path('dest/a')));
  t.equal(temporaries(place.dest).length, 1);
  await transfer.wait();
  t.same(tree(place.dest), { a: 'source/a' });
});

t.test('settle waits for the copies, says whether all are complete, and publishes nothing', async (t) => {
  const place = new Place(t);
  place.write('source/a');
  await using transfer = await place.create();
  await transfer.add(place.source, place.dest);
  t.equal(await codeOf(transfer.settle()), 'AXL_INVALID_STATE');
  await transfer.dispatch();
  t.equal(await transfer.settle(), true);
  t.same(temporaries(place.dest).length, 1);
  t.match(await transfer.report(), { state: 'dispatched', filesPublished: 0, files: [{ state: 'done' }] });
  await transfer.wait();
  t.equal(await transfer.settle(), true);
  t.match(await transfer.report(), { state: 'completed', filesPublished: 1 });
});

t.test('settle says no of a transfer that failed or was canceled, and report says why', async (t) => {
  const place = new Place(t);
  place.writeMuch();
  await using transfer = await place.create({ durability: 'none' });
  await transfer.add(place.source, place.dest);
  await transfer.dispatch();
  t.equal(await codeOf(transfer.report()), 'AXL_INVALID_STATE', 'while copies run');
  await transfer.cancel();
  t.equal(await transfer.settle(), false);
  t.equal(transfer.state, 'canceled');
  truncateSync(place.path('source/0'), 1); // and all others, which are the same file
  await transfer.resume();
  t.equal(await transfer.settle(), false);
  t.equal(transfer.state, 'failed');
  const { filesFailed, files } = await transfer.report();
  t.ok(filesFailed > 0);
  t.match(files.find(({ state }) => state === 'failed')?.error, { code: 'AXL_SOURCE_CHANGED' });
});

t.test('open finds what a disposed transfer left, and wait publishes it', async (t) => {
  const place = new Place(t);
  place.write('source/a');
  {
    await using transfer = await place.create({ name: 'näme\n' });
    await transfer.add(place.source, place.dest);
    await transfer.dispatch();
    for await (const _ of transfer.progress());
  }
  const opened = await Transfer.open(place.stateFile);
  t.equal(opened.name, 'näme\n');
  t.equal(opened.state, 'dispatched');
  await opened.wait();
  await opened.free();
  t.same(tree(place.dest), { a: 'source/a' });
});

t.test('a thousand small files become whole together', async (t) => {
  const place = new Place(t);
  for (let i = 0; i < 1000; i++) place.write(`source/${i % 7}/${i}`, `${i}`.repeat(i % 50));
  await using transfer = await place.create();
  t.match(await transfer.add(place.source, place.dest), { files: 1000, directories: 8 });
  await transfer.dispatch();
  const { files, filesPublished } = await transfer.wait();
  t.equal(filesPublished, 1000);
  t.same([...new Set(files.map(({ state }) => state))], ['published']);
  t.same(tree(place.dest), tree(place.source));
});

t.test('who reads a destination while it is replaced sees one whole file or the other', async (t) => {
  const place = new Place(t);
  const versions = [0, 1, 2, 3, 4, 5, 6, 7].map((version) => bytes(3 << 20, version));
  place.write('dest/a', versions[0]);
  const seen = new Set<number>();
  let replacing = true;
  const reader = (async () => {
    while (replacing) {
      const found = await readFile(place.path('dest/a'));
      seen.add(versions.findIndex((version) => version.equals(found)));
    }
  })();
  for (const version of versions.slice(1)) {
    const transfer = await place.create({ durability: 'none' });
    await transfer.add(place.write('source/a', version), place.dest);
    await transfer.dispatch();
    await transfer.wait();
    await transfer.free();
  }
  replacing = false;
  await reader;
  t.notOk(seen.has(-1), 'nothing but the versions');
});
