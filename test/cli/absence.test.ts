// Nothing found is told, with what is there instead; and what was named and is no state file is a failure. Of each command, and
// of the library.
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { finalize, list } from '../../lib/index.js';
import { leave } from '../journals.js';
import { axlFinalize, Place, program, root, said, tree } from '../support.js';

const BINARY = join(root, 'dist', 'bin', 'axl-finalize.js');
/** As the C library AXL writes its state files. */
/** Of KVTree, and not of AXL. */
const KVTREE = Buffer.from('951fc3f500010001000000000000001c000000010000000002149a0e', 'hex');

/** A directory without a state file, by what is said of it. */
const fill: Readonly<Record<string, (place: Place) => unknown>> = {
  empty: () => {},
  foreign: (place) => place.write('states/flush.scr', KVTREE),
  other: (place) => place.write('states/checkpoint.bin', 'some bytes of a checkpoint'),
  temporaries: (place) => place.write('states/data._AXL0123456789abcdef'),
  leftovers: (place) => place.write(`states/.axl-verdict.${'0'.repeat(32)}-4294967295`, 'of nobody'),
  damaged: (place) => place.write('states/rank0', ''),
  below: async (place) => fs.renameSync(await leave.complete(place, 'a'), join(place.mkdir('states/node1'), 'a')),
};

for (const [cause, make] of Object.entries(fill))
  t.test(`a directory without a state file is no silent success: ${cause}`, async (t) => {
    const place = new Place(t);
    await make(place);
    const before = tree(place.root);
    for (const command of [['--dry-run'], ['list']]) {
      const ended = await axlFinalize([...command, place.states]);
      t.equal(ended.status, 0, command.join(' '));
      const said = `${ended.stdout}${ended.stderr}`.match(/\/states: there is no state file: [^\n]*\n/g);
      t.equal(said?.length, 1, 'one sentence');
      t.equal(ended.stderr === '', command[0] !== 'list', 'of the summary, if there is one');
    }
    t.match((await finalize(place.states, { dryRun: true })).absent, [{ input: place.states, cause }]);
    t.match((await list(place.states)).absent, [{ input: place.states, cause }]);
    for (const args of [
      ['--fail-if-none', '--quiet'],
      ['--fail-if-none', '--json'],
      ['list', '--fail-if-none'],
    ])
      t.match(await axlFinalize([...args, place.states]), { status: 7, stderr: /no state file/ }, args.join(' '));
    t.same(tree(place.root), before, 'and nothing was changed');
    t.equal((await axlFinalize(['--quiet', place.states])).stderr, '', '--quiet prints errors only');
  });

t.test('the files of SCR and AXL are known below a directory, too, with and without --recursive', async (t) => {
  const place = new Place(t);
  place.write('states/scr.dataset.6/rank2file', KVTREE);
  for (const recursive of [false, true]) {
    t.match((await finalize(place.states, { recursive })).absent, [{ cause: 'foreign' }]);
    t.match((await list(place.states, { recursive })).absent, [{ cause: 'foreign' }]);
  }
});

t.test('state files that --pattern or --dataset leaves out are told of', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  t.match((await finalize(place.states, { pattern: ['x*'], dryRun: true })).absent, [{ cause: 'excluded' }]);
  t.match((await finalize(place.root, { pattern: ['x*'], dryRun: true })).absent, [{ cause: 'excluded' }]);
  t.match((await finalize(place.states, { dataset: 'b', dryRun: true })).absent, [{ cause: 'dataset' }]);
  t.same((await finalize(place.states, { dataset: 'a', dryRun: true })).absent, []);
});

t.test('where state files were found, and finalized, nothing is said to be absent', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  await leave.incomplete(place, 'b');
  place.write('states/notes', 'of somebody');
  const empty = place.mkdir('empty');
  const { absent, counts } = await finalize([place.states, empty]);
  t.match(absent, [{ input: empty, cause: 'empty' }], 'but for the input that has none');
  t.equal(absent.length, 1);
  t.match(counts, { published: 1, 'rolled-back': 1, 'not-state': 1 });
});

t.test('a list of inputs that is empty is told of, too', async (t) => {
  t.match((await finalize([])).absent, [{ input: '', cause: 'empty' }]);
  const empty = (...args: string[]) =>
    program('/bin/sh', ['-c', 'find /nonexistent -print0 2>/dev/null | "$@"', 'sh', process.execPath, BINARY, ...args]);
  t.match(await empty('-'), { status: 0, stdout: /the list of inputs is empty/ });
  t.match(await empty('--fail-if-none', '-'), { status: 7, stderr: /no state file/ });
});

t.test('hundreds of inputs without a state file are one line', async (t) => {
  const place = new Place(t);
  const dirs = Array.from({ length: 100 }, (_, i) => place.mkdir(`d${i}`));
  const { stdout } = await axlFinalize(dirs);
  t.match(stdout, /\n {2}100 x no state file \(empty\) in [^\n]*; first: [^\n]*\n$/);
});

