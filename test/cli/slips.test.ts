// Command lines that are not meant as they would be taken: a word that is no path is never taken for one.
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { COMMANDS } from '../../lib/cli/commands.js';
import { leave } from '../journals.js';
import { axlFinalize, Place, tree } from '../support.js';

t.test('a mistyped command publishes nothing, and is told what was meant', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  await leave.incomplete(place, 'b');
  const before = tree(place.root);
  for (const [word, meant] of [
    ['status', 'list'],
    ['lst', 'list'],
    ['lsit', 'list'],
    ['LIST', 'list'],
    ['ls', 'list'],
    ['inspekt', 'inspect'],
    ['show', 'inspect'],
    ['orphan', 'orphans'],
    ['forgett', 'forget'],
    ['rm', 'forget'],
    ['help', '--help'],
    ['version', '--version'],
    ['dry-run', '--dry-run'],
    ['recursiv', '--recursive'],
    ['nothing-like-it', ''],
  ] as const)
    for (const args of [
      [word, place.states],
      [place.states, word],
      ['--incomplete', 'resume', word, place.states],
    ]) {
      const { status, stdout, stderr } = await axlFinalize(args);
      t.equal(status, 2, args.join(' '));
      t.equal(stdout, '');
      t.match(stderr, meant === '' ? /the commands are/ : `did you mean ${meant}?`);
    }
  t.same(tree(place.root), before);
});

t.test('what is there, has a slash, or follows -- is an INPUT', async (t) => {
  const place = new Place(t);
  const cwd = place.root;
  await leave.complete(place, 'a');
  fs.renameSync(place.states, place.path('lists'));
  t.match(await axlFinalize(['--dry-run', 'lists'], { cwd }), { status: 0, stdout: /1 published/ });
  t.match(await axlFinalize(['./lst', 'lists', '--dry-run'], { cwd }), { status: 1, stderr: /lst: ENOENT/ });
  t.match(await axlFinalize(['--dry-run', '--', 'status', 'lists'], { cwd }), { status: 1, stderr: /status: ENOENT/ });
  fs.renameSync(place.path('lists'), place.path('list'));
  t.match(await axlFinalize(['--dry-run', '--', 'list'], { cwd }), { status: 0, stdout: /1 published/ });
});

t.test(
  'a directory whose name resembles a command is no INPUT before another one, unless it is written as a path',
  async (t) => {
    const place = new Place(t);
    const cwd = place.root;
    await leave.complete(place, 'a');
    for (const name of ['lists', 'orphan', 'merged']) {
      place.mkdir(name);
      t.match(await axlFinalize([name, 'states'], { cwd }), { status: 2, stderr: /resembles the command/ }, name);
      t.equal((await axlFinalize(['--dry-run', `./${name}`, 'states'], { cwd })).status, 0, name);
      t.equal((await axlFinalize(['--dry-run', '--', name, 'states'], { cwd })).status, 0, name);
      t.equal((await axlFinalize(['--dry-run', name], { cwd })).status, 0, 'no command has no argument');
    }
    t.same(fs.readdirSync(place.states), ['a']);
  },
);

t.test('a command wins over a directory of its name, and does not finalize it', async (t) => {
  const place = new Place(t);
  for (const { name } of COMMANDS) {
    fs.renameSync(await leave.complete(place, name), join(place.mkdir(name), 'a'));
    t.equal((await axlFinalize([name], { cwd: place.root })).status, 2, name);
    t.same(fs.readdirSync(place.path(name)), ['a']);
  }
});

t.test('an option before a command is not lost: nothing is done', async (t) => {
  const place = new Place(t);
  const stateFile = await leave.corrupt(place, 'a');
  for (const option of ['--dry-run', '--no-progress', '--quiet', '--recursive', '--job-ended', '--wait'])
    t.match(await axlFinalize([option, 'forget', '--job-ended', stateFile]), { status: 2, stderr: option }, option);
  t.ok(fs.existsSync(stateFile));
});
