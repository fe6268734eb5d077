// The command line of axl-cp, end to end: each option, AXL's rules for adding, AXL's variables and keys, what it prints. What
// becomes of a copy that is interrupted: axl-cp-ends.test.ts.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { CP } from '../../lib/cli/cp/options.js';
import { inspect } from '../../lib/index.js';
import { leave } from '../journals.js';
import {
  axlCp,
  axlFinalize,
  bytes,
  type ChildOptions,
  CP_BINARY,
  Place,
  program,
  root,
  temporaries,
  tree,
} from '../support.js';

/** A place with a tree to copy, a file, and a directory that is there. */
function ready(t: Test): Place {
  const place = new Place(t);
  place.write('src/a', 'A');
  place.write('src/sub/b', 'B');
  place.write('file', 'F');
  place.write('old/x', 'of before');
  return place;
}

const at = (place: Place, options: ChildOptions = {}): ChildOptions => ({ cwd: place.root, ...options });
const without = (entries: Record<string, string>, ...names: string[]) =>
  Object.fromEntries(Object.entries(entries).filter(([name]) => !names.some((each) => name.startsWith(each))));

const pidOf = (stateFile: string): number => inspect(stateFile).pid;

/** What is there after a run, beside what `ready` has made. */
const made = (place: Place) => without(tree(place.root), 'src/', 'file', 'states/');

const SRC = { a: 'A', 'sub/': '', 'sub/b': 'B' };
const under = (dir: string, entries: Record<string, string> = SRC) => ({
  [`${dir}/`]: '',
  ...Object.fromEntries(Object.entries(entries).map(([name, content]) => [`${dir}/${name}`, content])),
});
const OLD = under('old', { x: 'of before' });

/** AXL's documented rules for adding, and what is said of what cannot be: arguments, status, what is made, the sentence. */
const RULES: readonly (readonly [string, readonly string[], number, Record<string, string>, RegExp])[] = [
  ['a file becomes a new name', ['file', 'new'], 0, { new: 'F' }, /^$/],
  ['a file replaces a file', ['file', 'old/x'], 0, under('old', { x: 'F' }), /^$/],
  ['a file goes into a directory', ['file', 'old'], 0, { 'old/file': 'F' }, /^$/],
  ['directories on the way are made', ['file', 'p/q/new'], 0, { 'p/': '', 'p/q/': '', 'p/q/new': 'F' }, /^$/],
  ['a directory becomes a new name', ['-r', 'src', 'new'], 0, under('new'), /^$/],
  ['a directory goes into a directory under its own name', ['-r', 'src', 'old'], 0, under('old/src'), /^$/],
  ['what is in a directory', ['-r', 'src/.', 'old'], 0, { 'old/a': 'A', 'old/sub/': '', 'old/sub/b': 'B' }, /^$/],
  ['-R is -r', ['-R', 'src', 'new'], 0, under('new'), /^$/],
  ['-a is -r -p', ['-a', 'src', 'new'], 0, under('new'), /^$/],
  ['letters go together', ['-rpv', 'src', 'new'], 0, under('new'), /^$/],
  ['a directory onto a file fails', ['-r', 'src', 'old/x'], 1, {}, /^axl-cp: .*ENOTDIR.*\n$/],
  ['a directory without -r is omitted', ['src', 'new'], 0, {}, /^axl-cp: omitting directory 'src': give -r.*\n$/],
  ['the others are copied', ['src', 'file', 'old'], 0, { 'old/file': 'F' }, /^axl-cp: omitting directory 'src'.*\n$/],
  ['several go into a directory', ['-r', 'file', 'src', 'old'], 0, { 'old/file': 'F', ...under('old/src') }, /^$/],
  ['several need a directory', ['file', 'src/a', 'new'], 1, {}, /^axl-cp: target 'new' is not a directory.*\n$/],
  ['which a file is not', ['file', 'src/a', 'old/x'], 1, {}, /^axl-cp: target 'old\/x' is not a directory.*\n$/],
  [
    'one that is written NEW/ is made',
    ['file', 'src/a', 'new/'],
    0,
    { 'new/': '', 'new/file': 'F', 'new/a': 'A' },
    /^$/,
  ],
  ['two of one name fail', ['file', 'src/../file', 'old'], 1, {}, /^axl-cp: .*\n$/],
  ['a source that is not there fails', ['none', 'new'], 1, {}, /^axl-cp: .*none: ENOENT.*\n$/],
  ['and with it the others', ['file', 'none', 'old'], 1, {}, /^axl-cp: .*none: ENOENT.*\n$/],
  ['a FIFO fails', ['fifo', 'new'], 1, {}, /^axl-cp: .*fifo: .*only files, directories and symbolic links.*\n$/],
  [
    'also in a directory',
    ['-r', 'odd', 'new'],
    1,
    {},
    /^axl-cp: .*fifo: .*only files, directories and symbolic links.*\n$/,
  ],
  ['a device fails', ['/dev/null', 'new'], 1, {}, /^axl-cp: .*\/dev\/null: .*only files.*\n$/],
  ['a link that leads nowhere fails', ['nowhere', 'new'], 1, {}, /^axl-cp: .*nowhere.*\n$/],
  ['also in a directory', ['-r', 'lost', 'new'], 1, {}, /^axl-cp: .*nowhere.*\n$/],
  ['a link is followed', ['link', 'new'], 0, { new: 'F' }, /^$/],
  ['also in a directory', ['-r', 'links', 'new'], 0, under('new', { l: 'F' }), /^$/],
  ['unless it is to be copied', ['-r', '--links', 'copy', 'links', 'new'], 0, under('new', { l: '-> ../file' }), /^$/],
  ['or left out', ['-r', '--links=skip', 'links', 'new'], 0, under('new', {}), /has no file/],
  ['a link to a directory is one', ['alias', 'new'], 0, {}, /omitting directory 'alias'/],
  ['and is copied as one', ['-r', 'alias', 'new'], 0, under('new'), /^$/],
];

