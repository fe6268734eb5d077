// `axl-finalize orphans`: which temporary files no state file names, and that what cannot be told deletes nothing.
import * as fs from 'node:fs';
import { basename, dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { leave } from '../journals.js';
import { axlFinalize, type ChildOptions, NOBODY, noOwnerProcess, Place, said, temporaries } from '../support.js';

/** One temporary file that a state file names, `dest/kept`, and one whose state file is gone, `dest/lost`. */
async function furnish(t: Test): Promise<Place> {
  const place = new Place(t);
  await leave.incomplete(place, 'kept');
  fs.rmSync(await leave.incomplete(place, 'lost'));
  return place;
}

const left = (place: Place): string[] => temporaries(place.dest).map((name) => name.split('.')[0] as string);

const sweep = (place: Place, args: readonly string[], options?: ChildOptions) =>
  axlFinalize(['orphans', '--states', place.states, '--older-than', '0s', ...args, place.dest], options);

t.test('a temporary file is an orphan if no state file below --states names it', async (t) => {
  const place = await furnish(t);
  const { status, stdout, stderr } = await axlFinalize(['orphans', '--json', '--states', place.root, place.dest]);
  t.equal(status, 0);
  t.equal(stderr, '');
  const { files, unclear, unreadable } = JSON.parse(stdout);
  t.same([...unclear, ...unreadable], []);
  t.match(files.map(({ dest, orphan }: Record<string, string>) => `${basename(dest as string)} ${orphan}`).sort(), [
    'kept no',
    'lost yes',
  ]);
  t.match(files[0], { path: /\._AXL/, transfer: /^[0-9a-f]{16}$/, bytes: Number, uid: Number, outcome: 'found' });
  t.same(left(place).sort(), ['kept', 'lost'], 'and nothing is changed');
});

t.test('without --states nothing is an orphan, and nothing can be deleted', async (t) => {
  const place = await furnish(t);
  const { status, stdout } = await axlFinalize(['orphans', place.dest]);
  t.equal(status, 0);
  t.match(stdout, /2 of which nothing can be told.*\n.*--states/);
  t.equal((await axlFinalize(['orphans', '--delete', place.dest])).status, 2);
  t.same(left(place).length, 2);
});

t.test('--delete deletes orphans that are old enough, and nothing else', async (t) => {
  const place = await furnish(t);
  place.write('dest/other._AXL', 'no temporary name');
  place.write('dest/._AXL0123456789abcdef', 'a name without a name');
  place.write('dest/x._AXL0123456789ABCDEF', 'digits that no transfer writes');
  place.mkdir('dest/dir._AXL0123456789abcdef');
  const young = await axlFinalize(['orphans', '--delete', '--states', place.states, place.dest]);
  t.match(young, { status: 0, stdout: /young .*lost.*\n.*1 young/ });
  const before = fs.readdirSync(place.dest);
  const { status, stdout } = await sweep(place, ['--delete']);
  t.equal(status, 0);
  t.match(stdout, /deleted .*lost/);
  t.same(
    fs.readdirSync(place.dest),
    before.filter((name) => !name.startsWith('lost')),
  );
  t.match(await sweep(place, ['--delete']), { status: 0, stdout: /0 orphans/ }, 'and again');
});

t.test(
  'a temporary file whose state file is corrupt, of another version or in a subdirectory is no orphan',
  async (t) => {
    const place = new Place(t);
    await leave.corrupt(place, 'corrupt');
    await leave.newer(place, 'newer');
    fs.renameSync(await leave.failed(place, 'failed'), `${place.mkdir('states/deep/er')}/moved`);
    t.match(await sweep(place, ['--delete']), { status: 0, stdout: /0 orphans.*3 that a state file names/ });
    t.equal(left(place).length, 3);
  },
);

const UNCLEAR: Record<string, (place: Place, states: string) => void> = {
  'an empty file': (_, states) => fs.writeFileSync(`${states}/x`, ''),
  'a state file that was cut short': (_, states) => fs.truncateSync(`${states}/kept`, 5),
  'a compressed file': (_, states) => fs.writeFileSync(`${states}/x.gz`, gzipSync('x')),
  'a file of zeros': (_, states) => fs.writeFileSync(`${states}/x`, Buffer.alloc(4096)),
  'a link to nothing': (_, states) => fs.symlinkSync('nothing', `${states}/x`),
  'a link to a directory that is not searched': (place, states) => fs.symlinkSync(place.source, `${states}/x`),
  'a state file with a damaged UUID': (_, states) => {
    const bytes = fs.readFileSync(`${states}/kept`);
    bytes[20] = (bytes[20] as number) ^ 1;
    fs.writeFileSync(`${states}/kept`, bytes);
  },
  'a directory of state files that is not there': (_, states) => fs.renameSync(states, `${states}.away`),
  'a directory without a state file': (_, states) => fs.rmSync(`${states}/kept`),
};

for (const [what, make] of Object.entries(UNCLEAR))
  t.test(`${what} deletes nothing`, async (t) => {
    const place = await furnish(t);
    make(place, place.states);
    const { status, stdout, stderr } = await sweep(place, ['--delete']);
    t.equal(status, 1);
    t.match(stderr, place.states);
    t.match(stdout, /0 orphans.*nothing can be told.*\nNothing was deleted/);
    t.equal(left(place).length, 2);
  });

t.test('--states-gone is believed of a directory without a state file', async (t) => {
  const place = await furnish(t);
  fs.rmSync(`${place.states}/kept`);
  t.match(await sweep(place, ['--delete', '--states-gone']), { status: 0, stdout: /2 deleted/ });
  t.same(left(place), []);
});

t.test('what is in the state directory, and no state file, does not matter', async (t) => {
  const place = await furnish(t);
  place.write('states/README', 'these are the state files of job 7');
  place.write('states/report.json', '{}');
  place.write(`states/.axl-verdict.${'0'.repeat(32)}-0.flock`, '');
  place.write('states/.axl-comm-1/0', '');
  fs.symlinkSync('kept', place.path('states/latest'));
  t.match(await sweep(place, ['--delete']), { status: 0, stdout: /1 deleted/ });
  t.same(left(place), ['kept']);
});

t.test('a state file may be called by any name but those of our own files', async (t) => {
  for (const name of ['.axl-mine', '.axl-verdict', 'x._AXL0123456789abcdef']) {
    const place = await furnish(t);
    fs.renameSync(`${place.states}/kept`, `${place.states}/${name}`);
    t.match(await sweep(place, ['--delete']), { status: 0 }, name);
    t.equal(left(place).length, 1, name);
  }
});

t.test('an orphan that a process has open is left', async (t) => {
  const place = await furnish(t);
  const [path = ''] = temporaries(place.dest).filter((name) => name.startsWith('lost'));
  const fd = fs.openSync(`${place.dest}/${path}`, 'r');
  t.teardown(() => fs.closeSync(fd));
  t.match(await sweep(place, ['--delete']), { status: 4, stdout: /open .*lost/, stderr: /has the file open/ });
  t.equal(left(place).length, 2);
});

t.test('only --recursive searches subdirectories, and neither follows links', async (t) => {
  const place = await furnish(t);
  const [path = ''] = temporaries(place.dest).filter((name) => name.startsWith('lost'));
  const below = `${place.mkdir('dest/below')}/${path}`;
  const outside = `${place.mkdir('outside')}/${path}`;
  for (const copy of [below, outside]) fs.copyFileSync(`${place.dest}/${path}`, copy);
  fs.symlinkSync(dirname(outside), place.path('dest/link'));
  t.match(await sweep(place, ['--delete']), { status: 0, stdout: /1 deleted/ });
  t.ok(fs.existsSync(below));
  t.match(await sweep(place, ['--delete', '--recursive']), { status: 0, stdout: /1 deleted/ });
  t.notOk(fs.existsSync(below));
  t.ok(fs.existsSync(outside));
});

t.test('a long name has no final name that could be told', async (t) => {
  const place = new Place(t);
  const name = 'n'.repeat(240);
  fs.rmSync(await leave.incomplete(place, name));
  const [file] = said(await axlFinalize(['orphans', '--json', '--states', place.states, place.dest])).files;
  t.match(file, { orphan: 'cannot tell' }, 'without a state file in the directory');
  t.notOk('dest' in file);
});

t.test(
  'as root, orphans are deleted as their owner, and not where that user may not',
  { skip: await noOwnerProcess() },
  async (t) => {
    const place = await furnish(t);
    place.give(NOBODY);
    const mine = place.mkdir('roots');
    const [path = ''] = temporaries(place.dest).filter((name) => name.startsWith('lost'));
    fs.copyFileSync(`${place.dest}/${path}`, `${mine}/${path}`);
    fs.chownSync(`${mine}/${path}`, NOBODY, NOBODY);
    const forbidden = await axlFinalize(['orphans', '--delete', '--older-than', '0s', '--states', place.states, mine]);
    t.match(forbidden, { status: 1, stderr: /unlink .*EACCES/ });
    t.match(await sweep(place, ['--delete']), { status: 0, stdout: /1 deleted/ });
    fs.copyFileSync(`${mine}/${path}`, `${place.dest}/${path}`);
    t.match(await sweep(place, ['--delete']), { status: 1, stderr: /belongs to root, but others can write/ });
    t.same(left(place).sort(), ['kept', 'lost']);
  },
);
