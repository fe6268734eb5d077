// What `verify` of create and open has wait compare before it publishes.
import * as fs from 'node:fs';
import t from 'tap';
import { Transfer } from '../../lib/index.js';
import { quiet, temporaryName } from '../journals.js';
import { codeOf, Place, tree } from '../support.js';

type Verify = 'none' | 'size' | 'checksum';

/** A copy that is complete, and whose temporary file then gets other bytes, as many. */
async function damaged(place: Place, verify?: Verify): Promise<Transfer> {
  place.write('source/a', 'bytes');
  const transfer = await place.create({ durability: 'none', ...(verify && { verify }) });
  await transfer.add(place.path('source/a'), place.path('dest/a'));
  await transfer.dispatch();
  await quiet(transfer);
  fs.writeFileSync(temporaryName(place.stateFile, place.path('dest/a')), 'BYTES', { flag: 'r+' });
  return transfer;
}

t.test('checksum finds what size does not, in wait after create', async (t) => {
  for (const verify of [undefined, 'none', 'size'] as const) {
    const place = new Place(t);
    await (await damaged(place, verify)).wait();
    t.same(tree(place.dest), { a: 'BYTES' }, `${verify}`);
  }
  const place = new Place(t);
  await using transfer = await damaged(place, 'checksum');
  const failure = await transfer.wait().catch((error: Error) => error);
  t.match(failure, { code: 'AXL_TRANSFER_FAILED', cause: { code: 'AXL_VERIFY' } });
  t.notOk(fs.existsSync(place.path('dest/a')), 'nothing is published');
});

t.test('and in wait after open', async (t) => {
  const place = new Place(t);
  await (await damaged(place))[Symbol.asyncDispose]();
  const careful = await Transfer.open(place.stateFile, { verify: 'checksum' });
  t.equal(await codeOf(careful.wait()), 'AXL_TRANSFER_FAILED');
  await careful[Symbol.asyncDispose]();
  const sound = await Transfer.open(place.stateFile, { verify: 'size' });
  await sound.wait();
  await sound.free();
  t.same(tree(place.dest), { a: 'BYTES' });
});

t.test('another word is a TypeError', async (t) => {
  const place = new Place(t);
  await t.rejects(place.create({ verify: 'all' as Verify }), TypeError);
  await t.rejects(Transfer.open(place.stateFile, { verify: true as unknown as Verify }), TypeError);
});