t.test("AXL's rules for adding", async (t) => {
  for (const [what, args, status, wanted, said] of RULES)
    await t.test(`${what}: axl-cp ${args.join(' ')}`, async (t) => {
      const place = ready(t);
      for (const fifo of ['fifo', 'odd/fifo']) {
        fs.mkdirSync(place.path('odd'), { recursive: true });
        spawnSync('mkfifo', [place.path(fifo)]);
      }
      fs.symlinkSync('nonexistent', place.path('nowhere'));
      fs.mkdirSync(place.path('lost'));
      fs.symlinkSync('nonexistent', place.path('lost/nowhere'));
      fs.symlinkSync('file', place.path('link'));
      fs.symlinkSync('src', place.path('alias'));
      fs.mkdirSync(place.path('links'));
      fs.symlinkSync('../file', place.path('links/l'));
      const before = made(place);
      const ended = await axlCp(args, at(place));
      t.equal(ended.status, status, ended.stderr);
      t.same(made(place), { ...before, ...wanted });
      t.match(ended.stderr, said);
    });
});

/** Every option, with a command line that is right, and what is to be there then. */
const OPTIONS: readonly (readonly [string, readonly string[], Record<string, string>, RegExp?])[] = [
  ['--recursive', ['--recursive', 'src', 'new'], under('new')],
  ['--preserve', ['-p', 'file', 'new'], { new: 'F' }],
  ['--archive', ['--archive', 'src', 'new'], under('new')],
  ['--state-file', ['-S', 'states/one', 'file', 'new'], { new: 'F' }],
  ['--verify', ['--verify', 'checksum', 'file', 'new'], { new: 'F' }],
  ['--verify', ['--verify=none', 'file', 'new'], { new: 'F' }],
  ['--dry-run', ['-r', '--dry-run', 'src', 'new'], {}, /^axl-cp: planned, 2 files, 2 bytes\n$/],
  ['--glob', ['--glob', 'src/**', '--glob', '!**/a', 'new'], { 'new/': '', 'new/sub/': '', 'new/sub/b': 'B' }],
  [
    '--glob',
    ['--glob', 's*/a', '--glob', 'src/s*/*', 'file', 'old'],
    { 'old/src/': '', 'old/src/a': 'A', 'old/sub/': '', 'old/sub/b': 'B', 'old/file': 'F' },
  ],
  ['--files-from', ['--files-from', 'list', 'old'], { 'old/file': 'F', 'old/a': 'A' }],
  ['--null', ['-0', '--files-from', 'list0', 'new/'], { 'new/': '', 'new/file': 'F', 'new/two\nlines': 'N' }],
  ['--links', ['-r', '--links', 'follow', 'src', 'new'], under('new')],
  ['--type', ['-X', 'default', 'file', 'new'], { new: 'F' }],
  ['--type', ['-Xnative', 'file', 'new'], { new: 'F' }],
  ['--type', ['-X', 'sync', 'file', 'new'], { new: 'F' }],
  ['--type', ['--type=pthread', 'file', 'new'], { new: 'F' }],
  ['--threads', ['--threads', '1', 'file', 'new'], { new: 'F' }],
  ['--name', ['--json', '--name', 'ckpt.42', 'file', 'new'], { new: 'F' }, /"name":"ckpt\.42"/],
  ['--rank', ['--rank', '3/8', 'file', 'new'], { new: 'F' }],
  ['--metadata', ['--metadata', 'owner=warn,acls=skip', 'file', 'new'], { new: 'F' }],
  ['--config', ['--config', 'FILE_BUF_SIZE=32M', '--config', 'RANK=0', 'file', 'new'], { new: 'F' }],
  [
    '--verbose',
    ['-v', 'file', 'new'],
    { new: 'F' },
    /^\/.*\/file -> \/.*\/new\naxl-cp: published, 1 file, 1 bytes?\n$/,
  ],
  ['--progress', ['--progress', 'file', 'new'], { new: 'F' }],
  ['--json', ['--json', 'file', 'new'], { new: 'F' }, /^\{"version":/],
  ['--version', ['--version'], {}, /^\d+\.\d+\.\d+\n$/],
  ['--help', ['--help'], {}, /^Usage: axl-cp \[options\] SOURCE\.\.\. DEST\n/],
];

t.test('each option does what it says', async (t) => {
  for (const [, args, wanted, said = /^$/] of OPTIONS)
    await t.test(args.join(' '), async (t) => {
      const place = ready(t);
      place.write('list', 'file\nsrc/a\n');
      place.write('list0', 'file\0two\nlines\0');
      place.write('two\nlines', 'N');
      const before = made(place);
      const ended = await axlCp(args, at(place));
      t.same([ended.status, ended.stderr], [0, '']);
      t.match(ended.stdout, said);
      t.same(made(place), { ...before, ...wanted });
      t.same(tree(place.states), {}, 'no state file stays');
    });
});

/** In axl-cp-ends.test.ts. */
const ELSEWHERE = ['--resume', '--background', '--wait', '--job-ended'];

t.test('every option has its test', (t) => {
  const tested = new Set([...OPTIONS.map(([name]) => name), ...ELSEWHERE]);
  t.same([...tested].sort(), CP.options.map(({ name }) => name).sort());
  t.end();
});

t.test('a wrong command line is status 2, says in one line what is wrong, and does nothing', async (t) => {
  const place = ready(t);
  const before = made(place);
  const wrong: [string[], RegExp][] = [
    [[], /missing SOURCE and DEST/],
    [['file'], /missing DEST after file/],
    [['', 'new'], /is empty/],
    [['--glob', '*'], /missing DEST/],
    [['-U'], /-U needs -S/],
    [['--background', 'file', 'new'], /--background needs -S/],
    [['-0', 'file', 'new'], /-0 needs --files-from/],
    [['--job-ended', 'file', 'new'], /needs -U or --wait/],
    [['-X', 'state_file', 'file', 'new'], /-S STATE_FILE -U/],
    [['-X', 'dw', 'file', 'new'], /DataWarp/],
    [['-X', 'bbapi', 'file', 'new'], /burst buffer/],
    [['-X', 'cppr', 'file', 'new'], /Allowed choices/],
    [['--wait', 's', '-S', 's'], /exclude each other/],
    [['--wait', 's', 'file', 'new'], /takes one STATE_FILE/],
    [['--dry-run', '--background', '-S', 's', 'file', 'new'], /exclude each other/],
    [['-S', '', 'file', 'new'], /Must not be empty/],
    [['--threads', '0', 'file', 'new'], /Must be 1 to 256/],
    [['--rank', '8/8', 'file', 'new'], /I\/N/],
    [['--metadata', 'all', 'file', 'new'], /Must be/],
    [['--config', 'MKDIR', 'file', 'new'], /KEY=VALUE/],
    [['--config', 'NAME=x', 'file', 'new'], /KEY=VALUE with one of FILE_BUF_SIZE/],
    [['--config', 'MKDIR=2', 'file', 'new'], /MKDIR must be 0 or 1/],
    [['--config', 'FILE_BUF_SIZE=5000', 'file', 'new'], /multiple of 4096/],
    [['--config', 'RANK=3', 'file', 'new'], /--rank 3\/N/],
    [['--recursiv', 'file', 'new'], /unknown option.*--recursive/],
    [['--files-from', 'list0', 'old'], /give -0/],
    [['-0', '--files-from', 'list', 'old'], /find -print0/],
    [['host:/x', 'new'], /names another host/],
    [['file', 's3://bucket/x'], /is a URL/],
  ];
  place.write('list', 'file\n');
  place.write('list0', 'file\0');
  for (const [args, why] of wrong) {
    const { status, stdout, stderr } = await axlCp(args, at(place));
    t.same([status, stdout], [2, ''], args.join(' '));
    t.match(stderr, /^axl-cp: [^\n]+\n$/);
    t.match(stderr, why);
  }
  t.same(without(made(place), 'list'), before);
});

t.test("AXL's variables count, and its keys before them", async (t) => {
  const place = ready(t);
  const run = (env: Record<string, string>, ...args: string[]) => axlCp(args, at(place, { env }));
  const refused = await run({ AXL_MKDIR: '0' }, '-r', 'src', 'new');
  t.equal(refused.status, 1);
  t.match(refused.stderr, /^axl-cp: MKDIR is 0.*: 2; make them first.*\n$/);
  t.same(made(place), OLD);
  t.equal((await run({ AXL_MKDIR: '0' }, 'file', 'old')).status, 0, 'no directory is needed');
  t.equal((await run({ AXL_MKDIR: '0' }, '--config', 'MKDIR=1', '-r', 'src', 'new')).status, 0);
  t.match((await run({ AXL_DEBUG: '1' }, 'file', 'old')).stdout, /published, 1 file/);
  t.equal((await run({ AXL_DEBUG: '1' }, '--config', 'DEBUG=0', 'file', 'old')).stdout, '');
  for (const value of ['0', '1', '']) {
    const env = { AXL_USE_EXTENSION: value, AXL_COPY_METADATA: value };
    fs.utimesSync(place.path('file'), 1, 1);
    t.equal((await run(env, 'file', 'copied')).status, 0);
    t.equal(fs.statSync(place.path('copied')).mtimeMs, 1000, 'metadata are always kept');
  }
  for (const [name, value] of [
    ['AXL_MKDIR', 'no'],
    ['AXL_DEBUG', 'x'],
    ['AXL_DEBUG_PAUSE_AFTER', '-1'],
    ['AXL_USE_EXTENSION', '7'],
    ['AXL_THREADS', '0'],
  ] as const) {
    const { status, stderr } = await run({ [name]: value }, 'file', 'never');
    t.match(stderr, new RegExp(`^axl-cp: .*${name}.*\\n$`));
    t.equal(status, 2, name);
  }
  t.notOk(fs.existsSync(place.path('never')));
});

t.test('--rank, --name and the size of chunks are recorded; a launcher tells the rank', async (t) => {
  const place = ready(t);
  const env = { AXL_DEBUG_PAUSE_AFTER: '0' };
  const recorded = async (more: Record<string, string>, ...args: string[]) => {
    const state = place.path('states', `s${fs.readdirSync(place.states).length}`);
    await axlCp(['--background', '-S', state, ...args, 'file', 'new'], at(place, { env: { ...env, ...more } }));
    return inspect(state);
  };
  const own = await recorded({}, '--rank', '3/8', '--name', 'ckpt.7', '--config', 'FILE_BUF_SIZE=64K');
  t.match(own, { name: 'ckpt.7', rank: 3, size: 8, chunkSize: 65536, alive: 'yes' });
  const launcher = { PMI_RANK: '2', PMI_SIZE: '4' };
  t.match(await recorded(launcher), { name: 'axl-cp', rank: 2, size: 4 });
  t.match(await recorded(launcher, '--config', 'RANK=1'), { rank: 1, size: 4 });
  for (const name of fs.readdirSync(place.states)) process.kill(pidOf(place.path('states', name)), 'SIGKILL');
});

t.test('sources come from standard input, whatever is in their names', async (t) => {
  const place = new Place(t);
  const names = ['two\nlines', ' space', '-r', 'back\\slash', '\xff'].map((name) => Buffer.from(name, 'latin1'));
  fs.mkdirSync(place.path('in'));
  for (const name of names) fs.writeFileSync(Buffer.concat([Buffer.from(`${place.path('in')}/`), name]), name);
  const command = `cd '${place.path('in')}' && find . -type f -print0 | "$@"`;
  const args = [process.execPath, CP_BINARY, '-0', '--files-from', '-', '../out/'];
  const { status, stderr } = await program('/bin/sh', ['-c', command, 'sh', ...args]);
  t.same([status, stderr], [0, '']);
  const sorted = (dir: string) => fs.readdirSync(place.path(dir), 'buffer').sort(Buffer.compare);
  t.same(sorted('out'), sorted('in'));
  const none = await program('/bin/sh', ['-c', `: | "$@"`, 'sh', ...args], { cwd: place.path('in') });
  t.same([none.status, none.stderr], [1, 'axl-cp: --files-from - names no source: nothing was copied\n']);
});

t.test('names that are not UTF-8 are copied, also in the background, and JSON has their bytes', async (t) => {
  const place = new Place(t);
  const odd = Buffer.from(`${place.root}/\xff`, 'latin1');
  fs.writeFileSync(odd, 'odd');
  const run = (words: string) =>
    program('/bin/sh', ['-c', `"$1" "$2" ${words}`, 'sh', process.execPath, CP_BINARY], at(place));
  const { stdout } = await run(`--json "$(printf '\\377')" "$(printf 'new\\376')"`);
  const { files, fileList } = JSON.parse(stdout);
  t.equal(files, 1);
  t.same(Buffer.from(fileList[0].sourceBase64, 'base64'), odd);
  const dispatched = await run(`--background -S states/s "$(printf '\\377')" "$(printf 'bg\\376')"`);
  t.same([dispatched.status, dispatched.stderr], [0, '']);
  t.equal((await run('--wait states/s')).status, 0);
  for (const name of ['new\xfe', 'bg\xfe'])
    t.equal(fs.readFileSync(Buffer.from(`${place.root}/${name}`, 'latin1'), 'utf8'), 'odd');
});

t.test('a glob without a file is a failure, and copies nothing', async (t) => {
  const place = ready(t);
  const { status, stderr } = await axlCp(['--glob', 'none*', 'new'], at(place));
  t.equal(status, 1);
  t.match(stderr, /^axl-cp: .*ENOENT.*\n$/);
  t.same(made(place), OLD);
});

t.test('the JSON document says what became of each file, and why one failed', async (t) => {
  const place = ready(t);
  const { stdout } = await axlCp(['--json', '-r', 'src', 'file', 'old/'], at(place));
  const { fileList, ...document } = JSON.parse(stdout);
  t.match(document, { action: 'published', status: 0, name: 'axl-cp', files: 3, filesDone: 3, bytes: 3, omitted: [] });
  t.same(Object.keys(fileList[0]).includes('crc32c'), true);
  t.match(fileList[0], { source: place.path('src/a'), dest: place.path('old/src/a'), size: 1, state: 'published' });
  t.equal(stdout.trimEnd().split('\n').length, 5, 'a file is a line');
  const failed = await axlCp(['--json', 'none', 'new'], at(place));
  t.equal(failed.status, 1);
  t.match(JSON.parse(failed.stdout), { action: 'failed', status: 1, error: { code: 'AXL_IO', errnoName: 'ENOENT' } });
});

t.test('a dry run says what would be copied or cannot be, and changes nothing', async (t) => {
  const place = ready(t);
  const before = tree(place.root);
  const dry = async (...args: string[]) => (await axlCp(['--dry-run', '--json', ...args], at(place))).stdout;
  t.match(JSON.parse(await dry('-r', 'src', 'old')), { action: 'planned', files: 2, bytes: 2 });
  t.match(JSON.parse(await dry('src', 'new')), { omitted: ['src'] });
  t.match(JSON.parse(await dry('none', 'new')), { action: 'failed', error: { errnoName: 'ENOENT' } });
  t.same(tree(place.root), before);
  const state = await leave.incomplete(place, 'a');
  const left = tree(place.root);
  t.match(JSON.parse(await dry('-S', state, '-U')), { action: 'planned', files: 1, filesDone: 0 });
  t.same(tree(place.root), left);
});

t.test('other copies of the directory take its state file for no data', async (t) => {
  const place = ready(t);
  place.write('big/0', bytes(1 << 20));
  const env = { AXL_DEBUG_PAUSE_AFTER: '0' };
  const state = '.axl-cp.0123456789abcdef.0';
  await axlCp(['--background', '-S', `old/${state}`, 'big/0', 'old'], at(place, { env }));
  t.equal((await axlCp(['-r', 'old', 'copied'], at(place))).status, 0);
  t.same(tree(place.path('copied')), { x: 'of before' });
  process.kill(pidOf(place.path('old', state)), 'SIGKILL');
});

t.test('KVTree state files of AXL are left to axl-finalize, with its command', async (t) => {
  const place = new Place(t);
  const kvtree = place.path('states/axl');
  fs.copyFileSync(join(root, 'test/fixtures/kvtree/d-completed-sync.kvt'), kvtree);
  const before = fs.readFileSync(kvtree);
  for (const args of [
    ['-S', kvtree, '-U'],
    ['--wait', kvtree],
  ]) {
    const { status, stderr } = await axlCp(args);
    t.equal(status, 1);
    t.equal(
      stderr,
      `axl-cp: ${kvtree} is a state file of the C library AXL: when its job is over, run axl-finalize --job-ended --incomplete resume ${kvtree}\n`,
    );
  }
  t.equal((await axlCp(['-S', kvtree, '/etc/hostname', place.path('new')])).status, 1);
  t.ok(fs.readFileSync(kvtree).equals(before));
  t.same(temporaries(place.root), []);
  t.equal(
    (await axlFinalize(['--dry-run', '--job-ended', '--incomplete', 'resume', kvtree])).stderr.includes('unknown'),
    false,
  );
});
