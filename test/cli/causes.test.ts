// Why a transfer was not published is said on standard error, in the report and in the summary alike: no cause is swallowed.
import * as fs from 'node:fs';
import t from 'tap';
import { Again, details } from '../../lib/cli/output/summary.js';
import type { FinalizedEntry } from '../../lib/index.js';
import { finalize } from '../../lib/index.js';
import { cutBefore, leave, quiet, TYPE } from '../journals.js';
import { axlFinalize, bytes, mountSmall, noUnprivileged, Place, said, unprivileged } from '../support.js';

const RESUME = ['--incomplete', 'resume'];
const lines = (text: string) => text.trimEnd().split('\n');
const problems = ({ entries }: { entries: FinalizedEntry[] }) => entries.filter(({ error }) => error);

/** Incomplete transfers whose destinations are to be made in a directory that forbids it; all of nobody special. */
async function forbidden(place: Place, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const stateFile = await leave.complete(place, name);
    cutBefore(stateFile, TYPE.done);
    for (const left of fs.readdirSync(place.dest)) fs.rmSync(`${place.dest}/${left}`);
  }
  const { uid } = unprivileged;
  const given = [place.states, ...names.map((name) => place.path('states', name)), place.dest];
  if (uid !== undefined) for (const path of given) fs.chownSync(path, uid, uid); // not the sources, which would change
  fs.chmodSync(place.dest, 0o555);
}

for (const fallback of ['keep', 'delete'] as const)
  t.test(
    `a resume that may not write says so, once for all that are alike, and is a failure: ${fallback}`,
    async (t) => {
      const skip = await noUnprivileged();
      if (skip) return t.plan(0, skip);
      const place = new Place(t);
      await forbidden(place, ['a', 'b', 'c']);
      const args = [...RESUME, '--fallback', fallback];
      const ended = await axlFinalize([...args, place.states], unprivileged);
      t.equal(ended.status, 1);
      t.match(ended.stderr, /^axl-finalize: 3 x EACCES [^\n]*\/dest; first: [^\n]*EACCES, permission denied\n$/);
      t.match(ended.stdout, 'Remove the causes that are named above');
      t.notMatch(ended.stdout, 'give them up');
    },
  );

t.test('the document, the events and the library say the same', async (t) => {
  const skip = await noUnprivileged();
  if (skip) return t.plan(0, skip);
  const place = new Place(t);
  await forbidden(place, ['a', 'b', 'c']);
  const document = said(await axlFinalize([...RESUME, '--json', place.states], unprivileged));
  t.match(document, { status: 1, counts: { kept: 3 } });
  t.same(
    problems(document).map(({ action, error }) => [action, error?.errnoName]),
    [
      ['kept', 'EACCES'],
      ['kept', 'EACCES'],
      ['kept', 'EACCES'],
    ],
  );
  const events = await axlFinalize([...RESUME, '--ndjson', place.states], unprivileged);
  const told = lines(events.stdout).map((line) => JSON.parse(line));
  t.equal(told.filter(({ entry }) => entry?.error?.errnoName === 'EACCES').length, 3);
  t.match(told.at(-1), { event: 'end', status: 1 });
  t.match(events.stderr, /3 x EACCES/);
  t.match(
    (await axlFinalize([...RESUME, '--quiet', place.states], unprivileged)).stderr,
    /3 x EACCES/,
    'an error is no noise',
  );
  const each = lines((await axlFinalize([...RESUME, '-v', place.states], unprivileged)).stderr);
  t.equal(each.length, 3, '-v has a line for each');
});