const NAMED: Readonly<Record<string, readonly [(place: Place) => string, RegExp]>> = {
  'a text': [(place) => place.write('notes', 'some notes of a user'), /another file/],
  'a file of SCR': [(place) => place.write('x.kvt', KVTREE), /KVTree file of SCR/],
  'a temporary file': [(place) => place.write('d._AXL0123456789abcdef'), /temporary file/],
  'a verdict': [(place) => place.write(`.axl-verdict.${'1'.repeat(32)}-0`, 'of somebody'), /verdict/],
  'a report': [(place) => place.write('run.json', '{"version":"0.1.0"}\n'), /merge/],
  'a device': [() => '/dev/null', /device/],
  'a link': [
    (place) => {
      fs.symlinkSync(place.write('notes', 'some notes of a user'), place.path('link'));
      return place.path('link');
    },
    /symbolic link/,
  ],
};

for (const [what, [make, words]] of Object.entries(NAMED))
  t.test(`what was named and is no state file is a failure: ${what}`, async (t) => {
    const place = new Place(t);
    const named = make(place);
    await leave.complete(place, 'a');
    const { status, stderr } = await axlFinalize([named, place.states]);
    t.equal(status, 1);
    t.match(stderr, words);
    t.equal(stderr.split('\n').length, 2, 'one sentence');
    t.ok(stderr.includes(named), 'with the file');
    t.same(fs.readdirSync(place.states), [], 'the others are finalized all the same');
    const { problems } = await finalize(named);
    t.match(problems, [{ action: 'not-state', error: { code: 'AXL_STATE_CORRUPT', path: named } }]);
    for (const command of ['inspect', 'list', 'forget']) {
      const ended = await axlFinalize([command, named]);
      t.equal(ended.status, 1, command);
      t.match(ended.stderr, words, command);
    }
    t.match(said(await axlFinalize(['--json', named])), { status: 1, entries: [{ action: 'not-state', error: {} }] });
  });

t.test('what was named is known to be named also where its directory is an input, too', async (t) => {
  const place = new Place(t);
  const notes = place.write('states/notes', 'some notes of a user');
  await leave.complete(place, 'a');
  t.equal((await axlFinalize([place.states, notes])).status, 1);
  t.same(fs.readdirSync(place.states), ['notes']);
  t.equal((await axlFinalize([place.states])).status, 0, 'which nobody named');
});

t.test('a state file that is damaged beyond recognition stays one, if it was named: status 5', async (t) => {
  const place = new Place(t);
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(4096), Buffer.from('1f8b0800000000000003', 'hex')]) {
    const file = place.write('states/rank0', bytes);
    t.match(await axlFinalize([file]), { status: 5, stderr: /may have been a state file/ });
    t.same(fs.readFileSync(file), bytes);
  }
});

t.test('a named file that is no state file may be what a dataset lacks: nothing of it is rolled back', async (t) => {
  const place = new Place(t);
  const one = await place.create({ name: 'set', rank: 0, size: 2, stateFile: place.path('states/one') });
  await one.add(place.write('source/one'), place.path('dest/one'));
  await one.dispatch();
  await one.settle();
  await one[Symbol.asyncDispose]();
  const other = place.write('states/elsewhere', 'what was a state file once, perhaps');
  t.match(await axlFinalize(['--dataset', place.path('states/one'), other]), { status: 1, stdout: /1 kept/ });
  t.ok(fs.existsSync(place.path('states/one')));
});

t.test('orphans says why there is no temporary file', async (t) => {
  const place = new Place(t);
  place.write('dest/below/data._AXL0123456789abcdef');
  t.match(await axlFinalize(['orphans', place.dest]), { status: 0, stderr: /--recursive/ });
  t.match(await axlFinalize(['orphans', place.states]), { status: 0, stderr: /it is empty/ });
});

t.test(
  'a shard of which there is no state file says nothing of absence, and merge says what all have found',
  async (t) => {
    const place = new Place(t);
    await leave.complete(place, 'a');
    const parts = [0, 1].map((i) => place.path(`run.${i}-of-2.json`));
    const shard = (i: number) => axlFinalize(['--shard', `${i}/2`, '--report', place.path('run.json'), place.states]);
    const [first, second] = [await shard(0), await shard(1)];
    t.equal(
      [first, second].filter(({ stdout }) => /no state file/.test(stdout)).length <= 1,
      true,
      'one may come later',
    );
    t.notMatch((await axlFinalize(['merge', ...parts])).stdout, /no state file/);
    await Promise.all([shard(0), shard(1)]);
    t.match((await axlFinalize(['merge', ...parts])).stdout, /no state file/);
    t.equal((await axlFinalize(['--fail-if-none', '--shard', '0/2', place.states])).status, 2);
  },
);
