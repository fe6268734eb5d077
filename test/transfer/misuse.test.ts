// What callers get wrong is said in one sentence, with what to write instead, and changes nothing.
import * as fs from 'node:fs';
import { basename } from 'node:path';
import t from 'tap';
import { CollectiveTransfer, type DispatchOptions, type PathLike, Transfer } from '../../lib/index.js';
import { Place, tree } from '../support.js';

/** A call as JavaScript may make it. */
// biome-ignore lint/suspicious/noExplicitAny: what the types forbid is the point
const loose = (object: unknown): any => object;

t.test('options are a plain object, and a slip is told what to write', async (t) => {
  const place = new Place(t);
  place.write('source/a');
  const transfer = loose(await place.create());
  const { signal } = new AbortController();
  const source = place.path('source/a');
  const slips: [() => Promise<unknown>, RegExp][] = [
    [() => transfer.dispatch(signal), /\{ signal \}/],
    [() => transfer.dispatch(new AbortController()), /controller\.signal/],
    [() => transfer.dispatch(() => {}), /callback/],
    [() => transfer.dispatch([]), /object/],
    [() => transfer.dispatch(new Map([['signal', signal]])), /object/],
    [() => transfer.dispatch(Promise.resolve({})), /await/],
    [() => transfer.add(source, place.dest, () => {}), /callback/],
    [() => transfer.add(source, place.dest, { link: 'copy' }), /did you mean links/],
    [() => transfer.add(source, place.dest, { content: true }), /did you mean contents/],
    [() => transfer.add(source, place.dest, { atLeast: '1' }), /without quotes/],
    [() => transfer.add(Promise.resolve(source), place.dest), /await/],
    [() => transfer.addGlob('*'), /\{ dest: /],
    [() => transfer.addGlob('*', place.dest), /\{ dest: /],
    [() => transfer.addGlob('*', {}), /\{ dest: /],
    [() => transfer.addGlob('*', { dest: place.dest, contents: true }), /contents/],
    [() => transfer.wait(signal), /\{ signal \}/],
    [() => loose(Transfer).create(place.stateFile), /object/],
    [() => loose(Transfer).create({ name: 'x', stateDir: place.states, rank: '3', size: 4 }), /without quotes/],
    [() => loose(Transfer).create({ name: 'x', statefile: place.stateFile }), /did you mean stateFile/],
  ];
  for (const [call, words] of slips) await t.rejects(call(), { name: 'TypeError', message: words }, `${call}`);
  t.throws(() => loose(Reflect).construct(Transfer, []), { name: 'TypeError', message: /Transfer\.create/ });
  t.throws(() => loose(Reflect).construct(CollectiveTransfer, []), { name: 'TypeError', message: /Transfer\.create/ });
  await transfer.add(source, place.dest, Object.create(null));
  t.equal(transfer.state, 'created');
  await transfer.dispatch({ signal } as DispatchOptions);
  await transfer.wait();
  await t.rejects(transfer.dispatch(), { code: 'AXL_INVALID_STATE' });
  await transfer.free();
});

t.test('a state file is never called as finalizers pass it by', async (t) => {
  const place = new Place(t);
  const digits = '0123456789abcdef';
  for (const name of [
    '.axl-finalize.0.lock',
    '.axl-verdict.x',
    '.axl-comm-1',
    `.nfs${digits}`,
    `.${digits}${digits}.new`,
  ]) {
    const refused = { name: 'RangeError', message: /choose another name/ };
    await t.rejects(Transfer.create({ name: 'x', stateFile: `${place.states}/${name}` }), refused, name);
    await t.rejects(Transfer.create({ name: '.axl-probe-', stateDir: place.states }), refused, name);
  }
  t.same(fs.readdirSync(place.states), []);
  const transfer = await Transfer.create({ name: 'x', stateFile: `${place.states}/.axl-mine` });
  await transfer.free();
});

t.test('a pattern or a transfer without a file is a warning in the report, and with atLeast an error', async (t) => {
  const place = new Place(t);
  place.write('source/a');
  const transfer = await place.create();
  const where = { cwd: place.source, dest: place.dest };
  const tooFew = { code: 'AXL_IO', errnoName: 'ENOENT' };
  await t.rejects(transfer.addGlob('*.pt', { ...where, atLeast: 1 }), tooFew);
  await t.rejects(transfer.add(place.source, place.dest, { atLeast: 2 }), tooFew);
  await transfer.addGlob('*.pt', where);
  await t.rejects(transfer.dispatch({ atLeast: 1 }), tooFew);
  t.equal(transfer.state, 'created', 'nothing was begun');
  await transfer.dispatch();
  const { warnings, files } = await transfer.wait();
  t.equal(files.length, 0);
  t.match(warnings, [/\*\.pt/, /no file/]);
  await transfer.free();
  const other = await place.create();
  t.match(await other.addGlob('*', { ...where, atLeast: 1 }), { files: 1 });
  await other.dispatch({ atLeast: 1 });
  t.same((await other.wait()).warnings, []);
  await other.free();
});

t.test(
  'a directory that goes into one of the same name is a warning, unless the destination ends with a slash',
  async (t) => {
    const place = new Place(t);
    place.write('source/ckpt/f');
    place.mkdir('dest/ckpt');
    const copy = async (dest: string, contents = false) => {
      const transfer = await place.create();
      await transfer.add(place.path('source/ckpt'), place.path(dest), { contents });
      await transfer.dispatch();
      const { warnings } = await transfer.wait();
      await transfer.free();
      return warnings;
    };
    t.match(await copy('dest/ckpt'), [/same name/]);
    for (const dest of ['dest/ckpt/', 'dest', 'dest/other']) t.same(await copy(dest), [], dest);
    t.same(await copy('dest/ckpt', true), []);
  },
);

t.test('calls take effect in their order, also those for which nobody waits', async (t) => {
  const place = new Place(t);
  for (const name of ['a', 'b', 'c']) place.write(`source/${name}`);
  const transfer = await place.create();
  const adds = [
    transfer.addGlob('a', { cwd: place.source, dest: place.dest }),
    transfer.add(place.path('source/b'), `${place.dest}/`),
    transfer.addGlob('c', { cwd: place.source, dest: place.dest }),
  ];
  const dispatched = transfer.dispatch({ atLeast: 3 });
  await t.rejects(transfer.add(place.path('source/a'), place.path('dest/late')), { code: 'AXL_INVALID_STATE' });
  await dispatched;
  await Promise.all(adds);
  const { files } = await transfer.wait();
  t.same(
    files.map(({ dest }) => basename(dest)),
    ['a', 'b', 'c'],
    'in the order of adding',
  );
  await transfer.free();
  t.same(Object.keys(tree(place.dest)), ['a', 'b', 'c']);
});

t.test('one that fails plans nothing, and the others count', async (t) => {
  const place = new Place(t);
  place.write('source/a');
  const transfer = await place.create();
  const failing = t.rejects(transfer.addGlob('*', { cwd: place.path('none'), dest: '' as PathLike }), TypeError);
  const adding = transfer.add(place.path('source/a'), place.path('dest/a'));
  await transfer.dispatch();
  await Promise.all([failing, adding]);
  await transfer.wait();
  await transfer.free();
  t.ok(fs.existsSync(place.path('dest/a')));
});