t.test('a full disk is a failure of the resume, and nothing is lost', async (t) => {
  const place = new Place(t);
  const skip = mountSmall(t, place.mkdir('dest'), '1m');
  if (skip) return t.plan(0, skip);
  for (const dataset of [[], ['--dataset']]) {
    await using transfer = await place.create({ name: 'a', stateFile: place.path('states/a') });
    await transfer.add(place.write('source/a', bytes(8 << 20)), place.dest);
    await transfer.dispatch();
    await quiet(transfer);
    await transfer[Symbol.asyncDispose]();
    const { status, stderr } = await axlFinalize([...RESUME, ...dataset, place.states]);
    t.equal(status, 1, dataset.join());
    t.match(stderr, /^axl-finalize: kept: [^\n]*ENOSPC[^\n]*\n$/);
    const kept = await axlFinalize(['--incomplete', 'keep', ...dataset, place.states]);
    t.match(kept, { status: 1, stderr: /kept: .*ENOSPC/ }, 'which the state file has recorded');
    const { problems } = await finalize(place.states, { incomplete: 'keep', dataset: dataset.length > 0 });
    t.match(problems, [{ action: 'kept', error: { errnoName: 'ENOSPC' } }]);
    const gone = await axlFinalize([...dataset, place.states]);
    t.match(gone, { status: 3, stderr: /rolled back: .*ENOSPC/ }, 'what was to be rolled back is no failure');
    t.same(fs.readdirSync(place.dest), []);
  }
});

t.test('a source that is gone or has changed is told, and no failure: nobody can remove that cause', async (t) => {
  const place = new Place(t);
  await leave.incomplete(place, 'gone');
  await leave.incomplete(place, 'changed');
  fs.rmSync(place.path('source/gone'));
  fs.appendFileSync(place.path('source/changed'), 'more');
  for (const dataset of [[], ['--dataset']]) {
    const { status, stdout, stderr } = await axlFinalize([...RESUME, ...dataset, place.states]);
    t.equal(status, 3);
    t.match(stderr, /kept: .*ENOENT/);
    t.match(stderr, /kept: .*has changed/);
    t.match(stdout, 'To give them up');
    const given = await finalize(place.states, { incomplete: 'resume', dataset: dataset.length > 0 });
    t.equal(given.problems.length, 2);
  }
  const rolledBack = await axlFinalize([...RESUME, '--fallback', 'delete', place.states]);
  t.match(rolledBack, { status: 3, stderr: /rolled back: / }, 'why they were given up');
});

t.test('of thousands that are alike there is one line, and of other kinds one each', async (t) => {
  const place = new Place(t);
  const original = await leave.complete(place, 'a');
  for (let i = 0; i < 100; i++) fs.copyFileSync(original, place.path('states', `copy.${i}`));
  await leave.corrupt(place, 'z');
  const { status, stderr } = await axlFinalize([place.states]);
  t.equal(status, 5);
  t.equal(lines(stderr).length, 2, stderr);
  t.match(stderr, /^axl-finalize: 100 x AXL_STATE_COPY in [^\n]*\/states; first: /m);
});

t.test('after Ctrl-C nobody is told to give up what was only interrupted', async (t) => {
  const place = new Place(t);
  place.writeMuch('source');
  await using transfer = await place.create();
  await transfer.add(place.path('source'), place.path('dest'));
  await transfer.dispatch();
  await transfer.cancel();
  await transfer[Symbol.asyncDispose]();
  let isTold = false;
  const ended = await axlFinalize([...RESUME, '--ndjson', place.states], {
    onStdout: (text, kill) => {
      if (isTold || !text.includes('"progress"')) return;
      isTold = true;
      kill('SIGINT');
    },
  });
  t.equal(ended.status, 6);
  t.notMatch(ended.stderr, /kept: /);
  const { report } = JSON.parse(lines(ended.stdout).at(-1) as string);
  const words = details({ ...report, problems: [] }, 'resume', new Again([Buffer.from('st')]), String).join('\n');
  t.match(words, 'To go on:  axl-finalize st');
  t.notMatch(words, /give|delete/);
  t.match(await axlFinalize(['--incomplete', 'keep', place.states]), { status: 3, stderr: '' });
});
