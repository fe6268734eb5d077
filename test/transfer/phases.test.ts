// Which files of a transfer are published after the others, and who is told.
import * as fs from 'node:fs';
import t, { type Test } from 'tap';
import { type AddOptions, type CreateOptions, inspect, list } from '../../lib/index.js';
import { axlFinalize, Place, tree } from '../support.js';

const COMMIT = [
  '.metadata',
  '__0.metadata',
  'commit_success.txt',
  '_CHECKPOINT_METADATA',
  'm.index.json',
  'summary.scr',
];
const DATA = ['__0_0.distcp', 'metadata', '.metadata.old', 'index.json.gz', 'latest', 'sub/summary.scr.d/x'];

/** The words of phases by name below the destination, as the report has them. */
async function phasesOf(
  t: Test,
  names: readonly string[],
  add: AddOptions = {},
  create: Partial<CreateOptions> = {},
): Promise<{ phases: Record<string, string>; warnings: readonly string[]; place: Place }> {
  const place = new Place(t);
  for (const name of names) place.write(`source/${name}`);
  await using transfer = await place.create(create);
  await transfer.add(place.source, place.dest, add);
  await transfer.dispatch();
  const { files, warnings } = await transfer.wait();
  const phases = Object.fromEntries(files.map(({ dest, phase }) => [dest.slice(place.dest.length + 1), phase]));
  return { phases, warnings, place };
}

const all = (names: readonly string[], phase: string) => Object.fromEntries(names.map((name) => [name, phase]));

t.test(
  'what readers take for the word that a checkpoint is there is a commit file, also below directories',
  async (t) => {
    const names = [...COMMIT, 'sub/index.scr', ...DATA];
    const { phases, warnings } = await phasesOf(t, names);
    t.same(phases, { ...all([...COMMIT, 'sub/index.scr'], 'commit'), ...all(DATA, 'data') });
    t.same(warnings, [], 'nobody has to have files of the default list');
  },
);

t.test('the final name decides, and links are files, but directories are none', async (t) => {
  const place = new Place(t);
  place.write('source/m', 'm');
  fs.linkSync(place.path('source/m'), place.path('source/.metadata'));
  fs.symlinkSync('m', place.path('source/summary.scr'));
  place.write('source/index.scr/x');
  await using transfer = await place.create({ hardLinks: 'keep' });
  await transfer.add(place.source, place.dest);
  await transfer.add(place.path('source/m'), place.path('dest/commit_success.txt'));
  await transfer.add(place.path('source/.metadata'), place.path('dest/metadata'));
  await transfer.addGlob('*/x', { cwd: place.source, dest: place.path('dest/glob') });
  await transfer.dispatch();
  const { files } = await transfer.wait();
  const by = Object.fromEntries(files.map(({ dest, phase }) => [dest.slice(place.dest.length + 1), phase]));
  const commit = ['.metadata', 'summary.scr', 'commit_success.txt'];
  t.same(by, { ...all(commit, 'commit'), ...all(['m', 'index.scr/x', 'metadata', 'glob/index.scr/x'], 'data') });
  await transfer.free();
});

t.test('publish and commitFiles say otherwise', async (t) => {
  const names = ['.metadata', 'a', 'b.done', 'DONE'];
  t.same((await phasesOf(t, names, { publish: 'last' })).phases, all(names, 'commit'));
  t.same((await phasesOf(t, names, { publish: 'as-added' })).phases, all(names, 'data'));
  t.same((await phasesOf(t, names, {}, { commitFiles: [] })).phases, all(names, 'data'));
  const own = await phasesOf(t, names, {}, { commitFiles: ['DONE', '*.done', 'no*', 'a?b'] });
  t.same(own.phases, { '.metadata': 'data', a: 'data', 'b.done': 'commit', DONE: 'commit' });
  t.match(own.warnings, [/no\*/, /a\?b/], 'a pattern that matches nothing is told');
  t.equal(own.warnings.length, 2);
  const as = await phasesOf(t, names, { publish: 'as-added' }, { commitFiles: ['DONE'] });
  t.same([as.phases, as.warnings], [all(names, 'data'), []], 'there is such a file, whatever becomes of it');
});

t.test('a pattern is of one name', async (t) => {
  const place = new Place(t);
  for (const pattern of ['', 'a/b', '/', 'a\0b'])
    await t.rejects(place.create({ commitFiles: ['ok', pattern] }), { name: 'RangeError', message: /commitFiles/ });
  await t.rejects(place.create({ commitFiles: 'DONE' as unknown as string[] }), { name: 'TypeError' });
  await t.rejects(place.create({ commitFiles: [1] as unknown as string[] }), { name: 'TypeError' });
  t.same(tree(place.states), {}, 'and nothing has been made');
  await using transfer = await place.create();
  place.write('source/a');
  await t.rejects(transfer.add(place.source, place.dest, { publish: 'first' as 'last' }), { name: 'TypeError' });
});

t.test('a draft of a commit file is no part of a tree, unless it is named or everything is data', async (t) => {
  const names = ['.metadata.tmp', '__1.metadata.tmp', 'a.tmp', '.metadata.tmp.old', 'sub/.metadata.tmp'];
  const rest = all(['a.tmp', '.metadata.tmp.old'], 'data');
  const { phases, warnings, place } = await phasesOf(t, names);
  t.same(phases, rest);
  t.match(warnings, [/\.metadata\.tmp is one: 3/]);
  t.equal(warnings.length, 1);
  t.same((await phasesOf(t, names, { publish: 'as-added' })).phases, all(names, 'data'));
  t.same((await phasesOf(t, names, {}, { commitFiles: [] })).phases, all(names, 'data'), 'drafts of no commit file');
  await using transfer = await place.create({ stateFile: place.path('states/2') });
  const named = await transfer.add(place.path('source/.metadata.tmp'), place.path('dest/x/'));
  t.same([named.files, named.skipped], [1, undefined], 'what is named is meant');
  const matched = await transfer.addGlob('**', { cwd: place.source, dest: place.path('dest/y'), dot: true });
  t.same([matched.files, matched.skipped], [2, 3]);
  await transfer.free();
});

t.test('inspect and list show the phase', async (t) => {
  const place = new Place(t);
  for (const name of ['.metadata', 'a', 'b']) place.write(`source/${name}`);
  {
    await using transfer = await place.create();
    await transfer.add(place.source, place.dest);
    await transfer.point(place.path('latest'), 'dest');
    await transfer.dispatch();
    await transfer.settle();
  }
  const { fileList, filesByPhase } = inspect(place.stateFile);
  const phases = Object.fromEntries(fileList.map(({ dest, phase }) => [dest.slice(place.root.length + 1), phase]));
  t.same(phases, { 'dest/.metadata': 'commit', 'dest/a': 'data', 'dest/b': 'data', latest: 'pointer' });
  t.same(filesByPhase, { data: 2, commit: 1, pointer: 1 });
  t.same((await list(place.states)).transfers[0]?.filesByPhase, filesByPhase);
  const listed = JSON.parse((await axlFinalize(['list', '--json', place.states])).stdout);
  t.same(listed.transfers[0].filesByPhase, filesByPhase);
  const asJson = JSON.parse((await axlFinalize(['inspect', '--json', place.stateFile])).stdout);
  t.same(new Set(asJson.fileList.map(({ phase }: { phase: string }) => phase)), new Set(['data', 'commit', 'pointer']));
  const { stdout } = await axlFinalize(['inspect', place.stateFile]);
  t.match(stdout, /done +commit .*\.metadata <- /);
  t.match(stdout, /done +pointer .*latest -> dest/);
});
