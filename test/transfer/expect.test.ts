// add({ expect }): what is restored is what the manifests say, or nothing is published.
import * as fs from 'node:fs';
import t, { type Test } from 'tap';
import { type AddOptions, finalize, inspect, TransferError } from '../../lib/index.js';
import { Place, tree } from '../support.js';
import { checkpoint } from '../verify/manifests.js';

const code = (error: unknown) => (error as { code?: string }).code;

/** A checkpoint of two ranks, and a transfer that is to bring it back. */
function restored(t: Test, ranks: readonly (readonly string[])[] = [['a', 'sub/b'], ['c']]) {
  const place = new Place(t);
  checkpoint(place.mkdir('source'), ranks);
  const add = async (options: AddOptions = { expect: place.source }) => {
    const transfer = await place.create();
    return { transfer, added: await transfer.add(place.source, place.dest, options) };
  };
  return { place, add };
}

t.test('a checkpoint that is as its manifests say is restored, with its manifests', async (t) => {
  const { place, add } = restored(t);
  const { transfer, added } = await add();
  t.equal(added.files, 5);
  await transfer.dispatch();
  t.equal((await transfer.wait()).filesPublished, 5);
  await transfer.free();
  t.same(tree(place.dest), tree(place.source));
});

t.test('a byte that has changed fails its file before anything is published, also by a finalizer', async (t) => {
  const { place, add } = restored(t);
  place.write('source/sub/b', 'Contents of sub/b');
  const { transfer } = await add();
  await transfer.dispatch();
  const error = await transfer.wait().then(
    () => undefined,
    (thrown: TransferError) => thrown,
  );
  t.ok(error instanceof TransferError);
  const failed = [...(error?.report.files ?? [])].filter(({ state }) => state === 'failed');
  t.same(
    failed.map(({ source, error }) => [source, error?.code]),
    [[place.path('source/sub/b'), 'AXL_VERIFY']],
  );
  await transfer[Symbol.asyncDispose]();
  t.equal((await inspect(place.stateFile)).state, 'incomplete');
  const { counts } = await finalize(place.states, { incomplete: 'resume' });
  t.equal(counts.published, 0);
  t.same(
    Object.keys(tree(place.dest)).filter((name) => !name.endsWith('/') && !name.includes('._AXL')),
    [],
  );
  place.write('source/sub/b', 'contents of sub/b');
  await finalize(place.states);
  t.same(fs.existsSync(place.dest), false, 'and it is rolled back');
});

t.test('what manifests and sources do not share is said when it is added, and nothing is planned', async (t) => {
  const refused = async (change: (place: Place) => void, wanted: string, options?: (place: Place) => AddOptions) => {
    const { place } = restored(t);
    change(place);
    await using transfer = await place.create();
    const given = options?.(place) ?? { expect: place.source };
    const why = await transfer.add(place.source, place.dest, given).catch((error: unknown) => error);
    t.equal(code(why), wanted, `${why}`);
    await transfer.add(place.source, place.dest); // nothing stands in the way
  };
  const nothing = () => {};
  await refused((place) => place.write('source/more'), 'AXL_VERIFY');
  await refused((place) => fs.appendFileSync(place.path('source/a'), 'x'), 'AXL_VERIFY');
  await refused((place) => fs.rmSync(place.path('source/sub/b')), 'AXL_VERIFY');
  await refused(nothing, 'AXL_VERIFY', (place) => ({ expect: place.path('source/.axl-manifest.0') }));
  await refused((place) => fs.truncateSync(place.path('source/.axl-manifest.1'), 40), 'AXL_STATE_CORRUPT');
  await refused(nothing, 'AXL_IO', (place) => ({ expect: place.path('none') }));
  await refused(nothing, 'AXL_IO', (place) => ({ expect: [place.source, place.states] }));
});

t.test('one file of a checkpoint, and matches of a pattern, are expected, too', async (t) => {
  const { place } = restored(t);
  await using transfer = await place.create();
  const expect = [place.path('source/.axl-manifest.0')];
  await transfer.add(place.path('source/a'), place.path('dest/a'), { expect });
  await transfer.addGlob('sub/*', { cwd: place.source, dest: place.path('dest/sub'), expect });
  await t.rejects(transfer.add(place.path('source/c'), place.path('dest/c'), { expect }), { code: 'AXL_VERIFY' });
  await transfer.dispatch();
  t.equal((await transfer.wait()).filesPublished, 2);
  t.throws(() => fs.statSync(place.path('dest/c')));
});

t.test('each name of a hard link is expected for itself', async (t) => {
  const { place } = restored(t, [['a', 'b']]);
  fs.rmSync(place.path('source/b'));
  fs.linkSync(place.path('source/a'), place.path('source/b'));
  await using transfer = await place.create({ hardLinks: 'keep' });
  await transfer.add(place.source, place.dest, { expect: place.source });
  await transfer.dispatch();
  const error = (await transfer.wait().catch((thrown: unknown) => thrown)) as TransferError;
  const failed = [...error.report.files].filter(({ state }) => state === 'failed');
  t.same(
    failed.map(({ source, error: why }) => [source.slice(-1), why?.code]),
    [['b', 'AXL_VERIFY']],
  );
});

t.test('what is no path is a TypeError', async (t) => {
  const { place } = restored(t);
  await using transfer = await place.create();
  for (const expect of [1, true, [1], {}])
    await t.rejects(transfer.add(place.source, place.dest, { expect } as unknown as AddOptions), TypeError);
});
